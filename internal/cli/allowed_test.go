package cli

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/gameday-toolkit/gameday/internal/plan"
)

func TestAFreezeBindsWhatCouldRunIntoIt(t *testing.T) {
	from := time.Date(2026, 12, 15, 0, 0, 0, 0, time.UTC)
	l := plan.Limit{Addr: "project.environment.prod", Freezes: []plan.Freeze{{From: from, To: from.Add(24 * time.Hour), Reason: "year end"}}}
	require.NoError(t, frozen(l, from.Add(-time.Hour), 59*time.Minute))
	require.ErrorContains(t, frozen(l, from.Add(-time.Hour), 61*time.Minute), "this run could last until")
	require.ErrorContains(t, frozen(l, from, time.Minute), "year end")
	require.ErrorContains(t, frozen(l, from.Add(24*time.Hour-1), time.Minute), "project.environment.prod: nothing may run from")
	require.NoError(t, frozen(l, from.Add(24*time.Hour), time.Minute))
}

func TestTheLongestARunMayTake(t *testing.T) {
	m := plan.Duration(time.Minute)
	p := &plan.Plan{Draft: plan.Draft{
		Scenario: plan.Scenario{Baseline: m, Recovery: m},
		Faults:   []plan.Fault{{When: plan.When{At: m}, Hold: m}, {Hold: m}},
		Actions:  []plan.Action{{Timeout: m}, {Timeout: m, Undo: []byte("{}")}},
	}}
	require.Equal(t, 8*time.Minute, longest(p))
}
