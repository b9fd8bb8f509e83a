package kubernetes_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/gameday-toolkit/gameday/plugins/kubernetes"
	"github.com/gameday-toolkit/gameday/plugins/sdk"
)

func roles(t *testing.T, req sdk.DocumentRequest) string {
	t.Helper()
	text, err := kubernetes.New().Documents["rbac"].Write(t.Context(), req)
	require.NoError(t, err)
	return text
}

func TestRolesOfAScenarioNameWhatItTouches(t *testing.T) {
	text := roles(t, sdk.DocumentRequest{
		Scenario: "az-loss",
		Plugins:  []sdk.DocumentPlugin{{Config: json.RawMessage(`{"namespace":"chaos"}`)}},
		Blocks: []sdk.DocumentBlock{
			{Kind: "target", Type: "kubernetes_workload", ID: "target.kubernetes_workload.web", Config: json.RawMessage(`{"namespace":"shop","kinds":["deployment"],"names":["web"]}`)},
			{Kind: "fault", Type: "kubernetes_scale", ID: "fault.kubernetes_scale.gone", Config: json.RawMessage(`{}`), Targets: []string{"target.kubernetes_workload.web"}},
			{Kind: "probe", Type: "kubernetes_endpoints", ID: "probe.kubernetes_endpoints.web", Config: json.RawMessage(`{"namespace":"shop","service":"web"}`)},
		},
	})
	require.Equal(t, `# The permissions for the scenario "az-loss".
# Apply it with kubectl, and bind the roles to the user or the service account that gameday has.
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata:
  name: gameday
rules:
- apiGroups:
  - ""
  resources:
  - events
  - nodes
  verbs:
  - list
  - watch
- apiGroups:
  - ""
  resourceNames:
  - kube-system
  resources:
  - namespaces
  verbs:
  - get
---
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata:
  name: gameday
  namespace: chaos
rules:
- apiGroups:
  - ""
  resources:
  - configmaps
  verbs:
  - create
  - delete
  - get
  - list
---
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata:
  name: gameday
  namespace: shop
rules:
- apiGroups:
  - apps
  resources:
  - deployments
  verbs:
  - list
- apiGroups:
  - apps
  resourceNames:
  - web
  resources:
  - deployments
  verbs:
  - get
  - patch
- apiGroups:
  - autoscaling
  resources:
  - horizontalpodautoscalers
  verbs:
  - list
- apiGroups:
  - discovery.k8s.io
  resources:
  - endpointslices
  verbs:
  - list
`, text)
}

func TestRolesOfEverything(t *testing.T) {
	c := aCluster(t)
	text := roles(t, sdk.DocumentRequest{})
	require.Contains(t, c.kubectl(t, text, "apply", "--dry-run=server", "-f", "-"), "clusterrole.rbac.authorization.k8s.io/gameday created")
	require.Contains(t, text, "pods/eviction")
	require.Contains(t, text, "namespace: default", "the records")
}

func TestTheRoleOfAWatchdog(t *testing.T) {
	text := roles(t, sdk.DocumentRequest{
		Scenario: "watched",
		Plugins: []sdk.DocumentPlugin{
			{Config: []byte(`{"namespace": "drills", "watchdog": {"image": "plugin:1", "service_account": "dog"}}`)},
			{Alias: "other", Config: []byte(`{}`)},
		},
		Blocks: []sdk.DocumentBlock{
			{Kind: "target", Type: "kubernetes_workload", ID: "target.kubernetes_workload.web", Config: []byte(`{"namespace": "shop", "names": ["web"], "kinds": ["deployment"]}`)},
			{Kind: "fault", Type: "kubernetes_scale", ID: "fault.kubernetes_scale.none", Targets: []string{"target.kubernetes_workload.web"}},
			{Kind: "target", Type: "kubernetes_workload", Alias: "other", ID: "target.kubernetes_workload.other", Config: []byte(`{"namespace": "elsewhere"}`)},
			{Kind: "fault", Type: "kubernetes_scale", Alias: "other", ID: "fault.kubernetes_scale.other", Targets: []string{"target.kubernetes_workload.other"}},
		},
	})
	gameday, own, ok := strings.Cut(text, "# The permissions of the watchdog, if there is one: bind these to the service account drills/dog.\n")
	require.True(t, ok, text)
	require.Contains(t, gameday, "leases")
	require.Contains(t, gameday, "- jobs")
	require.Equal(t, `apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata:
  name: gameday-watchdog
rules:
- apiGroups:
  - ""
  resourceNames:
  - kube-system
  resources:
  - namespaces
  verbs:
  - get
---
`, own[:strings.Index(own, "---\n")+4])
	require.Contains(t, own, "deployments")
	require.NotContains(t, own, "create", "undoing creates nothing")
	require.NotContains(t, own, "elsewhere", "that is the other configuration's, which has no watchdog")
}
