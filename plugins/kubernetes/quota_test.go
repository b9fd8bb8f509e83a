package kubernetes_test

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	scheduling "k8s.io/api/scheduling/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/gameday-toolkit/gameday/plugins/sdk"
	"github.com/gameday-toolkit/gameday/plugins/sdk/conformance"
)

// onNamespace is a case on a namespace of its own, with a Deployment in it.
func onNamespace(t *testing.T, c *testCluster, fault, name, config string, look func(ctx context.Context, ns string) (bool, error)) conformance.Case {
	l := c.plugin(t, nil)
	return conformance.Case{
		Fault: fault, Name: name,
		Setup: func(ctx context.Context) (sdk.Request, error) {
			ns, err := c.addNamespace(ctx)
			if err == nil {
				err = c.deploy(ctx, ns, "web", 2)
			}
			if err != nil {
				return sdk.Request{}, err
			}
			on, err := resolve(ctx, l, "kubernetes_namespace", map[string]any{"names": []string{ns}})
			return sdk.Request{Config: json.RawMessage(config), Targets: on}, err
		},
		Look: func(ctx context.Context, h sdk.Handle) (bool, error) { return look(ctx, h.Targets[0].Name) },
		Snapshot: func(ctx context.Context, req sdk.Request) (string, error) {
			return c.shotOfNamespace(ctx, req.Targets[0].Name)
		},
		Teardown: func(ctx context.Context, req sdk.Request) error { return c.dropNamespace(ctx, req.Targets[0].Name) },
	}
}

// shotOfNamespace names what is in a namespace, as far as faults may put something there.
func (c *testCluster) shotOfNamespace(ctx context.Context, ns string) (string, error) {
	all := metav1.ListOptions{}
	pods, err := c.api.CoreV1().Pods(ns).List(ctx, all)
	if err != nil {
		return "", err
	}
	quotas, err := c.api.CoreV1().ResourceQuotas(ns).List(ctx, all)
	if err != nil {
		return "", err
	}
	deployments, err := c.api.AppsV1().Deployments(ns).List(ctx, all)
	if err != nil {
		return "", err
	}
	policies, err := c.api.NetworkingV1().NetworkPolicies(ns).List(ctx, all)
	if err != nil {
		return "", err
	}
	var out []string
	for _, o := range pods.Items {
		out = append(out, fmt.Sprintln("pod", o.Name, o.UID, o.Labels))
	}
	for _, o := range quotas.Items {
		out = append(out, fmt.Sprintln("quota", o.Name))
	}
	for _, o := range deployments.Items {
		out = append(out, fmt.Sprintln("deployment", o.Name, o.UID, o.Labels))
	}
	for _, o := range policies.Items {
		out = append(out, fmt.Sprintln("policy", o.Name))
	}
	slices.Sort(out)
	return strings.Join(out, ""), nil
}

var ofAFault = metav1.ListOptions{LabelSelector: "gameday/fault"}

func TestQuotaConforms(t *testing.T) {
	c := aCluster(t)
	conform(t, c,
		onNamespace(t, c, "kubernetes_quota", "clamp", `{"mode":"clamp","resources":["pods","requests.cpu"]}`, func(ctx context.Context, ns string) (bool, error) {
			all, err := c.api.CoreV1().ResourceQuotas(ns).List(ctx, ofAFault)
			return err == nil && len(all.Items) > 0, err
		}),
		onNamespace(t, c, "kubernetes_quota", "fill", `{"mode":"fill","max_pods":2}`, func(ctx context.Context, ns string) (bool, error) {
			all, err := c.api.AppsV1().Deployments(ns).List(ctx, ofAFault)
			return err == nil && len(all.Items) > 0, err
		}),
	)
}

func withRequests(cpu string) func(*appsv1.Deployment) {
	return func(d *appsv1.Deployment) {
		d.Spec.Template.Spec.Containers[0].Resources.Requests = corev1.ResourceList{corev1.ResourceCPU: resource.MustParse(cpu)}
	}
}

func (c *testCluster) namespaceTarget(t *testing.T, l *sdk.Local, ns string) []sdk.Target {
	return targets(t, l, "kubernetes_namespace", map[string]any{"names": []string{ns}})
}

func (c *testCluster) scaleTo(t *testing.T, ns string, n int) {
	c.kubectl(t, "", "-n", ns, "scale", "deployment/web", fmt.Sprintf("--replicas=%d", n))
}

// awaitPods waits until the Deployment web has so many ready pods, and has been denied others if it wants more.
func (c *testCluster) awaitPods(t *testing.T, ns string, n int32) {
	t.Helper()
	var d *appsv1.Deployment
	require.NoError(t, await(t.Context(), func() (done bool, err error) {
		d, err = c.api.AppsV1().Deployments(ns).Get(t.Context(), "web", metav1.GetOptions{})
		if err != nil {
			return false, err
		}
		denied := slices.ContainsFunc(d.Status.Conditions, func(c appsv1.DeploymentCondition) bool {
			return c.Type == appsv1.DeploymentReplicaFailure && strings.Contains(c.Message, "exceeded quota: gameday-quota-")
		})
		return d.Status.ObservedGeneration == d.Generation && d.Status.ReadyReplicas == n && denied == (*d.Spec.Replicas > n), nil
	}), "%+v", d)
}

func TestAClampedNamespaceTakesNoMore(t *testing.T) {
	t.Parallel()
	c := aCluster(t)
	l := c.plugin(t, nil)
	ns := c.namespace(t)
	require.NoError(t, c.deploy(t.Context(), ns, "web", 2, withRequests("100m")))
	_, err := c.api.CoreV1().ResourceQuotas(ns).Create(t.Context(), &corev1.ResourceQuota{
		ObjectMeta: metav1.ObjectMeta{Name: "team"}, Spec: corev1.ResourceQuotaSpec{Hard: corev1.ResourceList{"requests.cpu": resource.MustParse("1")}},
	}, metav1.CreateOptions{})
	require.NoError(t, err)
	require.NoError(t, await(t.Context(), func() (bool, error) {
		q, err := c.api.CoreV1().ResourceQuotas(ns).Get(t.Context(), "team", metav1.GetOptions{})
		return err == nil && len(q.Status.Used) > 0, err
	}))

	h := inject(t, l, "kubernetes_quota", map[string]any{
		"mode": "clamp", "resources": []string{"pods", "requests.cpu"}, "headroom": map[string]any{"requests.cpu": "100m", "pods": "5"},
	}, c.namespaceTarget(t, l, ns))
	effects := strings.Join(h.Effects, "\n")
	require.Contains(t, effects, "requests.cpu in "+ns+": 200m used; before, the quota team leaves 800m of 1; then 100m are left")
	require.Contains(t, effects, "pods in "+ns+": 2 used; before, no quota limits it; then 5 are left")
	evidence := awaitState(t, l, h, sdk.Active).Evidence
	require.Contains(t, evidence, "requests.cpu: 200m of 300m used")
	require.Contains(t, evidence, "a pod for trial (dry run) is denied: exceeded quota: gameday-quota-")

	c.scaleTo(t, ns, 5)
	c.awaitPods(t, ns, 3)
	require.NoError(t, l.Revert(t.Context(), h))
	c.kubectl(t, "", "-n", ns, "rollout", "restart", "deployment/web") // the ReplicaSet controller tries again only later
	c.awaitPods(t, ns, 5)
}

// Between plan and injection pods may end. Their room is not left.
func TestTheClampIsWhatIsUsedThen(t *testing.T) {
	t.Parallel()
	c := aCluster(t)
	l := c.plugin(t, nil)
	ns := c.namespace(t)
	require.NoError(t, c.deploy(t.Context(), ns, "web", 3))
	h, problems := prepare(t, l, "kubernetes_quota", map[string]any{"mode": "clamp"}, c.namespaceTarget(t, l, ns))
	require.Empty(t, problems)
	c.scaleTo(t, ns, 1)
	c.awaitPods(t, ns, 1)
	require.NoError(t, l.Inject(t.Context(), h))
	require.Contains(t, awaitState(t, l, h, sdk.Active).Evidence, "pods: 1 of 1 used")
	c.scaleTo(t, ns, 2)
	c.awaitPods(t, ns, 1)
	require.NoError(t, l.Revert(t.Context(), h))
}

// With less than what is used, nothing that ends is replaced.
func TestAHardLimitDeniesReplacements(t *testing.T) {
	t.Parallel()
	c := aCluster(t)
	l := c.plugin(t, nil)
	ns := c.namespace(t)
	require.NoError(t, c.deploy(t.Context(), ns, "web", 2))
	h := inject(t, l, "kubernetes_quota", map[string]any{"mode": "clamp", "resources": []string{}, "hard": map[string]any{"pods": "0"}}, c.namespaceTarget(t, l, ns))
	require.NoError(t, c.api.CoreV1().Pods(ns).DeleteCollection(t.Context(), metav1.DeleteOptions{}, metav1.ListOptions{}))
	c.awaitPods(t, ns, 0)
	require.NoError(t, l.Revert(t.Context(), h))
}

func TestFilledNodesTakeNoMore(t *testing.T) {
	t.Parallel()
	c := aCluster(t)
	l := c.plugin(t, nil)
	ns := c.namespace(t)
	h := inject(t, l, "kubernetes_quota", map[string]any{
		"mode": "fill", "zones": []string{"zone-c"}, "requests": map[string]any{"cpu": "3"}, "image": "pause:1",
	}, c.namespaceTarget(t, l, ns))
	require.Contains(t, strings.Join(h.Effects, "\n"), "6 pods take cpu 3 each, of which 6 would fit; free before: zone-c: cpu 2")
	require.Contains(t, awaitState(t, l, h, sdk.Active).Evidence, "6 pods that take room run; free before: zone-c: cpu 2")

	// One that may push nobody out finds no place.
	never := corev1.PreemptNever
	class, err := c.api.SchedulingV1().PriorityClasses().Create(t.Context(), &scheduling.PriorityClass{ObjectMeta: metav1.ObjectMeta{Name: name("polite")}, PreemptionPolicy: &never}, metav1.CreateOptions{})
	require.NoError(t, err)
	t.Cleanup(func() {
		_ = c.api.SchedulingV1().PriorityClasses().Delete(context.Background(), class.Name, metav1.DeleteOptions{})
	})
	late := &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{Name: "late"},
		Spec: corev1.PodSpec{
			PriorityClassName: class.Name, NodeSelector: map[string]string{corev1.LabelTopologyZone: "zone-c"},
			Containers: []corev1.Container{{Name: "late", Image: "web:1", Resources: corev1.ResourceRequirements{Requests: corev1.ResourceList{corev1.ResourceCPU: resource.MustParse("3")}}}},
		},
	}
	require.NoError(t, await(t.Context(), func() (bool, error) { // the API server hears of its own new class a moment later
		_, err := c.api.CoreV1().Pods(ns).Create(t.Context(), late, metav1.CreateOptions{})
		if apierrors.IsForbidden(err) {
			return false, nil
		}
		return err == nil, err
	}))
	placed := func(want corev1.ConditionStatus) func() (bool, error) {
		return func() (bool, error) {
			p, err := c.api.CoreV1().Pods(ns).Get(t.Context(), "late", metav1.GetOptions{})
			return err == nil && slices.ContainsFunc(p.Status.Conditions, func(c corev1.PodCondition) bool { return c.Type == corev1.PodScheduled && c.Status == want }), err
		}
	}
	require.NoError(t, await(t.Context(), placed(corev1.ConditionFalse)))
	require.NoError(t, l.Revert(t.Context(), h))
	require.NoError(t, await(t.Context(), placed(corev1.ConditionTrue)))
	c.kubectl(t, "", "-n", ns, "delete", "pod", "late", "--wait") // others count what is free in this zone, too
	left, err := c.api.CoreV1().Pods(ns).List(t.Context(), ofAFault)
	require.NoError(t, err)
	require.Empty(t, left.Items)
	for _, i := range h.Steps {
		if _, after, ok := strings.Cut(i, "delete priorityclass.scheduling.k8s.io "); ok {
			_, err = c.api.SchedulingV1().PriorityClasses().Get(t.Context(), after, metav1.GetOptions{})
			require.True(t, apierrors.IsNotFound(err), "%v", err)
			return
		}
	}
	require.Fail(t, "the steps do not delete the PriorityClass", "%v", h.Steps)
}

// Somebody who makes gameday's quota theirs, or one of its name, keeps it.
func TestAQuotaThatIsNotOursStays(t *testing.T) {
	t.Parallel()
	c := aCluster(t)
	l := c.plugin(t, nil)
	ns := c.namespace(t)
	require.NoError(t, c.deploy(t.Context(), ns, "web", 1))
	h := inject(t, l, "kubernetes_quota", map[string]any{"mode": "clamp"}, c.namespaceTarget(t, l, ns))
	all, err := c.api.CoreV1().ResourceQuotas(ns).List(t.Context(), ofAFault)
	require.NoError(t, err)
	require.Len(t, all.Items, 1)
	c.kubectl(t, "", "-n", ns, "label", "resourcequota", all.Items[0].Name, "gameday/fault-")
	require.NoError(t, l.Revert(t.Context(), h))
	_, err = c.api.CoreV1().ResourceQuotas(ns).Get(t.Context(), all.Items[0].Name, metav1.GetOptions{})
	require.NoError(t, err)
}

func TestMistakesInAQuotaBlock(t *testing.T) {
	t.Parallel()
	c := aCluster(t)
	l := c.plugin(t, nil)
	ns := c.namespace(t)
	require.NoError(t, c.deploy(t.Context(), ns, "web", 1))
	on := c.namespaceTarget(t, l, ns)
	for _, tt := range []struct {
		config     map[string]any
		path, want string
	}{
		{map[string]any{"mode": "clamp", "resources": []string{"requests.nvidia.com/gpu"}}, "resources.0", "not known how much is used"},
		{map[string]any{"mode": "clamp", "headroom": map[string]any{"pods": "some"}}, "headroom.pods", "no amount"},
		{map[string]any{"mode": "clamp", "headroom": map[string]any{"limits.cpu": "1"}}, "headroom.limits.cpu", "not limited by what is used"},
		{map[string]any{"mode": "clamp", "resources": []string{}}, "resources", "Nothing is limited"},
		{map[string]any{"mode": "fill", "requests": map[string]any{"cpu": "999"}}, "requests", "no room for a single pod"},
		{map[string]any{"mode": "fill", "requests": map[string]any{"cpu": "-1"}}, "requests.cpu", "no amount"},
		{map[string]any{"mode": "fill", "max_pods": 0}, "max_pods", "no number of pods"},
		{map[string]any{"mode": "fill", "image": ""}, "image", "no image"},
	} {
		_, problems := prepare(t, l, "kubernetes_quota", tt.config, on)
		require.Len(t, problems, 1, tt.want)
		require.Contains(t, problems[0].Summary, tt.want)
		require.Equal(t, tt.path, strings.Join(problems[0].Path, "."))
	}
	_, problems := prepare(t, l, "kubernetes_quota", map[string]any{"mode": "clamp", "resources": []string{"requests.memory"}}, on)
	require.Len(t, problems, 1)
	require.Equal(t, sdk.Warning, problems[0].Severity)
	require.Contains(t, problems[0].Summary, "says nothing of requests.memory")
	onDefault := c.namespaceTarget(t, l, "default")
	_, problems = prepare(t, l, "kubernetes_quota", map[string]any{"mode": "clamp", "resources": []string{"configmaps"}}, onDefault)
	require.Len(t, problems, 1)
	require.Contains(t, problems[0].Summary, "gameday itself makes ConfigMaps")
}
