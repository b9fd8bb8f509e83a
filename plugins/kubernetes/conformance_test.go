package kubernetes_test

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"regexp"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/gameday-toolkit/gameday/plugins/kubernetes"
	"github.com/gameday-toolkit/gameday/plugins/sdk"
	"github.com/gameday-toolkit/gameday/plugins/sdk/conformance"
)

// The tests of conformance look at the cluster with a client of their own, and not with the plugin's.

func TestEveryFaultIsInATestOfConformance(t *testing.T) {
	files, err := os.ReadDir(".")
	require.NoError(t, err)
	var tested []string
	for _, f := range files {
		if !strings.HasSuffix(f.Name(), "_test.go") {
			continue
		}
		b, err := os.ReadFile(f.Name())
		require.NoError(t, err)
		for _, m := range regexp.MustCompile(`(?s)func (?:Test|real)\w+Conforms?\(.*?\n}\n`).FindAllString(string(b), -1) {
			for _, fault := range regexp.MustCompile(`"(kubernetes_[a-z_]+)"`).FindAllStringSubmatch(m, -1) {
				tested = append(tested, fault[1])
			}
		}
	}
	for fault := range kubernetes.New().Faults {
		require.Contains(t, tested, fault)
	}
}

func TestTheDescriptionConforms(t *testing.T) {
	var faults []conformance.Case
	for fault := range kubernetes.New().Faults {
		faults = append(faults, conformance.Case{Fault: fault})
	}
	for _, r := range conformance.Verify(t.Context(), conformance.Subject{New: kubernetes.New, Faults: faults[:0]}) {
		if r.Err != nil {
			for line := range strings.Lines(r.Err.Error()) {
				require.Contains(t, line, "is in no Case of the Subject")
			}
		}
	}
}

// onPods is a case on the pods of a Deployment. Each injection uses them up.
func onPods(t *testing.T, c *testCluster, fault string) conformance.Case {
	l := c.plugin(t, nil)
	namespaceOf := func(targets []sdk.Target) string { return targets[0].Attrs["namespace"] }
	return conformance.Case{
		Fault: fault, UsesUp: true,
		Setup: func(ctx context.Context) (sdk.Request, error) {
			ns, err := c.addNamespace(ctx)
			if err == nil {
				err = c.deploy(ctx, ns, "web", 2)
			}
			if err != nil {
				return sdk.Request{}, err
			}
			found, err := resolve(ctx, l, "kubernetes_pod", map[string]any{"namespace": ns})
			return sdk.Request{Targets: found}, err
		},
		// Whether the fault is there is not to be seen from the pods alone: gone they are after it, too.
		Look: func(ctx context.Context, h sdk.Handle) (bool, error) {
			pods, err := c.api.CoreV1().Pods(namespaceOf(h.Targets)).List(ctx, metav1.ListOptions{})
			if err != nil {
				return false, err
			}
			recorded, err := c.recorded(ctx, h.ID)
			return recorded && !slices.ContainsFunc(pods.Items, func(p corev1.Pod) bool {
				return slices.ContainsFunc(h.Targets, func(t sdk.Target) bool { return strings.HasSuffix(t.ID, string(p.UID)) })
			}), err
		},
		Snapshot: func(ctx context.Context, req sdk.Request) (string, error) {
			return c.shotOf(ctx, namespaceOf(req.Targets))
		},
		Teardown: func(ctx context.Context, req sdk.Request) error {
			return c.dropNamespace(ctx, namespaceOf(req.Targets))
		},
	}
}

// recorded says whether the cluster has a record of a fault.
func (c *testCluster) recorded(ctx context.Context, id string) (bool, error) {
	all, err := c.api.CoreV1().ConfigMaps("default").List(ctx, metav1.ListOptions{LabelSelector: "gameday/fault"})
	return err == nil && slices.ContainsFunc(all.Items, func(m corev1.ConfigMap) bool { return m.Annotations["gameday/handle"] == id }), err
}

func TestPodKillConforms(t *testing.T) {
	c := aCluster(t)
	conform(t, c, onPods(t, c, "kubernetes_pod_kill"))
}

func TestPodEvictConforms(t *testing.T) {
	c := aCluster(t)
	conform(t, c, onPods(t, c, "kubernetes_pod_evict"))
}

// onNodes is a case on the first node of a pool of two, with a Deployment on them.
func onNodes(t *testing.T, c *testCluster, fault string, look func(corev1.Node) bool) conformance.Case {
	l := c.plugin(t, nil)
	type world struct {
		pool
		namespace string
	}
	worlds := map[string]world{}
	of := func(targets []sdk.Target) world { return worlds[targets[0].Name] }
	return conformance.Case{
		Fault: fault,
		Setup: func(ctx context.Context) (sdk.Request, error) {
			p, err := c.addPool(ctx, 2)
			if err != nil {
				return sdk.Request{}, err
			}
			ns, err := c.addNamespace(ctx)
			if err == nil {
				err = c.deploy(ctx, ns, "web", 4, p.only)
			}
			if err != nil {
				return sdk.Request{}, err
			}
			found, err := resolve(ctx, l, "kubernetes_node", map[string]any{"names": p.nodes[:1]})
			worlds[p.nodes[0]] = world{p, ns}
			return sdk.Request{Targets: found}, err
		},
		Look: func(ctx context.Context, h sdk.Handle) (bool, error) {
			n, err := c.api.CoreV1().Nodes().Get(ctx, h.Targets[0].Name, metav1.GetOptions{})
			return err == nil && look(*n), err
		},
		Snapshot: func(ctx context.Context, req sdk.Request) (string, error) {
			nodes, err := c.shotOfNodes(ctx, of(req.Targets).nodes...)
			if err != nil {
				return "", err
			}
			if fault != "kubernetes_node_taint" { // the cluster taints a node that is cordoned, and so takes the list over by itself
				nodes = strings.ReplaceAll(nodes, `,"f:spec":{"f:taints":{}}`, "")
			}
			web, err := c.shotOf(ctx, of(req.Targets).namespace)
			return nodes + web, err
		},
		Teardown: func(ctx context.Context, req sdk.Request) error {
			w := of(req.Targets)
			if err := c.dropNamespace(ctx, w.namespace); err != nil {
				return err
			}
			return w.drop(ctx)
		},
	}
}

func cordoned(n corev1.Node) bool { return n.Spec.Unschedulable }

func tainted(key string) func(corev1.Node) bool {
	return func(n corev1.Node) bool {
		return slices.ContainsFunc(n.Spec.Taints, func(t corev1.Taint) bool { return t.Key == key })
	}
}

func TestNodeCordonConforms(t *testing.T) {
	c := aCluster(t)
	conform(t, c, onNodes(t, c, "kubernetes_node_cordon", cordoned))
}

func TestNodeDrainConforms(t *testing.T) {
	c := aCluster(t)
	conform(t, c, onNodes(t, c, "kubernetes_node_drain", cordoned))
}

func TestNodeTaintConforms(t *testing.T) {
	c := aCluster(t)
	conform(t, c, onNodes(t, c, "kubernetes_node_taint", tainted("gameday/taint")))
}

// The zones of this cluster are lost one after the other, so it is nobody else's.
func TestZoneOutageConforms(t *testing.T) {
	c := anotherCluster(t)
	l := c.plugin(t, nil)
	var turn atomic.Int64
	nodesOf := func(zone string) []string {
		letter := strings.TrimPrefix(zone, "zone-")
		return []string{"node-" + letter + "-1", "node-" + letter + "-2", "node-" + letter + "-3"}
	}
	const ns = "default"
	require.NoError(t, c.deploy(t.Context(), ns, "web", 6, spreadOverZones))
	conform(t, c, conformance.Case{
		Fault: "kubernetes_zone_outage",
		Setup: func(ctx context.Context) (sdk.Request, error) {
			zone := fmt.Sprintf("zone-%c", 'a'+turn.Add(1)%3)
			found, err := resolve(ctx, l, "kubernetes_zone", map[string]any{"names": []string{zone}})
			return sdk.Request{Config: json.RawMessage(`{"respawn_within":"20s"}`), Targets: found}, err
		},
		Look: func(ctx context.Context, h sdk.Handle) (bool, error) {
			lost := 0
			for _, name := range nodesOf(h.Targets[0].Name) {
				n, err := c.api.CoreV1().Nodes().Get(ctx, name, metav1.GetOptions{})
				if err != nil {
					return false, err
				}
				if cordoned(*n) && tainted("gameday/zone-outage")(*n) {
					lost++
				}
			}
			return lost > 0, nil
		},
		Snapshot: func(ctx context.Context, req sdk.Request) (string, error) {
			nodes, err := c.shotOfNodes(ctx, nodesOf(req.Targets[0].Name)...)
			if err != nil {
				return "", err
			}
			web, err := c.shotOf(ctx, ns)
			return nodes + web, err
		},
	})
}
