package measure

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/gameday-toolkit/gameday/internal/journal"
	"github.com/gameday-toolkit/gameday/internal/plan"
	"github.com/gameday-toolkit/gameday/internal/record"
)

// TestAnAbortInTheRecoverySaysWhatWasCutShort stops runs 10 s after the fault was reverted as planned and proven gone.
func TestAnAbortInTheRecoverySaysWhatWasCutShort(t *testing.T) {
	stop := func(s *story) ObjectiveResult {
		r := s.add(80*sec, journal.Abort, journal.AbortBody{Reason: "Ctrl-C", By: byPerson}).judge()
		require.Equal(t, ExitAborted, r.Exit)
		require.NotContains(t, r.Objectives[0].Why, "not held as long as planned")
		return r.Objectives[0]
	}
	rto := stop(newStory())
	require.Equal(t, Pass, rto.Verdict, "the fault was held and watched to its end: %s", rto.Why)

	limit := plan.Duration(20 * sec)
	down := healthy()
	down.plan.Objectives = []plan.Objective{{Addr: theAim, SLO: theSLO, MaxDowntime: &limit}}
	got := stop(down)
	require.Equal(t, Inconclusive, got.Verdict)
	require.Contains(t, got.Why, "the fault was held as planned, and the time after it was cut short")

	got = stop(newStory().ledgered(0, func(string, record.Record) bool { return true }))
	require.Equal(t, Inconclusive, got.Verdict)
	require.Contains(t, got.Why, "the time after it was cut short")
}
