package archive

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/gameday-toolkit/gameday/internal/history"
	"github.com/gameday-toolkit/gameday/internal/measure"
	"github.com/gameday-toolkit/gameday/internal/plan"
)

func TestOf(t *testing.T) {
	limit, budget := plan.Duration(15*time.Second), 0.5
	spent := 0.02
	r := &history.Run{
		Plan: &plan.Plan{Draft: plan.Draft{
			Scenario:   plan.Scenario{Name: "az-loss", Service: "checkout", Tier: "gold", Tags: []string{"ci"}, Environment: "staging", Owner: "team"},
			Objectives: []plan.Objective{{Addr: "objective.rto", RTO: &limit}, {Addr: "objective.budget", MaxBudget: &budget}, {Addr: "objective.none", RTO: &limit}},
		}},
		Faults: []*history.Fault{{Addr: "fault.x", Injecting: &history.Step{}}}, LastAt: time.Minute,
	}
	r.Started.Run, r.Started.PlanHash, r.Started.Wall = "r1", "p1", began
	down := measure.Interval{Lo: 10 * time.Second, Hi: 20 * time.Second}
	result := &measure.Result{Verdict: measure.Fail, Exit: 1, Why: "why",
		Objectives: []measure.ObjectiveResult{
			{Addr: "objective.rto", Kind: measure.KindRTO, Verdict: measure.Fail, Limit: "15s", Value: "> 60 s", Time: &measure.Interval{Lo: time.Minute, Censored: true}},
			{Addr: "objective.budget", Kind: measure.KindMaxBudget, Verdict: measure.Pass, Limit: "0.5 %", Value: "0.02 %", Time: &down, Percent: &spent},
			{Addr: "objective.none", Kind: measure.KindRTO, Verdict: measure.Inconclusive},
		},
		SLOs:    []measure.SLOResult{{Addr: "slo.x", Downtime: down, BudgetSpent: 0.02, Failback: &measure.Interval{Hi: time.Second}}},
		Ledgers: []measure.LedgerResult{{Addr: "ledger.a", RPO: measure.Interval{Hi: time.Second}}, {Addr: "ledger.b", Err: "not read"}},
	}
	got := Of(r, result, nil, "/runs/r1")
	require.Equal(t, "az-loss", got.Scenario)
	require.Equal(t, time.Minute, got.Took)
	require.Equal(t, "/runs/r1", got.Dir)
	require.False(t, got.Evidence.Sound == false && got.Evidence.Conclusive == false, "it failed, and nothing was in doubt")
	var names []string
	for _, f := range got.Figures {
		names = append(names, f.Kind+" "+f.Name)
	}
	require.Equal(t, []string{"rto objective.rto", "max_budget objective.budget", "downtime slo.x", "budget slo.x", "failback slo.x", "loss ledger.a"}, names)
	rto := got.Figure("objective.rto", measure.KindRTO)
	require.True(t, rto.Censored)
	require.InDelta(t, 15, rto.Limit, 0)
	b := got.Figure("objective.budget", measure.KindMaxBudget)
	require.InDelta(t, 0.01, b.Lo, 1e-9, "the error of a budget is in proportion to that of the downtime")
	require.InDelta(t, 0.02, b.Hi, 1e-9)
	require.False(t, got.Figure("slo.x", KindBudget).IsObjective())

	r.Faults = nil
	require.Len(t, Of(r, result, nil, "").Figures, 2, "without a fault, no downtime says nothing")
	require.Empty(t, Of(&history.Run{}, &measure.Result{}, nil, "").Scenario, "a journal that ends before its plan")
}
