package integration

import (
	"bytes"
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/gameday-toolkit/gameday/internal/backlog"
	"github.com/gameday-toolkit/gameday/internal/measure"
	"github.com/gameday-toolkit/gameday/reports"
)

// world is the environment of one scenario, built by its env/up and removed by its env/down, with a gameday whose state is
// its own.
type world struct {
	testing.TB
	scenario string // the directory
	dir      string // the state of the environment: what env/up was given
	home     string // the state of gameday
}

// report is what the tests read of report.json.
type report struct {
	Run      reports.Run       `json:"run"`
	Headline string            `json:"headline"`
	Result   measure.Result    `json:"result"`
	Findings []backlog.Finding `json:"findings"`
}

// result is how a run of gameday ended.
type result struct {
	exit   int
	said   string
	dir    string // of the run
	report report
}

// need skips a test that cannot run here, or fails it where everything has to be there.
func need(t testing.TB, programs ...string) {
	t.Helper()
	missing := func(why string) {
		if os.Getenv("GAMEDAY_REQUIRE") == "1" {
			require.FailNow(t, why)
		}
		t.Skip(why)
	}
	if !asked() {
		t.Skip("it takes minutes and builds networks: make integration")
	}
	if os.Getuid() != 0 {
		missing("network namespaces need root")
	}
	for _, p := range programs {
		if _, err := exec.LookPath(p); err != nil {
			missing("there is no " + p + ": make integration-deps")
		}
	}
}

// up builds the environment of a scenario and takes it away when the test ends, whatever happened.
func up(t testing.TB, scenario string, args ...string) *world {
	t.Helper()
	before := spaces(t)
	// Not t.TempDir: the paths of sockets have to be short, and servers that are not root have to be able to enter.
	dir, err := os.MkdirTemp("/tmp", "gi")
	require.NoError(t, err)
	require.NoError(t, os.Chmod(dir, 0o755))
	home, err := os.MkdirTemp("/tmp", "gh")
	require.NoError(t, err)
	path, err := filepath.Abs(filepath.Join("../../scenarios", scenario))
	require.NoError(t, err)
	w := &world{TB: t, scenario: path, dir: dir, home: home}
	t.Cleanup(func() {
		out, err := exec.Command(filepath.Join(path, "env", "down"), dir).CombinedOutput()
		require.NoError(t, err, "env/down: %s", out)
		removed := errors.Join(os.RemoveAll(dir), os.RemoveAll(home))
		require.Equal(t, before, spaces(t), "network namespaces are left")
		require.NoError(t, removed)
	})
	started := time.Now()
	out, err := exec.Command(filepath.Join(path, "env", "up"), append([]string{dir}, args...)...).CombinedOutput()
	require.NoError(t, err, "env/up: %s", out)
	t.Logf("the environment took %.1f s", time.Since(started).Seconds())
	return w
}

// spaces are the network namespaces of environments. Other tests may make theirs at the same time.
func spaces(t testing.TB) (names []string) {
	t.Helper()
	out, err := exec.Command("ip", "netns", "list").CombinedOutput()
	require.NoError(t, err, string(out))
	for line := range strings.Lines(string(out)) {
		if name, _, _ := strings.Cut(strings.TrimSpace(line), " "); strings.HasPrefix(name, "gd-") {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}

// gameday runs the real binary and returns its exit code and all that it said.
func (w *world) gameday(args ...string) (int, string) {
	w.Helper()
	cmd := exec.Command(filepath.Join(bin, "gameday"), args...)
	cmd.Dir = w.home
	cmd.Env = append(os.Environ(), "XDG_STATE_HOME="+w.home, "GAMEDAY_LAB_DIR="+filepath.Join(w.home, "lab"))
	var said bytes.Buffer
	cmd.Stdout, cmd.Stderr = &said, &said
	err := cmd.Run()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		require.NoError(w, err)
	}
	return cmd.ProcessState.ExitCode(), said.String()
}

// play runs the scenario with more arguments and reads the report.
func (w *world) play(args ...string) result {
	w.Helper()
	runs, err := os.MkdirTemp(w.home, "runs")
	require.NoError(w, err)
	all := append([]string{"run", "-yes", "-runs", runs}, args...)
	code, said := w.gameday(append(all, w.scenario)...)
	found, err := filepath.Glob(filepath.Join(runs, "*", "report.json"))
	require.NoError(w, err)
	require.Len(w, found, 1, "exit %d: %s", code, said)
	b, err := os.ReadFile(found[0])
	require.NoError(w, err)
	r := result{exit: code, said: said, dir: filepath.Dir(found[0])}
	require.NoError(w, json.Unmarshal(b, &r.report))
	return r
}

// playUnstarved is play for a scenario that leaves everything as it was, and may therefore be run again where this machine, and
// not what is tested, spoilt the run: its prober could not keep its pace.
func (w *world) playUnstarved(args ...string) result {
	w.Helper()
	r := w.play(args...)
	if r.exit == 3 && strings.Contains(r.said, "the prober was starved") {
		w.Logf("this machine was too busy to measure; once more:\n%s", r.said)
		r = w.play(args...)
	}
	return r
}

// at is the wall-clock time of an offset of the run.
func (r result) at(offset time.Duration) time.Time { return r.report.Run.Started.Add(offset) }

// objective finds an objective of the report by its name.
func (r result) objective(t testing.TB, name string) measure.ObjectiveResult {
	t.Helper()
	for _, o := range r.report.Result.Objectives {
		if o.Addr == name || strings.HasSuffix(o.Addr, "."+name) {
			return o
		}
	}
	require.FailNow(t, "no such objective", "%s\n%s", name, r.said)
	return measure.ObjectiveResult{}
}

// looking is how far off a truth may be that is taken by looking now and then, or from a log in milliseconds.
const looking = 10 * time.Millisecond

// within checks that a truth lies inside a stated interval, as far as the truth is known.
func within(t testing.TB, what string, truth time.Duration, stated *measure.Interval) {
	t.Helper()
	require.NotNil(t, stated, what)
	t.Logf("%s: the truth is %v, the report says %v to %v", what, truth, stated.Lo, stated.Hi)
	require.False(t, stated.Censored, what)
	require.GreaterOrEqual(t, truth+looking, stated.Lo, what)
	require.LessOrEqual(t, truth-looking, stated.Hi, what)
}
