package measure

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/gameday-toolkit/gameday/internal/journal"
	"github.com/gameday-toolkit/gameday/internal/plan"
	"github.com/gameday-toolkit/gameday/internal/record"
	"github.com/gameday-toolkit/gameday/internal/sample"
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

// fivePerSecond asks five times a second, with a few samples that could not be sent from a moment on.
func fivePerSecond(unsent int, at time.Duration) *story {
	s := newStory().down(Span{11 * sec, 14 * sec})
	s.probe.Schedule.Rate = 5
	return s.drop(sample.Unsent, 1, Span{at, at + time.Duration(unsent)*200*ms})
}

func TestTwoUnsentSamplesStarveNoProbe(t *testing.T) {
	for unsent, want := range map[int]Verdict{0: Pass, 1: Pass, 2: Pass, 3: Inconclusive} {
		got := fivePerSecond(unsent, 2*sec).aim() // of the 50 samples of the baseline
		require.Equal(t, want, got.Verdict, "%d unsent: %s", unsent, got.Why)
	}
	require.True(t, PhaseStats{Good: 9989, Unsent: 101}.Starved())
	require.False(t, PhaseStats{Good: 9990, Unsent: 100}.Starved())
}

// TestAHoleWidensTheInterval hides the recovery, which is at 14 s, behind two samples that were not sent.
func TestAHoleWidensTheInterval(t *testing.T) {
	truth := 14*sec - 10*sec
	whole, hidden := fivePerSecond(0, 0).aim(), fivePerSecond(2, 13800*ms).aim()
	require.Equal(t, Pass, hidden.Verdict, hidden.Why)
	require.Equal(t, whole.Time.Hi-whole.Time.Lo+400*ms, hidden.Time.Hi-hidden.Time.Lo, "two samples at five a second")
	require.LessOrEqual(t, hidden.Time.Lo, truth-20*ms)
	require.GreaterOrEqual(t, hidden.Time.Hi, truth)
}
