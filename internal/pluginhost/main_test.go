package pluginhost

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/gameday-toolkit/gameday/plugins/sdk"
)

const misbehaviour = "GAMEDAY_TEST_MISBEHAVE"

// TestMain builds the example plugin once. With GAMEDAY_TEST_HOST set, this binary is a host that the tests kill.
func TestMain(m *testing.M) {
	if plan := os.Getenv("GAMEDAY_TEST_HOST"); plan != "" {
		sacrifice(plan)
	}
	dir, err := os.MkdirTemp("", "gd")
	if err != nil {
		panic(err)
	}
	out, err := exec.Command("go", "build", "-o", filepath.Join(dir, "gameday-plugin-file"), "./testdata/file").CombinedOutput()
	if err != nil {
		panic(fmt.Sprintf("building the example plugin: %v\n%s", err, out))
	}
	os.Setenv("GAMEDAY_TEST_DIR", dir)
	code := m.Run()
	os.RemoveAll(dir)
	os.Exit(code)
}

func binaries() string { return os.Getenv("GAMEDAY_TEST_DIR") }

// sacrifice is the host that dies: it injects a fault under a lease, says so and renews until it is killed.
func sacrifice(path string) {
	ctx := context.Background()
	h := New(Options{Dirs: []string{binaries()}, StateDir: filepath.Dir(path)})
	p, err := h.Launch(ctx, "file", "")
	if err != nil {
		panic(err)
	}
	lease, err := time.ParseDuration(os.Getenv("GAMEDAY_TEST_LEASE"))
	if err != nil {
		panic(err)
	}
	if _, _, err := p.Configure(ctx, sdk.Settings{Lease: lease, StateDir: p.StateDir}); err != nil {
		panic(err)
	}
	if lease > 0 {
		p.KeepAlive(ctx, lease)
		handle, _, err := p.Prepare(ctx, "file_missing", request(path))
		if err != nil {
			panic(err)
		}
		if err := p.Inject(ctx, handle); err != nil {
			panic(err)
		}
	}
	fmt.Println("pid", p.Pid())
	select {}
}

func request(path string) sdk.Request {
	return sdk.Request{
		Run: "r1", ID: "fault.file_missing.it", Config: json.RawMessage(`{"suffix":"gameday"}`),
		Targets: []sdk.Target{{Type: "file_path", ID: path, Name: path}},
	}
}

// victim is a file that faults take away.
func victim(t *testing.T) string {
	path := filepath.Join(t.TempDir(), "victim.conf")
	require.NoError(t, os.WriteFile(path, []byte("precious"), 0o600))
	return path
}

func launch(t *testing.T, opts Options) *Plugin {
	t.Helper()
	if opts.Dirs == nil {
		opts.Dirs = []string{binaries()}
	}
	h := New(opts)
	p, err := h.Launch(t.Context(), "file", "")
	require.NoError(t, err)
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		require.NoError(t, h.Stop(ctx))
	})
	return p
}

// host is another process with this package in it.
type host struct {
	cmd    *exec.Cmd
	plugin int
}

func startHost(t *testing.T, path string, lease string, env ...string) host {
	t.Helper()
	var stderr lockedBuffer
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(append(os.Environ(), "GAMEDAY_TEST_HOST="+path, "GAMEDAY_TEST_LEASE="+lease), env...)
	cmd.SysProcAttr = ownGroup()
	cmd.Stderr = &stderr
	out, err := cmd.StdoutPipe()
	require.NoError(t, err)
	// Under nohup, or in the background of a script, these signals are ignored, and a child would inherit that and
	// live on. Those that are caught here have their default effect in the child.
	caught := make(chan os.Signal, 1)
	signal.Notify(caught, syscall.SIGINT, syscall.SIGHUP)
	err = cmd.Start()
	signal.Stop(caught)
	require.NoError(t, err)
	var once sync.Once
	wait := func() { once.Do(func() { _ = cmd.Wait() }) }
	t.Cleanup(func() { _ = cmd.Process.Kill(); wait() })
	line, err := bufio.NewReader(out).ReadString('\n')
	require.NoError(t, err, "the host said: %s", stderr.String())
	h := host{cmd: cmd}
	_, err = fmt.Sscanf(line, "pid %d", &h.plugin)
	require.NoError(t, err)
	return h
}

// gone says whether a process is no more, or only waits for somebody to collect it.
func gone(pid int) bool {
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return true
	}
	_, rest, _ := strings.Cut(string(b), ") ")
	return strings.HasPrefix(rest, "Z")
}

func eventually(t *testing.T, within time.Duration, what string, cond func() bool) {
	t.Helper()
	require.Eventually(t, cond, within, 10*time.Millisecond, what)
}
