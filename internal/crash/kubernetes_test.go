package crash

import (
	"bufio"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// kubernetesFaults are the faults of a cluster, each with its target. NAMESPACE, ZONE, NODE and RESOLVER are those of the cell.
var kubernetesFaults = []struct{ name, target, selector, fault, attributes string }{
	{"kubernetes_pod_kill", "pod", `selector = "app=web"`, "pod_kill", ""},
	{"kubernetes_pod_evict", "pod", `selector = "app=web"`, "pod_evict", ""},
	{"kubernetes_scale", "workload", `names = ["web"]`, "scale", ""},
	{"kubernetes_image_pull", "workload", `names = ["web"]`, "image_pull", ""},
	{"kubernetes_node_cordon", "node", `names = ["NODE"]`, "node_cordon", ""},
	{"kubernetes_node_drain", "node", `names = ["NODE"]`, "node_drain", ""},
	{"kubernetes_node_taint", "node", `names = ["NODE"]`, "node_taint", ""},
	{"kubernetes_zone_outage", "zone", `names = ["ZONE"]`, "zone_outage", ""},
	{"kubernetes_quota, clamp", "namespace", `names = ["NAMESPACE"]`, "quota", "mode = \"clamp\"\nresources = [\"pods\"]"},
	{"kubernetes_quota, fill", "namespace", `names = ["NAMESPACE"]`, "quota", "mode = \"fill\"\nmax_pods = 2"},
	{"kubernetes_partition", "workload", `names = ["web"]`, "partition", "enforced = true"},
	{"kubernetes_zone_isolation", "zone", `names = ["ZONE"]`, "zone_isolation", "enforced = true\nnamespaces = [\"NAMESPACE\"]"},
	{"kubernetes_dns", "dns", "", "dns", "mode = \"nxdomain\"\nnames = [\"shop.test\"]\nresolver = \"RESOLVER\"\narrival = \"6s\""},
	{"kubernetes_api_throttling", "service_account", `names = ["default"]`, "api_throttling", ""},
}

// namespaced are the targets that are in a namespace.
var namespaced = []string{"pod", "workload", "service_account"}

// TestKubernetes has faults in a cluster with a real control plane, of which every cell has a zone and a namespace. Nothing
// there has a clock for a fault, so what the dead leave is for gameday recover. Without -full only the death of both is tested.
func TestKubernetes(t *testing.T) {
	needCluster(t)
	t.Parallel()
	binary := build(t, "kubernetes")
	cluster := startKubernetes(t)
	table := results.table("kubernetes", names(moments)...)
	for _, f := range kubernetesFaults {
		eachOf(t, someMoments(), table, f.name, func(c *cell, how crash) string {
			k := cluster.cell(c)
			k.own(binary, f.target, f.selector, f.fault, f.attributes)
			outcome := c.killedAt(how, noClock)
			k.serves()
			return outcome
		})
	}
}

// TestKubernetesPressure is about the one fault that ends with the plugin, in pods that really run.
func TestKubernetesPressure(t *testing.T) {
	needCluster(t)
	t.Parallel()
	binary := build(t, "kubernetes", "CGO_ENABLED=0")
	const image = "gameday.test/plugin:1"
	cluster := startKubernetes(t, "-nodes", "kubelet", "-image", image+"="+binary)
	table := results.table("pods", names(moments)...)
	eachOf(t, someMoments(), table, "kubernetes_pressure", func(c *cell, how crash) string {
		k := cluster.cell(c)
		k.own(binary, "pod", `selector = "app=web"`, "pressure", fmt.Sprintf("image = %q\ncpu = 0.1\nreplace_pod = true", image))
		outcome := c.killedAt(how, noClock)
		k.serves()
		for _, p := range k.pods() {
			spec, _ := p["spec"].(map[string]any)
			require.Empty(c, spec["ephemeralContainers"])
		}
		return outcome
	})
}

// someMoments are all of them with -full, and the death of both without.
func someMoments() []moment {
	if *full {
		return moments
	}
	return slices.DeleteFunc(slices.Clone(moments), func(m moment) bool { return m.name != "both, active" })
}

func needCluster(t *testing.T) {
	if os.Getenv("GAMEDAY_CLUSTER") == "" {
		t.Skip("it needs a cluster: run by make test-kubernetes and make crash-test")
	}
}

// kubernetes is a cluster, and a way to its API server.
type kubernetes struct {
	program, dir         string
	kubeconfig, dns, api string
	zones                chan string // those that no cell has
	coredns              sync.Mutex  // whose turn it is
}

// startKubernetes starts a cluster, which ends with the test. Its nodes are simulated unless the flags say otherwise.
func startKubernetes(t *testing.T, flags ...string) *kubernetes {
	dir := t.TempDir()
	cmd := exec.Command(filepath.Join(os.Getenv("GAMEDAY_CLUSTER"), "gameday-cluster"), append([]string{"run", "-dir", dir, "-coredns", "-nodes-per-zone", "2"}, flags...)...)
	cmd.Stderr = os.Stderr
	leash, err := cmd.StdinPipe()
	require.NoError(t, err)
	said := firstLine(t, cmd)
	t.Cleanup(func() {
		require.NoError(t, leash.Close())
		require.NoError(t, cmd.Wait())
	})
	config, ok := strings.CutPrefix(said, "ready ")
	require.True(t, ok, said)
	k := &kubernetes{program: cmd.Path, dir: dir, kubeconfig: config, zones: make(chan string, 3)}
	b, err := os.ReadFile(filepath.Join(dir, "cluster.json"))
	require.NoError(t, err)
	var state struct{ DNS string }
	require.NoError(t, json.Unmarshal(b, &state))
	k.dns = state.DNS

	proxy := exec.Command("kubectl", "--kubeconfig", config, "proxy", "--port", "0")
	proxy.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	_, k.api, ok = strings.Cut(firstLine(t, proxy), "Starting to serve on ")
	require.True(t, ok)
	t.Cleanup(func() {
		require.NoError(t, proxy.Process.Kill())
		_ = proxy.Wait()
	})
	for _, n := range k.list(t, "/api/v1/nodes") {
		if zone := n.at("metadata", "labels", "topology.kubernetes.io/zone"); !slices.Contains(k.free(), zone) {
			k.zones <- zone
		}
	}
	return k
}

// free are the zones that no cell has; for before there are cells.
func (k *kubernetes) free() (out []string) {
	for range len(k.zones) {
		zone := <-k.zones
		out = append(out, zone)
		k.zones <- zone
	}
	return out
}

// firstLine starts a program and gives the first line that it prints.
func firstLine(t testing.TB, cmd *exec.Cmd) string {
	out, err := cmd.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, cmd.Start())
	line, err := bufio.NewReader(out).ReadString('\n')
	require.NoError(t, err)
	return strings.TrimSpace(line)
}

// object is one object of the cluster.
type object map[string]any

// at is the text at a path; empty if there is none.
func (o object) at(path ...string) string {
	var v any = map[string]any(o)
	for _, p := range path {
		m, _ := v.(map[string]any)
		v = m[p]
	}
	s, _ := v.(string)
	return s
}

// list reads all objects of a path of the API.
func (k *kubernetes) list(t testing.TB, path string) []object {
	resp, err := http.Get("http://" + k.api + path)
	require.NoError(t, err)
	defer func() { require.NoError(t, resp.Body.Close()) }()
	require.Equal(t, http.StatusOK, resp.StatusCode, path)
	var list struct{ Items []object }
	require.NoError(t, json.NewDecoder(resp.Body).Decode(&list))
	return list.Items
}

// clustered is a cell whose target is a namespace and a zone.
type clustered struct {
	*cell
	*kubernetes
	namespace, zone, node string
	namesFail             bool // the fault is one of cluster DNS
}

func (k *kubernetes) cell(c *cell) *clustered {
	out := &clustered{cell: c, kubernetes: k, namespace: strings.ToLower(filepath.Base(c.dir)), zone: <-k.zones}
	c.Cleanup(func() { // newest first: when nothing is in the zone any more
		k.zones <- out.zone
	})
	for _, n := range k.list(c, "/api/v1/nodes") {
		if n.at("metadata", "labels", "topology.kubernetes.io/zone") == out.zone {
			out.node = n.at("metadata", "name")
		}
	}
	return out
}

// manifest is what a cell has in its namespace.
const manifest = `
apiVersion: v1
kind: Namespace
metadata: {name: NAMESPACE}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: web, namespace: NAMESPACE, labels: {app: web}}
spec:
  replicas: 2
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec:
      terminationGracePeriodSeconds: 0
      nodeSelector: {topology.kubernetes.io/zone: ZONE}
      containers: [{name: web, image: "gameday.test/web:1", resources: {requests: {cpu: 10m}}}]
---
apiVersion: v1
kind: Service
metadata: {name: web, namespace: NAMESPACE}
spec: {selector: {app: web}, ports: [{port: 80}]}
---
apiVersion: v1
kind: ConfigMap
metadata: {name: theirs, namespace: NAMESPACE}
data: {of: somebody else}
`

func (k *clustered) own(binary, target, selector, fault, attributes string) {
	k.ownFor("300ms", binary, target, selector, fault, attributes)
}

func (k *clustered) ownFor(hold, binary, target, selector, fault, attributes string) {
	c := k.cell
	c.useBinary(binary)
	if k.namesFail = target == "dns"; k.namesFail {
		k.coredns.Lock()
		c.Cleanup(k.coredns.Unlock)
	}
	fill := strings.NewReplacer("NAMESPACE", k.namespace, "ZONE", k.zone, "NODE", k.node, "RESOLVER", k.dns).Replace
	k.kubectl(fill(manifest), "apply", "-f", "-")
	c.Cleanup(func() {
		k.kubectl("", "delete", "namespace", k.namespace, "--wait=false")
		eventually(c, patience, "the pods are gone", func() bool { return len(k.pods()) == 0 })
	})
	if slices.Contains(namespaced, target) {
		selector += fmt.Sprintf("\nnamespace = %q", k.namespace)
	}
	k.serves()
	c.settle = 30 * time.Second
	c.look = k.look
	c.faults = func(looked string) string { return looked }
	c.replaceScenario(fill(fmt.Sprintf("scenario \"kubernetes\" {\nservice = \"web\"\nbaseline = \"50ms\"\nrecovery = \"5s\"\n}\n"+
		"plugin \"kubernetes\" {\nkubeconfig = %q\nnamespace = %q\n}\ntarget \"kubernetes_%s\" \"t\" {\n%s\n}\nfault \"kubernetes_%s\" \"f\" {\ntargets = target.kubernetes_%s.t\nhold = %q\n%s\n}\n",
		k.kubeconfig, k.namespace, target, selector, fault, target, hold, attributes)))
	eventually(c, patience, "the namespace is complete", func() bool { c.before = c.look(); return strings.Contains(c.before, "kube-root-ca.crt") })
}

func (k *clustered) kubectl(stdin string, args ...string) {
	cmd := exec.Command("kubectl", append([]string{"--kubeconfig", k.kubeconfig}, args...)...)
	cmd.Stdin = strings.NewReader(stdin)
	out, err := cmd.CombinedOutput()
	require.NoError(k, err, string(out))
}

func (k *clustered) pods() []object {
	return k.list(k, "/api/v1/namespaces/"+k.namespace+"/pods")
}

// serves waits until all that there is are two ready pods: which ones is the controllers' business.
func (k *clustered) serves() {
	eventually(k, patience, "two pods are ready", func() bool {
		pods := k.pods()
		for _, p := range pods {
			if b, err := json.Marshal(p["status"]); err != nil || !strings.Contains(string(b), `"ready":true`) || p.at("metadata", "deletionTimestamp") != "" {
				return false
			}
		}
		return len(pods) == 2
	})
}

// everywhere and inNamespace are what is compared, beside pods.
var (
	everywhere = []string{
		"/api/v1/nodes", "/apis/scheduling.k8s.io/v1/priorityclasses", "/apis/flowcontrol.apiserver.k8s.io/v1/flowschemas",
		"/apis/flowcontrol.apiserver.k8s.io/v1/prioritylevelconfigurations", "/api/v1/namespaces/kube-system/configmaps",
	}
	inNamespace = []string{
		"/api/v1/%s/configmaps", "/api/v1/%s/services", "/api/v1/%s/resourcequotas", "/api/v1/%s/limitranges", "/api/v1/%s/serviceaccounts",
		"/apis/apps/v1/%s/deployments", "/apis/apps/v1/%s/replicasets", "/apis/batch/v1/%s/jobs", "/apis/coordination.k8s.io/v1/%s/leases",
		"/apis/networking.k8s.io/v1/%s/networkpolicies", "/apis/policy/v1/%s/poddisruptionbudgets",
	}
)

// look is what kubectl get -A -o yaml shows, without what the cluster itself changes, and without other cells.
func (k *clustered) look() string {
	var out strings.Builder
	for _, path := range everywhere {
		for _, o := range k.list(k, path) {
			if !k.ofAnother(o) {
				k.write(&out, path, o)
			}
		}
	}
	for _, path := range inNamespace {
		path = fmt.Sprintf(path, "namespaces/"+k.namespace)
		for _, o := range k.list(k, path) {
			k.write(&out, path, o)
		}
	}
	return out.String()
}

// ofAnother says whether an object that is in no namespace has to do with another cell.
func (k *clustered) ofAnother(o object) bool {
	labels := func(key string) string { return o.at("metadata", "labels", key) }
	if zone := labels("topology.kubernetes.io/zone"); zone != "" {
		return zone != k.zone
	}
	if o.at("metadata", "name") == "coredns" {
		return !k.namesFail
	}
	run := labels("gameday/run")
	_, err := os.Stat(filepath.Join(k.cell.dir, "gameday-runs", run))
	return run != "" && err != nil
}

// write writes an object without what controllers write into it, at a time of their own.
func (k *clustered) write(out *strings.Builder, path string, o object) {
	delete(o, "status")
	meta, _ := o["metadata"].(map[string]any)
	spec, _ := o["spec"].(map[string]any)
	for _, key := range []string{"resourceVersion", "generation"} {
		delete(meta, key)
	}
	if notes, _ := meta["annotations"].(map[string]any); notes != nil {
		delete(notes, "deployment.kubernetes.io/revision")
	}
	if strings.HasSuffix(path, "replicasets") {
		delete(meta, "annotations")
		delete(spec, "replicas")
	}
	if taints, _ := spec["taints"].([]any); taints != nil {
		taints = slices.DeleteFunc(taints, func(t any) bool {
			is, _ := t.(map[string]any)
			return strings.HasPrefix(object(is).at("key"), "node.kubernetes.io/")
		})
		if spec["taints"] = taints; len(taints) == 0 {
			delete(spec, "taints")
		}
	}
	meta["managedFields"] = people(meta["managedFields"])
	b, err := json.Marshal(o)
	require.NoError(k, err)
	fmt.Fprintf(out, "%s %s\n", path, b)
}

// people are the owners of fields that are no part of the cluster.
func people(entries any) (out []any) {
	all, _ := entries.([]any)
	for _, e := range all {
		entry, _ := e.(map[string]any)
		if manager, _ := entry["manager"].(string); !strings.HasPrefix(manager, "kube-") && manager != "kwok" && entry["subresource"] == nil {
			out = append(out, e)
		}
	}
	return out
}
