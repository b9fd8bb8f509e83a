package kubernetes_test

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	appsv1 "k8s.io/api/apps/v1"
)

// pluginImage is what the test cluster calls the image of the plugin.
const pluginImage = "gameday.test/plugin:1"

// realNodes is a cluster whose nodes are real kubelets, with an image of the plugin.
func realNodes(t *testing.T, nodes int) *testCluster {
	t.Helper()
	programs := clusterPrograms(t)
	if os.Geteuid() != 0 {
		if os.Getenv("GAMEDAY_REQUIRE") == "1" {
			t.Fatal("real kubelets need root, and GAMEDAY_REQUIRE=1")
		}
		t.Skip("real kubelets need root")
	}
	c, err := startCluster(programs, "-nodes", "kubelet", "-coredns", "-zones", "1", "-nodes-per-zone", strconv.Itoa(nodes), "-image", pluginImage+"="+build(t, "gameday-plugin-kubernetes", "CGO_ENABLED=0"))
	require.NoError(t, err)
	t.Cleanup(c.end)
	return c
}

// build builds a program of ours.
func build(t testing.TB, program string, env ...string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), program)
	cmd := exec.Command("go", "build", "-o", path, "../../cmd/"+program)
	cmd.Env = append(os.Environ(), env...)
	out, err := cmd.CombinedOutput()
	require.NoError(t, err, string(out))
	return path
}

// gameDay is a directory with a scenario, from which the real gameday runs.
type gameDay struct {
	dir, program string
}

func newGameDay(t testing.TB, program, scenario string) gameDay {
	t.Helper()
	g := gameDay{dir: t.TempDir(), program: program}
	require.NoError(t, os.Mkdir(filepath.Join(g.dir, "s"), 0o755))
	require.NoError(t, os.WriteFile(filepath.Join(g.dir, "s", "s.gameday.hcl"), []byte(scenario), 0o600))
	return g
}

func (g gameDay) command(t testing.TB, args ...string) *exec.Cmd {
	cmd := exec.Command(g.program, args...)
	cmd.Dir = g.dir
	cmd.Env = []string{
		"PATH=" + os.Getenv("PATH"), "HOME=" + g.dir, "USER=tester", "TMPDIR=/tmp", "XDG_STATE_HOME=" + filepath.Join(g.dir, "state"),
		"GAMEDAY_PLUGIN_DIR=" + filepath.Dir(binary(t)),
	}
	return cmd
}

// do runs gameday to its end, and gives its exit code and what it said.
func (g gameDay) do(t testing.TB, args ...string) (int, string) {
	t.Helper()
	cmd := g.command(t, args...)
	out, err := cmd.CombinedOutput()
	var exit *exec.ExitError
	if err != nil {
		require.ErrorAs(t, err, &exit, string(out))
	}
	return cmd.ProcessState.ExitCode(), string(out)
}

// killAll kills gameday and everything that it started, at once.
func killAll(t testing.TB, cmd *exec.Cmd) {
	t.Helper()
	all := append(children(t, cmd.Process.Pid), cmd.Process.Pid)
	require.Greater(t, len(all), 1, "there is no plugin")
	for _, pid := range all {
		require.NoError(t, syscall.Kill(pid, syscall.SIGKILL))
	}
	_ = cmd.Wait()
	for _, pid := range all {
		require.Eventually(t, func() bool { return syscall.Kill(pid, 0) != nil }, patience, 10*time.Millisecond)
	}
}

// children are the processes whose parent is this one.
func children(t testing.TB, parent int) (out []int) {
	all, err := filepath.Glob("/proc/[0-9]*/status")
	require.NoError(t, err)
	for _, path := range all {
		b, err := os.ReadFile(path)
		if err != nil || !bytes.Contains(b, fmt.Appendf(nil, "\nPPid:\t%d\n", parent)) {
			continue
		}
		pid, err := strconv.Atoi(filepath.Base(filepath.Dir(path)))
		require.NoError(t, err)
		out = append(out, pid)
	}
	return out
}

const watchedScenario = `
scenario "watched" {
  service  = "web"
  baseline = "50ms"
  recovery = "5s"
}
plugin "kubernetes" {
  kubeconfig = %q
  namespace  = %q
  watchdog {
    image           = "gameday.test/plugin:1"
    service_account = "watchdog"
    lease           = "10s"
  }
}
target "kubernetes_workload" "web" {
  namespace = %q
  names     = ["web"]
}
fault "kubernetes_scale" "none" {
  targets = target.kubernetes_workload.web
  hold    = %q
}
`

// TestOnRealNodes is about what only real kubelets show, on one cluster, because starting them takes its time.
func TestOnRealNodes(t *testing.T) {
	c := realNodes(t, 2)
	t.Run("images that cannot be pulled", func(t *testing.T) { realImagePull(t, c) })
	t.Run("cluster DNS, by the metrics of its pods", func(t *testing.T) { realDNS(t, c) })
	t.Run("pressure", func(t *testing.T) { realPressure(t, c) })
	t.Run("pressure, and pods without a trace of it", func(t *testing.T) { realPressureReplaces(t, c) })
	t.Run("mistakes in a block of pressure", func(t *testing.T) { realPressureMistakes(t, c) })
	t.Run("pressure conforms", func(t *testing.T) { realPressureConforms(t, c) })
	t.Run("the watchdog", func(t *testing.T) { realWatchdog(t, c) })
}

// realWatchdog kills the real gameday and its plugin. Nothing is left then but what runs in the cluster, with the smallest role.
func realWatchdog(t *testing.T, c *testCluster) {
	gameday := build(t, "gameday")
	ns := c.namespace(t)
	c.serviceAccount(t, ns, "watchdog", "")
	require.NoError(t, c.deploy(t.Context(), ns, "web", 2, func(d *appsv1.Deployment) {
		d.Spec.Template.Spec.Containers[0].Image = "gameday.test/web:1"
	}))
	before, err := c.shotOf(t.Context(), ns)
	require.NoError(t, err)
	isAsBefore := func() (bool, error) {
		now, err := c.shotOf(t.Context(), ns)
		return now == before, err
	}
	g := newGameDay(t, gameday, fmt.Sprintf(watchedScenario, c.kubeconfig, ns, ns, "3s"))
	c.grantWatchdog(t, g, ns)

	t.Run("the end of a run", func(t *testing.T) {
		code, said := g.do(t, "run", "-yes", "-no-color", "s")
		require.Contains(t, []int{0, 3}, code, said) // without an objective nothing passes
		ok, err := isAsBefore()
		require.NoError(t, err)
		require.True(t, ok)
		require.Empty(t, c.left(t, ns))
	})

	// dies has everything die at once, and says how long it took until all was undone.
	dies := func(t *testing.T, meanwhile func()) time.Duration {
		g := newGameDay(t, gameday, fmt.Sprintf(watchedScenario, c.kubeconfig, ns, ns, "120s"))
		run := g.command(t, "run", "-yes", "-no-color", "-lease", "2s", "s")
		require.NoError(t, run.Start())
		require.NoError(t, await(t.Context(), func() (bool, error) {
			n, err := c.replicas(t.Context(), ns, "web")
			return n == 0, err
		}))
		meanwhile()
		killAll(t, run)
		died := time.Now()
		require.Eventually(t, func() bool {
			ok, err := isAsBefore()
			return err == nil && ok
		}, 2*time.Minute, 100*time.Millisecond)
		took := time.Since(died)
		t.Logf("undone %v after the death", took)
		require.Greater(t, took, 5*time.Second, "it was not the watchdog")
		require.NoError(t, await(t.Context(), func() (bool, error) { return strings.TrimSpace(c.left(t, ns)) == "", nil }))
		code, said := g.do(t, "recover")
		require.Equal(t, 0, code, said)
		return took
	}
	t.Run("the death of everything", func(t *testing.T) {
		took := dies(t, func() {})
		require.Less(t, took, 2*time.Second+10*time.Second+5*time.Second, "gameday's lease, the watchdog's, and the work")
	})
	t.Run("the death of everything and of the watchdog's pod", func(t *testing.T) {
		dies(t, func() { c.kubectl(t, "", "-n", ns, "delete", "pod", "-l", "gameday/watchdog", "--now") })
	})
}

// grantWatchdog gives the watchdog's service account what gameday prints for the scenario, and nothing else.
func (c *testCluster) grantWatchdog(t *testing.T, g gameDay, ns string) {
	code, said := g.do(t, "plugin", "docs", "kubernetes", "--rbac", "s")
	require.Equal(t, 0, code, said)
	_, roles, ok := strings.Cut(said, "# The permissions of the watchdog")
	require.True(t, ok, said)
	c.kubectl(t, "#"+roles, "apply", "-f", "-")
	account := "--serviceaccount=" + ns + ":watchdog"
	c.kubectl(t, "", "create", "clusterrolebinding", ns+"-watchdog", "--clusterrole=gameday-watchdog", account)
	c.kubectl(t, "", "-n", ns, "create", "rolebinding", "watchdog", "--role=gameday-watchdog", account)
}
