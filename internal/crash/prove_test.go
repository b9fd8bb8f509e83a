package crash

import (
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

	"github.com/gameday-toolkit/gameday/internal/history"
)

// healed says who put the target back, for the table.
type healed string

const (
	byNobody  healed = "clean"   // nothing was there to put back
	byRun     healed = "run"     // gameday itself, before it ended
	byLease   healed = "lease"   // the plugin, when nobody renewed its lease
	byRecover healed = "recover" // gameday recover
	byBoth    healed = "lease, recover"
)

// clean gives the target the time that it may need.
func (c *cell) clean() bool {
	for deadline := time.Now().Add(c.settle); ; time.Sleep(20 * time.Millisecond) {
		if c.look() == c.before {
			return true
		}
		if time.Now().After(deadline) {
			return false
		}
	}
}

// healed waits for as long as a fault is there, and has the time for it.
func (c *cell) healed() {
	for deadline := time.Now().Add(c.settle); time.Now().Before(deadline); time.Sleep(20 * time.Millisecond) {
		if looked := c.look(); looked == c.before || c.kernel && c.faults(looked) == c.faults(c.before) {
			return
		}
	}
}

// faulty says whether any fault is there; an action has no lease, and what it did is another matter.
func (c *cell) faulty() bool { return c.faults(c.look()) != c.faults(c.before) }

// prove takes a cell from the end of a run to the proof that nothing is left, and says who healed it. What is looked at is the
// target, the kernel and the disk; our own books must agree with them. Where the plugin lived, its lease must have healed.
func (c *cell) prove(code int, pluginLives bool) healed {
	who := c.whoHealed(code, pluginLives)
	c.proveTruth(code)
	c.recover()
	c.proveNothingLeft()
	return who
}

// whoHealed waits until every process of ours is gone, which for a plugin means that its lease is over and it is done.
func (c *cell) whoHealed(code int, pluginLives bool) healed {
	wasFaulty := c.faulty()
	c.allDead()
	heals := pluginLives || c.kernel
	if heals {
		c.healed()
	}
	clean := c.look() == c.before
	faulty := !clean && c.faulty()
	c.left = !clean
	if code != killed {
		require.Equal(c, code == 5, !clean, "the exit code is %d, and the target says %s", code, c.look())
		return map[bool]healed{true: byRun, false: byRecover}[clean]
	}
	require.False(c, faulty && heals, "the lease is over, and the fault is still there: %s", c.look())
	switch byTheLease := wasFaulty && !faulty && !c.kernel; {
	case byTheLease && !clean:
		return byBoth
	case byTheLease:
		return byLease
	case !clean:
		return byRecover
	}
	return byNobody
}

// allDead waits for the end of our processes. Every other process is looked at too, which is not done more often than needed.
func (c *cell) allDead() {
	for deadline := time.Now().Add(lease + patience); len(c.processes()) > 0; time.Sleep(50 * time.Millisecond) {
		require.True(c, time.Now().Before(deadline), "processes of ours do not end: %v", c.processes())
	}
}

// proveTruth has the journal judged: it may not call a run good that was killed, nor deny what the target shows.
func (c *cell) proveTruth(code int) {
	found, err := filepath.Glob(filepath.Join(c.dir, "gameday-runs", "*", "journal"))
	require.NoError(c, err)
	if len(found) == 0 {
		require.False(c, c.left)
		return
	}
	run, err := history.Load(found[0])
	if err != nil || run.Plan == nil {
		require.False(c, c.left, "nothing may happen before the plan is on disk")
		return
	}
	verdict, said := c.do(crash{}, "check", c.run())
	if c.left {
		require.Equal(c, 5, verdict, said)
		require.Contains(c, said, "gameday recover", "what is left, and what to do")
	}
	if run.Ended == nil {
		require.NotContains(c, []int{0, 1}, verdict, "a run that did not end has no verdict: %s", said)
	}
	if code != killed {
		require.Equal(c, code, verdict, "the run and its journal disagree: %s", said)
	}
}

// recover puts the rest back, from another directory, and does so again without harm.
func (c *cell) recover() {
	code, said := c.recoverOnce()
	require.Equal(c, 0, code, said)
	require.True(c, c.clean(), "after recover: %s\nthe target was\n%s\nand is\n%s", said, c.before, c.look())
	code, said = c.recoverOnce()
	require.Equal(c, 0, code, said)
	require.Contains(c, said, "There is nothing to recover.")
}

func (c *cell) recoverOnce() (int, string) {
	cmd := c.command(crash{}, "recover")
	cmd.Dir = filepath.Join(c.dir, "elsewhere")
	s := c.begin(cmd)
	return s.wait(), s.said()
}

// proveNothingLeft looks everywhere.
func (c *cell) proveNothingLeft() {
	require.True(c, c.clean(), "the target was\n%s\nand is\n%s", c.before, c.look())
	require.Empty(c, c.processes(), "processes are left")
	c.proveNoFile("tmp", func(string, fs.DirEntry) bool { return true })
	c.proveNoFile("state", func(_ string, d fs.DirEntry) bool {
		return !d.IsDir() && d.Name() != "lock" && !strings.HasPrefix(d.Name(), "archive.db") // the past runs, which are to stay
	})
	c.proveNoFile("gameday-runs", func(path string, d fs.DirEntry) bool {
		return strings.HasPrefix(d.Name(), ".") || strings.HasSuffix(path, "journal.reserve")
	})
	locks, err := filepath.Glob(filepath.Join(c.dir, "state", "gameday", "environments", "*", "lock"))
	require.NoError(c, err)
	for _, l := range locks {
		f, err := os.Open(l)
		require.NoError(c, err)
		require.NoError(c, unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB), "%s is held", l)
		require.NoError(c, f.Close())
	}
	c.proveJournal()
}

// proveJournal has the journal agree, in the end, that nothing is left.
func (c *cell) proveJournal() {
	found, err := filepath.Glob(filepath.Join(c.dir, "gameday-runs", "*", "journal"))
	require.NoError(c, err)
	for _, path := range found {
		run, err := history.Load(path)
		if err != nil || run.Plan == nil {
			continue // ends before anything was touched
		}
		require.Empty(c, run.Outstanding())
		for _, name := range []string{"report.html", "report.json", "report.md"} {
			require.FileExists(c, filepath.Join(filepath.Dir(path), name))
		}
	}
}

// proveNoFile wants no file below a directory of which which is true.
func (c *cell) proveNoFile(dir string, which func(string, fs.DirEntry) bool) {
	root := filepath.Join(c.dir, dir)
	if _, err := os.Stat(root); err != nil {
		return
	}
	require.NoError(c, filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err == nil && path != root && which(path, d) {
			c.Errorf("left behind: %s", path)
		}
		return err
	}))
}
