package pluginhost

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/gameday-toolkit/gameday/plugins/sdk"
)

func TestLaunchedPluginCausesAndUndoesAFault(t *testing.T) {
	p := launch(t, Options{StateDir: t.TempDir()})
	require.Equal(t, "file", p.Info.Name)
	require.Equal(t, "0.1.0", p.Info.Version)
	require.Contains(t, p.Info.Faults, "file_missing")
	require.Len(t, p.SHA256, 64)
	require.DirExists(t, p.StateDir)

	ctx, path := t.Context(), victim(t)
	_, problems, err := p.Configure(ctx, sdk.Settings{Lease: time.Minute, StateDir: p.StateDir})
	require.NoError(t, err)
	require.Empty(t, problems)
	h, problems, err := p.Prepare(ctx, "file_missing", request(path))
	require.NoError(t, err)
	require.Empty(t, problems)
	require.Equal(t, "r1/fault.file_missing.it", h.ID)
	require.Equal(t, "0.1.0", h.Version)
	require.FileExists(t, path)

	require.NoError(t, p.Inject(ctx, h))
	require.NoFileExists(t, path)
	state, err := p.Inspect(ctx, h)
	require.NoError(t, err)
	require.Equal(t, sdk.Active, state.Status)
	require.NoError(t, p.Revert(ctx, h))
	require.FileExists(t, path)
}

func TestStopRevertsWhatIsHeld(t *testing.T) {
	p, path := launch(t, Options{}), victim(t)
	_, _, err := p.Configure(t.Context(), sdk.Settings{Lease: time.Minute})
	require.NoError(t, err)
	h, _, err := p.Prepare(t.Context(), "file_missing", request(path))
	require.NoError(t, err)
	require.NoError(t, p.Inject(t.Context(), h))
	require.NoError(t, p.Stop(t.Context()))
	require.FileExists(t, path)
	require.True(t, gone(p.Pid()))
}

func TestStopKillsAPluginThatDoesNotAnswer(t *testing.T) {
	h := New(Options{Dirs: []string{binaries()}})
	p, err := h.Launch(t.Context(), "file", "")
	require.NoError(t, err)
	require.NoError(t, syscall.Kill(p.Pid(), syscall.SIGSTOP))
	ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
	defer cancel()
	require.ErrorContains(t, h.Stop(ctx), "did not stop in time")
	require.True(t, gone(p.Pid()))
}

func TestLaunchRefusesAnotherFileThanTheLockedOne(t *testing.T) {
	h := New(Options{Dirs: []string{binaries()}, Checksums: map[string]string{"file": strings.Repeat("ab", 32)}})
	_, err := h.Launch(t.Context(), "file", "")
	var sum *ChecksumError
	require.ErrorAs(t, err, &sum)
	require.Equal(t, filepath.Join(binaries(), "gameday-plugin-file"), sum.Path)
	require.ErrorContains(t, err, strings.Repeat("ab", 32))
	require.ErrorContains(t, err, sum.Got)
	require.ErrorContains(t, err, ".gameday.lock.hcl")

	h = New(Options{Dirs: []string{binaries()}, Checksums: map[string]string{"file": strings.ToUpper(sum.Got)}})
	_, err = h.Launch(t.Context(), "file", "")
	require.NoError(t, err)
	require.NoError(t, h.Stop(t.Context()))
}

func TestFindNamesWhereItLookedAndWhatMayBeMeant(t *testing.T) {
	empty := t.TempDir()
	h := New(Options{Dirs: []string{empty, binaries()}})
	_, err := h.Find("fiel")
	var missing *NotFoundError
	require.ErrorAs(t, err, &missing)
	require.ErrorContains(t, err, empty)
	require.ErrorContains(t, err, binaries())
	require.ErrorContains(t, err, `did you mean "file"?`)
	_, err = h.Find("kubernetes")
	require.ErrorContains(t, err, "GAMEDAY_PLUGIN_DIR")
	require.NotContains(t, err.Error(), "did you mean")
	require.Equal(t, []string{"file"}, h.Names())
}

func TestDefaultDirs(t *testing.T) {
	exe, err := os.Executable()
	require.NoError(t, err)
	t.Setenv("GAMEDAY_PLUGIN_DIR", "/plugins/a:/plugins/b")
	t.Setenv("XDG_DATA_HOME", "/data")
	require.Equal(t, []string{filepath.Dir(exe), "/plugins/a", "/plugins/b", "/data/gameday/plugins"}, DefaultDirs())
	t.Setenv("XDG_DATA_HOME", "")
	t.Setenv("HOME", "/home/me")
	require.Contains(t, DefaultDirs(), "/home/me/.local/share/gameday/plugins")
}

func TestLaunchSaysWhyAPluginDoesNotStart(t *testing.T) {
	for _, c := range []struct {
		how  string
		want []string
	}{
		{"protocol", []string{"version 99", "version 1", "install a newer gameday"}},
		{"garbage", []string{"does not speak the plugin protocol", "Hello, I am some other program."}},
		{"crash:start", []string{"exit status 2", "about to crash at start", "panic: crash at start"}},
		{"hang", []string{"not ready within 700ms", "hanging"}},
		{"crash:describe", []string{"plugin file died (exit status 2): panic: crash at describe\n", "about to crash at describe", "panic: crash at describe"}},
		{"panic:describe", []string{"panicked", "the author did not think of this"}},
	} {
		t.Run(c.how, func(t *testing.T) {
			t.Setenv(misbehaviour, c.how)
			temp, err := os.MkdirTemp("", "gd")
			require.NoError(t, err)
			t.Cleanup(func() { os.RemoveAll(temp) })
			t.Setenv("TMPDIR", temp)
			opts := Options{Dirs: []string{binaries()}}
			if c.how == "hang" {
				opts.StartTimeout = 700 * time.Millisecond
			}
			_, err = New(opts).Launch(t.Context(), "file", "")
			require.ErrorContains(t, err, "launching plugin file")
			for _, want := range c.want {
				require.ErrorContains(t, err, want)
			}
			left, err := filepath.Glob(filepath.Join(temp, "plugin-dir*"))
			require.NoError(t, err)
			require.Empty(t, left)
		})
	}
}

func TestLaunchRefusesAPluginUnderAnotherName(t *testing.T) {
	dir := t.TempDir()
	require.NoError(t, os.Symlink(filepath.Join(binaries(), "gameday-plugin-file"), filepath.Join(dir, "gameday-plugin-other")))
	_, err := New(Options{Dirs: []string{dir}}).Launch(t.Context(), "other", "")
	require.ErrorContains(t, err, `the plugin says that it is "file"`)
}

func TestLaunchThatIsCancelled(t *testing.T) {
	t.Setenv(misbehaviour, "hang")
	ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
	defer cancel()
	_, err := New(Options{Dirs: []string{binaries()}}).Launch(ctx, "file", "")
	require.ErrorIs(t, err, context.DeadlineExceeded)
}

func TestADeathIsNoticedThoughAChildHoldsTheOutput(t *testing.T) {
	t.Setenv(misbehaviour, "child")
	p := launch(t, Options{})
	_, _, err := p.Configure(t.Context(), sdk.Settings{})
	require.NoError(t, err)
	began := time.Now()
	require.NoError(t, syscall.Kill(p.Pid(), syscall.SIGKILL))
	<-p.Exited()
	_, err = p.Sweep(t.Context())
	require.ErrorContains(t, err, "signal: killed")
	require.NoError(t, p.Stop(t.Context()))
	require.Less(t, time.Since(began), 2*time.Second, "the child lives for three")
}

func TestStopSaysThatAFaultIsLeft(t *testing.T) {
	p, path := launch(t, Options{StateDir: t.TempDir()}), victim(t)
	_, _, err := p.Configure(t.Context(), sdk.Settings{Lease: time.Minute, StateDir: p.StateDir})
	require.NoError(t, err)
	h, _, err := p.Prepare(t.Context(), "file_missing", request(path))
	require.NoError(t, err)
	require.NoError(t, p.Inject(t.Context(), h))
	require.NoError(t, os.WriteFile(path, []byte("somebody else's"), 0o600)) // Revert does not overwrite it
	ctx, cancel := context.WithTimeout(t.Context(), 500*time.Millisecond)
	defer cancel()
	err = p.host.Stop(ctx)
	require.ErrorContains(t, err, "was killed")
	require.ErrorContains(t, err, "file exists", "the plugin's last lines say why")
}

// calls makes every call there is, by the name that the example plugin misbehaves under.
func calls(p *Plugin, path string) map[string]func(context.Context) error {
	h := sdk.Handle{ID: "h", Plugin: "file", Fault: "file_missing", Undo: []byte("[]")}
	return map[string]func(context.Context) error{
		"resolve": func(ctx context.Context) error { _, _, err := p.Resolve(ctx, "file_path", request(path)); return err },
		"prepare": func(ctx context.Context) error {
			_, _, err := p.Prepare(ctx, "file_missing", request(path))
			return err
		},
		"inject":   func(ctx context.Context) error { return p.Inject(ctx, h) },
		"inspect":  func(ctx context.Context) error { _, err := p.Inspect(ctx, h); return err },
		"revert":   func(ctx context.Context) error { return p.Revert(ctx, h) },
		"check":    func(ctx context.Context) error { _, err := p.Check(ctx, "file_action", request(path)); return err },
		"run":      func(ctx context.Context) error { _, err := p.Run(ctx, "file_action", request(path)); return err },
		"probe":    func(ctx context.Context) error { _, err := p.Probe(ctx, "file_prober", request(path)); return err },
		"events":   func(ctx context.Context) error { return p.Events(ctx, func(sdk.Event) {}) },
		"sweep":    func(ctx context.Context) error { _, err := p.Sweep(ctx); return err },
		"describe": func(ctx context.Context) error { _, err := p.Describe(ctx); return err },
	}
}

func TestCrashAtEachCallShowsTheLastWords(t *testing.T) {
	for call := range calls(nil, "") {
		if call == "describe" {
			continue // it crashes the launch: TestLaunchSaysWhyAPluginDoesNotStart
		}
		t.Run(call, func(t *testing.T) {
			t.Setenv(misbehaviour, "crash:"+call)
			p := launch(t, Options{})
			_, _, err := p.Configure(t.Context(), sdk.Settings{Lease: time.Minute})
			require.NoError(t, err)
			err = calls(p, victim(t))[call](t.Context())
			require.ErrorIs(t, err, sdk.ErrGone)
			require.ErrorContains(t, err, "exit status 2")
			require.ErrorContains(t, err, "about to crash at "+call)
			require.ErrorContains(t, err, "panic: crash at "+call)
			<-p.Exited()
			require.ErrorIs(t, p.Renew(t.Context()), sdk.ErrGone, "and it stays gone")
		})
	}
	t.Run("configure", func(t *testing.T) {
		t.Setenv(misbehaviour, "crash:configure")
		_, _, err := launch(t, Options{}).Configure(t.Context(), sdk.Settings{})
		require.ErrorIs(t, err, sdk.ErrGone)
		require.ErrorContains(t, err, "panic: crash at configure")
	})
}

func TestPanicAtEachCallIsAnErrorOfThatCall(t *testing.T) {
	for call := range calls(nil, "") {
		if call == "describe" {
			continue // as above
		}
		t.Run(call, func(t *testing.T) {
			t.Setenv(misbehaviour, "panic:"+call)
			var stderr lockedBuffer
			p := launch(t, Options{Stderr: &stderr})
			_, _, err := p.Configure(t.Context(), sdk.Settings{Lease: time.Minute})
			require.NoError(t, err)
			err = calls(p, victim(t))[call](t.Context())
			require.ErrorIs(t, err, sdk.ErrPanicked)
			require.NotErrorIs(t, err, sdk.ErrGone)
			require.ErrorContains(t, err, "the author did not think of this")
			require.NoError(t, p.Renew(t.Context()), "the plugin lives")
			eventually(t, 5*time.Second, "the stack is in the log", func() bool {
				return strings.Contains(stderr.String(), "file: ") && strings.Contains(stderr.String(), "misbehave.go")
			})
		})
	}
}

// Beyond what go-plugin and two new certificates cost, a launch has to be quick: a scenario of five plugins starts them all.
func BenchmarkLaunch(b *testing.B) {
	for b.Loop() {
		h := New(Options{Dirs: []string{binaries()}})
		_, err := h.Launch(b.Context(), "file", "")
		require.NoError(b, err)
		require.NoError(b, h.Stop(b.Context()))
	}
}

type lockedBuffer struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (l *lockedBuffer) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.Write(b)
}

func (l *lockedBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.String()
}
