package guard

import (
	"encoding/json"
	"math"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/gameday-toolkit/gameday/internal/plan"
)

func values(m map[string]any) LiveFunc {
	return func(addr, attr string) (any, bool) {
		v, ok := m[addr+" "+attr]
		return v, ok
	}
}

func TestEval(t *testing.T) {
	now := values(map[string]any{
		"slo.checkout sli": 0.25, "slo.checkout violated": true, "slo.checkout p99": 1500 * time.Millisecond, "run elapsed": 12.5, "run phase": "inject",
		`probe.http.shop["a b"] error_ratio`: 0.5, "experiment.zone.slo.inner sli": 0.9, "slo.empty sli": math.NaN(), "slo.count sli": 1,
	})
	cases := []struct {
		expr           string
		tripped, known bool
	}{
		{"slo.checkout.sli < 0.5", true, true},
		{"slo.checkout.sli < 0.2", false, true},
		{"slo.checkout.violated && run.elapsed > 10", true, true},
		{"slo.checkout.p99 > duration(\"1s\")", true, true},
		{"slo.checkout.p99 > var.limit", false, true},
		{"contains(local.phases, run.phase)", true, true},
		{`probe.http.shop["a b"].error_ratio >= 0.5`, true, true},
		{"max(slo.checkout.sli, slo.count.sli) == 1", true, true},
		{"slo.missing.sli < 0.5", false, false},
		{"slo.empty.sli < 0.5", false, false},
		{"slo.checkout.sli < 0.5 || slo.missing.sli < 0.5", true, true},
		{"slo.checkout.sli < 0.5 && slo.missing.sli < 0.5", false, false},
		{"slo.checkout.sli > 0.5 && slo.missing.sli < 0.5", false, true},
	}
	for _, c := range cases {
		g, err := Compile(plan.Guard{Addr: "guard.g", Expr: c.expr, Consts: json.RawMessage(`{"var":{"limit":2},"local":{"phases":["inject","recovery"]}}`)})
		require.NoError(t, err, c.expr)
		for range 2 { // the second time nothing has changed
			tripped, known, err := g.Eval(now)
			require.NoError(t, err, c.expr)
			require.Equal(t, []bool{c.tripped, c.known}, []bool{tripped, known}, c.expr)
		}
	}
}

func TestEvalFollowsTheValues(t *testing.T) {
	m := map[string]any{}
	g, err := Compile(plan.Guard{Addr: "guard.g", Expr: "slo.inner.sli < 0.5", Scope: "experiment.zone."})
	require.NoError(t, err)
	for _, step := range []struct {
		sli            any
		tripped, known bool
	}{{nil, false, false}, {0.9, false, true}, {0.1, true, true}, {nil, false, false}, {0.6, false, true}} {
		delete(m, "experiment.zone.slo.inner sli")
		if step.sli != nil {
			m["experiment.zone.slo.inner sli"] = step.sli
		}
		tripped, known, err := g.Eval(values(m))
		require.NoError(t, err)
		require.Equal(t, []bool{step.tripped, step.known}, []bool{tripped, known})
	}
}

func TestMistakes(t *testing.T) {
	for _, expr := range []string{"slo.", "slo.checkout", "slo.checkout.sly < 1", "probe.http.sli", "fault.x.y", "var.limit > 1", "run.phase.x"} {
		g, err := Compile(plan.Guard{Addr: "guard.g", Expr: expr})
		if err == nil {
			_, _, err = g.Eval(values(map[string]any{"run phase": "inject"}))
		}
		require.ErrorContains(t, err, "", expr)
	}
	g, err := Compile(plan.Guard{Addr: "guard.g", Expr: "run.elapsed"})
	require.NoError(t, err)
	_, _, err = g.Eval(values(map[string]any{"run elapsed": 1.5}))
	require.ErrorContains(t, err, "neither true nor false")
	_, _, err = g.Eval(values(map[string]any{"run elapsed": "soon"}))
	require.ErrorContains(t, err, "where a number is expected")
}

func BenchmarkEval(b *testing.B) {
	g, err := Compile(plan.Guard{Addr: "guard.g", Expr: "slo.checkout.sli < 0.5 && run.elapsed > 30"})
	require.NoError(b, err)
	elapsed := 0.0
	live := LiveFunc(func(_, attr string) (any, bool) {
		elapsed++
		return elapsed, true
	})
	b.ReportAllocs()
	for b.Loop() {
		if _, _, err := g.Eval(live); err != nil {
			b.Fatal(err)
		}
	}
}
