package kubernetes_test

import (
	"context"
	"encoding/json"
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/gameday-toolkit/gameday/plugins/sdk"
	"github.com/gameday-toolkit/gameday/plugins/sdk/conformance"
)

// onDeployment is a case on a Deployment of its own, in a namespace of its own. The shot is what kubectl get -o yaml would show,
// without what changes with every write or by the cluster's own doing.
func onDeployment(t *testing.T, c *testCluster, fault, config string, look func(context.Context, string) (bool, error)) conformance.Case {
	l := c.plugin(t, nil)
	namespaceOf := func(targets []sdk.Target) string { return targets[0].Attrs["namespace"] }
	return conformance.Case{
		Fault: fault,
		Setup: func(ctx context.Context) (sdk.Request, error) {
			ns, err := c.addNamespace(ctx)
			if err == nil {
				err = c.deploy(ctx, ns, "web", 2)
			}
			if err != nil {
				return sdk.Request{}, err
			}
			found, err := resolve(ctx, l, "kubernetes_workload", map[string]any{"namespace": ns})
			return sdk.Request{Config: json.RawMessage(config), Targets: found}, err
		},
		Look: func(ctx context.Context, h sdk.Handle) (bool, error) { return look(ctx, namespaceOf(h.Targets)) },
		Snapshot: func(ctx context.Context, req sdk.Request) (string, error) {
			return c.shotOf(ctx, namespaceOf(req.Targets))
		},
		Teardown: func(ctx context.Context, req sdk.Request) error {
			return c.dropNamespace(ctx, namespaceOf(req.Targets))
		},
	}
}

// shotOf is the Deployment web of a namespace, with the owners of its fields.
func (c *testCluster) shotOf(ctx context.Context, ns string) (string, error) {
	return c.shotOfDeployment(ctx, ns, "web")
}

func (c *testCluster) shotOfDeployment(ctx context.Context, ns, name string) (string, error) {
	d, err := c.api.AppsV1().Deployments(ns).Get(ctx, name, metav1.GetOptions{})
	if err != nil {
		return "", err
	}
	owners := ""
	for _, e := range d.ManagedFields {
		if e.Subresource == "" && e.Manager != "kube-controller-manager" {
			owners += fmt.Sprintf("%s %s %s %s\n", e.Manager, e.Operation, e.Time, e.FieldsV1)
		}
	}
	d.ResourceVersion, d.Generation, d.ManagedFields = "", 0, nil
	d.Status.Reset()
	b, err := json.Marshal(d)
	return owners + string(b), err
}

func (c *testCluster) replicas(ctx context.Context, ns, name string) (int32, error) {
	d, err := c.api.AppsV1().Deployments(ns).Get(ctx, name, metav1.GetOptions{})
	if err != nil {
		return 0, err
	}
	return *d.Spec.Replicas, nil
}

func TestScaleConforms(t *testing.T) {
	c := aCluster(t)
	conform(t, c, onDeployment(t, c, "kubernetes_scale", `{}`, func(ctx context.Context, ns string) (bool, error) {
		n, err := c.replicas(ctx, ns, "web")
		return n == 0, err
	}))
}

func TestMistakesInAScaleBlock(t *testing.T) {
	c := aCluster(t)
	l := c.plugin(t, nil)
	ns := c.namespace(t)
	require.NoError(t, c.deploy(t.Context(), ns, "web", 2))
	on := targets(t, l, "kubernetes_workload", map[string]any{"namespace": ns})
	for n, want := range map[int]string{-1: "negative", 2: "has 2 replicas already"} {
		_, problems := prepare(t, l, "kubernetes_scale", map[string]any{"replicas": n}, on)
		require.Len(t, problems, 1)
		require.Contains(t, problems[0].Summary, want)
	}
}
