package kubernetes_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/gameday-toolkit/gameday/plugins/sdk"
)

// web makes a Deployment, and gives its namespace and its target.
func (c *testCluster) web(t *testing.T, l *sdk.Local) (string, []sdk.Target) {
	t.Helper()
	ns := c.namespace(t)
	require.NoError(t, c.deploy(t.Context(), ns, "web", 2))
	return ns, targets(t, l, "kubernetes_workload", map[string]any{"namespace": ns})
}

func TestWhatSomebodyElseChangedIsNotOverwritten(t *testing.T) {
	t.Parallel()
	c := aCluster(t)
	l := c.plugin(t, nil)
	ns, on := c.web(t, l)
	h := inject(t, l, "kubernetes_scale", struct{}{}, on)
	c.kubectl(t, "", "-n", ns, "scale", "deployment", "web", "--replicas=5")

	err := l.Revert(t.Context(), h)
	for _, want := range []string{"conflict", "deployment " + ns + "/web", "spec.replicas is 5", "gameday set it to 0", "before it was 2"} {
		require.ErrorContains(t, err, want)
	}
	n, err := c.replicas(t.Context(), ns, "web")
	require.NoError(t, err)
	require.EqualValues(t, 5, n)

	// Whoever it was agrees that it was a mistake.
	c.kubectl(t, "", "-n", ns, "scale", "deployment", "web", "--replicas=2")
	require.NoError(t, l.Revert(t.Context(), h))
	awaitState(t, l, h, sdk.Inactive)
	c.requireNoTrace(t, ns)
}

func TestWhoeverTakesTheLabelOffTakesTheObjectOver(t *testing.T) {
	t.Parallel()
	c := aCluster(t)
	l := c.plugin(t, nil)
	ns, on := c.web(t, l)
	h := inject(t, l, "kubernetes_scale", struct{}{}, on)
	c.kubectl(t, "", "-n", ns, "scale", "deployment", "web", "--replicas=5")
	require.Error(t, l.Revert(t.Context(), h))
	c.kubectl(t, "", "-n", ns, "label", "deployment", "web", "gameday/fault-", "gameday/run-")
	require.NoError(t, l.Revert(t.Context(), h))
	n, err := c.replicas(t.Context(), ns, "web")
	require.NoError(t, err)
	require.EqualValues(t, 5, n)
	c.requireNoTrace(t, ns)
}

func TestALabelThatIsGoneDoesNotHideTheFault(t *testing.T) {
	t.Parallel()
	c := aCluster(t)
	l := c.plugin(t, nil)
	ns, on := c.web(t, l)
	h := inject(t, l, "kubernetes_scale", struct{}{}, on)
	c.kubectl(t, "", "-n", ns, "label", "deployment", "web", "gameday/fault-", "gameday/run-")
	awaitState(t, l, h, sdk.Active)
	require.NoError(t, l.Revert(t.Context(), h))
	n, err := c.replicas(t.Context(), ns, "web")
	require.NoError(t, err)
	require.EqualValues(t, 2, n)
	c.requireNoTrace(t, ns)
}

// requireNoTrace looks for anything of gameday's on the Deployment.
func (c *testCluster) requireNoTrace(t *testing.T, ns string) {
	t.Helper()
	shown := c.kubectl(t, "", "-n", ns, "get", "deployments,replicasets", "-o", "yaml", "--show-managed-fields")
	require.NotContains(t, shown, "gameday")
}

func TestThingsThatAreGoneAreReverted(t *testing.T) {
	t.Parallel()
	c := aCluster(t)
	l := c.plugin(t, nil)
	ns, on := c.web(t, l)
	h := inject(t, l, "kubernetes_scale", struct{}{}, on)
	c.kubectl(t, "", "-n", ns, "delete", "deployment", "web")
	require.NoError(t, c.deploy(t.Context(), ns, "web", 1)) // another one of the same name
	require.NoError(t, l.Revert(t.Context(), h))
	require.Contains(t, awaitState(t, l, h, sdk.Inactive).Evidence, "gone, or another one")
	n, err := c.replicas(t.Context(), ns, "web")
	require.NoError(t, err)
	require.EqualValues(t, 1, n)
}

func TestWhatChangedSinceThePlanIsNotInjected(t *testing.T) {
	t.Parallel()
	c := aCluster(t)
	l := c.plugin(t, nil)
	ns, on := c.web(t, l)
	h, problems := prepare(t, l, "kubernetes_scale", struct{}{}, on)
	require.Empty(t, problems)
	c.kubectl(t, "", "-n", ns, "scale", "deployment", "web", "--replicas=3")
	require.ErrorContains(t, l.Inject(t.Context(), h), "has changed since the plan was made (spec.replicas is 3")
	require.NoError(t, l.Revert(t.Context(), h))
	n, err := c.replicas(t.Context(), ns, "web")
	require.NoError(t, err)
	require.EqualValues(t, 3, n)
	c.requireNoTrace(t, ns)
}

func TestAnObjectThatIsHeldIsRefused(t *testing.T) {
	t.Parallel()
	c := aCluster(t)
	l := c.plugin(t, nil)
	_, on := c.web(t, l)
	late, problems := prepare(t, l, "kubernetes_scale", map[string]any{"replicas": 1}, on)
	require.Empty(t, problems)
	h := inject(t, l, "kubernetes_scale", struct{}{}, on)
	_, problems = prepare(t, l, "kubernetes_scale", map[string]any{"replicas": 1}, on)
	require.Len(t, problems, 1)
	require.Contains(t, problems[0].Summary, "held already by a fault of the run "+h.Run)
	require.ErrorContains(t, l.Inject(t.Context(), late), "held already by a fault of the run "+h.Run)
	require.NoError(t, l.Revert(t.Context(), late))
	awaitState(t, l, h, sdk.Active)
	require.NoError(t, l.Revert(t.Context(), h))
}

// Somebody who manages the workload with server-side apply owns its fields afterwards as before: the next apply is no conflict.
func TestTheOwnerOfAFieldHasItBack(t *testing.T) {
	t.Parallel()
	c := aCluster(t)
	l := c.plugin(t, nil)
	ns := c.namespace(t)
	manifest := fmt.Sprintf(`
apiVersion: apps/v1
kind: Deployment
metadata: {name: web, namespace: %s, labels: {team: shop}}
spec:
  replicas: 2
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec: {containers: [{name: web, image: "web:1"}]}
`, ns)
	apply := func() string {
		return c.kubectl(t, manifest, "apply", "--server-side", "--field-manager=argo", "-f", "-")
	}
	apply()
	c.kubectl(t, "", "-n", ns, "rollout", "status", "deployment", "web")
	before, err := c.shotOf(t.Context(), ns)
	require.NoError(t, err)
	require.Contains(t, before, "argo Apply")
	on := targets(t, l, "kubernetes_workload", map[string]any{"namespace": ns})
	h := inject(t, l, "kubernetes_scale", struct{}{}, on)
	require.NoError(t, l.Revert(t.Context(), h))
	after, err := c.shotOf(t.Context(), ns)
	require.NoError(t, err)
	require.Equal(t, before, after)
	manifest = strings.Replace(manifest, "replicas: 2", "replicas: 4", 1)
	require.Contains(t, apply(), "serverside-applied")
}

func TestAForeignTaintStays(t *testing.T) {
	t.Parallel()
	c := aCluster(t)
	l := c.plugin(t, nil)
	p, err := c.addPool(t.Context(), 1)
	require.NoError(t, err)
	defer func() { require.NoError(t, p.drop(t.Context())) }()
	on := targets(t, l, "kubernetes_node", map[string]any{"names": p.nodes})
	h := inject(t, l, "kubernetes_node_taint", map[string]any{"key": "team/maintenance", "value": "a", "effect": "NoSchedule"}, on)
	c.kubectl(t, "", "taint", "node", p.nodes[0], "added=later:NoSchedule")
	require.NoError(t, l.Revert(t.Context(), h))
	n, err := c.api.CoreV1().Nodes().Get(t.Context(), p.nodes[0], metav1.GetOptions{})
	require.NoError(t, err)
	require.Len(t, n.Spec.Taints, 2)
	require.False(t, tainted("team/maintenance")(*n))

	h = inject(t, l, "kubernetes_node_taint", map[string]any{"key": "team/maintenance", "value": "a", "effect": "NoSchedule"}, on)
	c.kubectl(t, "", "taint", "--overwrite", "node", p.nodes[0], "team/maintenance=b:NoSchedule")
	require.ErrorContains(t, l.Revert(t.Context(), h), `spec.taints[effect=NoSchedule,key=team/maintenance] is {"effect":"NoSchedule","key":"team/maintenance","value":"b"}`)
	n, err = c.api.CoreV1().Nodes().Get(t.Context(), p.nodes[0], metav1.GetOptions{})
	require.NoError(t, err)
	require.True(t, tainted("team/maintenance")(*n))
}

// Nobody but the cluster itself can tell two clusters apart that answer at the same address.
func TestAHandleOfAnotherClusterIsRefused(t *testing.T) {
	t.Parallel()
	c := aCluster(t)
	l := c.plugin(t, nil)
	_, on := c.web(t, l)
	h, problems := prepare(t, l, "kubernetes_scale", struct{}{}, on)
	require.Empty(t, problems)
	h.Undo = []byte(strings.Replace(string(h.Undo), `"cluster":"`, `"cluster":"x`, 1))
	require.ErrorContains(t, l.Inject(t.Context(), h), "is about the cluster x")
	require.ErrorContains(t, l.Revert(t.Context(), h), "is about the cluster x")
	_, err := l.Inspect(t.Context(), h)
	require.ErrorContains(t, err, "configure the plugin for that one")
}
