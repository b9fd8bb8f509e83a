package kubernetes_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	policy "k8s.io/api/policy/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/intstr"

	"github.com/gameday-toolkit/gameday/plugins/sdk"
)

// budget makes a PodDisruptionBudget for the pods of web, and waits until the cluster has counted them.
func (c *testCluster) budget(t *testing.T, ns string, minAvailable int) {
	t.Helper()
	least := intstr.FromInt(minAvailable)
	budgets := c.api.PolicyV1().PodDisruptionBudgets(ns)
	_, err := budgets.Create(t.Context(), &policy.PodDisruptionBudget{
		ObjectMeta: metav1.ObjectMeta{Name: "web"},
		Spec:       policy.PodDisruptionBudgetSpec{MinAvailable: &least, Selector: &metav1.LabelSelector{MatchLabels: map[string]string{"app": "web"}}},
	}, metav1.CreateOptions{})
	require.NoError(t, err)
	require.NoError(t, await(t.Context(), func() (bool, error) {
		b, err := budgets.Get(t.Context(), "web", metav1.GetOptions{})
		return err == nil && b.Status.ObservedGeneration == b.Generation && b.Status.ExpectedPods > 0, err
	}))
}

func TestAKillThatBreaksABudgetIsAMistake(t *testing.T) {
	t.Parallel()
	c := aCluster(t)
	l := c.plugin(t, nil)
	ns := c.namespace(t)
	require.NoError(t, c.deploy(t.Context(), ns, "web", 3))
	c.budget(t, ns, 2)
	pods := targets(t, l, "kubernetes_pod", map[string]any{"namespace": ns})
	_, problems := prepare(t, l, "kubernetes_pod_kill", struct{}{}, pods[:1])
	require.Empty(t, problems, "one pod may go")
	_, problems = prepare(t, l, "kubernetes_pod_kill", struct{}{}, pods)
	require.Len(t, problems, 1)
	require.Equal(t, "The PodDisruptionBudget "+ns+"/web allows 1 of its pods to be missing from now on, and this takes 3: 2 too many", problems[0].Summary)
	h := inject(t, l, "kubernetes_pod_kill", map[string]any{"ignore_disruption_budgets": true}, pods)
	require.Contains(t, strings.Join(h.Effects, "\n"), "2 too many")
	require.NoError(t, l.Revert(t.Context(), h))
}

func TestEvictionsWaitForTheBudget(t *testing.T) {
	t.Parallel()
	c := aCluster(t)
	l := c.plugin(t, nil)
	ns := c.namespace(t)
	require.NoError(t, c.deploy(t.Context(), ns, "web", 3))
	c.budget(t, ns, 2)
	pods := targets(t, l, "kubernetes_pod", map[string]any{"namespace": ns})
	done, least := make(chan struct{}), 3
	go func() {
		defer close(done)
		for range 200 {
			d, err := c.api.AppsV1().Deployments(ns).Get(context.Background(), "web", metav1.GetOptions{})
			if err == nil {
				least = min(least, int(d.Status.ReadyReplicas))
			}
			time.Sleep(10 * time.Millisecond)
		}
	}()
	h, problems := prepare(t, l, "kubernetes_pod_evict", struct{}{}, pods)
	require.Len(t, problems, 1)
	require.Equal(t, sdk.Warning, problems[0].Severity)
	require.NoError(t, l.Inject(t.Context(), h), "one after the other")
	awaitState(t, l, h, sdk.Active)
	<-done
	require.GreaterOrEqual(t, least, 2)
	require.NoError(t, l.Revert(t.Context(), h))
}

func TestAnEvictionThatIsNeverAllowedNamesTheBudget(t *testing.T) {
	t.Parallel()
	c := aCluster(t)
	l := c.plugin(t, nil)
	ns := c.namespace(t)
	require.NoError(t, c.deploy(t.Context(), ns, "web", 2))
	c.budget(t, ns, 2)
	pods := targets(t, l, "kubernetes_pod", map[string]any{"namespace": ns})
	h, problems := prepare(t, l, "kubernetes_pod_evict", map[string]any{"eviction_timeout": "1s"}, pods)
	require.False(t, sdk.HasErrors(problems))
	err := l.Inject(t.Context(), h)
	require.ErrorContains(t, err, "not allowed within 1s")
	require.ErrorContains(t, err, "The disruption budget web needs 2 healthy pods and has 2 currently")
	require.NoError(t, l.Revert(t.Context(), h))
	awaitState(t, l, h, sdk.Inactive)
}

func TestPodsThatAreNotReplacedFailTheRevertByName(t *testing.T) {
	t.Parallel()
	c := aCluster(t)
	l := c.plugin(t, nil)
	p, err := c.addPool(t.Context(), 1)
	require.NoError(t, err)
	defer func() { require.NoError(t, p.drop(t.Context())) }()
	ns := c.namespace(t)
	require.NoError(t, c.deploy(t.Context(), ns, "web", 2, p.only))
	pods := targets(t, l, "kubernetes_pod", map[string]any{"namespace": ns})
	c.kubectl(t, "", "cordon", p.nodes[0]) // there is no place for the next ones
	h := inject(t, l, "kubernetes_pod_kill", map[string]any{"respawn_within": "1s"}, pods)
	require.ErrorContains(t, l.Revert(t.Context(), h), "the pods that were taken away have not been replaced within 1s: replicaset "+ns+"/web-")
	awaitState(t, l, h, sdk.Active)
	c.kubectl(t, "", "uncordon", p.nodes[0])
	require.NoError(t, await(t.Context(), func() (bool, error) { return l.Revert(t.Context(), h) == nil, nil }))

	pods = targets(t, l, "kubernetes_pod", map[string]any{"namespace": ns})
	c.kubectl(t, "", "cordon", p.nodes[0])
	h = inject(t, l, "kubernetes_pod_kill", map[string]any{"respawn": false}, pods)
	require.NoError(t, l.Revert(t.Context(), h), "nobody asked for others")
}

func TestMistakesInAKillBlock(t *testing.T) {
	t.Parallel()
	c := aCluster(t)
	l := c.plugin(t, nil)
	ns := c.namespace(t)
	require.NoError(t, c.deploy(t.Context(), ns, "web", 1))
	c.kubectl(t, "", "-n", ns, "run", "single", "--image=web:1")
	pods := targets(t, l, "kubernetes_pod", map[string]any{"namespace": ns, "names": []string{"single"}})
	_, problems := prepare(t, l, "kubernetes_pod_kill", struct{}{}, pods)
	require.Len(t, problems, 1)
	require.Contains(t, problems[0].Summary, "Nothing controls the pod "+ns+"/single")

	pods = targets(t, l, "kubernetes_pod", map[string]any{"namespace": ns, "owner": "deployment/web"})
	require.Len(t, pods, 1)
	for grace, want := range map[string]string{"1500ms": "whole seconds", "-1s": "whole seconds"} {
		_, problems = prepare(t, l, "kubernetes_pod_kill", map[string]any{"grace_period": grace}, pods)
		require.Len(t, problems, 1)
		require.Equal(t, []string{"grace_period"}, problems[0].Path)
		require.Contains(t, problems[0].Summary, want)
	}
	_, problems = prepare(t, l, "kubernetes_pod_kill", map[string]any{"respawn_within": "0s"}, pods)
	require.Equal(t, []string{"respawn_within"}, problems[0].Path)
	_, problems = prepare(t, l, "kubernetes_scale", struct{}{}, pods)
	require.Contains(t, problems[0].Summary, "kubernetes_scale cannot touch a kubernetes_pod")
}

// A drain leaves alone what belongs to the node, and says what is lost.
func TestADrainLeavesWhatBelongsToTheNode(t *testing.T) {
	t.Parallel()
	c := aCluster(t)
	l := c.plugin(t, nil)
	p, err := c.addPool(t.Context(), 2)
	require.NoError(t, err)
	defer func() { require.NoError(t, p.drop(t.Context())) }()
	ns := c.namespace(t)
	require.NoError(t, c.deploy(t.Context(), ns, "web", 4, p.only, withEmptyDir))
	c.kubectl(t, fmt.Sprintf(`
apiVersion: apps/v1
kind: DaemonSet
metadata: {name: agent, namespace: %[1]s}
spec:
  selector: {matchLabels: {app: agent}}
  template:
    metadata: {labels: {app: agent}}
    spec:
      nodeSelector: {pool: %[2]s}
      tolerations: [{key: pool, operator: Exists}]
      containers: [{name: agent, image: "agent:1"}]
`, ns, p.name), "apply", "-f", "-")
	c.kubectl(t, "", "-n", ns, "rollout", "status", "daemonset", "agent")

	h, problems := prepare(t, l, "kubernetes_node_drain", struct{}{}, targets(t, l, "kubernetes_node", map[string]any{"names": p.nodes[:1]}))
	require.NotEmpty(t, problems)
	for _, x := range problems {
		require.Equal(t, sdk.Warning, x.Severity)
		require.Contains(t, x.Summary, "emptyDir")
	}
	require.NoError(t, l.Inject(t.Context(), h))
	awaitState(t, l, h, sdk.Active)
	require.Equal(t, []string{"agent"}, c.appsOn(t, p.nodes[0]))
	require.NoError(t, l.Revert(t.Context(), h))
	awaitState(t, l, h, sdk.Inactive)
}

// appsOn are the apps whose pods are on a node, in the order of the pods.
func (c *testCluster) appsOn(t *testing.T, node string) (out []string) {
	t.Helper()
	pods, err := c.api.CoreV1().Pods("").List(t.Context(), metav1.ListOptions{FieldSelector: "spec.nodeName=" + node})
	require.NoError(t, err)
	for _, p := range pods.Items {
		if p.DeletionTimestamp == nil {
			out = append(out, p.Labels["app"])
		}
	}
	return out
}

// A zone outage: what was spread over three zones is placed again in the other two, and a node that was cordoned before stays so.
func TestAZoneIsLostAndComesBack(t *testing.T) {
	t.Parallel()
	c := anotherCluster(t)
	l := c.plugin(t, nil)
	ns := c.namespace(t)
	require.NoError(t, c.deploy(t.Context(), ns, "web", 6, spreadOverZones))
	c.budget(t, ns, 5)
	c.kubectl(t, "", "cordon", "node-b-2")
	zone := targets(t, l, "kubernetes_zone", map[string]any{"names": []string{"zone-b"}})
	_, problems := prepare(t, l, "kubernetes_zone_outage", struct{}{}, zone)
	require.Len(t, problems, 1)
	require.Contains(t, problems[0].Summary, "allows 1 of its pods to be missing from now on, and this takes 2: 1 too many")

	h := inject(t, l, "kubernetes_zone_outage", map[string]any{"ignore_disruption_budgets": true}, zone)
	require.Contains(t, strings.Join(h.Effects, "\n"), "node node-b-2 is cordoned already, and stays cordoned afterwards")
	for _, n := range []string{"node-b-1", "node-b-2", "node-b-3"} {
		require.Empty(t, c.appsOn(t, n))
	}
	c.kubectl(t, "", "-n", ns, "rollout", "status", "deployment", "web", "--timeout=30s")
	require.NoError(t, l.Revert(t.Context(), h))
	awaitState(t, l, h, sdk.Inactive)
	for n, want := range map[string]bool{"node-b-1": false, "node-b-2": true, "node-b-3": false} {
		node, err := c.api.CoreV1().Nodes().Get(t.Context(), n, metav1.GetOptions{})
		require.NoError(t, err)
		require.Equal(t, want, node.Spec.Unschedulable, n)
		require.False(t, tainted("gameday/zone-outage")(*node))
		require.NotContains(t, fmt.Sprint(node.Labels), "gameday/")
		for _, e := range node.ManagedFields {
			require.NotEqual(t, "gameday", e.Manager)
		}
	}

	all := targets(t, l, "kubernetes_zone", map[string]any{"names": []string{"zone-a", "zone-b", "zone-c"}})
	_, problems = prepare(t, l, "kubernetes_zone_outage", map[string]any{"ignore_disruption_budgets": true}, all)
	require.False(t, sdk.HasErrors(problems), "a region may be lost, too")
	require.Contains(t, problems[0].Summary, "all nodes of the cluster")
}

// Pods that tolerate everything come back to a zone that is lost. They do not keep the fault from being active.
func TestPodsThatTolerateEverythingComeBackToALostZone(t *testing.T) {
	t.Parallel()
	c := anotherCluster(t)
	l := c.plugin(t, nil)
	ns := c.namespace(t)
	require.NoError(t, c.deploy(t.Context(), ns, "web", 3, stubborn))
	h := inject(t, l, "kubernetes_zone_outage", struct{}{}, targets(t, l, "kubernetes_zone", map[string]any{"names": []string{"zone-a"}}))
	require.NoError(t, await(t.Context(), func() (bool, error) {
		state, err := l.Inspect(t.Context(), h)
		return state.Status == sdk.Active && strings.Contains(state.Evidence, "pods that tolerate everything have been placed there since"), err
	}))
	require.NoError(t, l.Revert(t.Context(), h))
}
