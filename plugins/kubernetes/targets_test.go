package kubernetes_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/gameday-toolkit/gameday/plugins/kubernetes"
	"github.com/gameday-toolkit/gameday/plugins/sdk"
	"github.com/gameday-toolkit/gameday/plugins/sdk/conformance"
)

// selection resolves a block and leaves only what people see of each target.
func selection(t *testing.T, l *sdk.Local, typ, config string, seed int64) ([]string, int, []sdk.Problem) {
	t.Helper()
	found, problems, err := l.Resolve(t.Context(), typ, sdk.Request{ID: "target.x", Config: json.RawMessage(config), Seed: seed})
	require.NoError(t, err)
	var names []string
	for _, x := range found.Targets {
		names = append(names, x.Name)
	}
	return names, found.Population, problems
}

func TestTargetsConform(t *testing.T) {
	t.Parallel()
	c := aCluster(t)
	ns := c.namespace(t)
	require.NoError(t, c.deploy(t.Context(), ns, "web", 2))
	require.NoError(t, c.deploy(t.Context(), ns, "api", 1))
	c.kubectl(t, "", "-n", ns, "expose", "deployment", "web", "--port=80")
	on := func(typ, config string, names ...string) conformance.TargetCase {
		return conformance.TargetCase{Type: typ, Config: json.RawMessage(config), Names: names}
	}
	s := conformance.Subject{New: kubernetes.New, Config: c.settings(nil), Targets: []conformance.TargetCase{
		on("kubernetes_zone", `{"names":["zone-c","zone-a"]}`, "zone-a", "zone-c"),
		on("kubernetes_node", `{"names":["node-b-1","node-a-2"]}`, "node-a-2", "node-b-1"),
		on("kubernetes_node", `{"selector":"kubernetes.io/hostname in (node-a-1, node-b-1)","zones":["zone-b"]}`, "node-b-1"),
		// By labels, for how many there are to choose from changes while other tests make theirs.
		on("kubernetes_namespace", fmt.Sprintf(`{"selector":"kubernetes.io/metadata.name in (default, %s)","names":[%q]}`, ns, ns), ns),
		on("kubernetes_workload", fmt.Sprintf(`{"namespace":%q}`, ns), ns+"/api", ns+"/web"),
		on("kubernetes_workload", fmt.Sprintf(`{"namespace":%q,"selector":"app=web"}`, ns), ns+"/web"),
		on("kubernetes_service", fmt.Sprintf(`{"namespace":%q}`, ns), ns+"/web"),
		on("kubernetes_pod", fmt.Sprintf(`{"namespace":%q,"owner":"deployment/web","max_percent":50}`, ns)),
	}}
	for _, r := range conformance.Verify(t.Context(), s) {
		if r.Check != "Describe" {
			require.NoError(t, r.Err, r.String())
		}
	}
}

func TestPodsAreChosenByTheSeedAndWithinThePercentages(t *testing.T) {
	t.Parallel()
	c := aCluster(t)
	l := c.plugin(t, nil)
	ns := c.namespace(t)
	require.NoError(t, c.deploy(t.Context(), ns, "web", 9, spreadOverZones))
	require.NoError(t, c.deploy(t.Context(), ns, "api", 3))
	choose := func(more string, seed int64) []sdk.Target {
		found, problems, err := l.Resolve(t.Context(), "kubernetes_pod", sdk.Request{ID: "x", Config: json.RawMessage(fmt.Sprintf(`{"namespace":%q%s}`, ns, more)), Seed: seed})
		require.NoError(t, err)
		require.Empty(t, problems)
		require.NotZero(t, found.Population)
		return found.Targets
	}
	count := func(pods []sdk.Target, attr string) map[string]int {
		out := map[string]int{}
		for _, p := range pods {
			out[p.Attrs[attr]]++
		}
		return out
	}
	require.Equal(t, map[string]int{"deployment/web": 9, "deployment/api": 3}, count(choose("", 1), "owner"))
	require.Len(t, choose(`,"max_percent":25`, 1), 3)
	require.Equal(t, choose(`,"max_percent":25`, 1), choose(`,"max_percent":25`, 1))
	require.NotEqual(t, choose(`,"max_percent":25`, 1), choose(`,"max_percent":25`, 2))
	require.Equal(t, map[string]int{"deployment/web": 4, "deployment/api": 1}, count(choose(`,"max_percent_per_workload":50`, 1), "owner"))
	require.Equal(t, map[string]int{"zone-a": 1, "zone-b": 1, "zone-c": 1}, count(choose(`,"owner":"deployment/web","max_percent_per_zone":34`, 1), "zone"))
	require.Equal(t, map[string]int{"zone-b": 3}, count(choose(`,"owner":"deployment/web","zones":["zone-b"]`, 1), "zone"))
	require.Empty(t, choose(`,"max_percent":1`, 1), "rounded down")
}

func TestMistakesInTargetBlocks(t *testing.T) {
	t.Parallel()
	c := aCluster(t)
	l := c.plugin(t, nil)
	ns := c.namespace(t)
	for _, x := range []struct{ typ, config, path, want string }{
		{"kubernetes_node", `{}`, "", "Every node of the cluster would match"},
		{"kubernetes_node", `{"zones":["nowhere"]}`, "zones.0", `There is no zone "nowhere"`},
		{"kubernetes_node", `{"names":["node-a-1","nobody"]}`, "names.1", `There is no node "nobody"`},
		{"kubernetes_zone", `{"names":["zone-x"]}`, "names.0", `There is no zone "zone-x"`},
		{"kubernetes_namespace", `{}`, "", "Every namespace"},
		{"kubernetes_workload", `{"namespace":"` + ns + `","names":["web"]}`, "names.0", `There is no workload "web"`},
		{"kubernetes_workload", `{"namespace":"` + ns + `","selector":"a=="}`, "", ""},
		{"kubernetes_pod", `{"namespace":"` + ns + `","selector":"a in"}`, "selector", ""},
		{"kubernetes_pod", `{"namespace":"` + ns + `","owner":"web"}`, "owner", `"web" is no workload`},
		{"kubernetes_pod", `{"namespace":"` + ns + `","max_percent":0}`, "max_percent", "0 is no percentage"},
		{"kubernetes_pod", `{"namespace":"` + ns + `","max_percent_per_zone":101}`, "max_percent_per_zone", "101 is no percentage"},
		{"kubernetes_service", `{"namespace":"` + ns + `","names":["web"]}`, "names.0", `There is no service "web"`},
	} {
		_, _, problems := selection(t, l, x.typ, x.config, 0)
		if x.want == "" && x.path == "" {
			require.Empty(t, problems, x.config)
			continue
		}
		require.Len(t, problems, 1, x.config)
		require.Contains(t, problems[0].Summary, x.want)
		if x.path != "" {
			require.Equal(t, x.path, strings.Join(problems[0].Path, "."))
		}
		require.NotEmpty(t, problems[0].Detail)
	}
}
