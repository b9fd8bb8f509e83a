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

// rehearsed is a healthy run with an action whose entries are given.
func rehearsed(tell func(*story)) *story {
	s := healthy()
	s.plan.Actions = []plan.Action{{Addr: theAction}}
	tell(s)
	return s
}

func TestEveryStepOfTheRunbookMustBeCarriedOut(t *testing.T) {
	started := func(s *story) { s.add(20*sec, journal.ActionStarted, journal.StepBody{Addr: theAction}) }
	ended := func(err string) func(*story) {
		return func(s *story) { s.add(21*sec, journal.ActionEnded, journal.StepBody{Addr: theAction, Err: err}) }
	}
	for name, c := range map[string]struct {
		tell []func(*story)
		exit int
		why  string
	}{
		"carried out":   {[]func(*story){started, ended("")}, ExitPass, ""},
		"failed":        {[]func(*story){started, ended("exit status 1")}, ExitInconclusive, theAction + " failed: exit status 1 (entries "},
		"stranded":      {[]func(*story){ended("not started, because action.exec.a failed")}, ExitInconclusive, theAction + " was not started, because action.exec.a failed"},
		"never ended":   {[]func(*story){started}, ExitInconclusive, theAction + " did not end"},
		"never started": {nil, ExitInconclusive, theAction + " was never started"},
	} {
		t.Run(name, func(t *testing.T) {
			tell := func(s *story) {
				for _, f := range c.tell {
					f(s)
				}
			}
			r := rehearsed(tell).judge()
			require.Equal(t, c.exit, r.Exit, r.Why)
			require.Contains(t, r.Why, c.why)
			failing := rehearsed(tell)
			failing.down(Span{11 * sec, 40 * sec})
			require.Equal(t, ExitFail, failing.judge().Exit, "a failed objective stays failed")
		})
	}
	aborted := healthy().add(30*sec, journal.Abort, journal.AbortBody{By: byPerson})
	aborted.plan.Actions, aborted.revert, aborted.gone = []plan.Action{{Addr: theAction}}, 30*sec, 31*sec
	require.Equal(t, Pass, aborted.aim().Verdict, "a step that an abort left out was not owed")
}
