package proc_test

import (
	"os"
	"os/exec"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/gameday-toolkit/gameday/plugins/lab/internal/proc"
)

func TestAProcessIsFollowedThroughItsLife(t *testing.T) {
	cmd := exec.Command("sleep", "60")
	require.NoError(t, cmd.Start())
	id, err := proc.Of(cmd.Process.Pid)
	require.NoError(t, err)
	require.True(t, id.Alive())

	require.NoError(t, id.Signal(syscall.SIGSTOP))
	require.Eventually(t, id.Stopped, 5*time.Second, time.Millisecond)
	require.True(t, id.Alive(), "a stopped process is not dead")

	require.NoError(t, id.Signal(syscall.SIGKILL))
	require.Error(t, cmd.Wait())
	require.False(t, id.Alive())
	_, err = id.Look()
	require.ErrorIs(t, err, proc.ErrGone)
	require.NoError(t, id.Signal(syscall.SIGKILL), "there is nothing left to signal")
}

func TestAReusedPidIsAnotherProcess(t *testing.T) {
	me, err := proc.Of(os.Getpid())
	require.NoError(t, err)
	before := proc.ID{PID: me.PID, Start: me.Start - 1}
	require.False(t, before.Alive())
	require.NoError(t, before.Signal(syscall.SIGKILL), "must not reach this test")
}
