package host_test

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/gameday-toolkit/gameday/plugins/host"
	"github.com/gameday-toolkit/gameday/plugins/host/internal/proc"
	"github.com/gameday-toolkit/gameday/plugins/host/internal/worker"
	"github.com/gameday-toolkit/gameday/plugins/sdk"
	"github.com/gameday-toolkit/gameday/plugins/sdk/conformance"
)

// sigstop is what an operator, or a debugger, would send.
const sigstop = syscall.SIGSTOP

const patience = 20 * time.Second

// The plugin starts its own program again for its workers. In a test that program is the test.
func TestMain(m *testing.M) {
	if len(os.Args) > 1 && os.Args[1] == worker.Command {
		os.Exit(host.Main(os.Args[1:], os.Stdin, os.Stdout))
	}
	if len(os.Args) > 2 && os.Args[1] == standIn {
		os.Exit(greet(os.Args[2]))
	}
	flag.Parse()
	if err := flag.Set("test.parallel", "8"); err != nil { // what runs in parallel here waits most of the time
		panic(err)
	}
	code := m.Run()
	if dir := built.dir; dir != "" {
		_ = os.RemoveAll(dir)
	}
	os.Exit(code)
}

// standIn is the first argument of this program when it stands in for a server.
const standIn = "stand-in-server"

func greet(port string) int {
	l, err := net.Listen("tcp", ":"+port)
	if err != nil {
		return 1
	}
	fmt.Println("listening")
	for {
		c, err := l.Accept()
		if err != nil {
			return 1
		}
		_, _ = c.Write([]byte("hello"))
		_ = c.Close()
	}
}

// built is the real plugin, built once for all tests.
var built struct {
	once sync.Once
	dir  string
	err  error
}

func binary(t *testing.T) string {
	t.Helper()
	built.once.Do(func() {
		if built.dir, built.err = os.MkdirTemp("", "gameday-plugin-host-"); built.err != nil {
			return
		}
		out, err := exec.Command("go", "build", "-o", built.dir, "../../cmd/gameday-plugin-host").CombinedOutput()
		if err != nil {
			built.err = fmt.Errorf("%w: %s", err, out)
		}
	})
	require.NoError(t, built.err)
	return filepath.Join(built.dir, "gameday-plugin-host")
}

// conform runs the suite for one fault, in process and with the real binary. What the suite says of faults that are in no
// case is about the plugin as a whole, and TestEveryFaultIsInATestOfConformance checks that.
func conform(t *testing.T, c conformance.Case, marks string) {
	t.Helper()
	if testing.Short() {
		t.Skip("the conformance suite takes minutes of real time")
	}
	t.Parallel()
	cfg, err := json.Marshal(map[string]string{"marks_dir": marks})
	require.NoError(t, err)
	s := conformance.Subject{New: host.New, Binary: binary(t), Config: cfg, Faults: []conformance.Case{c}}
	for _, r := range conformance.Verify(t.Context(), s) {
		if r.Check == "Describe" {
			continue
		}
		if r.Err != nil {
			t.Errorf("%s: %v", r, r.Err)
		}
	}
	left, err := os.ReadDir(marks)
	if !errors.Is(err, os.ErrNotExist) {
		require.NoError(t, err)
	}
	require.Empty(t, left, "a mark is left")
}

// local is the plugin in this process, with a lease that lasts.
func local(t *testing.T, marks string) *sdk.Local {
	t.Helper()
	l, err := sdk.ServeLocal(host.New(), t.Output())
	require.NoError(t, err)
	cfg, err := json.Marshal(map[string]string{"marks_dir": marks})
	require.NoError(t, err)
	_, problems, err := l.Configure(t.Context(), sdk.Settings{Config: cfg, Lease: time.Hour})
	require.NoError(t, err)
	require.Empty(t, problems)
	t.Cleanup(func() { require.NoError(t, l.Close()) })
	return l
}

func prepare(t *testing.T, l *sdk.Local, fault string, config any, targets ...sdk.Target) (sdk.Handle, []sdk.Problem) {
	t.Helper()
	cfg, err := json.Marshal(config)
	require.NoError(t, err)
	h, problems, err := l.Prepare(t.Context(), fault, sdk.Request{
		Run: fmt.Sprintf("run-%d", serial.Add(1)), ID: "fault." + fault + ".x", Config: cfg, Targets: targets,
	})
	require.NoError(t, err)
	return h, problems
}

func inject(t *testing.T, l *sdk.Local, fault string, config any, targets ...sdk.Target) sdk.Handle {
	t.Helper()
	h, problems := prepare(t, l, fault, config, targets...)
	require.Empty(t, problems)
	require.NoError(t, l.Inject(t.Context(), h))
	var state sdk.State
	require.Eventually(t, func() bool {
		var err error
		state, err = l.Inspect(t.Context(), h)
		return err == nil && state.Status == sdk.Active
	}, patience, 10*time.Millisecond, "%v", &state)
	return h
}

func requireState(t *testing.T, l *sdk.Local, h sdk.Handle, want sdk.Status) sdk.State {
	t.Helper()
	state, err := l.Inspect(t.Context(), h)
	require.NoError(t, err)
	require.Equal(t, want, state.Status, state.Evidence)
	return state
}

// serial makes names that no other process has.
var serial atomic.Int64

// child is a process of the test.
type child struct {
	cmd  *exec.Cmd
	in   io.WriteCloser
	out  *lines
	done chan struct{}
}

// start runs a command until stop. Its output arrives by line.
func start(name string, args ...string) (*child, error) {
	c := &child{cmd: exec.Command(name, args...), out: newLines(), done: make(chan struct{})}
	c.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	c.cmd.Stdout = c.out
	var err error
	if c.in, err = c.cmd.StdinPipe(); err != nil {
		return nil, err
	}
	if err := c.cmd.Start(); err != nil {
		return nil, err
	}
	go func() {
		defer close(c.done)
		_ = c.cmd.Wait()
	}()
	return c, nil
}

func (c *child) pid() int { return c.cmd.Process.Pid }

func (c *child) stop() {
	_ = c.cmd.Process.Kill()
	<-c.done
}

func (c *child) target() sdk.Target {
	info, err := proc.Read(c.pid())
	if err != nil {
		return sdk.Target{Type: "host_process", Name: "gone"}
	}
	return sdk.Target{Type: "host_process", ID: info.ID().String(), Name: info.Comm}
}

// state is what the kernel says of a process, as people read it: S (sleeping), T (stopped).
func state(pid int) string {
	raw, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return "gone"
	}
	_, rest, _ := strings.Cut(string(raw), "State:\t")
	line, _, _ := strings.Cut(rest, "\n")
	return line
}

// sleeper is a child that does nothing, with arguments that no other process has.
func sleeper() (*child, error) {
	return start("sleep", fmt.Sprintf("600.%d%05d", os.Getpid(), serial.Add(1)))
}

func sleeperFor(t *testing.T) *child {
	t.Helper()
	c, err := sleeper()
	require.NoError(t, err)
	t.Cleanup(c.stop)
	return c
}

// lines collects what a child prints.
type lines struct {
	mu   sync.Mutex
	text strings.Builder
	more chan struct{}
}

func newLines() *lines { return &lines{more: make(chan struct{}, 1)} }

func (l *lines) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	select {
	case l.more <- struct{}{}:
	default:
	}
	return l.text.Write(b)
}

// after waits for a line after the first n.
func (l *lines) after(ctx context.Context, n int) (string, error) {
	for {
		l.mu.Lock()
		all := strings.Split(l.text.String(), "\n")
		l.mu.Unlock()
		if len(all) > n+1 {
			return all[n], nil
		}
		select {
		case <-l.more:
		case <-ctx.Done():
			return "", context.Cause(ctx)
		}
	}
}

func (l *lines) count() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return strings.Count(l.text.String(), "\n")
}

// raw is a block's attributes as JSON.
func raw(config string) json.RawMessage { return json.RawMessage(config) }

// shorten makes the queue of a listener short.
func shorten(t *testing.T, l net.Listener, backlog int) {
	t.Helper()
	conn, err := l.(*net.TCPListener).SyscallConn()
	require.NoError(t, err)
	require.NoError(t, conn.Control(func(fd uintptr) { err = syscall.Listen(int(fd), backlog) }))
	require.NoError(t, err)
}
