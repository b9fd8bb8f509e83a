package kubernetes_test

import (
	"encoding/json"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/tools/clientcmd"
	"k8s.io/client-go/tools/clientcmd/api"

	"github.com/gameday-toolkit/gameday/plugins/sdk"
)

func step(t *testing.T, name string, config any, on []sdk.Target) (string, sdk.Request) {
	t.Helper()
	b, err := json.Marshal(config)
	require.NoError(t, err)
	return name, sdk.Request{Run: "r1", ID: "action." + name + ".x", Config: b, Targets: on}
}

func TestAScaleStepWaitsForReadyReplicas(t *testing.T) {
	t.Parallel()
	c := aCluster(t)
	l := c.plugin(t, nil)
	ns := c.namespace(t)
	require.NoError(t, c.deploy(t.Context(), ns, "web", 1))
	on := targets(t, l, "kubernetes_workload", map[string]any{"namespace": ns})

	name, req := step(t, "kubernetes_scale", map[string]any{"replicas": 3}, on)
	problems, err := l.Check(t.Context(), name, req)
	require.NoError(t, err)
	require.Empty(t, problems)
	said, err := l.Run(t.Context(), name, req)
	require.NoError(t, err)
	require.Contains(t, said, "in gameday: ")
	require.Contains(t, said, "scaled deployment "+ns+"/web from 1 to 3 replicas, 3 ready after")
	d, err := c.api.AppsV1().Deployments(ns).Get(t.Context(), "web", metav1.GetOptions{})
	require.NoError(t, err)
	require.EqualValues(t, 3, d.Status.ReadyReplicas)

	// Down again, and once more: a step that is taken already is over at once.
	for _, want := range []string{"from 3 to 1", "from 1 to 1"} {
		name, req = step(t, "kubernetes_scale", map[string]any{"replicas": 1}, on)
		said, err = l.Run(t.Context(), name, req)
		require.NoError(t, err)
		require.Contains(t, said, want)
	}

	h := inject(t, l, "kubernetes_scale", nil, on)
	_, err = l.Run(t.Context(), name, req)
	require.ErrorContains(t, err, "is held by a fault of the run "+h.Run)
	require.NoError(t, l.Revert(t.Context(), h), "a step before a fault is not in its way")
	n, err := c.replicas(t.Context(), ns, "web")
	require.NoError(t, err)
	require.EqualValues(t, 1, n)
}

func TestMistakesInAScaleStep(t *testing.T) {
	t.Parallel()
	c := aCluster(t)
	l := c.plugin(t, nil)
	ns := c.namespace(t)
	require.NoError(t, c.deploy(t.Context(), ns, "web", 1))
	on := targets(t, l, "kubernetes_workload", map[string]any{"namespace": ns})
	for _, tt := range []struct {
		config any
		on     []sdk.Target
		want   string
	}{
		{map[string]any{"replicas": -1}, on, "negative"},
		{map[string]any{"replicas": 1, "ready": 2}, on, "Of 1 replicas 2 cannot be ready"},
		{map[string]any{"replicas": 1}, nil, "has no targets"},
		{map[string]any{"replicas": 1}, targets(t, l, "kubernetes_pod", map[string]any{"namespace": ns}), "cannot touch a kubernetes_pod"},
	} {
		name, req := step(t, "kubernetes_scale", tt.config, tt.on)
		problems, err := l.Check(t.Context(), name, req)
		require.NoError(t, err)
		require.Len(t, problems, 1)
		require.Contains(t, problems[0].Summary, tt.want)
	}
	user := c.user(t)
	name, req := step(t, "kubernetes_scale", map[string]any{"replicas": 1}, on)
	problems, err := c.plugin(t, map[string]any{"impersonate": user}).Check(t.Context(), name, req)
	require.NoError(t, err)
	require.Len(t, problems, 1)
	require.Contains(t, problems[0].Permission, "patch deployments.apps web in "+ns)
}

// user may read the identity of the cluster and nothing else.
func (c *testCluster) user(t *testing.T) string {
	user := name("dora")
	c.kubectl(t, "", "create", "clusterrole", user, "--verb=get", "--resource=namespaces", "--resource-name=kube-system")
	c.kubectl(t, "", "create", "clusterrolebinding", user, "--user", user, "--clusterrole", user)
	return user
}

func TestCordonStepsBothWays(t *testing.T) {
	t.Parallel()
	c := aCluster(t)
	l := c.plugin(t, nil)
	p, err := c.addPool(t.Context(), 2)
	require.NoError(t, err)
	on := targets(t, l, "kubernetes_node", map[string]any{"names": p.nodes})
	for _, tt := range []struct {
		cordoned bool
		want     string
	}{{true, "cordoned node " + p.nodes[0]}, {true, "was cordoned already"}, {false, "uncordoned node " + p.nodes[1]}} {
		name, req := step(t, "kubernetes_cordon", map[string]any{"cordoned": tt.cordoned}, on)
		problems, err := l.Check(t.Context(), name, req)
		require.NoError(t, err)
		require.Empty(t, problems)
		said, err := l.Run(t.Context(), name, req)
		require.NoError(t, err)
		require.Contains(t, said, tt.want)
		for _, n := range p.nodes {
			node, err := c.api.CoreV1().Nodes().Get(t.Context(), n, metav1.GetOptions{})
			require.NoError(t, err)
			require.Equal(t, tt.cordoned, node.Spec.Unschedulable)
		}
	}
	require.NoError(t, p.drop(t.Context()))
}

// twoContexts is one kubeconfig with the contexts east and west.
func twoContexts(t *testing.T, east, west *testCluster) string {
	t.Helper()
	both := api.NewConfig()
	for name, c := range map[string]*testCluster{"east": east, "west": west} {
		one, err := clientcmd.LoadFromFile(c.kubeconfig)
		require.NoError(t, err)
		from := one.Contexts[one.CurrentContext]
		both.Clusters[name], both.AuthInfos[name] = one.Clusters[from.Cluster], one.AuthInfos[from.AuthInfo]
		both.Contexts[name] = &api.Context{Cluster: name, AuthInfo: name}
	}
	both.CurrentContext = "east"
	path := filepath.Join(t.TempDir(), "kubeconfig")
	require.NoError(t, clientcmd.WriteToFile(*both, path))
	return path
}

const failover = `
scenario "failover" {
  title    = "East is lost, west takes over"
  baseline = "1s"
  recovery = "20s"
}
variable "kubeconfig" { type = string }
variable "namespace" { type = string }
variable "west_namespace" { type = string }

plugin "kubernetes" {
  kubeconfig = var.kubeconfig
  context    = "east"
}
plugin "kubernetes" {
  alias      = "west"
  kubeconfig = var.kubeconfig
  context    = "west"
}
target "kubernetes_workload" "east" { namespace = var.namespace }
target "kubernetes_workload" "west" {
  plugin    = plugin.kubernetes.west
  namespace = var.west_namespace
}
fault "kubernetes_scale" "lose_east" {
  targets = target.kubernetes_workload.east
  hold    = "6s"
}
action "kubernetes_scale" "grow_west" {
  plugin   = plugin.kubernetes.west
  targets  = target.kubernetes_workload.west
  after    = fault.kubernetes_scale.lose_east
  replicas = 3
  undo { replicas = 1 }
}
`

// Two configurations of the plugin are two clusters: what is lost in one is made up for in the other, and both are as before afterwards.
func TestARegionFailsOver(t *testing.T) {
	t.Parallel()
	east, west := aCluster(t), anotherCluster(t)
	lost, spare := east.namespace(t), west.namespace(t)
	require.NoError(t, east.deploy(t.Context(), lost, "web", 2))
	require.NoError(t, west.deploy(t.Context(), spare, "web", 1))
	g := newGameDay(t, build(t, "gameday"), failover)
	code, seen := g.do(t, "run", "-yes", "-no-color", "-var", "kubeconfig="+twoContexts(t, east, west), "-var", "namespace="+lost, "-var", "west_namespace="+spare, "s")
	require.Equal(t, 3, code, seen) // without an objective nothing passes
	require.Contains(t, seen, "in west: scaled deployment "+spare+"/web from 1 to 3 replicas, 3 ready")
	require.Contains(t, seen, "in west: scaled deployment "+spare+"/web from 3 to 1 replicas")
	for c, want := range map[*testCluster]int32{east: 2, west: 1} {
		ns := map[*testCluster]string{east: lost, west: spare}[c]
		n, err := c.replicas(t.Context(), ns, "web")
		require.NoError(t, err)
		require.Equal(t, want, n)
	}
}
