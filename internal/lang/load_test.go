package lang

import (
	"bytes"
	"encoding/json"
	"testing"

	"github.com/hashicorp/hcl/v2"
	"github.com/stretchr/testify/require"
	"github.com/zclconf/go-cty/cty"
)

func render(m *Module, diags hcl.Diagnostics) string {
	var buf bytes.Buffer
	_ = WriteDiagnostics(&buf, m.Files(), diags, 100, false)
	return buf.String()
}

func TestTheExampleOfTheDesign(t *testing.T) {
	m, diags := Check("testdata/az-loss", Options{Catalog: testCatalog()})
	require.Empty(t, render(m, diags))
	d, diags := m.Draft(map[string]map[string]cty.Value{"lab": {"dns": cty.StringVal("127.0.0.1:53"), "zones": cty.ListValEmpty(cty.String), "key": cty.StringVal("k")}})
	require.Empty(t, render(m, diags))
	b, err := json.MarshalIndent(d, "", "  ")
	require.NoError(t, err)
	t.Log(string(b))
}
