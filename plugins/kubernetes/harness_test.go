package kubernetes_test

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"flag"
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
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	clients "k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/clientcmd"

	"github.com/gameday-toolkit/gameday/plugins/kubernetes"
	"github.com/gameday-toolkit/gameday/plugins/sdk"
	"github.com/gameday-toolkit/gameday/plugins/sdk/conformance"
)

// patience is how long the cluster may take for anything.
const patience = 30 * time.Second

func TestMain(m *testing.M) {
	flag.Parse()
	if err := flag.Set("test.parallel", "6"); err != nil { // what runs in parallel here waits most of the time
		panic(err)
	}
	code := m.Run()
	shared.end()
	_ = os.RemoveAll(built.dir)
	os.Exit(code)
}

// testCluster is a cluster that the tests of this package share: each has a namespace of its own.
type testCluster struct {
	dir, kubeconfig string
	api             clients.Interface
	cmd             *exec.Cmd
	leash           interface{ Close() error }
}

var shared sharedCluster

type sharedCluster struct {
	once sync.Once
	c    *testCluster
	err  error
}

func (s *sharedCluster) end() {
	if s.c != nil {
		s.c.end()
	}
}

// aCluster gives the cluster that the tests share.
func aCluster(t testing.TB) *testCluster {
	t.Helper()
	programs := clusterPrograms(t)
	shared.once.Do(func() { shared.c, shared.err = startCluster(programs, "-coredns") })
	require.NoError(t, shared.err)
	return shared.c
}

// anotherCluster gives a cluster of the test's own, to be treated badly.
func anotherCluster(t testing.TB) *testCluster {
	t.Helper()
	c, err := startCluster(clusterPrograms(t))
	require.NoError(t, err)
	t.Cleanup(c.end)
	return c
}

// clusterPrograms is where the programs of a cluster are, which make test-kubernetes builds.
func clusterPrograms(t testing.TB) string {
	t.Helper()
	dir := os.Getenv("GAMEDAY_CLUSTER")
	if dir == "" {
		t.Skip("needs a cluster: run by make test-kubernetes")
	}
	return dir
}

// startCluster starts a cluster that ends with this process.
func startCluster(programs string, args ...string) (*testCluster, error) {
	dir, err := os.MkdirTemp("", "gameday-kubernetes-")
	if err != nil {
		return nil, err
	}
	c := &testCluster{dir: dir}
	c.cmd = exec.Command(filepath.Join(programs, "gameday-cluster"), append([]string{"run", "-dir", dir}, args...)...)
	c.cmd.Stderr = os.Stderr
	if c.leash, err = c.cmd.StdinPipe(); err != nil {
		return nil, err
	}
	out, err := c.cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := c.cmd.Start(); err != nil {
		return nil, err
	}
	line, err := bufio.NewReader(out).ReadString('\n')
	var ok bool
	if c.kubeconfig, ok = strings.CutPrefix(strings.TrimSpace(line), "ready "); !ok {
		c.end()
		return nil, errors.Join(fmt.Errorf("the cluster did not start: %q", line), err)
	}
	conf, err := clientcmd.BuildConfigFromFlags("", c.kubeconfig)
	if err != nil {
		c.end()
		return nil, err
	}
	conf.QPS, conf.Burst = 500, 1000
	c.api, err = clients.NewForConfig(conf)
	return c, err
}

func (c *testCluster) end() {
	_ = c.leash.Close()
	_ = c.cmd.Wait()
	_ = os.RemoveAll(c.dir)
}

// component does something to a part of the control plane: stop, cont, kill, start.
func (c *testCluster) component(t testing.TB, what, name string) {
	t.Helper()
	out, err := exec.Command(c.cmd.Path, what, "-dir", c.dir, name).CombinedOutput()
	require.NoError(t, err, string(out))
}

// kubectl runs kubectl on the cluster, and gives what it prints.
func (c *testCluster) kubectl(t testing.TB, stdin string, args ...string) string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "kubectl", append([]string{"--kubeconfig", c.kubeconfig}, args...)...)
	cmd.Stdin = strings.NewReader(stdin)
	out, err := cmd.CombinedOutput()
	require.NoError(t, err, string(out))
	return string(out)
}

// serial makes names that are there once.
var serial atomic.Int64

func name(what string) string { return fmt.Sprintf("%s-%d", what, serial.Add(1)) }

// namespace makes a namespace, which goes with the test.
func (c *testCluster) namespace(t testing.TB) string {
	t.Helper()
	ns, err := c.addNamespace(t.Context())
	require.NoError(t, err)
	t.Cleanup(func() { _ = c.dropNamespace(context.Background(), ns) })
	return ns
}

func (c *testCluster) addNamespace(ctx context.Context) (string, error) {
	ns := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: name("test")}}
	_, err := c.api.CoreV1().Namespaces().Create(ctx, ns, metav1.CreateOptions{})
	return ns.Name, err
}

func (c *testCluster) dropNamespace(ctx context.Context, ns string) error {
	return c.api.CoreV1().Namespaces().Delete(ctx, ns, metav1.DeleteOptions{})
}

// deploy makes a Deployment and waits until its pods are ready.
func (c *testCluster) deploy(ctx context.Context, ns, name string, replicas int32, change ...func(*appsv1.Deployment)) error {
	labels := map[string]string{"app": name}
	none := int64(0)
	d := &appsv1.Deployment{
		ObjectMeta: metav1.ObjectMeta{Name: name, Namespace: ns, Labels: labels},
		Spec: appsv1.DeploymentSpec{
			Replicas: &replicas, Selector: &metav1.LabelSelector{MatchLabels: labels},
			Template: corev1.PodTemplateSpec{
				ObjectMeta: metav1.ObjectMeta{Labels: labels},
				Spec:       corev1.PodSpec{TerminationGracePeriodSeconds: &none, Containers: []corev1.Container{{Name: "web", Image: "web:1"}}},
			},
		},
	}
	for _, f := range change {
		f(d)
	}
	if _, err := c.api.AppsV1().Deployments(ns).Create(ctx, d, metav1.CreateOptions{FieldManager: "deployer"}); err != nil {
		return err
	}
	return await(ctx, func() (bool, error) {
		d, err := c.api.AppsV1().Deployments(ns).Get(ctx, name, metav1.GetOptions{})
		return err == nil && d.Status.ReadyReplicas == replicas && d.Status.ObservedGeneration == d.Generation, err
	})
}

// await polls until a condition holds.
func await(ctx context.Context, fn func() (bool, error)) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	for {
		ok, err := fn()
		if err != nil || ok {
			return err
		}
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-time.After(20 * time.Millisecond):
		}
	}
}

// settings are the plugin's block.
func (c *testCluster) settings(more map[string]any) json.RawMessage {
	all := map[string]any{"kubeconfig": c.kubeconfig}
	for k, v := range more {
		all[k] = v
	}
	b, err := json.Marshal(all)
	if err != nil {
		panic(err)
	}
	return b
}

// plugin is the plugin in this process, with a lease that lasts.
func (c *testCluster) plugin(t testing.TB, more map[string]any) *sdk.Local {
	t.Helper()
	l, err := sdk.ServeLocal(kubernetes.New(), t.Output())
	require.NoError(t, err)
	_, problems, err := l.Configure(t.Context(), sdk.Settings{Config: c.settings(more), Lease: time.Hour})
	require.NoError(t, err)
	require.Empty(t, problems)
	t.Cleanup(func() { _ = l.Kill() })
	return l
}

// resolve gives the targets of a block.
func resolve(ctx context.Context, l *sdk.Local, typ string, config any) ([]sdk.Target, error) {
	b, err := json.Marshal(config)
	if err != nil {
		return nil, err
	}
	found, problems, err := l.Resolve(ctx, typ, sdk.Request{ID: "target." + typ + ".t", Config: b})
	if err == nil && len(problems) > 0 {
		err = fmt.Errorf("problems: %v", problems)
	}
	return found.Targets, err
}

func targets(t testing.TB, l *sdk.Local, typ string, config any) []sdk.Target {
	t.Helper()
	out, err := resolve(t.Context(), l, typ, config)
	require.NoError(t, err)
	return out
}

func prepare(t testing.TB, l *sdk.Local, fault string, config any, on []sdk.Target) (sdk.Handle, []sdk.Problem) {
	t.Helper()
	b, err := json.Marshal(config)
	require.NoError(t, err)
	h, problems, err := l.Prepare(t.Context(), fault, sdk.Request{Run: name("run"), ID: "fault." + fault + ".x", Config: b, Targets: on})
	require.NoError(t, err)
	return h, problems
}

// inject prepares and injects a fault, and waits until it is active.
func inject(t testing.TB, l *sdk.Local, fault string, config any, on []sdk.Target) sdk.Handle {
	t.Helper()
	h, problems := prepare(t, l, fault, config, on)
	require.False(t, sdk.HasErrors(problems), "%v", problems)
	require.NoError(t, l.Inject(t.Context(), h))
	awaitState(t, l, h, sdk.Active)
	return h
}

func awaitState(t testing.TB, l *sdk.Local, h sdk.Handle, want sdk.Status) sdk.State {
	t.Helper()
	var state sdk.State
	require.NoError(t, await(t.Context(), func() (done bool, err error) {
		state, err = l.Inspect(t.Context(), h)
		return state.Status == want, err
	}), "%s: %s", state.Status, state.Evidence)
	return state
}

// built is the real plugin, built once for all tests.
var built struct {
	once sync.Once
	dir  string
	err  error
}

func binary(t testing.TB) string {
	t.Helper()
	built.once.Do(func() {
		if built.dir, built.err = os.MkdirTemp("", "gameday-plugin-kubernetes-"); built.err != nil {
			return
		}
		out, err := exec.Command("go", "build", "-o", built.dir, "../../cmd/gameday-plugin-kubernetes").CombinedOutput()
		if err != nil {
			built.err = fmt.Errorf("%w: %s", err, out)
		}
	})
	require.NoError(t, built.err)
	return filepath.Join(built.dir, "gameday-plugin-kubernetes")
}

// throughBinary are the faults that the suite also runs with the real binary: one that changes objects, one that does something else,
// one that does both, and one that ends with the plugin. All faults undo alike, and internal/crash kills real processes for each of them.
var throughBinary = []string{"kubernetes_scale", "kubernetes_pod_kill", "kubernetes_zone_outage", "kubernetes_pressure"}

// conform runs the suite for one fault. What the suite says of faults that are in no case is about the plugin as a whole, and
// TestEveryFaultIsInATestOfConformance checks that.
func conform(t *testing.T, c *testCluster, cases ...conformance.Case) {
	t.Helper()
	conformAs(t, c, nil, cases...)
}

// conformAs is conform for a plugin that is configured otherwise.
func conformAs(t *testing.T, c *testCluster, config map[string]any, cases ...conformance.Case) {
	t.Helper()
	t.Parallel()
	program := ""
	if slices.ContainsFunc(cases, func(c conformance.Case) bool { return slices.Contains(throughBinary, c.Fault) }) {
		program = binary(t)
	}
	s := conformance.Subject{New: kubernetes.New, Binary: program, Config: c.settings(config), Faults: cases, Settle: patience, Timeout: 4 * time.Minute}
	for _, r := range conformance.Verify(t.Context(), s) {
		if r.Check != "Describe" && r.Err != nil {
			t.Errorf("%s: %v", r, r.Err)
		}
	}
}

// pool is nodes of a test's own, which only pods of its own are placed on.
type pool struct {
	c     *testCluster
	name  string
	nodes []string
}

// addPool makes simulated nodes in zone-a.
func (c *testCluster) addPool(ctx context.Context, n int) (pool, error) {
	p := pool{c: c, name: name("pool")}
	resources := corev1.ResourceList{
		corev1.ResourceCPU: resource.MustParse("8"), corev1.ResourceMemory: resource.MustParse("16Gi"), corev1.ResourcePods: resource.MustParse("110"),
	}
	for i := range n {
		pods := fmt.Sprintf("10.79.%d.0/24", serial.Add(1)%256)
		node := &corev1.Node{
			ObjectMeta: metav1.ObjectMeta{
				Name: fmt.Sprintf("%s-%d", p.name, i), Annotations: map[string]string{"kwok.x-k8s.io/node": "fake"},
				Labels: map[string]string{corev1.LabelTopologyZone: "zone-a", "type": "kwok", "pool": p.name},
			},
			Spec:   corev1.NodeSpec{PodCIDR: pods, PodCIDRs: []string{pods}, Taints: []corev1.Taint{{Key: "pool", Value: p.name, Effect: corev1.TaintEffectNoSchedule}}},
			Status: corev1.NodeStatus{Capacity: resources, Allocatable: resources},
		}
		if _, err := c.api.CoreV1().Nodes().Create(ctx, node, metav1.CreateOptions{FieldManager: "deployer"}); err != nil {
			return p, err
		}
		p.nodes = append(p.nodes, node.Name)
	}
	return p, await(ctx, func() (bool, error) {
		nodes, err := c.api.CoreV1().Nodes().List(ctx, metav1.ListOptions{LabelSelector: "pool=" + p.name})
		if err != nil {
			return false, err
		}
		for _, node := range nodes.Items {
			ofTheCluster := slices.ContainsFunc(node.Spec.Taints, func(t corev1.Taint) bool { return strings.HasPrefix(t.Key, "node.kubernetes.io/") })
			if !nodeReady(node) || ofTheCluster {
				return false, nil
			}
		}
		return len(nodes.Items) == n, nil
	})
}

func nodeReady(n corev1.Node) bool {
	for _, c := range n.Status.Conditions {
		if c.Type == corev1.NodeReady {
			return c.Status == corev1.ConditionTrue
		}
	}
	return false
}

// only places the pods of a Deployment on the pool.
func (p pool) only(d *appsv1.Deployment) {
	d.Spec.Template.Spec.NodeSelector = map[string]string{"pool": p.name}
	d.Spec.Template.Spec.Tolerations = append(d.Spec.Template.Spec.Tolerations, corev1.Toleration{Key: "pool", Value: p.name})
}

func (p pool) drop(ctx context.Context) error {
	for _, n := range p.nodes {
		if err := p.c.api.CoreV1().Nodes().Delete(ctx, n, metav1.DeleteOptions{}); err != nil {
			return err
		}
	}
	return nil
}

// shotOfNodes is what people see of nodes, with the owners of what a person wrote.
func (c *testCluster) shotOfNodes(ctx context.Context, names ...string) (string, error) {
	out := ""
	for _, name := range names {
		n, err := c.api.CoreV1().Nodes().Get(ctx, name, metav1.GetOptions{})
		if err != nil {
			return "", err
		}
		for _, e := range n.ManagedFields {
			if e.Manager == "deployer" || e.Manager == "gameday" {
				out += fmt.Sprintf("%s %s %s %s\n", e.Manager, e.Operation, e.Time, e.FieldsV1)
			}
		}
		// The cluster itself marks a node that is cordoned, a moment later.
		taints := slices.DeleteFunc(n.Spec.Taints, func(t corev1.Taint) bool { return t.Key == corev1.TaintNodeUnschedulable })
		out += fmt.Sprintln(n.Name, n.UID, n.Labels, n.Spec.Unschedulable, taints)
	}
	return out, nil
}

// manyPods makes pods that nothing runs: no node is theirs.
func (c *testCluster) manyPods(t testing.TB, ns string, n int) {
	t.Helper()
	var all sync.WaitGroup
	errs := make(chan error, n)
	slots := make(chan struct{}, 50)
	for i := range n {
		slots <- struct{}{}
		all.Go(func() {
			defer func() { <-slots }()
			_, err := c.api.CoreV1().Pods(ns).Create(t.Context(), &corev1.Pod{
				ObjectMeta: metav1.ObjectMeta{Name: fmt.Sprintf("pod-%04d", i), Namespace: ns, Labels: map[string]string{"app": "many", "shard": fmt.Sprint(i % 10)}},
				Spec:       corev1.PodSpec{SchedulerName: "nobody", Containers: []corev1.Container{{Name: "web", Image: "web:1"}}},
			}, metav1.CreateOptions{})
			errs <- err
		})
	}
	all.Wait()
	close(errs)
	for err := range errs {
		require.NoError(t, err)
	}
}

func withEmptyDir(d *appsv1.Deployment) {
	d.Spec.Template.Spec.Volumes = []corev1.Volume{{Name: "scratch", VolumeSource: corev1.VolumeSource{EmptyDir: &corev1.EmptyDirVolumeSource{}}}}
}

func spreadOverZones(d *appsv1.Deployment) {
	honor := corev1.NodeInclusionPolicyHonor
	d.Spec.Template.Spec.TopologySpreadConstraints = []corev1.TopologySpreadConstraint{{
		MaxSkew: 1, TopologyKey: corev1.LabelTopologyZone, WhenUnsatisfiable: corev1.DoNotSchedule, LabelSelector: d.Spec.Selector, NodeTaintsPolicy: &honor,
	}}
}

// stubborn pods tolerate everything, and want to be in zone-a.
func stubborn(d *appsv1.Deployment) {
	d.Spec.Template.Spec.Tolerations = []corev1.Toleration{{Operator: corev1.TolerationOpExists}}
	d.Spec.Template.Spec.NodeSelector = map[string]string{corev1.LabelTopologyZone: "zone-a"}
}
