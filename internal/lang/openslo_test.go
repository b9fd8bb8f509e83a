package lang

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/gameday-toolkit/gameday/internal/plan"
)

const openDoc = `apiVersion: openslo/v1
kind: SLO
metadata: {name: checkout}
spec:
  description: Orders are accepted
  service: shop
  budgetingMethod: Occurrences
  indicatorRef: orders
  timeWindow: [{duration: 28d, isRolling: true}]
  objectives: [{target: 0.999}]
---
apiVersion: openslo/v1
kind: SLI
metadata: {name: orders}
spec:
  ratioMetric:
    counter: true
    good:
      metricSource: {metricSourceRef: prom, spec: {query: 'sum(orders{code="201"})'}}
    total:
      metricSource: {metricSourceRef: prom, spec: {query: sum(orders)}}
---
apiVersion: openslo/v1
kind: DataSource
metadata: {name: prom}
spec:
  type: Prometheus
  connectionDetails: {url: "http://127.0.0.1:9090"}
`

func take(doc, name string) (s plan.SLO, err error) {
	return s, takeOpenSLO(doc, name, "", false, false, &s)
}

func TestOpenSLO(t *testing.T) {
	s, err := take(openDoc, "whatever")
	require.NoError(t, err)
	require.Equal(t, plan.SLO{
		Description: "Orders are accepted", Target: 99.9, Period: plan.Duration(28 * 24 * time.Hour),
		Ratio: &plan.Ratio{URL: "http://127.0.0.1:9090", Good: `sum(orders{code="201"})`, Total: "sum(orders)", Interval: plan.Duration(5 * time.Second)},
	}, s)

	s, err = take(strings.Replace(openDoc, "    good:", "    bad:", 1), "")
	require.NoError(t, err)
	require.Equal(t, `(sum(orders)) - (sum(orders{code="201"}))`, s.Ratio.Good)

	s = plan.SLO{Target: 99, Period: 1}
	require.NoError(t, takeOpenSLO(openDoc, "", "http://127.0.0.1:1", true, true, &s))
	require.Equal(t, [3]any{99.0, plan.Duration(1), "http://127.0.0.1:1"}, [3]any{s.Target, s.Period, s.Ratio.URL}, "the block's own come first")
}

// The OpenSLO project's own examples are lists of objects, with connection details that are lists.
func TestOpenSLOInOtherShapes(t *testing.T) {
	want, err := take(openDoc, "x")
	require.NoError(t, err)
	list := ""
	for _, doc := range strings.Split(openDoc, "---\n") {
		list += "- " + strings.TrimSpace(strings.ReplaceAll(doc, "\n", "\n  ")) + "\n"
	}
	for name, doc := range map[string]string{
		"a list":          list,
		"empty documents": "---\n# generated\n---\n" + openDoc + "---\n",
		"details as list": strings.Replace(openDoc, `{url: "http://127.0.0.1:9090"}`, `[{org: 1}, {url: "http://127.0.0.1:9090"}]`, 1),
		"more in a spec":  strings.Replace(openDoc, "{query: sum(orders)}", "{query: sum(orders), labels: {team: [a, b]}, step: 60}", 1),
		"another store":   openDoc + "---\napiVersion: openslo/v1\nkind: DataSource\nmetadata: {name: dd}\nspec: {type: Datadog, connectionDetails: [{apiKey: {from: vault}}]}\n",
	} {
		got, err := take(doc, "x")
		require.NoError(t, err, name)
		require.Equal(t, want, got, name)
	}
}

func TestOpenSLOFromTwoServers(t *testing.T) {
	two := strings.Replace(openDoc, `metricSourceRef: prom, spec: {query: sum(orders)}`, `metricSourceRef: other, spec: {query: sum(orders)}`, 1) +
		"---\napiVersion: openslo/v1\nkind: DataSource\nmetadata: {name: other}\nspec: {type: Prometheus, connectionDetails: {url: http://127.0.0.1:9}}\n"
	_, err := take(two, "x")
	require.ErrorContains(t, err, "two servers")
	s := plan.SLO{}
	require.NoError(t, takeOpenSLO(two, "", "http://127.0.0.1:1", false, false, &s))
	require.Equal(t, "http://127.0.0.1:1", s.Ratio.URL)
}

func TestOpenSLOThatCannotBeTakenOver(t *testing.T) {
	for name, c := range map[string]struct{ old, new, want string }{
		"another version":     {"openslo/v1\nkind: SLO", "openslo/v1alpha\nkind: SLO", "openslo/v1 is understood"},
		"no SLO":              {"kind: SLO", "kind: Service", "it holds no SLO"},
		"a missing indicator": {"kind: SLI", "kind: Service", `"orders", which it refers to, is not in the document`},
		"a gauge":             {"counter: true", "counter: false", "counter: true"},
		"another store":       {"type: Prometheus", "type: Datadog", `"Datadog", and only Prometheus`},
		"no address":          {`connectionDetails: {url: "http://127.0.0.1:9090"}`, "connectionDetails: {}", "prometheus_url"},
		"two objectives":      {"[{target: 0.999}]", "[{target: 0.9}, {target: 0.99}]", "has 2 objectives"},
		"no target":           {"[{target: 0.999}]", "[{target: 99.9}]", "between 0 and 1"},
		"a template":          {"query: sum(orders)", "query: 'sum(orders{{x}})'", "template"},
		"a strange window":    {"duration: 28d", "duration: soon", "28d"},
		"no YAML":             {"kind: SLO", "kind: [", "no YAML of this form"},
		"a number as names":   {"metadata: {name: checkout}", "metadata: 3", "line 3: nothing that OpenSLO has there: !!int `3`"},
		"a threshold":         {"ratioMetric:", "thresholdMetric:", "no ratioMetric"},
	} {
		t.Run(name, func(t *testing.T) {
			doc := strings.Replace(openDoc, c.old, c.new, 1)
			require.NotEqual(t, openDoc, doc)
			_, err := take(doc, "x")
			require.ErrorContains(t, err, c.want)
		})
	}
	two := openDoc + "---\n" + strings.Replace(openDoc[:strings.Index(openDoc, "---")], "checkout", "refunds", 1)
	_, err := take(two, "x")
	require.ErrorContains(t, err, "name the block after one of checkout, refunds")
	_, err = take(two, "refunds")
	require.NoError(t, err)
}

func FuzzOpenSLO(f *testing.F) {
	f.Add(openDoc)
	f.Add("a: &a [*a]")
	f.Fuzz(func(t *testing.T, doc string) {
		s, err := take(doc, "x")
		require.Equal(t, err == nil, err == nil && s.Ratio != nil && s.Target > 0 && s.Target <= 100)
	})
}
