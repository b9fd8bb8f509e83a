package crash

import (
	"io"
	"os"
	"path/filepath"
	"strconv"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"
)

// situation is a way in which a run goes wrong other than by a death at an entry. It returns what the table says.
type situation struct {
	name  string
	short bool // part of the slice
	test  func(*cell) string
}

// TestSituations puts runs into situations that the entries of a journal do not name.
func TestSituations(t *testing.T) { runSituations(t, "situations", situations) }

func runSituations(t *testing.T, name string, list []situation) {
	table := results.table(name, "outcome")
	gate := make(chan struct{}, 2)
	for _, s := range list {
		if !*full && !s.short {
			continue
		}
		table.expect(s.name, "outcome")
		t.Run(s.name, func(t *testing.T) {
			t.Parallel()
			gate <- struct{}{}
			defer func() { <-gate }()
			table.set(s.name, "outcome", failed)
			table.set(s.name, "outcome", s.test(newCell(t)))
		})
	}
}

var situations = []situation{
	{"SIGINT", true, func(c *cell) string { return c.signalled(syscall.SIGINT) }},
	{"SIGTERM", false, func(c *cell) string { return c.signalled(syscall.SIGTERM) }},
	{"SIGHUP", false, func(c *cell) string { return c.signalled(syscall.SIGHUP) }},
	{"SIGINT twice", false, func(c *cell) string { return c.signalled(syscall.SIGINT, syscall.SIGINT) }},
	{"the terminal is closed", true, (*cell).terminalClosed},
	{"the disk under the journal fills up", false, (*cell).diskFull},
	{"the target is gone before the revert", true, (*cell).targetGone},
	{"another target has taken its place", true, (*cell).targetReplaced},
	{"a guard trips during the injection", false, (*cell).guardTrips},
	{"a probe panics", true, (*cell).probePanics},
	{"the engine panics where nobody guards", false, (*cell).enginePanics},
	{"an action hangs, and a person aborts", false, (*cell).actionHangs},
	{"an action hangs, and the engine is killed", true, (*cell).actionHangsKilled},
	{"the plugin is killed in the middle of an injection", false, func(c *cell) string { return c.pluginDies("inject") }},
	{"the plugin is killed in the middle of a revert", true, func(c *cell) string { return c.pluginDies("revert") }},
	{"the engine is killed, and the plugin in the middle of its own revert", false, (*cell).leaseRevertDies},
	{"the engine is frozen for longer than the lease", false, (*cell).frozen},
	{"the plugin is frozen", false, (*cell).pluginFrozen},
}

// missing waits until a fault is there.
func (s *started) missing() *started {
	s.until("the fault is there", func() bool {
		_, err := os.Stat(filepath.Join(s.dir, "svc", "a"))
		return err != nil
	})
	return s
}

// until waits for something to happen while gameday runs.
func (s *started) until(what string, met func() bool) {
	eventually(s, patience, what, func() bool {
		if met() {
			return true
		}
		select {
		case err := <-s.done:
			require.Fail(s, "gameday has ended", "before this: %s (%v)\n%s", what, err, s.said())
		default:
		}
		return false
	})
}

func (c *cell) outcome(code int, pluginLives bool) string {
	who := c.prove(code, pluginLives)
	if code == killed {
		return string(who)
	}
	return "exit " + strconv.Itoa(code) + ", " + string(who)
}

// aborted expects exit 4.
func (s *started) aborted() string {
	code := s.wait()
	require.Equal(s, 4, code, s.said())
	return s.outcome(code, true)
}

func (c *cell) hold() *started {
	c.vars = append(c.vars, "hold=60s")
	return c.begin(c.command(crash{}, c.runArgs()...))
}

func (c *cell) signalled(sigs ...syscall.Signal) string {
	s := c.hold().missing()
	for _, sig := range sigs {
		require.NoError(c, s.cmd.Process.Signal(sig))
	}
	return s.aborted()
}

// terminalClosed runs gameday as the leader of a session on a terminal, whose other end is then closed.
func (c *cell) terminalClosed() string {
	c.vars = append(c.vars, "hold=60s")
	terminal, keyboard := c.terminal()
	cmd := c.command(crash{}, c.runArgs()...)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = terminal, terminal, terminal
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Setctty: true}
	s := c.begin(cmd)
	require.NoError(c, terminal.Close())
	drained := make(chan struct{})
	go func() { // until it is closed
		defer close(drained)
		_, _ = io.Copy(io.Discard, keyboard)
	}()
	s.missing()
	require.NoError(c, keyboard.Close())
	<-drained
	return s.aborted()
}

func (c *cell) terminal() (terminal, keyboard *os.File) {
	fd, err := unix.Open("/dev/ptmx", unix.O_RDWR|unix.O_NOCTTY|unix.O_CLOEXEC|unix.O_NONBLOCK, 0)
	require.NoError(c, err)
	require.NoError(c, unix.IoctlSetPointerInt(fd, unix.TIOCSPTLCK, 0))
	n, err := unix.IoctlGetInt(fd, unix.TIOCGPTN)
	require.NoError(c, err)
	terminal, err = os.OpenFile("/dev/pts/"+strconv.Itoa(n), os.O_RDWR|unix.O_NOCTTY, 0)
	require.NoError(c, err)
	return terminal, os.NewFile(uintptr(fd), "/dev/ptmx")
}

// diskFull has the runs on a small disk that somebody else fills up while a fault is there.
func (c *cell) diskFull() string {
	if os.Getuid() != 0 {
		c.Skip("mounting a small disk needs root")
	}
	disk := filepath.Join(c.dir, "gameday-runs")
	require.NoError(c, os.Mkdir(disk, 0o755))
	require.NoError(c, unix.Mount("crash", disk, "tmpfs", 0, "size=4m"))
	defer func() { require.NoError(c, unix.Unmount(disk, 0)) }()
	s := c.hold().missing()
	fill, err := os.Create(filepath.Join(disk, "fill"))
	require.NoError(c, err)
	_, err = io.Copy(fill, zeros{})
	require.ErrorIs(c, err, unix.ENOSPC)
	require.NoError(c, fill.Close())
	code := s.wait()
	require.Equal(c, 3, code, s.said())
	require.Contains(c, s.said(), "disk under the journal is full")
	require.Equal(c, byRun, c.whoHealed(code, true))
	require.NoError(c, os.Remove(fill.Name()))
	code, said := c.do(crash{}, "report", c.run())
	require.Equal(c, 0, code, said)
	c.recover()
	c.proveNothingLeft()
	return "exit 3, run"
}

type zeros struct{}

func (zeros) Read(b []byte) (int, error) { return len(b), nil }

// targetGone removes the files, wherever they are put aside: somebody has taken the service down.
func (c *cell) targetGone() string {
	s := c.hold()
	s.until("both faults are there", func() bool { // and the action has done its part
		_, err := os.Stat(filepath.Join(c.dir, "svc", "c"))
		return err != nil
	})
	require.NoError(c, os.RemoveAll(filepath.Join(c.dir, "svc")))
	require.NoError(c, os.Mkdir(filepath.Join(c.dir, "svc"), 0o755))
	c.before = ""
	require.NoError(c, s.cmd.Process.Signal(syscall.SIGINT))
	return s.aborted()
}

// targetReplaced puts another file where one was: nobody may destroy it, and so the run cannot be undone without a person.
func (c *cell) targetReplaced() string {
	c.args = []string{"-revert-timeout", "3s"}
	s := c.hold().missing()
	path := filepath.Join(c.dir, "svc", "a")
	require.NoError(c, os.WriteFile(path, []byte("somebody's new file"), 0o640))
	require.NoError(c, s.cmd.Process.Signal(syscall.SIGINT))
	code := s.wait()
	require.Equal(c, 5, code, s.said())
	require.Contains(c, s.said(), "mv -n", "how to undo it by hand")
	got, err := os.ReadFile(path)
	require.NoError(c, err)
	require.Equal(c, "somebody's new file", string(got))
	cmd := c.command(crash{}, "recover", "-revert-timeout", "1s")
	again := c.begin(cmd)
	require.Equal(c, 5, again.wait(), again.said())
	require.Contains(c, again.said(), "LEFT fault.file_missing.first is not proven to be gone. By hand:")
	require.NoError(c, os.Remove(path)) // by hand, and the rest by gameday
	return c.outcome(code, true)
}

// guardTrips has the guard see that a file is missing while the injection still goes on.
func (c *cell) guardTrips() string {
	c.env = append(c.env, pluginVar+"=slow "+filepath.Join(c.dir, "once"))
	c.vars = append(c.vars, "url="+c.url+"?file="+filepath.Join(c.dir, "svc", "a"), "floor=0.5", "hold=60s")
	s := c.begin(c.command(crash{}, c.runArgs()...))
	defer func() { require.Contains(c, s.said(), "guard.floor") }()
	return s.aborted()
}

func (c *cell) probePanics() string {
	c.vars = append(c.vars, "hold=60s")
	var how crash
	how.Panic.Probe = filepath.Join(c.dir, "svc", "a")
	s := c.begin(c.command(how, c.runArgs()...))
	code := s.wait()
	require.Equal(c, 3, code, s.said())
	require.Contains(c, s.said(), "panicked")
	return c.outcome(code, true)
}

// enginePanics proves also that such a death cannot be taken for one of our exit codes.
func (c *cell) enginePanics() string {
	c.vars = append(c.vars, "hold=60s")
	var how crash
	how.Panic.Engine = filepath.Join(c.dir, "svc", "a")
	code, said := c.do(how, c.runArgs()...)
	require.Equal(c, aborted, code, said)
	return "SIGABRT, " + c.outcome(killed, true)
}

// hangs has the action wait for ever, with a child that does so too.
func (c *cell) hangs() *started {
	c.vars = append(c.vars, `command=["sh", "-c", "echo x > note; exec sleep 1000"]`, "hold=60s")
	s := c.begin(c.command(crash{}, c.runArgs()...)).missing()
	s.until("the action has begun", func() bool { return note.MatchString(c.look()) })
	return s
}

func (c *cell) actionHangs() string {
	s := c.hangs()
	require.NoError(c, s.cmd.Process.Signal(syscall.SIGINT))
	return s.aborted()
}

func (c *cell) actionHangsKilled() string {
	s := c.hangs()
	require.NoError(c, s.cmd.Process.Kill())
	return c.outcome(s.wait(), true)
}

func (c *cell) pluginDies(at string) string {
	c.env = append(c.env, pluginVar+"="+at+" "+filepath.Join(c.dir, "once"))
	s := c.begin(c.command(crash{}, c.runArgs()...))
	code := s.wait()
	require.Contains(c, []int{3, 4}, code, s.said())
	return c.outcome(code, true)
}

// leaseRevertDies kills the engine when both faults are there, and the plugin when it has put half of one back.
func (c *cell) leaseRevertDies() string {
	c.env = append(c.env, pluginVar+"=revert "+filepath.Join(c.dir, "once"))
	c.vars = append(c.vars, "hold=60s")
	code, said := c.do(crash{At: "fault.active second", When: after, Engine: true}, c.runArgs()...)
	require.Equal(c, killed, code, said)
	c.allDead()
	return c.outcome(code, false)
}

// frozen stops the engine, whose plugin then heals; the run finds that out when it goes on, and says so.
func (c *cell) frozen() string {
	s := c.hold().missing()
	require.NoError(c, s.cmd.Process.Signal(syscall.SIGSTOP))
	eventually(c, patience, "the lease has healed", func() bool { return !c.faulty() })
	require.NoError(c, s.cmd.Process.Signal(syscall.SIGCONT))
	code := s.wait()
	require.Equal(c, 3, code, s.said())
	return c.outcome(code, true)
}

// pluginFrozen stops the plugin: nobody renews, nobody can revert, until the engine replaces it.
func (c *cell) pluginFrozen() string {
	s := c.hold().missing()
	for _, p := range c.processes() {
		if p.parent == s.cmd.Process.Pid && filepath.Base(p.exe) == "gameday-plugin-file" {
			require.NoError(c, syscall.Kill(p.pid, syscall.SIGSTOP))
		}
	}
	code := s.wait()
	require.Equal(c, 3, code, s.said())
	return c.outcome(code, true)
}
