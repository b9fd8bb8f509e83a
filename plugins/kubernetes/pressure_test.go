package kubernetes_test

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/gameday-toolkit/gameday/plugins/sdk"
	"github.com/gameday-toolkit/gameday/plugins/sdk/conformance"
)

// pressed deploys pods to press on, and gives their targets.
func (c *testCluster) pressed(ctx context.Context, l *sdk.Local, ns string, replicas int32, change ...func(*appsv1.Deployment)) ([]sdk.Target, error) {
	change = append(change, func(d *appsv1.Deployment) { d.Spec.Template.Spec.Containers[0].Image = "gameday.test/web:1" })
	if err := c.deploy(ctx, ns, "web", replicas, change...); err != nil {
		return nil, err
	}
	return resolve(ctx, l, "kubernetes_pod", map[string]any{"namespace": ns})
}

// pressing are the processes of ours that press, from the machine's point of view: with the name of their pod.
func pressing(t testing.TB) map[string]int {
	t.Helper()
	all, err := filepath.Glob("/proc/[0-9]*/cmdline")
	require.NoError(t, err)
	out := map[string]int{}
	for _, path := range all {
		args, err := os.ReadFile(path)
		env, errEnv := os.ReadFile(filepath.Join(filepath.Dir(path), "environ"))
		if err != nil || errEnv != nil || !strings.Contains(string(args), "\x00pressure\x00-cpu\x00") {
			continue
		}
		_, host, _ := strings.Cut("\x00"+string(env), "\x00HOSTNAME=")
		host, _, _ = strings.Cut(host, "\x00")
		pid, err := strconv.Atoi(filepath.Base(filepath.Dir(path)))
		require.NoError(t, err)
		out[host] = pid
	}
	return out
}

// used is the processor time of a process so far.
func used(t testing.TB, pid int) time.Duration {
	t.Helper()
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	require.NoError(t, err)
	f := strings.Fields(string(b[strings.LastIndexByte(string(b), ')'):]))
	user, err := strconv.Atoi(f[12])
	require.NoError(t, err)
	return time.Duration(user) * 10 * time.Millisecond
}

func realPressureConforms(t *testing.T, c *testCluster) {
	l := c.plugin(t, nil)
	namespaceOf := func(targets []sdk.Target) string { return targets[0].Attrs["namespace"] }
	onPods := func(name, config string) conformance.Case {
		return conformance.Case{
			Fault: "kubernetes_pressure", Name: name, EndsWithPlugin: true,
			Setup: func(ctx context.Context) (sdk.Request, error) {
				ns, err := c.addNamespace(ctx)
				if err != nil {
					return sdk.Request{}, err
				}
				on, err := c.pressed(ctx, l, ns, 1)
				return sdk.Request{Config: json.RawMessage(config), Targets: on}, err
			},
			Look: func(_ context.Context, h sdk.Handle) (bool, error) {
				_, there := pressing(t)[podName(h.Targets[0])]
				return there, nil
			},
			Teardown: func(ctx context.Context, req sdk.Request) error {
				return c.dropNamespace(ctx, namespaceOf(req.Targets))
			},
		}
	}
	conform(t, c, onPods("", `{"image":"`+pluginImage+`","cpu":0.1,"memory_bytes":8388608}`))
}

func podName(t sdk.Target) string { return t.Name[strings.LastIndexByte(t.Name, '/')+1:] }

// restricted has pods that keep to the strictest of the pod security standards.
func restricted(d *appsv1.Deployment) {
	yes, no, user := true, false, int64(1000)
	d.Spec.Template.Spec.Containers[0].SecurityContext = &corev1.SecurityContext{
		RunAsNonRoot: &yes, RunAsUser: &user, AllowPrivilegeEscalation: &no, Capabilities: &corev1.Capabilities{Drop: []corev1.Capability{"ALL"}},
		SeccompProfile: &corev1.SeccompProfile{Type: corev1.SeccompProfileTypeRuntimeDefault},
	}
}

// realPressure looks at the processes, which are on this machine.
func realPressure(t *testing.T, c *testCluster) {
	l := c.plugin(t, nil)
	ns := c.namespace(t)
	c.kubectl(t, "", "label", "namespace", ns, "pod-security.kubernetes.io/enforce=restricted")
	on, err := c.pressed(t.Context(), l, ns, 2, restricted)
	require.NoError(t, err)
	h := inject(t, l, "kubernetes_pressure", map[string]any{"image": pluginImage, "cpu": 0.5, "memory_bytes": 64 << 20}, on)
	require.Contains(t, strings.Join(h.Effects, "\n"), "which the pod lists as ended until it is replaced")
	require.Contains(t, strings.Join(h.Effects, "\n"), "the containers end by themselves")
	there := pressing(t)
	for _, pod := range on {
		pid := there[podName(pod)]
		require.NotZero(t, pid, there)
		before, began := used(t, pid), time.Now()
		require.Eventually(t, func() bool { return used(t, pid)-before >= 500*time.Millisecond }, patience, 10*time.Millisecond)
		t.Logf("0.5 processors: 0.5 s of them took %v", time.Since(began))
		require.Greater(t, time.Since(began), 800*time.Millisecond, "it is half a processor")
		status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
		require.NoError(t, err)
		var kib int
		_, rest, _ := strings.Cut(string(status), "VmRSS:")
		_, err = fmt.Sscan(rest, &kib)
		require.NoError(t, err)
		require.Greater(t, kib, 64<<10)
	}
	for _, step := range h.Steps { // a person may end it, too
		if strings.Contains(step, " attach ") {
			out, err := exec.CommandContext(t.Context(), "sh", "-c", step).CombinedOutput()
			require.NoError(t, err, string(out))
		}
	}
	require.Contains(t, awaitState(t, l, h, sdk.Inactive).Evidence, "has ended: Completed, exit code 0")
	for _, pod := range on {
		require.NotContains(t, pressing(t), podName(pod))
	}
	require.NoError(t, l.Revert(t.Context(), h))
}

// realPressureReplaces has pods without a trace afterwards.
func realPressureReplaces(t *testing.T, c *testCluster) {
	l := c.plugin(t, nil)
	ns := c.namespace(t)
	on, err := c.pressed(t.Context(), l, ns, 2)
	require.NoError(t, err)
	h := inject(t, l, "kubernetes_pressure", map[string]any{"image": pluginImage, "cpu": 0.1, "replace_pod": true}, on)
	require.NoError(t, l.Revert(t.Context(), h))
	awaitState(t, l, h, sdk.Inactive)
	pods, err := c.api.CoreV1().Pods(ns).List(t.Context(), metav1.ListOptions{})
	require.NoError(t, err)
	require.Len(t, pods.Items, 2)
	for _, p := range pods.Items {
		require.Empty(t, p.Spec.EphemeralContainers)
	}
}

// realPressureMistakes are those that the plan finds, and an image that is not there.
func realPressureMistakes(t *testing.T, c *testCluster) {
	l := c.plugin(t, nil)
	ns := c.namespace(t)
	on, err := c.pressed(t.Context(), l, ns, 1, func(d *appsv1.Deployment) {
		d.Spec.Template.Spec.Containers[0].Resources.Limits = corev1.ResourceList{corev1.ResourceMemory: resource.MustParse("64Mi")}
	})
	require.NoError(t, err)
	for summary, config := range map[string]map[string]any{
		"There is no image for the container":                              {"image": "", "cpu": 1},
		"Nothing is pressed on":                                            {"image": pluginImage},
		"-1 processors":                                                    {"image": pluginImage, "cpu": -1},
		"may use 67108864 bytes of memory in all, by its limits":           {"image": pluginImage, "memory_bytes": 64 << 20},
		"bytes of memory in all, of which its containers request 67108864": {"image": pluginImage, "memory_bytes": 8 << 20},
	} {
		_, problems := prepare(t, l, "kubernetes_pressure", config, on)
		require.Len(t, problems, 1, summary)
		require.Contains(t, problems[0].Summary, summary)
	}
	h, problems := prepare(t, l, "kubernetes_pressure", map[string]any{"image": "gameday.invalid/none:1", "cpu": 1}, on)
	require.Empty(t, problems)
	require.ErrorContains(t, l.Inject(t.Context(), h), "does not start: ImagePullBackOff")
	require.NoError(t, l.Revert(t.Context(), h))
	require.Contains(t, awaitState(t, l, h, sdk.Inactive).Evidence, "has never started")
}
