package kubernetes_test

import (
	"encoding/json"
	"fmt"
	"io"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/gameday-toolkit/gameday/plugins/kubernetes"
	"github.com/gameday-toolkit/gameday/plugins/sdk"
)

// grant applies the roles that a problem prints, as its detail says, and binds them to the user.
func (c *testCluster) grant(t *testing.T, user string, p sdk.Problem) {
	t.Helper()
	require.NotEmpty(t, p.Permission)
	require.Contains(t, p.Summary, user)
	_, roles, _ := strings.Cut(p.Detail, "\n")
	c.kubectl(t, roles, "apply", "-f", "-")
	for _, doc := range strings.Split(roles, "---\n") {
		field := func(name string) string {
			m := regexp.MustCompile(`(?m)^ *` + name + `: (.*)$`).FindStringSubmatch(doc)
			if m == nil {
				return ""
			}
			return m[1]
		}
		args := []string{"create", "clusterrolebinding", name("grant"), "--user", user, "--clusterrole", field("name")}
		if ns := field("namespace"); ns != "" {
			args = []string{"-n", ns, "create", "rolebinding", name("grant"), "--user", user, "--role", field("name")}
		}
		c.kubectl(t, "", args...)
	}
}

func TestWithoutPermissionsThePlanPrintsTheRole(t *testing.T) {
	t.Parallel()
	c := aCluster(t)
	for _, tt := range []struct {
		fault, target string
		config        map[string]any
	}{
		{"kubernetes_scale", "kubernetes_workload", nil},
		{"kubernetes_image_pull", "kubernetes_workload", nil},
		{"kubernetes_pod_kill", "kubernetes_pod", nil},
		{"kubernetes_pod_evict", "kubernetes_pod", nil},
		{"kubernetes_node_cordon", "kubernetes_node", nil},
		{"kubernetes_node_taint", "kubernetes_node", nil},
		{"kubernetes_node_drain", "kubernetes_node", nil},
		{"kubernetes_quota", "kubernetes_namespace", map[string]any{"mode": "clamp"}},
		{"kubernetes_quota", "kubernetes_namespace", map[string]any{"mode": "fill", "max_pods": 1}},
		{"kubernetes_partition", "kubernetes_pod", map[string]any{"enforced": true}},
		{"kubernetes_partition", "kubernetes_namespace", map[string]any{"enforced": true}},
		{"kubernetes_zone_isolation", "kubernetes_zone", map[string]any{"enforced": true}},
		{"kubernetes_api_throttling", "kubernetes_service_account", nil},
	} {
		t.Run(tt.fault, func(t *testing.T) {
			t.Parallel()
			user := name("dave")
			c.kubectl(t, "", "create", "clusterrole", user, "--verb=get", "--resource=namespaces", "--resource-name=kube-system")
			c.kubectl(t, "", "create", "clusterrolebinding", user, "--user", user, "--clusterrole", user)
			p, err := c.addPool(t.Context(), 2)
			require.NoError(t, err)
			ns := c.namespace(t)
			require.NoError(t, c.deploy(t.Context(), ns, "web", 2, p.only))

			l := c.plugin(t, map[string]any{"impersonate": user})
			on := map[string]any{"namespace": ns}
			switch tt.target {
			case "kubernetes_node":
				on = map[string]any{"names": p.nodes[:1]}
			case "kubernetes_namespace":
				on = map[string]any{"names": []string{ns}}
			case "kubernetes_zone":
				on = map[string]any{"names": []string{"zone-a"}}
				tt.config["namespaces"] = []string{ns}
			}
			config, err := json.Marshal(on)
			require.NoError(t, err)
			_, problems, err := l.Resolve(t.Context(), tt.target, sdk.Request{ID: "target.x", Config: config})
			require.NoError(t, err)
			require.Len(t, problems, 1, "one for the block")
			c.grant(t, user, problems[0])
			var found []sdk.Target
			require.NoError(t, await(t.Context(), func() (bool, error) { // the API server hears of a role a moment later
				found, err = resolve(t.Context(), l, tt.target, on)
				return err == nil, nil
			}), "%v", err)
			require.NotEmpty(t, found)

			_, problems = prepare(t, l, tt.fault, tt.config, found)
			require.Len(t, problems, 1, "one for the block")
			c.grant(t, user, problems[0])
			require.NoError(t, await(t.Context(), func() (bool, error) {
				_, problems = prepare(t, l, tt.fault, tt.config, found)
				return !sdk.HasErrors(problems), nil
			}), "%v", problems)
			h := inject(t, l, tt.fault, tt.config, found)
			require.NoError(t, l.Revert(t.Context(), h))
			awaitState(t, l, h, sdk.Inactive)
			require.NoError(t, p.drop(t.Context()))
		})
	}
}

func TestAnIdentityThatCannotBeReadIsAProblem(t *testing.T) {
	c := aCluster(t)
	for config, want := range map[string]string{
		`{"kubeconfig":%q,"impersonate":"nobody"}`:     "get namespaces kube-system",
		`{"kubeconfig":%q,"context":"elsewhere"}`:      `no such context as "elsewhere"`,
		`{"kubeconfig":%q,"impersonate_groups":["x"]}`: "together with a user",
		`{"kubeconfig":%q,"qps":-1}`:                   "Without requests",
	} {
		l, err := sdk.ServeLocal(kubernetes.New(), io.Discard)
		require.NoError(t, err)
		_, problems, err := l.Configure(t.Context(), sdk.Settings{Config: json.RawMessage(fmt.Sprintf(config, c.kubeconfig))})
		require.NoError(t, err)
		require.Len(t, problems, 1)
		require.Contains(t, problems[0].Summary+problems[0].Permission, want)
		require.NoError(t, l.Close())
	}
}

func TestOutputsSayWhichClusterItIs(t *testing.T) {
	c := aCluster(t)
	l, err := sdk.ServeLocal(kubernetes.New(), io.Discard)
	require.NoError(t, err)
	defer func() { require.NoError(t, l.Close()) }()
	out, _, err := l.Configure(t.Context(), sdk.Settings{Config: c.settings(nil)})
	require.NoError(t, err)
	require.Equal(t, strings.TrimSpace(c.kubectl(t, "", "get", "namespace", "kube-system", "-o", "jsonpath={.metadata.uid}")), out["cluster"])
	require.Equal(t, strings.TrimSpace(c.kubectl(t, "", "config", "view", "-o", "jsonpath={.clusters[0].cluster.server}")), out["server"])
	require.Equal(t, strings.TrimSpace(c.kubectl(t, "", "config", "current-context")), out["context"])
}
