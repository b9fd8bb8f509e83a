package runner_test

import (
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/gameday-toolkit/gameday/plugins/lab/internal/proc"
	"github.com/gameday-toolkit/gameday/plugins/lab/internal/runner"
)

// start runs two processes that would live for a minute.
func start(t *testing.T) (*runner.Runner, func() map[string]proc.ID) {
	var mu sync.Mutex
	var last map[string]proc.ID
	r := runner.New("/bin/sleep", t.TempDir(), func(ids map[string]proc.ID) {
		mu.Lock()
		defer mu.Unlock()
		last = ids
	})
	t.Cleanup(r.Stop)
	for _, name := range []string{"one", "two"} {
		require.NoError(t, r.Start(runner.Spec{Name: name, Args: []string{"60"}}))
	}
	return r, func() map[string]proc.ID {
		mu.Lock()
		defer mu.Unlock()
		return last
	}
}

func TestAProcessThatDiesIsStartedAgain(t *testing.T) {
	r, ids := start(t)
	before := r.Views()["one"].ID
	require.NoError(t, before.Signal(syscall.SIGKILL))
	require.Eventually(t, func() bool {
		v := r.Views()["one"]
		return v.State == runner.Running && v.ID != before && v.Alive()
	}, 10*time.Second, 5*time.Millisecond)
	require.Equal(t, r.Views()["one"].ID, ids()["one"], "whoever cleans up must know it")
}

func TestWhatAFaultKillsStaysDeadUntilItIsReleased(t *testing.T) {
	r, _ := start(t)
	one, two := r.Views()["one"].ID, r.Views()["two"].ID
	require.NoError(t, r.Hold(t.Context(), "f", false, "one"))
	require.False(t, one.Alive(), "dead when Hold returns")
	require.True(t, two.Alive(), "the other one is not touched")
	require.Never(t, func() bool { return r.Views()["one"].State != runner.Killed }, time.Second, 10*time.Millisecond)
	names, err := r.Release("f")
	require.NoError(t, err)
	require.Equal(t, []string{"one"}, names)
	require.Eventually(t, func() bool { return r.Views()["one"].Alive() }, 10*time.Second, 5*time.Millisecond)
	names, err = r.Release("f")
	require.NoError(t, err)
	require.Empty(t, names, "nothing is left to release")
}

func TestAFrozenProcessIsTheSameAfterwards(t *testing.T) {
	r, _ := start(t)
	one := r.Views()["one"].ID
	require.NoError(t, r.Hold(t.Context(), "f", true, "one"))
	require.True(t, one.Stopped())
	require.Equal(t, runner.Frozen, r.Views()["one"].State)
	_, err := r.Release("f")
	require.NoError(t, err)
	require.Eventually(t, func() bool { return !one.Stopped() }, 5*time.Second, time.Millisecond)
	require.Equal(t, one, r.Views()["one"].ID)
}

func TestStopAndRemoveLeaveNothing(t *testing.T) {
	r, _ := start(t)
	one, two := r.Views()["one"].ID, r.Views()["two"].ID
	require.NoError(t, r.Hold(t.Context(), "f", true, "two"))
	r.Remove("one")
	r.Remove("one")
	require.False(t, one.Alive())
	r.Remove("two")
	require.False(t, two.Alive(), "a frozen process can be ended as well")
	require.Empty(t, r.Views())
}
