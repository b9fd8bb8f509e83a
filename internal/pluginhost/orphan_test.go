package pluginhost

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/gameday-toolkit/gameday/plugins/sdk"
)

func ownGroup() *syscall.SysProcAttr { return &syscall.SysProcAttr{Setpgid: true} }

// The promise: whatever happens to the engine, the plugin puts the target back within its lease, says what it did,
// and leaves no process behind.
func TestPluginRevertsWhenItsHostIsGone(t *testing.T) {
	for _, c := range []struct {
		name string
		end  func(h host) error
		env  []string
	}{
		{name: "kill -9", end: func(h host) error { return syscall.Kill(h.cmd.Process.Pid, syscall.SIGKILL) }},
		{name: "Ctrl-C in the terminal", end: func(h host) error { return syscall.Kill(-h.cmd.Process.Pid, syscall.SIGINT) }},
		{name: "hang-up of the terminal", end: func(h host) error { return syscall.Kill(-h.cmd.Process.Pid, syscall.SIGHUP) }},
		{name: "a frozen host", end: func(h host) error { return syscall.Kill(h.cmd.Process.Pid, syscall.SIGSTOP) }},
		{
			name: "kill -9 and a plugin that prints into the broken pipe", env: []string{misbehaviour + "=noisy"},
			end: func(h host) error { return syscall.Kill(h.cmd.Process.Pid, syscall.SIGKILL) },
		},
		{
			name: "a frozen host and a plugin that fills the pipe", env: []string{misbehaviour + "=noisy"},
			end: func(h host) error { return syscall.Kill(h.cmd.Process.Pid, syscall.SIGSTOP) },
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			path := victim(t)
			temp, err := os.MkdirTemp("", "gd")
			require.NoError(t, err)
			t.Cleanup(func() { os.RemoveAll(temp) })
			h := startHost(t, path, "1s", append(c.env, "TMPDIR="+temp)...)
			require.NoFileExists(t, path, "the fault is in place")

			require.NoError(t, c.end(h))
			eventually(t, 10*time.Second, "the plugin's process ends", func() bool { return gone(h.plugin) })
			require.FileExists(t, path)
			require.Equal(t, []string{"ending with 1 faults held: no renewal within 1s", "revert", "inspect"},
				record(t, filepath.Dir(path)))
			left, err := filepath.Glob(filepath.Join(temp, "*"))
			require.NoError(t, err)
			require.Empty(t, left, "no socket is left behind")
		})
	}
}

// A machine that shuts down leaves little time: the plugin does not wait for a lease that nobody can renew.
func TestOrphanRevertsWhenItIsTerminated(t *testing.T) {
	path := victim(t)
	h := startHost(t, path, "10m")
	require.NoError(t, syscall.Kill(h.plugin, syscall.SIGTERM))
	require.NoError(t, syscall.Kill(h.cmd.Process.Pid, syscall.SIGKILL))
	eventually(t, 5*time.Second, "the order to terminate is obeyed once the host is gone", func() bool {
		_ = syscall.Kill(h.plugin, syscall.SIGTERM) // again, because the host takes a moment to die
		return gone(h.plugin)
	})
	require.FileExists(t, path)
}

func TestPluginWithoutLeaseEndsWithItsHost(t *testing.T) {
	h := startHost(t, victim(t), "0s")
	require.NoError(t, syscall.Kill(h.cmd.Process.Pid, syscall.SIGKILL))
	eventually(t, 5*time.Second, "the plugin's process ends", func() bool { return gone(h.plugin) })
}

func TestPluginSurvivesTheSignalsOfATerminal(t *testing.T) {
	p := launch(t, Options{})
	for _, sig := range []syscall.Signal{syscall.SIGINT, syscall.SIGHUP, syscall.SIGTERM, syscall.SIGPIPE} {
		require.NoError(t, syscall.Kill(p.Pid(), sig))
		_, err := p.Describe(t.Context())
		require.NoError(t, err, sig)
	}
	sid, _, errno := syscall.Syscall(syscall.SYS_GETSID, uintptr(p.Pid()), 0, 0)
	require.Zero(t, errno)
	require.Equal(t, p.Pid(), int(sid), "it leads a session of its own")
}

func record(t *testing.T, dir string) []string {
	b, err := os.ReadFile(sdk.RecordPath(filepath.Join(dir, "file"), "file"))
	require.NoError(t, err)
	var what []string
	for line := range strings.Lines(string(b)) {
		var r sdk.Record
		require.NoError(t, json.Unmarshal([]byte(line), &r))
		require.Empty(t, r.Error)
		require.NotZero(t, r.At)
		what = append(what, r.What)
	}
	return what
}
