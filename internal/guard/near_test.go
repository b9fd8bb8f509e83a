package guard

import (
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/gameday-toolkit/gameday/internal/plan"
)

func TestHowNearAConditionIs(t *testing.T) {
	now := values(map[string]any{
		"slo.checkout sli": 0.9, "slo.checkout violated": false, "slo.checkout p99": 0.5, "run elapsed": 30.0, "run phase": "inject",
		"probe.http.shop error_ratio": 0.1, "slo.fine sli": 1.0,
	})
	cases := []struct {
		expr  string
		near  float64
		known bool
	}{
		{"slo.checkout.sli < 0.5", 0.2, true}, // a fifth of the way from 1 to 0.5
		{"0.5 > slo.checkout.sli", 0.2, true},
		{"slo.fine.sli < 0.5", 0, true},
		{"slo.checkout.sli < 0.95", 1, true},
		{"slo.checkout.p99 > var.limit", 0.25, true},
		{"probe.http.shop.error_ratio >= 0.4", 0.25, true},
		{"slo.checkout.violated", 0, true},
		{"!slo.checkout.violated", 1, true},
		{"slo.checkout.p99 > 2 || (slo.checkout.sli < 0.8)", 0.5, true},
		{`run.phase == "inject" && slo.checkout.sli < 0.8`, 0.5, true},
		{`run.phase == "recovery" && slo.checkout.sli < 0.8`, 0, true},
		{"run.elapsed > 60", 0.5, true},
		{"slo.missing.sli < 0.5", 0, false},
		{"slo.checkout.p99 > 2 || slo.missing.sli < 0.5", 0.25, false},
	}
	for _, c := range cases {
		g, err := Compile(plan.Guard{Addr: "guard.g", Expr: c.expr, Consts: json.RawMessage(`{"var":{"limit":2}}`)})
		require.NoError(t, err, c.expr)
		near, known := g.Near(now)
		require.Equal(t, c.known, known, c.expr)
		if known {
			require.InDelta(t, c.near, near, 1e-9, c.expr)
		}
	}
}
