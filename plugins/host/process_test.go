package host_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/gameday-toolkit/gameday/plugins/host/internal/marks"
	"github.com/gameday-toolkit/gameday/plugins/host/internal/proc"
	"github.com/gameday-toolkit/gameday/plugins/sdk"
	"github.com/gameday-toolkit/gameday/plugins/sdk/conformance"
)

// family is the children of one conformance case, by the ID of the target that they are.
type family struct {
	mu       sync.Mutex
	children map[string]*child
}

func (f *family) add(c *child) sdk.Target {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.children == nil {
		f.children = map[string]*child{}
	}
	t := c.target()
	f.children[t.ID] = c
	return t
}

func (f *family) of(t sdk.Target) *child {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.children[t.ID]
}

func (f *family) setup(config string, begin func() (*child, error)) func(context.Context) (sdk.Request, error) {
	return func(context.Context) (sdk.Request, error) {
		req := sdk.Request{Config: json.RawMessage(config)}
		for range 2 {
			c, err := begin()
			if err != nil {
				return req, err
			}
			req.Targets = append(req.Targets, f.add(c))
		}
		return req, nil
	}
}

func (f *family) teardown(_ context.Context, req sdk.Request) error {
	for _, t := range req.Targets {
		f.of(t).stop()
	}
	return nil
}

func TestPauseConforms(t *testing.T) {
	var f family
	states := func(targets []sdk.Target) string {
		var out []string
		for _, t := range targets {
			out = append(out, strings.ReplaceAll(state(f.of(t).pid()), "R (running)", "S (sleeping)")) // as it begins, it runs
		}
		return strings.Join(out, ",")
	}
	conform(t, conformance.Case{
		Fault: "host_process_pause", Setup: f.setup(`{}`, sleeper), Teardown: f.teardown,
		Look: func(_ context.Context, h sdk.Handle) (bool, error) {
			return strings.Contains(states(h.Targets), "stopped"), nil
		},
		Snapshot: func(_ context.Context, req sdk.Request) (string, error) { return states(req.Targets), nil },
	}, t.TempDir())
}

// asker is a shell that opens a file for each line that it reads, and says whether it could.
func asker() (*child, error) {
	c, err := start("sh", "-c", `while read line; do if true 2>/dev/null </dev/null; then echo yes; else echo no; fi; done`)
	if err != nil {
		return nil, err
	}
	_, err = ask(context.Background(), c)
	return c, err
}

func ask(ctx context.Context, c *child) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	n := c.out.count()
	if _, err := fmt.Fprintln(c.in, "?"); err != nil {
		return "", err
	}
	return c.out.after(ctx, n)
}

// The look does not read the limit: it asks the process whether it can open a file.
func TestFDExhaustionConforms(t *testing.T) {
	var f family
	conform(t, conformance.Case{
		Fault: "host_fd_exhaustion", Setup: f.setup(`{"headroom":0}`, asker), Teardown: f.teardown,
		Look: func(ctx context.Context, h sdk.Handle) (bool, error) {
			var no bool
			for _, t := range h.Targets {
				answer, err := ask(ctx, f.of(t))
				if err != nil {
					return false, err
				}
				no = no || answer == "no"
			}
			return no, nil
		},
		Snapshot: func(_ context.Context, req sdk.Request) (string, error) {
			raw, err := os.ReadFile(fmt.Sprintf("/proc/%d/limits", f.of(req.Targets[0]).pid()))
			return string(raw), err
		},
	}, t.TempDir())
}

// cgroup makes a cgroup with a pids.max of its own, or skips.
func cgroup(t *testing.T) string {
	t.Helper()
	mounts, err := proc.CgroupMounts()
	require.NoError(t, err)
	for _, version := range []string{"", "pids"} {
		if mounts[version] == "" {
			continue
		}
		dir := filepath.Join(mounts[version], fmt.Sprintf("gameday-test-%d-%d", os.Getpid(), serial.Add(1)))
		if os.Mkdir(dir, 0o755) != nil {
			continue
		}
		t.Cleanup(func() { require.NoError(t, os.Remove(dir)) })
		if _, err := os.Stat(filepath.Join(dir, "pids.max")); err == nil {
			return dir
		}
	}
	t.Skip("needs a cgroup that may be written, with the pids controller: run as root")
	return ""
}

// inGroup moves a child into a cgroup.
func inGroup(dir string, begin func() (*child, error)) func() (*child, error) {
	return func() (*child, error) {
		c, err := begin()
		if err != nil {
			return nil, err
		}
		return c, os.WriteFile(filepath.Join(dir, "cgroup.procs"), []byte(strconv.Itoa(c.pid())), 0)
	}
}

func TestPIDExhaustionConforms(t *testing.T) {
	dir := cgroup(t)
	limit := func() (string, error) {
		b, err := os.ReadFile(filepath.Join(dir, "pids.max"))
		return string(b), err
	}
	var f family
	conform(t, conformance.Case{
		Fault: "host_pid_exhaustion", Setup: f.setup(`{"headroom":0}`, inGroup(dir, sleeper)), Teardown: f.teardown, Exclusive: true,
		Look: func(context.Context, sdk.Handle) (bool, error) {
			now, err := limit()
			return now != "max\n", err
		},
		Snapshot: func(context.Context, sdk.Request) (string, error) { return limit() },
	}, t.TempDir())
}

func TestPIDExhaustionStopsForks(t *testing.T) {
	dir := cgroup(t)
	forker, err := inGroup(dir, func() (*child, error) {
		return start("sh", "-c", `read line; /bin/true && echo forked; read line`)
	})()
	require.NoError(t, err)
	t.Cleanup(forker.stop)
	l := local(t, t.TempDir())
	h := inject(t, l, "host_pid_exhaustion", map[string]int{"headroom": 0}, forker.target())
	_, err = fmt.Fprintln(forker.in, "go")
	require.NoError(t, err)
	select {
	case <-forker.done: // a shell that cannot fork gives up
	case <-time.After(patience):
		t.Fatal("the shell neither forked nor gave up")
	}
	require.Zero(t, forker.out.count(), "it forked")
	require.NoError(t, l.Revert(t.Context(), h))
	requireState(t, l, h, sdk.Inactive)
}

// supervised is a program that a supervisor starts again whenever it ends, as systemd would.
type supervised struct {
	args  []string
	first *child
	stop  func()
}

func supervise() (*supervised, error) {
	s := &supervised{args: []string{"sleep", fmt.Sprintf("600.%d%05d", os.Getpid(), serial.Add(1))}}
	var err error
	if s.first, err = start(s.args[0], s.args[1:]...); err != nil {
		return nil, err
	}
	quit, over := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(over)
		for c := s.first; ; {
			select {
			case <-quit:
				c.stop()
				return
			case <-c.done:
				next, err := start(s.args[0], s.args[1:]...)
				if err != nil {
					return
				}
				c = next
			}
		}
	}()
	s.stop = func() { close(quit); <-over }
	return s, nil
}

// running counts the processes with these very arguments.
func running(args []string) int {
	all, _ := proc.List()
	n := 0
	for _, info := range all {
		if strings.Join(proc.Args(info.PID), " ") == strings.Join(args, " ") {
			n++
		}
	}
	return n
}

func TestKillConforms(t *testing.T) {
	dir := t.TempDir()
	var mu sync.Mutex
	all := map[string]*supervised{}
	conform(t, conformance.Case{
		Fault: "host_process_kill", UsesUp: true,
		Setup: func(context.Context) (sdk.Request, error) {
			s, err := supervise()
			if err != nil {
				return sdk.Request{}, err
			}
			target := s.first.target()
			mu.Lock()
			defer mu.Unlock()
			all[target.ID] = s
			return sdk.Request{Config: []byte(`{"respawn":true,"respawn_within":"10s"}`), Targets: []sdk.Target{target}}, nil
		},
		// Dead the process stays, so that the fault stands shows in the mark alone.
		Look: func(_ context.Context, h sdk.Handle) (bool, error) {
			id, err := proc.ParseID(h.Targets[0].ID)
			_, unmarked := os.Stat(marks.Open(dir).Path(h.ID))
			return !id.Alive() && unmarked == nil, err
		},
		// What a user cares about: one such program runs.
		Snapshot: func(_ context.Context, req sdk.Request) (string, error) {
			mu.Lock()
			s := all[req.Targets[0].ID]
			mu.Unlock()
			return fmt.Sprint(running(s.args)), nil
		},
		Teardown: func(_ context.Context, req sdk.Request) error {
			mu.Lock()
			s := all[req.Targets[0].ID]
			mu.Unlock()
			s.stop()
			return nil
		},
	}, dir)
}

func TestAKilledProcessThatNobodyStartsAgainIsReported(t *testing.T) {
	c := sleeperFor(t)
	l := local(t, t.TempDir())
	h := inject(t, l, "host_process_kill", map[string]any{"respawn_within": "300ms"}, c.target())
	require.ErrorContains(t, l.Revert(t.Context(), h), "nothing has taken the place of the process")
	requireState(t, l, h, sdk.Active)

	again, err := start("sleep", c.cmd.Args[1])
	require.NoError(t, err)
	t.Cleanup(again.stop)
	require.NoError(t, l.Revert(t.Context(), h), "somebody started it by hand")
	require.Contains(t, requireState(t, l, h, sdk.Inactive).Evidence, fmt.Sprintf("process %d has taken its place", again.pid()))
	require.NotContains(t, state(again.pid()), "stopped", "and nothing touches the successor")
}

func TestAProcessThatMayStayDead(t *testing.T) {
	c := sleeperFor(t)
	l := local(t, t.TempDir())
	h := inject(t, l, "host_process_kill", map[string]any{"respawn": false, "signal": "SIGTERM"}, c.target())
	require.NoError(t, l.Revert(t.Context(), h))
	require.Contains(t, requireState(t, l, h, sdk.Inactive).Evidence, "nothing has taken its place")
}

// A pid that belongs to another process by now is not the target, whatever the handle's number says.
func TestASuccessorWithTheSamePidIsNeverTouched(t *testing.T) {
	for fault, config := range map[string]any{
		"host_process_pause": struct{}{}, "host_fd_exhaustion": struct{}{}, "host_process_kill": map[string]any{"respawn": false},
	} {
		t.Run(fault, func(t *testing.T) {
			c := sleeperFor(t)
			l := local(t, t.TempDir())
			h, problems := prepare(t, l, fault, config, c.target())
			require.Empty(t, problems)
			// The kernel does not hand out a pid on request, so the handle is of a predecessor that started a tick earlier.
			id, err := proc.ParseID(h.Targets[0].ID)
			require.NoError(t, err)
			h.Undo = []byte(strings.Replace(string(h.Undo), fmt.Sprintf(`"start":%d`, id.Start), fmt.Sprintf(`"start":%d`, id.Start-1), 1))
			before, err := os.ReadFile(fmt.Sprintf("/proc/%d/limits", c.pid()))
			require.NoError(t, err)

			require.Error(t, l.Inject(t.Context(), h), "the target is gone")
			require.NotContains(t, state(c.pid()), "stopped")
			require.NoError(t, c.cmd.Process.Signal(sigstop))
			require.Eventually(t, func() bool { return strings.Contains(state(c.pid()), "stopped") }, patience, time.Millisecond)
			require.NoError(t, l.Revert(t.Context(), h))
			requireState(t, l, h, sdk.Inactive)
			require.Contains(t, state(c.pid()), "stopped", "somebody else stopped it, and it is not woken")
			after, err := os.ReadFile(fmt.Sprintf("/proc/%d/limits", c.pid()))
			require.NoError(t, err)
			require.Equal(t, string(before), string(after))
		})
	}
}

func TestATargetThatDiesBeforeTheRevertCountsAsReverted(t *testing.T) {
	for _, fault := range []string{"host_process_pause", "host_fd_exhaustion"} {
		c := sleeperFor(t)
		l := local(t, t.TempDir())
		h := inject(t, l, fault, struct{}{}, c.target())
		c.stop()
		require.NoError(t, l.Revert(t.Context(), h))
		require.Contains(t, requireState(t, l, h, sdk.Inactive).Evidence, "has ended")
	}
}

func TestAfterARebootThereIsNothingToUndo(t *testing.T) {
	c := sleeperFor(t)
	dir := t.TempDir()
	l := local(t, dir)
	h := inject(t, l, "host_process_pause", struct{}{}, c.target())
	boot, err := proc.BootID()
	require.NoError(t, err)
	earlier := h
	earlier.Undo = []byte(strings.Replace(string(h.Undo), boot, "another-boot", 1))
	require.Contains(t, requireState(t, l, earlier, sdk.Inactive).Evidence, "started again")
	require.NoError(t, l.Revert(t.Context(), earlier))
	require.Contains(t, state(c.pid()), "stopped", "the process with the same pid is another one")
	require.ErrorContains(t, l.Inject(t.Context(), earlier), "plan again")
	require.NoError(t, l.Revert(t.Context(), h))
}

func TestSweepFindsWhatTheJournalLost(t *testing.T) {
	c := sleeperFor(t)
	dir := t.TempDir()
	first := local(t, dir)
	h := inject(t, first, "host_process_pause", struct{}{}, c.target())

	second := local(t, dir)
	left, err := second.Sweep(t.Context())
	require.NoError(t, err)
	require.Contains(t, left, h)
	_, problems := prepare(t, second, "host_process_pause", struct{}{}, c.target())
	require.Contains(t, problems[0].Summary, "held already by "+h.ID)
	require.NoError(t, second.Revert(t.Context(), h))
	require.NotContains(t, state(c.pid()), "stopped")
	left, err = second.Sweep(t.Context())
	require.NoError(t, err)
	require.NotContains(t, left, h)
}

func TestMarksThatOthersCouldWriteAreNotBelieved(t *testing.T) {
	dir := t.TempDir()
	require.NoError(t, os.Chmod(dir, 0o777))
	l := local(t, dir)
	_, err := l.Sweep(t.Context())
	require.ErrorContains(t, err, "others may write to it")
	_, problems := prepare(t, l, "host_cpu_pressure", map[string]any{"cores": 1, "percent": 5}, machine(t))
	require.Len(t, problems, 1)
	require.Equal(t, "write "+dir, problems[0].Permission, "the plan says what Inject would find")
}

func TestTheToolItselfIsNoTarget(t *testing.T) {
	l := local(t, t.TempDir())
	for _, pid := range []int{1, os.Getpid(), os.Getppid()} {
		info, err := proc.Read(pid)
		require.NoError(t, err)
		_, problems := prepare(t, l, "host_process_pause", struct{}{}, sdk.Target{Type: "host_process", ID: info.ID().String(), Name: info.Comm})
		require.NotEmpty(t, problems, pid)
		require.Contains(t, problems[0].Summary, "gameday itself")
	}
}

func TestResolveProcesses(t *testing.T) {
	c := sleeperFor(t)
	dir := t.TempDir()
	pidFile := filepath.Join(dir, "sleep.pid")
	require.NoError(t, os.WriteFile(pidFile, []byte(fmt.Sprintln(c.pid())), 0o600))
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, listener.Close()) })
	server, err := start("sh", "-c", `exec sleep 600`)
	require.NoError(t, err)
	t.Cleanup(server.stop)
	l := local(t, dir)
	resolve := func(config string) (sdk.Selection, []sdk.Problem) {
		sel, problems, err := l.Resolve(t.Context(), "host_process", sdk.Request{ID: "target.host_process.x", Config: []byte(config)})
		require.NoError(t, err)
		return sel, problems
	}

	sel, problems := resolve(fmt.Sprintf(`{"pid_file":%q}`, pidFile))
	require.Empty(t, problems)
	require.Equal(t, c.target().ID, sel.Targets[0].ID)
	require.Equal(t, 1, sel.Population)
	sel, _ = resolve(fmt.Sprintf(`{"pid_file":%q,"names":["nginx"]}`, pidFile))
	require.Empty(t, sel.Targets, "every selector has to match")
	sel, _ = resolve(`{"names":["sleep"],"oldest":1}`)
	require.Len(t, sel.Targets, 1)
	require.GreaterOrEqual(t, sel.Population, 2)
	// The only process on this port is the plugin itself, which is no target.
	sel, problems = resolve(fmt.Sprintf(`{"port":%d}`, listener.Addr().(*net.TCPAddr).Port))
	require.Empty(t, problems)
	require.Empty(t, sel.Targets)

	for config, path := range map[string]string{
		`{}`: "", `{"port":70000}`: "port", `{"oldest":-1,"port":1}`: "oldest", `{"pid_file":"/nowhere"}`: "pid_file",
	} {
		_, problems := resolve(config)
		require.NotEmpty(t, problems, config)
		require.Equal(t, path, strings.Join(problems[0].Path, "."), config)
	}
}

func TestAMistakeInTheHandleIsAnError(t *testing.T) {
	l := local(t, t.TempDir())
	err := l.Revert(t.Context(), sdk.Handle{ID: "x", Plugin: "host", Fault: "host_process_pause", Undo: []byte(`{"what":1}`)})
	var call *sdk.CallError
	require.True(t, errors.As(err, &call))
	require.Contains(t, call.Message, "unknown field")
}
