package crash

import (
	"bufio"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/clientcmd"
)

// kubernetesFaults are the faults of a cluster, each with its target. In a selector, NAMESPACE, NODE and ZONE are those of the cell.
var kubernetesFaults = []struct{ fault, target, selector, attributes string }{
	{"kubernetes_pod_kill", "pod", `namespace = "NAMESPACE"`, ""},
	{"kubernetes_pod_evict", "pod", `namespace = "NAMESPACE"`, ""},
	{"kubernetes_scale", "workload", `namespace = "NAMESPACE"`, ""},
	{"kubernetes_node_cordon", "node", `names = ["NODE"]`, ""},
	{"kubernetes_node_drain", "node", `names = ["NODE"]`, ""},
	{"kubernetes_node_taint", "node", `names = ["NODE"]`, ""},
	{"kubernetes_zone_outage", "zone", `names = ["ZONE"]`, ""},
}

// TestKubernetes has faults in a real cluster, which has no clock: what is left when all processes of ours are dead is left until recover.
func TestKubernetes(t *testing.T) {
	programs := os.Getenv("GAMEDAY_CLUSTER")
	if !*full || programs == "" {
		t.Skip("the part of Kubernetes of the matrix takes minutes, and a cluster: make crash-test")
	}
	t.Parallel()
	binary := build(t, "kubernetes")
	cluster := newCluster(t, programs)
	table := results.table("kubernetes", names(moments)...)
	for _, f := range kubernetesFaults {
		eachMoment(t, table, f.fault, func(c *cell, how crash) string {
			k := &inCluster{cell: c, cluster: cluster}
			k.own(binary, f.fault, f.target, f.selector, f.attributes)
			return c.killedAt(how, noClock)
		})
	}
}

// cluster is one that all cells share: each has a namespace and two nodes of its own.
type cluster struct {
	program, dir string
	kubeconfig   string
	api          kubernetes.Interface
	serial       atomic.Int64
	// zone is for one cell at a time: the zone is everybody's.
	zone sync.Mutex
}

// theZone is the one that is lost. The cells' own nodes are in another.
const theZone = "zone-c"

func newCluster(t *testing.T, programs string) *cluster {
	dir, err := os.MkdirTemp("", "gameday-crash-cluster-")
	require.NoError(t, err)
	cmd := exec.Command(filepath.Join(programs, "gameday-cluster"), "run", "-dir", dir)
	cmd.Stderr = os.Stderr
	leash, err := cmd.StdinPipe()
	require.NoError(t, err)
	out, err := cmd.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, cmd.Start())
	t.Cleanup(func() {
		_ = leash.Close()
		_ = cmd.Wait()
		_ = os.RemoveAll(dir)
	})
	said, err := bufio.NewReader(out).ReadString('\n')
	require.NoError(t, err)
	kubeconfig, ready := strings.CutPrefix(strings.TrimSpace(said), "ready ")
	require.True(t, ready, said)
	config, err := clientcmd.BuildConfigFromFlags("", kubeconfig)
	require.NoError(t, err)
	config.QPS, config.Burst = 500, 1000
	api, err := kubernetes.NewForConfig(config)
	require.NoError(t, err)
	return &cluster{program: cmd.Path, dir: dir, kubeconfig: kubeconfig, api: api}
}

// inCluster is a cell whose target is a Deployment and the nodes that it is on.
type inCluster struct {
	*cell
	cluster   *cluster
	namespace string
	nodes     []string
}

// world is a namespace with a Deployment, on two nodes of its own.
const world = `
apiVersion: v1
kind: Namespace
metadata: {name: NAME}
---
apiVersion: v1
kind: Node
metadata:
  name: NAME-a
  labels: {topology.kubernetes.io/zone: zone-a, type: kwok, pool: NAME}
  annotations: {kwok.x-k8s.io/node: fake}
spec: {taints: [{key: pool, value: NAME, effect: NoSchedule}]}
status: {capacity: {cpu: "8", memory: 16Gi, pods: "110"}, allocatable: {cpu: "8", memory: 16Gi, pods: "110"}}
---
apiVersion: v1
kind: Node
metadata:
  name: NAME-b
  labels: {topology.kubernetes.io/zone: zone-a, type: kwok, pool: NAME}
  annotations: {kwok.x-k8s.io/node: fake}
spec: {taints: [{key: pool, value: NAME, effect: NoSchedule}]}
status: {capacity: {cpu: "8", memory: 16Gi, pods: "110"}, allocatable: {cpu: "8", memory: 16Gi, pods: "110"}}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: web, namespace: NAME}
spec:
  replicas: 4
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec:
      terminationGracePeriodSeconds: 0
      PLACE
      containers: [{name: web, image: "web:1"}]
`

// The pods of a cell are on its own nodes; where a zone is lost, they are wherever the scheduler puts them.
const (
	onOwnNodes = `nodeSelector: {pool: NAME}
      tolerations: [{key: pool, operator: Exists}]`
	anywhere = `topologySpreadConstraints: [{maxSkew: 1, topologyKey: topology.kubernetes.io/zone, whenUnsatisfiable: ScheduleAnyway, labelSelector: {matchLabels: {app: web}}}]`
)

func (k *inCluster) own(binary, fault, target, selector, attributes string) {
	k.ownFor("300ms", binary, fault, target, selector, attributes)
}

func (k *inCluster) ownFor(hold, binary, fault, target, selector, attributes string) {
	c := k.cell
	place := onOwnNodes
	k.namespace = fmt.Sprintf("cell-%d", k.cluster.serial.Add(1))
	k.nodes = []string{k.namespace + "-a", k.namespace + "-b"}
	if target == "zone" {
		k.cluster.zone.Lock()
		c.Cleanup(k.cluster.zone.Unlock)
		place, k.nodes = anywhere, []string{"node-c-1", "node-c-2", "node-c-3"}
	}
	manifest := strings.ReplaceAll(strings.ReplaceAll(world, "PLACE", place), "NAME", k.namespace)
	k.kubectl(manifest, "apply", "--server-side", "--field-manager=theirs", "-f", "-")
	c.Cleanup(func() {
		k.kubectl("", "delete", "node", k.namespace+"-a", k.namespace+"-b")
		k.kubectl("", "delete", "--wait=false", "namespace", k.namespace)
	})
	c.useBinary(binary)
	c.settle = 20 * time.Second // that the controllers may need for new pods
	c.look = k.look
	c.faults = func(looked string) string { changed, _, _ := strings.Cut(looked, "ready "); return changed }
	for name, value := range map[string]string{"NAMESPACE": k.namespace, "NODE": k.nodes[0], "ZONE": theZone} {
		selector = strings.ReplaceAll(selector, name, value)
	}
	c.replaceScenario(fmt.Sprintf("scenario \"kubernetes\" {\nservice = \"web\"\nbaseline = \"50ms\"\nrecovery = \"5s\"\n}\n"+
		"plugin \"kubernetes\" {\nkubeconfig = %q\nnamespace = %q\n}\ntarget \"kubernetes_%s\" \"t\" {\n%s\n}\n"+
		"fault %q \"f\" {\ntargets = target.kubernetes_%s.t\nhold = %q\n%s\n}\n",
		k.cluster.kubeconfig, k.namespace, target, selector, fault, target, hold, attributes))
	eventually(c, patience, "the pods are there", func() bool { c.before = k.look(); return strings.Contains(c.before, "ready 4") })
}

func (k *inCluster) kubectl(stdin string, args ...string) {
	cmd := exec.Command("kubectl", append([]string{"--kubeconfig", k.cluster.kubeconfig}, args...)...)
	cmd.Stdin = strings.NewReader(stdin)
	out, err := cmd.CombinedOutput()
	require.NoError(k, err, string(out))
}

// look reads the nodes and the Deployment with everything that a person may have written there and its owners, what bears our
// mark, and how many pods are ready.
func (k *inCluster) look() string {
	var out strings.Builder
	for _, name := range k.nodes {
		n, err := k.cluster.api.CoreV1().Nodes().Get(k.Context(), name, metav1.GetOptions{})
		require.NoError(k, err)
		taints := slices.DeleteFunc(n.Spec.Taints, func(t corev1.Taint) bool { return strings.HasPrefix(t.Key, "node.kubernetes.io/") })
		fmt.Fprintln(&out, n.Name, n.UID, n.Labels, n.Spec.Unschedulable, taints, ownersOf(n.ManagedFields))
	}
	d, err := k.cluster.api.AppsV1().Deployments(k.namespace).Get(k.Context(), "web", metav1.GetOptions{})
	require.NoError(k, err)
	spec, err := json.Marshal(d.Spec)
	require.NoError(k, err)
	fmt.Fprintf(&out, "%s %v %v %s %v\n", d.UID, d.Labels, d.Annotations, spec, ownersOf(d.ManagedFields))
	records, err := k.cluster.api.CoreV1().ConfigMaps(k.namespace).List(k.Context(), metav1.ListOptions{LabelSelector: "gameday/fault"})
	require.NoError(k, err)
	fmt.Fprintln(&out, len(records.Items), "records")
	fmt.Fprintln(&out, "ready", d.Status.ReadyReplicas)
	return out.String()
}

// ownersOf are the managers of fields that are not the cluster's own. A list of taints changes hands by the cluster's
// doing.
func ownersOf(entries []metav1.ManagedFieldsEntry) (out []string) {
	for _, e := range entries {
		if e.Subresource == "" && (e.Manager == "theirs" || e.Manager == "gameday") {
			out = append(out, strings.ReplaceAll(fmt.Sprint(e.Manager, e.Operation, e.FieldsV1), `,"f:spec":{"f:taints":{}}`, ""))
		}
	}
	return out
}

// TestKubernetesOutOfReach has the API server away for longer than a run tries to put things back: the run says what is left and how to
// undo it by hand, and recover does so once the server is there again.
func TestKubernetesOutOfReach(t *testing.T) {
	programs := os.Getenv("GAMEDAY_CLUSTER")
	if !*full || programs == "" {
		t.Skip("it takes a cluster: make crash-test")
	}
	t.Parallel()
	binary := build(t, "kubernetes")
	for state, back := range map[string]string{"stop": "cont", "kill": "start"} {
		t.Run(state, func(t *testing.T) {
			cluster := newCluster(t, programs)
			k := &inCluster{cell: newCell(t), cluster: cluster}
			k.ownFor("3s", binary, "kubernetes_scale", "workload", `namespace = "NAMESPACE"`, "")
			s := k.begin(k.command(crash{}, append([]string{"run", "-yes", "-no-color", "-lease", "1m", "-revert-timeout", "5s"}, "s")...))
			s.until("the fault is there", func() bool { return strings.Contains(k.look(), "1 records") })
			cluster.component(t, state)
			code := s.wait()
			require.Equal(t, 5, code, s.said())
			require.Contains(t, s.said(), "kubectl --kubeconfig")
			require.Contains(t, s.said(), "scale deployment.apps web --replicas=4")
			code, said := k.recoverFor("2s")
			require.Equal(t, 5, code, "it is still away: %s", said)

			cluster.component(t, back)
			eventually(t, patience, "the server is back", func() bool {
				_, err := cluster.api.CoreV1().Nodes().List(t.Context(), metav1.ListOptions{Limit: 1})
				return err == nil
			})
			k.settle = 2 * time.Minute // which the cluster's controllers may need to notice it, too
			k.recover()
			k.proveNothingLeft()
		})
	}
}

func (k *inCluster) recoverFor(limit string) (int, string) {
	return k.do(crash{}, "recover", "-revert-timeout", limit)
}

// component does something to the API server.
func (c *cluster) component(t *testing.T, what string) {
	out, err := exec.Command(c.program, what, "-dir", c.dir, "apiserver").CombinedOutput()
	require.NoError(t, err, string(out))
}
