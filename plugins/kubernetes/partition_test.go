package kubernetes_test

import (
	"context"
	"encoding/json"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	networking "k8s.io/api/networking/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/gameday-toolkit/gameday/plugins/sdk"
	"github.com/gameday-toolkit/gameday/plugins/sdk/conformance"
)

// parting is a case of a fault by NetworkPolicies, on a Deployment in a namespace of its own.
func parting(t *testing.T, c *testCluster, fault, name string, find func(ctx context.Context, l *sdk.Local, ns string) (sdk.Request, error)) conformance.Case {
	l := c.plugin(t, nil)
	worlds := map[string]string{} // the namespace, by the first target
	of := func(targets []sdk.Target) string { return worlds[targets[0].ID] }
	return conformance.Case{
		Fault: fault, Name: name,
		Setup: func(ctx context.Context) (sdk.Request, error) {
			ns, err := c.addNamespace(ctx)
			if err == nil {
				err = c.deploy(ctx, ns, "web", 2, inZone("zone-b"))
			}
			if err != nil {
				return sdk.Request{}, err
			}
			req, err := find(ctx, l, ns)
			if err == nil {
				worlds[req.Targets[0].ID] = ns
			}
			return req, err
		},
		Look: func(ctx context.Context, h sdk.Handle) (bool, error) {
			all, err := c.api.NetworkingV1().NetworkPolicies(of(h.Targets)).List(ctx, ofAFault)
			return err == nil && len(all.Items) > 0, err
		},
		Snapshot: func(ctx context.Context, req sdk.Request) (string, error) {
			return c.shotOfNamespace(ctx, of(req.Targets))
		},
		Teardown: func(ctx context.Context, req sdk.Request) error { return c.dropNamespace(ctx, of(req.Targets)) },
	}
}

func inZone(zone string) func(*appsv1.Deployment) {
	return func(d *appsv1.Deployment) {
		d.Spec.Template.Spec.NodeSelector = map[string]string{corev1.LabelTopologyZone: zone}
	}
}

func TestPartitionConforms(t *testing.T) {
	c := aCluster(t)
	const fault = "kubernetes_partition"
	config := json.RawMessage(`{"enforced":true,"except":[{"ports":["53/UDP"]}]}`)
	conform(t, c,
		parting(t, c, fault, "pods", func(ctx context.Context, l *sdk.Local, ns string) (sdk.Request, error) {
			on, err := resolve(ctx, l, "kubernetes_pod", map[string]any{"namespace": ns})
			return sdk.Request{Config: config, Targets: on}, err
		}),
		parting(t, c, fault, "namespace", func(ctx context.Context, l *sdk.Local, ns string) (sdk.Request, error) {
			on, err := resolve(ctx, l, "kubernetes_namespace", map[string]any{"names": []string{ns}})
			return sdk.Request{Config: config, Targets: on}, err
		}),
	)
}

// All cases are about the same zone, so their namespaces tell them apart.
func TestZoneIsolationConforms(t *testing.T) {
	c := aCluster(t)
	on := parting(t, c, "kubernetes_zone_isolation", "", func(ctx context.Context, l *sdk.Local, ns string) (sdk.Request, error) {
		config, err := json.Marshal(map[string]any{"enforced": true, "namespaces": []string{ns}})
		if err != nil {
			return sdk.Request{}, err
		}
		found, err := resolve(ctx, l, "kubernetes_zone", map[string]any{"names": []string{"zone-b"}})
		return sdk.Request{Config: config, Targets: found}, err
	})
	namespaceOf := func(req sdk.Request) (string, error) {
		var c struct {
			Namespaces []string `json:"namespaces"`
		}
		err := json.Unmarshal(req.Config, &c)
		return c.Namespaces[0], err
	}
	on.Look = func(ctx context.Context, h sdk.Handle) (bool, error) {
		all, err := c.api.NetworkingV1().NetworkPolicies("").List(ctx, metav1.ListOptions{LabelSelector: "gameday/run=" + h.Run})
		return err == nil && len(all.Items) > 0, err
	}
	on.Snapshot = func(ctx context.Context, req sdk.Request) (string, error) {
		ns, err := namespaceOf(req)
		if err != nil {
			return "", err
		}
		return c.shotOfNamespace(ctx, ns)
	}
	on.Teardown = func(ctx context.Context, req sdk.Request) error {
		ns, err := namespaceOf(req)
		if err != nil {
			return err
		}
		return c.dropNamespace(ctx, ns)
	}
	conform(t, c, on)
}

// policies are those of a fault.
func (c *testCluster) policies(t *testing.T, h sdk.Handle) []networking.NetworkPolicy {
	t.Helper()
	all, err := c.api.NetworkingV1().NetworkPolicies("").List(t.Context(), metav1.ListOptions{LabelSelector: "gameday/run=" + h.Run})
	require.NoError(t, err)
	return all.Items
}

func TestAPartitionIsActiveOnlyWhereSomethingEnforcesIt(t *testing.T) {
	t.Parallel()
	c := aCluster(t)
	l := c.plugin(t, nil)
	ns := c.namespace(t)
	require.NoError(t, c.deploy(t.Context(), ns, "web", 1))
	on := targets(t, l, "kubernetes_workload", map[string]any{"namespace": ns})
	h, problems := prepare(t, l, "kubernetes_partition", map[string]any{"direction": "ingress"}, on)
	require.Len(t, problems, 1)
	require.Equal(t, sdk.Warning, problems[0].Severity)
	require.Equal(t, "Nothing that is known to enforce NetworkPolicies runs in this cluster", problems[0].Summary)
	require.NoError(t, l.Inject(t.Context(), h))
	require.Contains(t, awaitState(t, l, h, sdk.Unknown).Evidence, "nothing known enforces them")

	labels := map[string]string{"app": "calico-node"}
	_, err := c.api.AppsV1().DaemonSets(ns).Create(t.Context(), &appsv1.DaemonSet{
		ObjectMeta: metav1.ObjectMeta{Name: "calico-node"},
		Spec: appsv1.DaemonSetSpec{Selector: &metav1.LabelSelector{MatchLabels: labels}, Template: corev1.PodTemplateSpec{
			ObjectMeta: metav1.ObjectMeta{Labels: labels}, Spec: corev1.PodSpec{Containers: []corev1.Container{{Name: "node", Image: "node:1"}}},
		}},
	}, metav1.CreateOptions{})
	require.NoError(t, err)
	require.Contains(t, awaitState(t, l, h, sdk.Active).Evidence, "1 pods are selected, and Calico (daemonset "+ns+"/calico-node")
	require.NoError(t, l.Revert(t.Context(), h))
	again, problems := prepare(t, l, "kubernetes_partition", nil, on)
	require.Empty(t, problems)
	require.Contains(t, strings.Join(again.Effects, "\n"), "policies are enforced by Calico")

	// The cluster is everybody's, so it does not stay one that enforces policies.
	c.kubectl(t, "", "-n", ns, "delete", "daemonset", "calico-node", "--cascade=foreground", "--wait")
}

func TestWhatAPartitionLetsThrough(t *testing.T) {
	t.Parallel()
	c := aCluster(t)
	l := c.plugin(t, nil)
	ns := c.namespace(t)
	require.NoError(t, c.deploy(t.Context(), ns, "web", 1))
	h := inject(t, l, "kubernetes_partition", map[string]any{
		"direction": "egress", "enforced": true, "except": []map[string]any{
			{"namespaces": "kubernetes.io/metadata.name=kube-system", "pods": "k8s-app=kube-dns", "ports": []string{"53/UDP", "53/TCP"}},
			{"cidr": "192.0.2.0/24"},
		},
	}, targets(t, l, "kubernetes_workload", map[string]any{"namespace": ns}))
	found := c.policies(t, h)
	require.Len(t, found, 1)
	spec := found[0].Spec
	require.Equal(t, map[string]string{"app": "web"}, spec.PodSelector.MatchLabels)
	require.Equal(t, []networking.PolicyType{networking.PolicyTypeEgress}, spec.PolicyTypes)
	require.Len(t, spec.Egress, 2)
	require.Equal(t, map[string]string{"k8s-app": "kube-dns"}, spec.Egress[0].To[0].PodSelector.MatchLabels)
	require.Equal(t, "kube-system", spec.Egress[0].To[0].NamespaceSelector.MatchLabels["kubernetes.io/metadata.name"])
	require.Equal(t, corev1.ProtocolUDP, *spec.Egress[0].Ports[0].Protocol)
	require.Equal(t, "192.0.2.0/24", spec.Egress[1].To[0].IPBlock.CIDR)
	require.Empty(t, spec.Egress[1].Ports)
	require.NoError(t, l.Revert(t.Context(), h))
	require.Empty(t, c.policies(t, h))
}

func TestAnIsolatedZoneTalksWithinItself(t *testing.T) {
	t.Parallel()
	c := aCluster(t)
	l := c.plugin(t, nil)
	ns := c.namespace(t)
	require.NoError(t, c.deploy(t.Context(), ns, "here", 2, inZone("zone-b")))
	require.NoError(t, c.deploy(t.Context(), ns, "there", 1, inZone("zone-c")))
	h := inject(t, l, "kubernetes_zone_isolation", map[string]any{"enforced": true, "namespaces": []string{ns}}, targets(t, l, "kubernetes_zone", map[string]any{"names": []string{"zone-b"}}))
	found := c.policies(t, h)
	require.Len(t, found, 1)
	from := found[0].Spec.Ingress[0].From
	require.Equal(t, from, found[0].Spec.Egress[0].To)
	require.Equal(t, found[0].Spec.PodSelector, *from[0].PodSelector, "pods of the zone reach each other")
	require.Equal(t, "0.0.0.0/0", from[1].IPBlock.CIDR)
	for _, n := range []string{"node-a-1", "node-c-3"} {
		require.Contains(t, from[1].IPBlock.Except, c.podNetwork(t, n))
	}
	require.NotContains(t, from[1].IPBlock.Except, c.podNetwork(t, "node-b-1"))
	pods, err := c.api.CoreV1().Pods(ns).List(t.Context(), metav1.ListOptions{LabelSelector: "gameday/isolated"})
	require.NoError(t, err)
	require.Len(t, pods.Items, 2)
	for _, p := range pods.Items {
		require.Equal(t, "here", p.Labels["app"])
	}

	// Somebody takes a pod out of the isolation.
	c.kubectl(t, "", "-n", ns, "label", "--overwrite", "pod", pods.Items[0].Name, "gameday/isolated=no")
	err = l.Revert(t.Context(), h)
	require.ErrorContains(t, err, "conflict")
	require.ErrorContains(t, err, "pod "+ns+"/"+pods.Items[0].Name)
	require.Empty(t, c.policies(t, h), "the rest is undone all the same")
	c.kubectl(t, "", "-n", ns, "label", "pod", pods.Items[0].Name, "gameday/fault-")
	require.NoError(t, l.Revert(t.Context(), h))
}

func (c *testCluster) podNetwork(t *testing.T, node string) string {
	n, err := c.api.CoreV1().Nodes().Get(t.Context(), node, metav1.GetOptions{})
	require.NoError(t, err)
	return n.Spec.PodCIDR
}

func TestPoliciesThatAllowAreNamed(t *testing.T) {
	t.Parallel()
	c := aCluster(t)
	l := c.plugin(t, nil)
	ns := c.namespace(t)
	require.NoError(t, c.deploy(t.Context(), ns, "web", 1))
	_, err := c.api.NetworkingV1().NetworkPolicies(ns).Create(t.Context(), &networking.NetworkPolicy{
		ObjectMeta: metav1.ObjectMeta{Name: "front"},
		Spec: networking.NetworkPolicySpec{
			PodSelector: metav1.LabelSelector{MatchLabels: map[string]string{"app": "web"}}, Ingress: []networking.NetworkPolicyIngressRule{{}},
		},
	}, metav1.CreateOptions{})
	require.NoError(t, err)
	for typ, on := range map[string][]sdk.Target{
		"workload":  targets(t, l, "kubernetes_workload", map[string]any{"namespace": ns}),
		"pod":       targets(t, l, "kubernetes_pod", map[string]any{"namespace": ns}),
		"namespace": c.namespaceTarget(t, l, ns),
	} {
		config := map[string]any{"enforced": true}
		_, problems := prepare(t, l, "kubernetes_partition", config, on)
		require.Len(t, problems, 1, typ)
		require.Equal(t, sdk.Error, problems[0].Severity)
		require.Equal(t, "What the NetworkPolicy "+ns+"/front allows its pods would stay allowed", problems[0].Summary)
		config["beside_policies"] = true
		_, problems = prepare(t, l, "kubernetes_partition", config, on)
		require.Len(t, problems, 1)
		require.Equal(t, sdk.Warning, problems[0].Severity)
		config = map[string]any{"enforced": true, "direction": "egress"}
		_, problems = prepare(t, l, "kubernetes_partition", config, on)
		require.Empty(t, problems, "it is about another direction")
	}
}

func TestMistakesInPartitionBlocks(t *testing.T) {
	t.Parallel()
	c := aCluster(t)
	l := c.plugin(t, nil)
	ns := c.namespace(t)
	require.NoError(t, c.deploy(t.Context(), ns, "web", 1))
	on := targets(t, l, "kubernetes_workload", map[string]any{"namespace": ns})
	for _, tt := range []struct {
		except     map[string]any
		path, want string
	}{
		{map[string]any{}, "except.0", "is everything"},
		{map[string]any{"cidr": "10.0.0.0"}, "except.0.cidr", "no network"},
		{map[string]any{"cidr": "10.0.0.0/8", "pods": "a=b"}, "except.0.cidr", "do not go together"},
		{map[string]any{"pods": "a=(b"}, "except.0.pods", "arse"},
		{map[string]any{"ports": []string{"53/UPD"}}, "except.0.ports.0", "no port"},
		{map[string]any{"ports": []string{"70000"}}, "except.0.ports.0", "no port"},
	} {
		_, problems := prepare(t, l, "kubernetes_partition", map[string]any{"enforced": true, "except": []any{tt.except}}, on)
		require.Len(t, problems, 1, tt.want)
		require.Contains(t, problems[0].Summary, tt.want)
		require.Equal(t, tt.path, strings.Join(problems[0].Path, "."))
	}
	zone := targets(t, l, "kubernetes_zone", map[string]any{"names": []string{"zone-b"}})
	_, problems := prepare(t, l, "kubernetes_zone_isolation", map[string]any{"enforced": true, "namespaces": []string{ns + "-none"}}, zone)
	require.Len(t, problems, 1)
	require.Contains(t, problems[0].Summary, "No pod in the zone zone-b")
}
