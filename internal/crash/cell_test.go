package crash

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// lease is how long faults outlive gameday in these tests.
const lease = time.Second

// cell is one world of its own in which something is killed: a directory with the target, the scenario, the register, the
// runs and the temporary files.
type cell struct {
	testing.TB
	dir    string
	url    string
	before string // the target, as it was
	look   func() string
	faults func(looked string) string // of what look sees, that which only a fault changes
	kernel bool                       // the kernel heals when the plugin dies
	left   bool                       // something was there when every process of ours was gone
	settle time.Duration              // how long the target may take to show that it is healed
	// plugins is where plugins are; given and vars are variables of the scenario, and args more arguments of a run.
	plugins string
	program string // whatever runs it is ours
	given   []string
	vars    []string
	args    []string
	env     []string
}

// service answers 200 while the file of its query is there, and always where there is none.
var service = sync.OnceValue(func() *httptest.Server {
	return httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if _, err := os.Stat(r.URL.Query().Get("file")); err != nil && r.URL.RawQuery != "" {
			w.WriteHeader(http.StatusServiceUnavailable)
		}
	}))
})

// newCell makes a world whose target is three files.
func newCell(t testing.TB) *cell {
	// Not t.TempDir: the path of a plugin's socket has to be short.
	dir, err := os.MkdirTemp("/tmp", "gc")
	require.NoError(t, err)
	c := &cell{TB: t, dir: dir, url: service().URL, plugins: filepath.Join(dir, "plugins")}
	t.Cleanup(func() {
		for _, p := range c.processes() { // of a test that failed
			_ = syscall.Kill(p.pid, syscall.SIGKILL)
		}
		require.NoError(t, os.RemoveAll(dir))
	})
	for _, d := range []string{"svc", "s", "tmp", "home", "plugins", "elsewhere"} {
		require.NoError(t, os.Mkdir(filepath.Join(dir, d), 0o755))
	}
	for _, f := range []string{"a", "b", "c"} {
		require.NoError(t, os.WriteFile(filepath.Join(dir, "svc", f), []byte("the bytes of "+f), 0o640))
	}
	exe, err := os.Executable()
	require.NoError(t, err)
	require.NoError(t, os.Symlink(exe, filepath.Join(c.plugins, "gameday-plugin-file")))
	c.scenario("files.gameday.hcl")
	c.given = []string{"url=" + c.url, "dir=" + filepath.Join(dir, "svc")}
	c.look = func() string { return listing(t, filepath.Join(dir, "svc")) }
	c.faults = func(looked string) string { return note.ReplaceAllString(looked, "") }
	c.before = c.look()
	return c
}

// note is what the action leaves.
var note = regexp.MustCompile(`(?m)^note .*\n`)

func (c *cell) scenario(name string) {
	b, err := os.ReadFile(filepath.Join("testdata", name))
	require.NoError(c, err)
	require.NoError(c, os.WriteFile(filepath.Join(c.dir, "s", name), b, 0o644))
}

// listing is all there is to know about the files of a directory.
func listing(t testing.TB, dir string) (out string) {
	files, err := os.ReadDir(dir)
	require.NoError(t, err)
	for _, f := range files {
		info, err := f.Info()
		if errors.Is(err, os.ErrNotExist) {
			continue // being put back
		}
		require.NoError(t, err)
		b, err := os.ReadFile(filepath.Join(dir, f.Name()))
		if errors.Is(err, os.ErrNotExist) {
			continue
		}
		require.NoError(t, err)
		out += fmt.Sprintf("%s %v %q\n", f.Name(), info.Mode(), b)
	}
	return out
}

// started is a gameday that runs beside the test.
type started struct {
	*cell
	cmd      *exec.Cmd
	out, err string // files
	done     chan error
}

// command makes a gameday that dies by a crash.
func (c *cell) command(how crash, args ...string) *exec.Cmd {
	how.Runs = filepath.Join(c.dir, "gameday-runs")
	raw, err := json.Marshal(how)
	require.NoError(c, err)
	exe, err := os.Executable()
	require.NoError(c, err)
	cmd := exec.Command(exe, args...)
	cmd.Dir = c.dir
	cmd.Env = append([]string{
		crashVar + "=" + string(raw), c.mark(), "PATH=" + os.Getenv("PATH"), "HOME=" + filepath.Join(c.dir, "home"), "USER=tester",
		"TMPDIR=" + filepath.Join(c.dir, "tmp"), "XDG_STATE_HOME=" + filepath.Join(c.dir, "state"), "GAMEDAY_PLUGIN_DIR=" + c.plugins,
	}, c.env...)
	return cmd
}

func (c *cell) mark() string { return cellVar + "=" + c.dir }

func (c *cell) processes() []process { return marked(c.mark(), c.program) }

// runArgs is the command line of a run.
func (c *cell) runArgs() []string {
	args := append([]string{"run", "-yes", "-no-color", "-lease", lease.String(), "-revert-timeout", "20s"}, c.args...)
	for _, v := range append(c.given, c.vars...) {
		args = append(args, "-var", v)
	}
	return append(args, "s")
}

func (c *cell) begin(cmd *exec.Cmd) *started {
	n, err := os.MkdirTemp(c.dir, "out")
	require.NoError(c, err)
	s := &started{cell: c, cmd: cmd, out: filepath.Join(n, "out"), err: filepath.Join(n, "err"), done: make(chan error, 1)}
	out, err := os.Create(s.out)
	require.NoError(c, err)
	errOut, err := os.Create(s.err)
	require.NoError(c, err)
	if cmd.Stdout == nil {
		cmd.Stdout, cmd.Stderr = out, errOut
	}
	require.NoError(c, cmd.Start())
	require.NoError(c, errors.Join(out.Close(), errOut.Close()))
	go func() { s.done <- cmd.Wait() }()
	return s
}

// said is what it printed.
func (s *started) said() string {
	out, _ := os.ReadFile(s.out)
	errOut, _ := os.ReadFile(s.err)
	return string(out) + string(errOut)
}

// killed and aborted stand for an exit code: SIGKILL, and the SIGABRT of a panic.
const (
	killed  = -1
	aborted = -2
)

// wait gives the exit code of a gameday.
func (s *started) wait() int {
	select {
	case err := <-s.done:
		var exit *exec.ExitError
		if err != nil {
			require.ErrorAs(s, err, &exit)
		}
		if status, ok := s.cmd.ProcessState.Sys().(syscall.WaitStatus); ok && status.Signaled() {
			code, known := map[syscall.Signal]int{syscall.SIGKILL: killed, syscall.SIGABRT: aborted}[status.Signal()]
			require.True(s, known, "ended by %v: %s", status.Signal(), s.said())
			return code
		}
		return s.cmd.ProcessState.ExitCode()
	case <-time.After(patience):
		require.Fail(s, "gameday does not end", s.said())
		return killed
	}
}

// do runs gameday to its end.
func (c *cell) do(how crash, args ...string) (code int, said string) {
	s := c.begin(c.command(how, args...))
	code = s.wait()
	return code, s.said()
}

// run is the run's directory.
func (c *cell) run() string {
	found, err := filepath.Glob(filepath.Join(c.dir, "gameday-runs", "*"))
	require.NoError(c, err)
	require.Len(c, found, 1)
	return found[0]
}
