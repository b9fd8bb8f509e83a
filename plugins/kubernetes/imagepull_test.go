package kubernetes_test

import (
	"context"
	"fmt"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/gameday-toolkit/gameday/plugins/sdk"
)

func (c *testCluster) image(ctx context.Context, ns string) (string, error) {
	d, err := c.api.AppsV1().Deployments(ns).Get(ctx, "web", metav1.GetOptions{})
	if err != nil {
		return "", err
	}
	return d.Spec.Template.Spec.Containers[0].Image, nil
}

// shotOfRollout is the Deployment web and its revisions, but for the number that the controller gives each.
func (c *testCluster) shotOfRollout(ctx context.Context, ns string) (string, error) {
	web, err := c.shotOf(ctx, ns)
	if err != nil {
		return "", err
	}
	web = regexp.MustCompile(`"deployment.kubernetes.io/revision":"\d+"`).ReplaceAllString(web, "")
	sets, err := c.api.AppsV1().ReplicaSets(ns).List(ctx, metav1.ListOptions{})
	if err != nil {
		return "", err
	}
	for _, rs := range sets.Items {
		web += fmt.Sprintln(rs.Name, rs.UID, rs.Spec.Template.Spec.Containers[0].Image, *rs.Spec.Replicas)
	}
	return web, nil
}

func TestImagePullConforms(t *testing.T) {
	c := aCluster(t)
	on := onDeployment(t, c, "kubernetes_image_pull", `{}`, func(ctx context.Context, ns string) (bool, error) {
		image, err := c.image(ctx, ns)
		return strings.HasPrefix(image, "gameday.invalid/"), err
	})
	on.Snapshot = func(ctx context.Context, req sdk.Request) (string, error) {
		return c.shotOfRollout(ctx, req.Targets[0].Attrs["namespace"])
	}
	conform(t, c, on)
}

// A StatefulSet never replaces a broken pod by itself, so putting the image back is not enough.
func TestAStatefulSetThatCannotPullIsWholeAgain(t *testing.T) {
	t.Parallel()
	c := aCluster(t)
	l := c.plugin(t, nil)
	ns := c.namespace(t)
	two := int32(2)
	labels := map[string]string{"app": "db"}
	_, err := c.api.AppsV1().StatefulSets(ns).Create(t.Context(), &appsv1.StatefulSet{
		ObjectMeta: metav1.ObjectMeta{Name: "db"},
		Spec: appsv1.StatefulSetSpec{
			Replicas: &two, Selector: &metav1.LabelSelector{MatchLabels: labels}, ServiceName: "db",
			Template: corev1.PodTemplateSpec{
				ObjectMeta: metav1.ObjectMeta{Labels: labels},
				Spec: corev1.PodSpec{
					InitContainers: []corev1.Container{{Name: "schema", Image: "registry.test:5000/team/schema@sha256:" + strings.Repeat("0", 64)}},
					Containers:     []corev1.Container{{Name: "db", Image: "registry.test:5000/team/db:2"}},
				},
			},
		},
	}, metav1.CreateOptions{})
	require.NoError(t, err)
	whole := func() (bool, error) {
		s, err := c.api.AppsV1().StatefulSets(ns).Get(t.Context(), "db", metav1.GetOptions{})
		return err == nil && s.Status.ReadyReplicas == two && s.Status.UpdatedReplicas == two, err
	}
	require.NoError(t, await(t.Context(), whole))

	on := targets(t, l, "kubernetes_workload", map[string]any{"namespace": ns})
	h := inject(t, l, "kubernetes_image_pull", map[string]any{"containers": []string{"schema", "db"}}, on)
	require.Contains(t, strings.Join(h.Effects, "\n"), "/schema", "an image without a tag loses its digest")
	require.NotRegexp(t, `gameday[.]invalid/\w+/schema@`, strings.Join(h.Effects, "\n"))
	require.Contains(t, h.Steps[0], "db=registry.test:5000/team/db:2")
	require.Contains(t, awaitState(t, l, h, sdk.Active).Evidence, "container db waits with ImagePullBackOff")

	require.NoError(t, l.Revert(t.Context(), h))
	require.NoError(t, await(t.Context(), whole))
	all, err := c.api.AppsV1().ControllerRevisions(ns).List(t.Context(), metav1.ListOptions{})
	require.NoError(t, err)
	require.Len(t, all.Items, 1, "kubectl rollout undo must not lead back to the fault")
}

func TestAnImageThatSomebodyHasSetMeanwhileStays(t *testing.T) {
	t.Parallel()
	c := aCluster(t)
	l := c.plugin(t, nil)
	ns := c.namespace(t)
	require.NoError(t, c.deploy(t.Context(), ns, "web", 1))
	on := targets(t, l, "kubernetes_workload", map[string]any{"namespace": ns})
	h := inject(t, l, "kubernetes_image_pull", nil, on)

	c.kubectl(t, "", "-n", ns, "set", "image", "deployment/web", "web=web:2")
	err := l.Revert(t.Context(), h)
	require.ErrorContains(t, err, "conflict")
	require.ErrorContains(t, err, `"web:2"`)
	image, err := c.image(t.Context(), ns)
	require.NoError(t, err)
	require.Equal(t, "web:2", image)

	c.kubectl(t, "", "-n", ns, "label", "deployment/web", "gameday/fault-")
	require.NoError(t, l.Revert(t.Context(), h), "whoever takes the label off takes the Deployment over")
}

func TestMistakesInAnImagePullBlock(t *testing.T) {
	t.Parallel()
	c := aCluster(t)
	l := c.plugin(t, nil)
	ns := c.namespace(t)
	require.NoError(t, c.deploy(t.Context(), ns, "web", 1))
	require.NoError(t, c.deploy(t.Context(), ns, "none", 0))
	require.NoError(t, c.deploy(t.Context(), ns, "paused", 1))
	c.kubectl(t, "", "-n", ns, "rollout", "pause", "deployment/paused")
	for _, tt := range []struct{ workload, container, want string }{
		{"web", "wrong", `has no container "wrong"`},
		{"none", "web", "has no replicas"},
		{"paused", "web", "is paused"},
	} {
		on := targets(t, l, "kubernetes_workload", map[string]any{"namespace": ns, "names": []string{tt.workload}})
		_, problems := prepare(t, l, "kubernetes_image_pull", map[string]any{"containers": []string{tt.container}}, on)
		require.Len(t, problems, 1, tt.workload)
		require.Contains(t, problems[0].Summary, tt.want)
	}
}
