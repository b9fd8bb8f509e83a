package kubernetes_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/miekg/dns"
	"github.com/stretchr/testify/require"
	appsv1 "k8s.io/api/apps/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/gameday-toolkit/gameday/plugins/sdk"
)

// realImagePull has kubelets try to pull the image, and fail.
func realImagePull(t *testing.T, c *testCluster) {
	l := c.plugin(t, nil)
	ns := c.namespace(t)
	require.NoError(t, c.deploy(t.Context(), ns, "web", 2, func(d *appsv1.Deployment) {
		d.Spec.Template.Spec.Containers[0].Image = "gameday.test/web:1"
	}))
	before, err := c.shotOfRollout(t.Context(), ns)
	require.NoError(t, err)
	h := inject(t, l, "kubernetes_image_pull", nil, targets(t, l, "kubernetes_workload", map[string]any{"namespace": ns}))
	require.Regexp(t, "container web waits with (ErrImagePull|ImagePullBackOff)", awaitState(t, l, h, sdk.Active).Evidence)
	d, err := c.api.AppsV1().Deployments(ns).Get(t.Context(), "web", metav1.GetOptions{})
	require.NoError(t, err)
	require.EqualValues(t, 2, d.Status.ReadyReplicas, "what runs goes on")
	require.NoError(t, l.Revert(t.Context(), h))
	require.NoError(t, await(t.Context(), func() (bool, error) {
		now, err := c.shotOfRollout(t.Context(), ns)
		return now == before, err
	}))
}

// realDNS asks no resolver: each pod of CoreDNS says by its metrics what it has read.
func realDNS(t *testing.T, c *testCluster) {
	server := c.dns(t)
	l := c.plugin(t, nil)
	on := targets(t, l, "kubernetes_dns", map[string]any{})
	config := map[string]any{"mode": "servfail", "names": []string{".external.test"}}
	_, problems := prepare(t, l, "kubernetes_dns", config, on)
	require.Len(t, problems, 1)
	require.Contains(t, problems[0].Summary, "has no metrics")

	maps := c.api.CoreV1().ConfigMaps("kube-system")
	m, err := maps.Get(t.Context(), "coredns", metav1.GetOptions{})
	require.NoError(t, err)
	m.Data["Corefile"] = strings.Replace(m.Data["Corefile"], "    cache 5\n", "    cache 5\n    prometheus :9153\n", 1)
	_, err = maps.Update(t.Context(), m, metav1.UpdateOptions{FieldManager: "deployer"})
	require.NoError(t, err)
	before, err := c.corefile(t.Context())
	require.NoError(t, err)
	var h sdk.Handle
	require.NoError(t, await(t.Context(), func() (bool, error) { // until CoreDNS has metrics
		h, problems = prepare(t, l, "kubernetes_dns", config, on)
		return len(problems) == 0, nil
	}), "%v", problems)

	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	began := time.Now()
	require.NoError(t, l.Inject(ctx, h))
	t.Logf("active after %v", time.Since(began))
	evidence := awaitState(t, l, h, sdk.Active).Evidence
	require.Equal(t, 2, strings.Count(evidence, "pod coredns-"), evidence)
	for range 10 { // whichever pod answers
		requireLookup(t, server, "www.external.test", dns.TypeA, "SERVFAIL")
	}
	began = time.Now()
	require.NoError(t, l.Revert(ctx, h))
	t.Logf("gone after %v", time.Since(began))
	for range 10 {
		requireLookup(t, server, "www.external.test", dns.TypeA, "NOERROR 192.0.2.10")
	}
	now, err := c.corefile(t.Context())
	require.NoError(t, err)
	require.Equal(t, before, now)
	awaitState(t, l, h, sdk.Inactive)
}
