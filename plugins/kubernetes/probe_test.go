package kubernetes_test

import (
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/require"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/gameday-toolkit/gameday/plugins/sdk"
)

func probe(t *testing.T, l *sdk.Local, kind string, config map[string]any) sdk.Observation {
	t.Helper()
	b, err := json.Marshal(config)
	require.NoError(t, err)
	seen, err := l.Probe(t.Context(), kind, sdk.Request{Run: "r", ID: "probe." + kind + ".x", Config: b})
	require.NoError(t, err)
	return seen
}

// becomes waits until a probe answers like this.
func becomes(t *testing.T, l *sdk.Local, kind string, config map[string]any, want sdk.Observation) {
	t.Helper()
	var seen sdk.Observation
	err := await(t.Context(), func() (bool, error) { seen = probe(t, l, kind, config); return seen == want, nil })
	require.NoError(t, err, "%v", seen)
}

func TestEndpointsAndRollout(t *testing.T) {
	t.Parallel()
	c := aCluster(t)
	l := c.plugin(t, nil)
	ns := c.namespace(t)
	require.NoError(t, c.deploy(t.Context(), ns, "web", 4))
	c.kubectl(t, "", "-n", ns, "expose", "deployment", "web", "--port=80")
	good := sdk.Observation{Good: true}
	service := func(more map[string]any) map[string]any {
		out := map[string]any{"namespace": ns, "service": "web"}
		for k, v := range more {
			out[k] = v
		}
		return out
	}
	half := service(map[string]any{"min_percent": 50})
	rollout := map[string]any{"namespace": ns, "workload": "deployment/web"}
	becomes(t, l, "kubernetes_endpoints", service(map[string]any{"min": 4}), good)
	require.Equal(t, good, probe(t, l, "kubernetes_endpoints", half))
	require.Equal(t, good, probe(t, l, "kubernetes_rollout", rollout))
	require.Equal(t, sdk.Observation{Class: "status", Detail: "4 endpoints are ready, fewer than 5"}, probe(t, l, "kubernetes_endpoints", service(map[string]any{"min": 5})))
	require.Equal(t, sdk.Observation{Class: "status", Detail: "0 endpoints are ready, fewer than 1"}, probe(t, l, "kubernetes_endpoints", service(map[string]any{"zone": "nowhere"})))

	c.kubectl(t, "", "-n", ns, "scale", "deployment", "web", "--replicas=1")
	becomes(t, l, "kubernetes_endpoints", half, sdk.Observation{Class: "status", Detail: "1 endpoints are ready, fewer than 50 % of 4"})
	becomes(t, l, "kubernetes_rollout", rollout, good)
	c.kubectl(t, `{"spec":{"template":{"spec":{"nodeSelector":{"no":"node"}}}}}`, "-n", ns, "patch", "deployment", "web", "--patch-file=/dev/stdin")
	becomes(t, l, "kubernetes_rollout", rollout, sdk.Observation{Class: "status", Detail: "deployment " + ns + "/web has 2 replicas, and should have 1"})
	require.Equal(t, "there is no deployment "+ns+"/db", probe(t, l, "kubernetes_rollout", map[string]any{"namespace": ns, "workload": "deployment/db"}).Detail)
	_, err := l.Probe(t.Context(), "kubernetes_rollout", sdk.Request{ID: "x", Config: json.RawMessage(`{"namespace":"x","workload":"job/x"}`)})
	require.ErrorContains(t, err, "has no rollout")
}

func TestRestarts(t *testing.T) {
	t.Parallel()
	c := aCluster(t)
	l := c.plugin(t, nil)
	ns := c.namespace(t)
	require.NoError(t, c.deploy(t.Context(), ns, "web", 2))
	restart := func(pod string, times string) {
		patch := `{"status":{"containerStatuses":[{"name":"web","image":"web:1","imageID":"","ready":true,"restartCount":` + times + `}]}}`
		_, err := c.api.CoreV1().Pods(ns).Patch(t.Context(), pod, types.StrategicMergePatchType, []byte(patch), metav1.PatchOptions{}, "status")
		require.NoError(t, err)
	}
	pods, err := c.api.CoreV1().Pods(ns).List(t.Context(), metav1.ListOptions{})
	require.NoError(t, err)
	first, second := pods.Items[0].Name, pods.Items[1].Name
	restart(first, "3")
	ask := func() sdk.Observation {
		return probe(t, l, "kubernetes_restarts", map[string]any{"namespace": ns, "selector": "app=web", "max": 1})
	}
	require.True(t, ask().Good, "what was before does not count")
	restart(first, "4")
	require.True(t, ask().Good, "one is allowed")
	restart(second, "1")
	require.Equal(t, sdk.Observation{Class: "status", Detail: "2 restarts since the probe was first asked, more than 1"}, ask())
	require.NoError(t, c.api.CoreV1().Pods(ns).Delete(t.Context(), second, metav1.DeleteOptions{}))
	require.NoError(t, await(t.Context(), func() (bool, error) {
		p, err := c.api.CoreV1().Pods(ns).List(t.Context(), metav1.ListOptions{})
		gone := err == nil && len(p.Items) == 2
		for _, x := range p.Items {
			gone = gone && x.Name != second && x.Status.Phase == corev1.PodRunning
		}
		return gone, err
	}))
	require.Equal(t, "2 restarts since the probe was first asked, more than 1", ask().Detail, "they have happened, whatever became of the pod")
}

func TestAProbeThatCannotAskIsAnError(t *testing.T) {
	t.Parallel()
	c := anotherCluster(t)
	l := c.plugin(t, nil)
	c.component(t, "kill", "apiserver")
	for kind, config := range map[string]string{
		"kubernetes_endpoints": `{"namespace":"default","service":"x"}`, "kubernetes_rollout": `{"namespace":"default","workload":"deployment/x"}`,
		"kubernetes_restarts": `{"namespace":"default"}`,
	} {
		_, err := l.Probe(t.Context(), kind, sdk.Request{ID: "x", Config: json.RawMessage(config)})
		require.ErrorContains(t, err, "connection refused")
	}
}
