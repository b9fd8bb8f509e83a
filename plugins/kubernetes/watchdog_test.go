package kubernetes_test

import (
	"bytes"
	"context"
	"fmt"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	corev1 "k8s.io/api/core/v1"
	rbac "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/gameday-toolkit/gameday/plugins/kubernetes"
	"github.com/gameday-toolkit/gameday/plugins/sdk"
)

const watchdogLease = 5 * time.Second

// watched is the configuration of a plugin with a watchdog, whose records are in the namespace.
func watched(ns string) map[string]any {
	return map[string]any{"namespace": ns, "watchdog": map[string]any{
		"image": "gameday.test/plugin:1", "service_account": "watchdog", "lease": watchdogLease.String(),
	}}
}

// watchdogs makes a namespace in which watchdogs live. Simulated nodes run no program, so the one of each Job there is run here, by the
// same arguments.
func (c *testCluster) watchdogs(t testing.TB) (ns string, said func() string) {
	ns = c.namespace(t)
	c.serviceAccount(t, ns, "watchdog", "cluster-admin")
	ctx, stop := context.WithCancel(context.Background())
	var all sync.WaitGroup
	t.Cleanup(func() { stop(); all.Wait() })
	var mu sync.Mutex
	var log bytes.Buffer
	program := binary(t)
	all.Go(func() {
		seen := map[string]bool{}
		for ctx.Err() == nil {
			jobs, err := c.api.BatchV1().Jobs(ns).List(ctx, metav1.ListOptions{})
			if err == nil {
				for _, j := range jobs.Items {
					if j.DeletionTimestamp != nil || seen[string(j.UID)] {
						continue
					}
					seen[string(j.UID)] = true
					all.Go(func() {
						args := append(j.Spec.Template.Spec.Containers[0].Args, "-kubeconfig", c.kubeconfig)
						cmd := exec.CommandContext(ctx, program, args...)
						cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGTERM) }
						out, err := cmd.CombinedOutput()
						mu.Lock()
						defer mu.Unlock()
						fmt.Fprintf(&log, "%s%v\n", out, err)
					})
				}
			}
			select {
			case <-ctx.Done():
			case <-time.After(100 * time.Millisecond):
			}
		}
	})
	return ns, func() string { mu.Lock(); defer mu.Unlock(); return log.String() }
}

// serviceAccount makes one that has a ClusterRole, or none.
func (c *testCluster) serviceAccount(t testing.TB, ns, account, role string) {
	_, err := c.api.CoreV1().ServiceAccounts(ns).Create(t.Context(), &corev1.ServiceAccount{ObjectMeta: metav1.ObjectMeta{Name: account}}, metav1.CreateOptions{})
	require.NoError(t, err)
	if role == "" {
		return
	}
	binding := &rbac.ClusterRoleBinding{
		ObjectMeta: metav1.ObjectMeta{Name: ns + "-" + account},
		Subjects:   []rbac.Subject{{Kind: "ServiceAccount", Name: account, Namespace: ns}},
		RoleRef:    rbac.RoleRef{APIGroup: rbac.GroupName, Kind: "ClusterRole", Name: role},
	}
	_, err = c.api.RbacV1().ClusterRoleBindings().Create(t.Context(), binding, metav1.CreateOptions{})
	require.NoError(t, err)
	t.Cleanup(func() {
		_ = c.api.RbacV1().ClusterRoleBindings().Delete(context.Background(), binding.Name, metav1.DeleteOptions{})
	})
}

// alive is a plugin whose lease is renewed until the test says that everything of gameday is dead.
func (c *testCluster) alive(t testing.TB, config map[string]any) (l *sdk.Local, die func()) {
	t.Helper()
	l, err := sdk.ServeLocal(kubernetes.New(), t.Output())
	require.NoError(t, err)
	_, problems, err := l.Configure(t.Context(), sdk.Settings{Config: c.settings(config), Lease: 2 * time.Second})
	require.NoError(t, err)
	require.Empty(t, problems)
	over, renewed := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(renewed)
		for {
			select {
			case <-over:
				return
			case <-time.After(300 * time.Millisecond):
				_ = l.Renew(context.Background())
			}
		}
	}()
	once := sync.OnceFunc(func() { close(over); <-renewed; _ = l.Kill() })
	t.Cleanup(once)
	return l, once
}

// left is what is there of watchdogs and of records.
func (c *testCluster) left(t testing.TB, ns string) string {
	return c.kubectl(t, "", "-n", ns, "get", "job,lease,configmap", "-l", "gameday/run", "-o", "name") + c.kubectl(t, "", "-n", ns, "get", "pod", "-l", "gameday/watchdog", "-o", "name")
}

// aScaledDeployment is a fault that stands, on a Deployment in the namespace.
func aScaledDeployment(t testing.TB, c *testCluster, l *sdk.Local, ns, name string) (sdk.Handle, string) {
	require.NoError(t, c.deploy(t.Context(), ns, name, 2))
	before, err := c.shotOfDeployment(t.Context(), ns, name)
	require.NoError(t, err)
	return inject(t, l, "kubernetes_scale", nil, targets(t, l, "kubernetes_workload", map[string]any{"namespace": ns, "names": []string{name}})), before
}

func TestTheWatchdogUndoesWhatTheDeadLeave(t *testing.T) {
	c := aCluster(t)
	t.Parallel()
	ns, said := c.watchdogs(t)
	l, die := c.alive(t, watched(ns))
	h, before := aScaledDeployment(t, c, l, ns, "web")
	require.Contains(t, strings.Join(h.Effects, "\n"), "if every process of gameday dies at once, it begins to undo this 5s after")
	require.Contains(t, c.left(t, ns), "lease.coordination.k8s.io/gameday-watchdog-")
	die()
	died := time.Now()
	require.NoError(t, await(t.Context(), func() (bool, error) {
		now, err := c.shotOfDeployment(t.Context(), ns, "web")
		return now == before, err
	}), said())
	require.Less(t, time.Since(died), watchdogLease+2*time.Second+3*time.Second)
	require.NoError(t, await(t.Context(), func() (bool, error) { return c.left(t, ns) == "", nil }))
	require.Contains(t, said(), "nothing is left\n<nil>")
}

func TestTheWatchdogLeavesTheLivingAlone(t *testing.T) {
	c := aCluster(t)
	t.Parallel()
	ns, said := c.watchdogs(t)
	l, _ := c.alive(t, watched(ns))
	h, before := aScaledDeployment(t, c, l, ns, "web")
	stands(t, l, h, 2*watchdogLease)
	require.NoError(t, l.Revert(t.Context(), h))
	require.Empty(t, c.left(t, ns), "whoever reverts the last fault has waited for the end of the watchdog")
	now, err := c.shotOfDeployment(t.Context(), ns, "web")
	require.NoError(t, err)
	require.Equal(t, before, now)
	require.NoError(t, await(t.Context(), func() (bool, error) { return strings.Contains(said(), "nothing to do\n<nil>"), nil }), said())
	require.NotContains(t, said(), "undo")
}

// stands looks at a fault for some time, in which it has to stay.
func stands(t testing.TB, l *sdk.Local, h sdk.Handle, d time.Duration) {
	t.Helper()
	tick := time.NewTicker(200 * time.Millisecond)
	defer tick.Stop()
	for until := time.Now().Add(d); time.Now().Before(until); <-tick.C {
		is, err := l.Inspect(t.Context(), h)
		require.NoError(t, err)
		require.Equal(t, sdk.Active, is.Status, is.Evidence)
	}
}

func TestTheWatchdogStaysUntilTheLastFaultIsGone(t *testing.T) {
	c := aCluster(t)
	t.Parallel()
	ns, said := c.watchdogs(t)
	l, die := c.alive(t, watched(ns))
	run := name("run")
	var handles []sdk.Handle
	var before []string
	for _, n := range []string{"one", "two", "three"} {
		require.NoError(t, c.deploy(t.Context(), ns, n, 2))
		shot, err := c.shotOfDeployment(t.Context(), ns, n)
		require.NoError(t, err)
		before = append(before, shot)
		h, problems, err := l.Prepare(t.Context(), "kubernetes_scale", sdk.Request{
			Run: run, ID: "fault.kubernetes_scale." + n, Targets: targets(t, l, "kubernetes_workload", map[string]any{"namespace": ns, "names": []string{n}}),
		})
		require.NoError(t, err)
		require.Empty(t, problems)
		require.NoError(t, l.Inject(t.Context(), h))
		handles = append(handles, h)
	}
	require.NoError(t, l.Revert(t.Context(), handles[1]))
	require.Contains(t, c.left(t, ns), "lease")
	die()
	require.NoError(t, await(t.Context(), func() (bool, error) { return c.left(t, ns) == "", nil }), said())
	for i, n := range []string{"one", "two", "three"} {
		now, err := c.shotOfDeployment(t.Context(), ns, n)
		require.NoError(t, err)
		require.Equal(t, before[i], now)
	}
	third, first := strings.Index(said(), "scale.three is undone"), strings.Index(said(), "scale.one is undone")
	require.True(t, 0 < third && third < first, "the newest is undone first: %s", said())
}

func TestAnAPIServerThatDoesNotAnswerIsNotTheDeathOfGameday(t *testing.T) {
	c := anotherCluster(t)
	t.Parallel()
	ns, said := c.watchdogs(t)
	l, _ := c.alive(t, watched(ns))
	h, _ := aScaledDeployment(t, c, l, ns, "web")
	c.component(t, "stop", "apiserver")
	time.Sleep(2 * watchdogLease) // the outage
	c.component(t, "cont", "apiserver")
	awaitState(t, l, h, sdk.Active)
	stands(t, l, h, 2*watchdogLease)
	require.NotContains(t, said(), "undoing")
	require.NoError(t, l.Revert(t.Context(), h))
	require.Empty(t, c.left(t, ns))
}

func TestAWatchdogThatMayNotUndoIsAProblemOfThePlan(t *testing.T) {
	c := aCluster(t)
	t.Parallel()
	ns := c.namespace(t)
	c.serviceAccount(t, ns, "watchdog", "")
	l, _ := c.alive(t, watched(ns))
	require.NoError(t, c.deploy(t.Context(), ns, "web", 2))
	on := targets(t, l, "kubernetes_workload", map[string]any{"namespace": ns})
	_, problems := prepare(t, l, "kubernetes_scale", nil, on)
	require.Len(t, problems, 1)
	require.Contains(t, problems[0].Summary, "The watchdog could not undo kubernetes_scale: system:serviceaccount:"+ns+":watchdog lacks permissions")
	require.Contains(t, problems[0].Permission, "patch deployments.apps web in "+ns)
	require.Contains(t, problems[0].Permission, "delete configmaps in "+ns)
	// What it prints is enough.
	c.kubectl(t, problems[0].Detail[strings.Index(problems[0].Detail, "apiVersion"):], "apply", "-f", "-")
	t.Cleanup(func() {
		_ = c.api.RbacV1().ClusterRoles().Delete(context.Background(), "gameday-watchdog", metav1.DeleteOptions{})
		_ = c.api.RbacV1().ClusterRoleBindings().Delete(context.Background(), "gameday-watchdog", metav1.DeleteOptions{})
	})
	subject := "--serviceaccount=" + ns + ":watchdog"
	c.kubectl(t, "", "create", "clusterrolebinding", "gameday-watchdog", "--clusterrole=gameday-watchdog", subject)
	c.kubectl(t, "", "-n", ns, "create", "rolebinding", "gameday-watchdog", "--role=gameday-watchdog", subject)
	require.NoError(t, await(t.Context(), func() (bool, error) {
		_, problems := prepare(t, l, "kubernetes_scale", nil, on)
		return len(problems) == 0, nil
	}))
}

func TestAFaultIsNotInjectedWithoutItsWatchdog(t *testing.T) {
	c := aCluster(t)
	t.Parallel()
	ns := c.namespace(t) // where no program of a pod runs
	c.serviceAccount(t, ns, "watchdog", "cluster-admin")
	l, _ := c.alive(t, watched(ns))
	require.NoError(t, c.deploy(t.Context(), ns, "web", 2))
	h, problems := prepare(t, l, "kubernetes_scale", nil, targets(t, l, "kubernetes_workload", map[string]any{"namespace": ns}))
	require.Empty(t, problems)
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
	defer cancel()
	require.Error(t, l.Inject(ctx, h))
	n, err := c.replicas(t.Context(), ns, "web")
	require.NoError(t, err)
	require.EqualValues(t, 2, n)
	require.NoError(t, l.Revert(t.Context(), h))
	require.Empty(t, c.left(t, ns))
}

func TestAnAbandonedWatchdogIsSwept(t *testing.T) {
	c := aCluster(t)
	t.Parallel()
	ns, _ := c.watchdogs(t)
	l, die := c.alive(t, watched(ns))
	h, _ := aScaledDeployment(t, c, l, ns, "web")
	other := c.plugin(t, map[string]any{"namespace": ns})
	found, err := other.Sweep(t.Context())
	require.NoError(t, err)
	require.Len(t, found, 1, "a watchdog of a fault is no find of its own")
	require.Equal(t, h.ID, found[0].ID)
	die()
	c.kubectl(t, "", "-n", ns, "delete", "configmap", "-l", "gameday/run")
	found, err = other.Sweep(t.Context())
	require.NoError(t, err)
	i := slices.IndexFunc(found, func(f sdk.Handle) bool { return f.ID == h.Run+"/watchdog" })
	require.GreaterOrEqual(t, i, 0, "the watchdog is found, beside the Deployment that has lost its record")
	found = found[i:]
	require.NoError(t, other.Revert(t.Context(), found[0]))
	is, err := other.Inspect(t.Context(), found[0])
	require.NoError(t, err)
	require.Equal(t, sdk.Inactive, is.Status, is.Evidence)
	require.Empty(t, c.left(t, ns))
}

func TestMistakesInAWatchdogBlock(t *testing.T) {
	c := aCluster(t)
	for lease, want := range map[string]string{"1s": "faster than gameday itself", "5500ms": "whole seconds", "7s": "faster than gameday itself"} {
		l, err := sdk.ServeLocal(kubernetes.New(), t.Output())
		require.NoError(t, err)
		t.Cleanup(func() { _ = l.Kill() })
		_, problems, err := l.Configure(t.Context(), sdk.Settings{
			Lease: 5 * time.Second, Config: c.settings(map[string]any{"watchdog": map[string]any{"image": "x", "lease": lease}}),
		})
		require.NoError(t, err)
		require.Len(t, problems, 1)
		require.Equal(t, []string{"watchdog", "lease"}, problems[0].Path)
		require.Contains(t, problems[0].Summary, want)
	}
}

func TestAFaultWithAWatchdogConforms(t *testing.T) {
	c := aCluster(t)
	ns, _ := c.watchdogs(t)
	config := watched(ns)
	config["watchdog"].(map[string]any)["lease"] = "3h" // the suite's own is an hour
	conformAs(t, c, config, onDeployment(t, c, "kubernetes_scale", `{}`, func(ctx context.Context, ns string) (bool, error) {
		n, err := c.replicas(ctx, ns, "web")
		return n == 0, err
	}))
}
