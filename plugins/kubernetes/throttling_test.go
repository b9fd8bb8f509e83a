package kubernetes_test

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"
	authn "k8s.io/api/authentication/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	clients "k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"

	"github.com/gameday-toolkit/gameday/plugins/sdk"
	"github.com/gameday-toolkit/gameday/plugins/sdk/conformance"
)

// schemasOf names the FlowSchemas, and the priority levels of faults, that are about the service accounts of a namespace.
func (c *testCluster) schemasOf(ctx context.Context, ns string) (string, error) {
	all, err := c.api.FlowcontrolV1().FlowSchemas().List(ctx, metav1.ListOptions{})
	if err != nil {
		return "", err
	}
	out := ""
	for _, s := range all.Items {
		for _, r := range s.Spec.Rules {
			for _, of := range r.Subjects {
				if of.ServiceAccount != nil && of.ServiceAccount.Namespace == ns {
					out += fmt.Sprintln(s.Name, of.ServiceAccount.Name)
				}
			}
		}
	}
	return out, nil
}

func TestAPIThrottlingConforms(t *testing.T) {
	c := aCluster(t)
	l := c.plugin(t, nil)
	conform(t, c, conformance.Case{
		Fault: "kubernetes_api_throttling",
		Setup: func(ctx context.Context) (sdk.Request, error) {
			ns, err := c.addNamespace(ctx)
			if err != nil {
				return sdk.Request{}, err
			}
			if err := c.addAccount(ctx, ns); err != nil {
				return sdk.Request{}, err
			}
			on, err := resolve(ctx, l, "kubernetes_service_account", map[string]any{"namespace": ns, "names": []string{"robot"}})
			return sdk.Request{Targets: on}, err
		},
		Look: func(ctx context.Context, h sdk.Handle) (bool, error) {
			found, err := c.schemasOf(ctx, h.Targets[0].Attrs["namespace"])
			return found != "", err
		},
		Snapshot: func(ctx context.Context, req sdk.Request) (string, error) {
			return c.schemasOf(ctx, req.Targets[0].Attrs["namespace"])
		},
		Teardown: func(ctx context.Context, req sdk.Request) error {
			return c.dropNamespace(ctx, req.Targets[0].Attrs["namespace"])
		},
	})
}

func (c *testCluster) addAccount(ctx context.Context, ns string) error {
	_, err := c.api.CoreV1().ServiceAccounts(ns).Create(ctx, &corev1.ServiceAccount{ObjectMeta: metav1.ObjectMeta{Name: "robot"}}, metav1.CreateOptions{})
	return err
}

// as is a client with the token of a service account. It takes no for an answer.
func (c *testCluster) as(t *testing.T, ns, name string) *rest.RESTClient {
	t.Helper()
	var token *authn.TokenRequest
	require.NoError(t, await(t.Context(), func() (done bool, err error) { // the account default comes a moment after its namespace
		token, err = c.api.CoreV1().ServiceAccounts(ns).CreateToken(t.Context(), name, &authn.TokenRequest{}, metav1.CreateOptions{})
		if apierrors.IsNotFound(err) {
			return false, nil
		}
		return err == nil, err
	}))
	conf, err := clientcmd.BuildConfigFromFlags("", c.kubeconfig)
	require.NoError(t, err)
	conf = rest.AnonymousClientConfig(conf)
	conf.BearerToken, conf.QPS = token.Status.Token, -1 // without a limit of its own
	api, err := clients.NewForConfig(conf)
	require.NoError(t, err)
	return api.CoreV1().RESTClient().(*rest.RESTClient)
}

func get(t *testing.T, client *rest.RESTClient, path string) error {
	return client.Get().AbsPath(path).MaxRetries(0).Do(t.Context()).Error()
}

// refused makes requests at once, and says how many were refused with 429. One at a time is answered, so some bursts may be lucky.
func refused(t *testing.T, client *rest.RESTClient, path string) int {
	t.Helper()
	var n atomic.Int64
	var all sync.WaitGroup
	for range 30 {
		all.Go(func() {
			if apierrors.IsTooManyRequests(get(t, client, path)) {
				n.Add(1)
			}
		})
	}
	all.Wait()
	return int(n.Load())
}

func requireRefused(t *testing.T, client *rest.RESTClient, path string) {
	t.Helper()
	require.NoError(t, await(t.Context(), func() (bool, error) { return refused(t, client, path) > 0, nil }))
}

func TestAThrottledServiceAccountIsRefused(t *testing.T) {
	t.Parallel()
	c := aCluster(t)
	l := c.plugin(t, nil)
	ns := c.namespace(t)
	require.NoError(t, c.addAccount(t.Context(), ns))
	robot, other := c.as(t, ns, "robot"), c.as(t, ns, "default")
	require.NoError(t, get(t, robot, "/version"))

	on := targets(t, l, "kubernetes_service_account", map[string]any{"namespace": ns, "names": []string{"robot"}})
	h := inject(t, l, "kubernetes_api_throttling", nil, on)
	require.Contains(t, strings.Join(h.Effects, "\n"), "requests of system:serviceaccount:"+ns+":robot one at a time, and refuses the others")
	require.Contains(t, awaitState(t, l, h, sdk.Active).Evidence, "of 10 requests at once as system:serviceaccount:"+ns+":robot, all under it, ")
	for _, path := range []string{"/version", "/api/v1/namespaces/" + ns + "/pods"} {
		requireRefused(t, robot, path)
	}
	require.Zero(t, refused(t, other, "/version"), "nobody else is refused")
	require.NoError(t, l.Revert(t.Context(), h))
	require.NoError(t, await(t.Context(), func() (bool, error) { return refused(t, robot, "/version") == 0, nil }))
}

func TestOnlyChosenRequestsAreThrottled(t *testing.T) {
	t.Parallel()
	c := aCluster(t)
	l := c.plugin(t, nil)
	ns := c.namespace(t)
	require.NoError(t, c.addAccount(t.Context(), ns))
	robot := c.as(t, ns, "robot")
	on := targets(t, l, "kubernetes_service_account", map[string]any{"namespace": ns, "names": []string{"robot"}})
	h := inject(t, l, "kubernetes_api_throttling", map[string]any{"verbs": []string{"list"}, "resources": []string{"pods"}}, on)
	require.Contains(t, awaitState(t, l, h, sdk.Active).Evidence, "is not tried")
	pods := "/api/v1/namespaces/" + ns + "/pods"
	requireRefused(t, robot, pods)
	require.Zero(t, refused(t, robot, pods+"/web"), "get is another verb")
	require.Zero(t, refused(t, robot, "/version"))

	// Somebody may delete half of it, and the rest still goes.
	c.kubectl(t, "", "delete", "flowschema", "-l", "gameday/run="+h.Run)
	require.NotEqual(t, sdk.Active, awaitState(t, l, h, sdk.Unknown).Status)
	require.NoError(t, l.Revert(t.Context(), h))
	left, err := c.api.FlowcontrolV1().PriorityLevelConfigurations().List(t.Context(), metav1.ListOptions{LabelSelector: "gameday/run=" + h.Run})
	require.NoError(t, err)
	require.Empty(t, left.Items)
}

func TestMistakesInAThrottlingBlock(t *testing.T) {
	t.Parallel()
	c := aCluster(t)
	ns := c.namespace(t)
	require.NoError(t, c.addAccount(t.Context(), ns))
	l := c.plugin(t, nil)
	on := targets(t, l, "kubernetes_service_account", map[string]any{"namespace": ns, "names": []string{"robot"}})
	for path, config := range map[string]map[string]any{
		"verbs": {"verbs": []string{}}, "resources": {"resources": []string{}}, "shares": {"shares": -1},
	} {
		_, problems := prepare(t, l, "kubernetes_api_throttling", config, on)
		require.Len(t, problems, 1)
		require.Equal(t, []string{path}, problems[0].Path)
	}

	me := "system:serviceaccount:" + ns + ":robot"
	c.kubectl(t, "", "create", "clusterrolebinding", ns, "--clusterrole=cluster-admin", "--user", me)
	require.NoError(t, await(t.Context(), func() (bool, error) {
		_, problems := prepare(t, c.plugin(t, map[string]any{"impersonate": me}), "kubernetes_api_throttling", nil, on)
		return len(problems) == 1 && strings.Contains(problems[0].Summary, "gameday itself is "+me), nil
	}))
}
