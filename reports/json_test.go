package reports

import (
	"bytes"
	"encoding/json"
	"math"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"github.com/stretchr/testify/require"
)

func compiled(t *testing.T) *jsonschema.Schema {
	t.Helper()
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(Schema()))
	require.NoError(t, err)
	c := jsonschema.NewCompiler()
	c.AssertFormat()
	require.NoError(t, c.AddResource(SchemaID, doc))
	s, err := c.Compile(SchemaID)
	require.NoError(t, err)
	return s
}

func TestJSONMeetsThePublishedSchema(t *testing.T) {
	s := compiled(t)
	for name, m := range models() {
		doc, err := jsonschema.UnmarshalJSON(bytes.NewReader([]byte(render(t, Renderer{Name: "report.json", Render: JSON}, m))))
		require.NoError(t, err)
		require.NoError(t, s.Validate(doc), name)
	}
}

// A schema that lets everything pass would prove nothing.
func TestSchemaRefusesWhatIsNotThere(t *testing.T) {
	s := compiled(t)
	for _, spoil := range []func(map[string]any){
		func(d map[string]any) { d["unheard_of"] = 1 },
		func(d map[string]any) { delete(d, "journal") },
		func(d map[string]any) { d["result"].(map[string]any)["verdict"] = "great" },
		func(d map[string]any) { d["result"].(map[string]any)["faults"].([]any)[0].(map[string]any)["t0"] = 3 },
	} {
		var doc map[string]any
		require.NoError(t, json.Unmarshal([]byte(render(t, Renderer{Name: "report.json", Render: JSON}, passed())), &doc))
		spoil(doc)
		require.Error(t, s.Validate(doc))
	}
}

// An SLO of 100 % has no budget, so any downtime overspends it without bound; JSON has no word for that.
func TestJSONOfABoundlessBudget(t *testing.T) {
	m := passed()
	m.Result.SLOs[0].BudgetSpent = math.Inf(1)
	var b bytes.Buffer
	require.NoError(t, JSON(&b, m))
	require.NoError(t, Markdown(&b, m))
	require.Contains(t, b.String(), "unlimited")
	require.True(t, math.IsInf(m.Result.SLOs[0].BudgetSpent, 1), "the model itself must not change")
}
