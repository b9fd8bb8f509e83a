package view

import (
	"bytes"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/gameday-toolkit/gameday/internal/history"
	"github.com/gameday-toolkit/gameday/internal/journal"
	"github.com/gameday-toolkit/gameday/internal/measure"
)

func concluded(run *history.Run, r *measure.Result, at Place) string {
	var out bytes.Buffer
	Result(&out, run, r, nil, at, plain)
	return out.String()
}

func TestTheHeadlineIsTheReports(t *testing.T) {
	for want, r := range map[string]*measure.Result{
		"PASS":         {Verdict: measure.Pass},
		"INCONCLUSIVE": {Verdict: measure.Inconclusive, Exit: 3},
		"ABORTED":      {Verdict: measure.Inconclusive, Exit: 4},
		"NOT RUN":      {Verdict: measure.Inconclusive, Exit: 2},
		"LEAKED":       {Verdict: measure.Leaked, Exit: 5},
	} {
		require.Contains(t, concluded(&history.Run{}, r, Place{}), "\n"+want+"  ")
	}
}

func TestWhatARunDidNotComeToIsNotMissed(t *testing.T) {
	r := &measure.Result{Assumption: []measure.Assumption{{Name: "enough samples", Detail: "0 samples in the baseline"}}}
	ended := &history.Run{Ended: &history.Ended{}}
	require.NotContains(t, concluded(ended, r, Place{}), "0 samples")
	ended.Phases = []history.Phase{{Name: journal.Baseline}}
	require.Contains(t, concluded(ended, r, Place{}), "0 samples")
}

func TestARunThatWasCopiedIsRecoveredByItsPath(t *testing.T) {
	r := &measure.Result{Verdict: measure.Leaked, Why: "something; run `gameday recover`", Outstanding: []string{"fault.x.y"}}
	out := concluded(&history.Run{}, r, Place{Run: "'a copy'"})
	require.Contains(t, out, "run `gameday recover 'a copy'`")
	require.Contains(t, out, "Try again: gameday recover 'a copy'\n")
	require.Contains(t, out, "For a report: gameday report 'a copy'\n")
}
