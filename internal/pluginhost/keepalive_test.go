package pluginhost

import (
	"context"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/gameday-toolkit/gameday/plugins/sdk"
)

func leasedPlugin(t *testing.T, lease time.Duration) *Plugin {
	p := launch(t, Options{StateDir: t.TempDir()})
	_, _, err := p.Configure(t.Context(), sdk.Settings{Lease: lease, StateDir: p.StateDir})
	require.NoError(t, err)
	return p
}

func TestKeepAliveKeepsThePluginBeyondItsLease(t *testing.T) {
	const lease = 600 * time.Millisecond
	p := leasedPlugin(t, lease)
	ctx, cancel := context.WithCancel(t.Context())
	lost := p.KeepAlive(ctx, lease)
	select {
	case err := <-lost:
		t.Fatal(err)
	case <-time.After(3 * lease):
	}
	require.NoError(t, p.Renew(t.Context()))
	cancel()
	err, open := <-lost
	require.NoError(t, err, "the end of the context is no loss")
	require.False(t, open)
	eventually(t, 5*time.Second, "without renewals it ends itself", func() bool { return gone(p.Pid()) })
	err = p.Renew(t.Context())
	require.ErrorIs(t, err, sdk.ErrLeaseExpired)
	require.ErrorIs(t, err, sdk.ErrGone)
	require.ErrorContains(t, err, sdk.RecordPath(p.StateDir, "file"))
}

func TestKeepAliveReportsAPluginThatDied(t *testing.T) {
	p := leasedPlugin(t, time.Minute)
	lost := p.KeepAlive(t.Context(), time.Minute)
	require.NoError(t, syscall.Kill(p.Pid(), syscall.SIGKILL))
	err := <-lost // at once, and not at the next renewal in 20 s
	require.ErrorIs(t, err, sdk.ErrGone)
	require.EqualError(t, err, "plugin file died (signal: killed)")
}

func TestKeepAliveReportsAPluginThatHangs(t *testing.T) {
	const lease = 600 * time.Millisecond
	p := leasedPlugin(t, lease)
	lost := p.KeepAlive(t.Context(), lease)
	require.NoError(t, syscall.Kill(p.Pid(), syscall.SIGSTOP))
	require.ErrorContains(t, <-lost, "no renewal within")
	require.NoError(t, syscall.Kill(p.Pid(), syscall.SIGCONT))
}

func TestStopEndsTheRenewals(t *testing.T) {
	p := leasedPlugin(t, time.Minute)
	lost := p.KeepAlive(t.Context(), time.Minute)
	require.NoError(t, p.Stop(t.Context()))
	require.NoError(t, <-lost)
}
