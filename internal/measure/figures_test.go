package measure

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/gameday-toolkit/gameday/internal/journal"
	"github.com/gameday-toolkit/gameday/internal/plan"
	"github.com/gameday-toolkit/gameday/internal/record"
	"github.com/gameday-toolkit/gameday/internal/sample"
	"github.com/gameday-toolkit/gameday/plugins/sdk"
)

func TestDataLoss(t *testing.T) {
	between := func(from, to time.Duration) func(string, record.Record) bool {
		return func(_ string, r record.Record) bool { return r.Attempt < from || r.Attempt >= to }
	}
	for name, c := range map[string]struct {
		limit   time.Duration
		has     func(string, record.Record) bool
		verdict Verdict
		value   string
		why     string
	}{
		"nothing lost":      {0, between(0, 0), Pass, "0 s (0 of 1,800 acknowledged records)", "all of"},
		"the last second":   {0, between(9*sec, 10*sec), Fail, "1.02 s (0.99 to 1.02) (20 of 1,800 acknowledged records)", "20 of 1,800"},
		"within the limit":  {2 * sec, between(9*sec, 10*sec), Pass, "1.02 s (0.99 to 1.02) (20 of 1,800 acknowledged records)", "within"},
		"one in the moment": {0, between(10*sec, 10*sec+50*ms), Fail, "0.02 s (0 to 0.02) (1 of 1,800 acknowledged records)", "1 of"},
		"after the failure": {time.Hour, between(20*sec, 21*sec), Fail, "0 s (0 of 1,800 acknowledged records)", "after the failure"},
		"resurfaced": {0, func(stage string, r record.Record) bool { return stage == "failback" || between(9*sec, 10*sec)("", r) },
			Fail, "1.02 s (0.99 to 1.02) (20 of 1,800 acknowledged records)", "lost"},
	} {
		t.Run(name, func(t *testing.T) {
			s := newStory().ledgered(c.limit, c.has)
			got := s.aim()
			require.Equal(t, c.value, got.Value)
			require.Equal(t, c.verdict, got.Verdict, got.Why)
			require.Contains(t, got.Why, c.why)
			if name == "resurfaced" {
				require.EqualValues(t, 20, s.judge().Ledgers[0].Resurfaced)
			}
		})
	}
}

func TestUnknownAndFailedRecordsCountInNeitherCase(t *testing.T) {
	s := newStory().ledgered(0, func(string, record.Record) bool { return true })
	more := []record.Record{
		{Seq: 1800, Attempt: 9 * sec, Acked: 9*sec + 1, Outcome: record.Info},
		{Seq: 1801, Attempt: 9 * sec, Acked: 9*sec + 1, Outcome: record.Fail},
		{Seq: 1802, Attempt: 9 * sec, Acked: 9*sec + 1, Outcome: record.Fail},
	}
	seqs := func(ks ...uint64) []byte {
		return record.AppendSeqs(nil, 2000, func(k uint64) bool {
			for _, x := range ks {
				if x == k {
					return true
				}
			}
			return k < 1800 && len(ks) == 1
		})
	}
	s.add(90*sec, journal.RecordBlock, journal.EncodeBlock(theLedger, record.AppendBlock(nil, more))).
		add(97*sec, journal.LedgerReadBack, journal.ReadBackBody{Addr: theLedger, Stage: "failback", From: 97 * sec, Present: seqs(1801), Duplicated: seqs(3, 4), UnexpectedCount: 5})
	r := s.judge()
	require.Equal(t, Pass, r.Objectives[0].Verdict, r.Objectives[0].Why)
	l := r.Ledgers[0]
	require.EqualValues(t, 1, l.Unknown)
	require.EqualValues(t, 2, l.Failed)
	require.EqualValues(t, 6, l.Unexpected, "five that nobody wrote, and one that surely failed")
	require.EqualValues(t, 2, l.Duplicated)
}

// twoFaults slows a link at 10 s and loses a region at 40 s, and with it the records of the second before.
func twoFaults(limit time.Duration, faults ...string) *story {
	s := newStory().ledgered(limit, func(_ string, r record.Record) bool { return r.Attempt < 39*sec || r.Attempt >= 40*sec-50*ms })
	s.plan.Faults = append(s.plan.Faults, plan.Fault{Addr: secondFault, Type: "lab_region_outage", Plugin: "lab"})
	aim := s.plan.Objectives[0]
	s.plan.Objectives = nil
	for i, f := range faults {
		aim.Addr, aim.Fault = fmt.Sprintf("%s_%d", theAim, i), f
		s.plan.Objectives = append(s.plan.Objectives, aim)
	}
	step := journal.StepBody{Addr: secondFault, Handle: "h2"}
	return s.add(40*sec, journal.FaultPrepared, journal.HandleBody{Addr: secondFault, Plugin: "lab", Handle: sdk.Handle{ID: "h2"}}).
		add(40*sec, journal.FaultInjecting, step).add(40*sec+20*ms, journal.FaultActive, step).
		add(s.revert, journal.FaultReverting, step).add(s.gone, journal.FaultReverted, step)
}

const secondFault = "fault.lab_region_outage.east"

func TestALedgerIsJudgedByTheFaultOfItsObjective(t *testing.T) {
	for name, c := range map[string]struct {
		faults      []string
		by          string
		lost, after uint64
		verdicts    []Verdict
	}{
		"no objective":                 {nil, theFault, 0, 19, nil},
		"the first fault, by default":  {[]string{""}, theFault, 0, 19, []Verdict{Fail}},
		"the second":                   {[]string{secondFault}, secondFault, 19, 0, []Verdict{Pass}},
		"both, and one of them missed": {[]string{secondFault, theFault}, theFault, 0, 19, []Verdict{Pass, Fail}},
		"one that was never injected":  {[]string{"fault.none"}, theFault, 0, 19, []Verdict{Inconclusive}},
		"that one, and one that was":   {[]string{"fault.none", secondFault}, secondFault, 19, 0, []Verdict{Inconclusive, Pass}},
	} {
		t.Run(name, func(t *testing.T) {
			r := twoFaults(2*sec, c.faults...).judge()
			l := r.Ledgers[0]
			require.Equal(t, c.by, l.Fault)
			require.Equal(t, c.lost, l.Lost)
			require.Equal(t, c.after, l.LostAfter)
			for i, v := range c.verdicts {
				require.Equal(t, v, r.Objectives[i].Verdict, r.Objectives[i].Why)
			}
		})
	}
	strict := twoFaults(0, secondFault, theFault).judge()
	require.Equal(t, Fail, strict.Objectives[0].Verdict, "both are missed")
	require.Equal(t, theFault, strict.Ledgers[0].Fault, "where they are equally bad, the earliest: it hides no record lost after a failure")
	require.EqualValues(t, 19, strict.Ledgers[0].LostAfter)
}

// TestTheRecoveryPointLiesInsideTheInterval loses everything that was committed after a point of known age.
func TestTheRecoveryPointLiesInsideTheInterval(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := newStory()
		s.probe.Schedule.Rate = 2 // what the probe sees does not matter here
		took := s.inject + time.Duration(rapid.Int64Range(0, int64(s.active-s.inject)).Draw(t, "took effect after"))
		lag := time.Duration(rapid.Int64Range(int64(60*ms), int64(8*sec)).Draw(t, "lag"))
		commit := func(r record.Record) time.Duration { return r.Attempt + 3*ms }
		first := never
		s.ledgered(0, func(_ string, r record.Record) bool {
			lost := commit(r) > took-lag && commit(r) <= took
			if lost {
				first = min(first, commit(r))
			}
			return !lost
		})
		got := s.judge().Ledgers[0]
		require.LessOrEqual(t, got.RPO.Lo, took-first)
		require.GreaterOrEqual(t, got.RPO.Hi, took-first)
		require.Positive(t, got.Lost)
	})
}

func TestDowntimeAndBudget(t *testing.T) {
	s := newStory().down(Span{11 * sec, 21 * sec}, Span{40 * sec, 41 * sec}, Span{72 * sec, 73 * sec})
	limit := plan.Duration(20 * sec)
	share := 0.1
	s.plan.Objectives = []plan.Objective{
		{Addr: "objective.down", SLO: theSLO, MaxDowntime: &limit},
		{Addr: "objective.budget", SLO: theSLO, MaxBudget: &share},
	}
	r := s.judge()
	require.Equal(t, Pass, r.Objectives[0].Verdict, r.Objectives[0].Why)
	require.Equal(t, "15 s (14.88 to 15)", r.Objectives[0].Value, "three stretches, each to the end of the window that saw the last bad sample")
	require.Equal(t, Pass, r.Objectives[1].Verdict, r.Objectives[1].Why)
	require.InDelta(t, 100*15/(30*24*3600*0.01), r.SLOs[0].BudgetSpent, 1e-3)
	require.Len(t, r.SLOs[0].Violations, 3)
	limit, share = plan.Duration(14*sec), 0.01
	r = s.judge()
	require.Equal(t, Fail, r.Objectives[0].Verdict)
	require.Equal(t, Fail, r.Objectives[1].Verdict, r.Objectives[1].Why)
	limit = plan.Duration(14*sec + 900*ms)
	require.Equal(t, Inconclusive, s.judge().Objectives[0].Verdict)
}

func alerted(limit time.Duration) *story {
	d := plan.Duration(limit)
	s := healthy()
	s.plan.Alerts = []plan.Alert{{Addr: theAlert}}
	s.plan.Objectives = []plan.Objective{{Addr: theAim, Alert: theAlert, Within: &d}}
	return s.add(0, journal.AlertState, journal.AlertBody{Addr: theAlert, Poll: sec})
}

func TestDetection(t *testing.T) {
	fires := journal.AlertBody{Addr: theAlert, Poll: sec, Firing: true}
	quiet := journal.AlertBody{Addr: theAlert, Poll: sec}
	broken := journal.AlertBody{Addr: theAlert, Poll: sec, Err: "connection refused"}
	unseen := alerted(30 * sec)
	unseen.without[journal.AlertState] = true
	for name, c := range map[string]struct {
		story   *story
		verdict Verdict
		value   string
		why     string
	}{
		"in time":              {alerted(30*sec).add(20*sec, journal.AlertState, fires), Pass, "10 s (8.98 to 10)", "within"},
		"too late":             {alerted(5*sec).add(20*sec, journal.AlertState, fires), Fail, "10 s (8.98 to 10)", "was to within"},
		"on the edge":          {alerted(9500*ms).add(20*sec, journal.AlertState, fires), Inconclusive, "10 s (8.98 to 10)", "within the error"},
		"never":                {alerted(30 * sec), Fail, "never fired", "did not fire"},
		"already firing":       {alerted(30*sec).add(5*sec, journal.AlertState, fires).add(8*sec, journal.AlertState, quiet), Inconclusive, "", "already firing"},
		"could not be read":    {alerted(30*sec).add(12*sec, journal.AlertState, broken), Inconclusive, "never fired", "connection refused"},
		"blind, then it fired": {alerted(9*sec).add(12*sec, journal.AlertState, broken).add(30*sec, journal.AlertState, fires), Inconclusive, "20 s (0.98 to 20)", "error"},
		"never looked at":      {unseen, Inconclusive, "", "never looked at"},
	} {
		t.Run(name, func(t *testing.T) {
			got := c.story.aim()
			require.Equal(t, c.verdict, got.Verdict, got.Why)
			require.Equal(t, c.value, got.Value)
			require.Contains(t, got.Why, c.why)
		})
	}
	aborted := alerted(30*sec).add(20*sec, journal.Abort, journal.AbortBody{By: "person"})
	aborted.end, aborted.revert, aborted.gone = 25*sec, 20*sec, 21*sec
	require.Equal(t, Inconclusive, aborted.aim().Verdict)
	// An abort took the fault away after 10 s. Whether the alert would have fired within 30 s, nobody knows, however long the run
	// watched on; whether within 5 s is known.
	for limit, want := range map[time.Duration]Verdict{30 * sec: Inconclusive, 5 * sec: Fail} {
		cut := alerted(limit).add(20*sec, journal.Abort, journal.AbortBody{By: "person"})
		cut.revert, cut.gone = 20*sec, 21*sec
		got := cut.aim()
		require.Equal(t, want, got.Verdict, got.Why)
		require.Equal(t, "never fired", got.Value)
	}
	a := alerted(sec).add(20*sec, journal.AlertState, fires).add(40*sec, journal.AlertState, quiet).judge().Alerts[0]
	require.Equal(t, 20*sec, *a.Fired)
	require.Equal(t, 40*sec, *a.Resolved)
}

func TestWorstIsCommutative(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		vs := rapid.SliceOf(rapid.Custom(func(t *rapid.T) Verdict { return Verdict(rapid.IntRange(0, 4).Draw(t, "v")) })).Draw(t, "vs")
		mixed := rapid.Permutation(vs).Draw(t, "mixed")
		require.Equal(t, Worst(vs...), Worst(mixed...))
		cut := rapid.IntRange(0, len(vs)).Draw(t, "cut")
		require.Equal(t, Worst(vs...), Worst(Worst(vs[:cut]...), Worst(vs[cut:]...)))
		require.Equal(t, Worst(vs...), Worst(append(vs, Skip)...))
	})
}

func TestPrintedTimes(t *testing.T) {
	for want, i := range map[string]Interval{
		"12.41 s (12.37 to 12.41)": {Lo: 12372 * ms, Hi: 12401 * ms},
		"> 60 s":                   {Lo: 60004 * ms, Censored: true},
		"0 s":                      {},
		"0.01 s (0 to 0.01)":       {Lo: 1, Hi: 2},
		"10 s (9.99 to 10)":        {Lo: 9999 * ms, Hi: 10 * sec},
	} {
		require.Equal(t, want, i.String())
	}
	require.Equal(t, []string{"4,812", "0", "999", "1,000,000"}, []string{Count(4812), Count(0), Count(999), Count(1e6)})
	require.Equal(t, []string{"0.5 %", "100 %", "1234 %", "0.0347 %"}, []string{Percent(0.5), Percent(100), Percent(1234.4), Percent(0.034678)})
}

func TestPhasesAndCurve(t *testing.T) {
	s := newStory().down(Span{30 * sec, 30*sec + 100*ms})
	slow := s.serve
	s.serve = func(at time.Duration) sample.Sample {
		if at > 80*sec && at < 80*sec+30*ms {
			return failed(900*ms, sample.Slow)
		}
		return slow(at)
	}
	r := s.judge()
	p := r.Probes[0]
	require.EqualValues(t, 500, p.Phases["baseline"].Good)
	require.EqualValues(t, 5, p.Phases["fault"].Bad)
	require.InDelta(t, float64(5*ms), float64(p.Phases["fault"].P50), float64(10*time.Microsecond))
	require.Equal(t, 900*ms, p.Phases["recovery"].Max)
	require.EqualValues(t, 5, p.Classes["refused"])
	points := r.SLOs[0].Points
	require.LessOrEqual(t, len(points), 2000)
	worst, longest := 1.0, time.Duration(0)
	for _, x := range points {
		worst, longest = min(worst, x.SLI), max(longest, x.Max)
	}
	require.Equal(t, 0.9, worst, "five of fifty")
	require.Equal(t, 900*ms, longest)
}

// TestThinningHidesNoDip puts one short dip into a long run.
func TestThinningHidesNoDip(t *testing.T) {
	s := newStory().down(Span{5000 * sec, 5000*sec + 100*ms})
	s.inject, s.active, s.revert, s.gone, s.end = 10*sec, 10*sec+1, 8000*sec, 8000*sec+1, 9000*sec
	points := s.judge().SLOs[0].Points
	require.LessOrEqual(t, len(points), 2000)
	found := 0
	for _, x := range points {
		if x.SLI < 0.95 {
			found++
			require.InDelta(t, float64(5000*sec), float64(x.At), float64(10*sec))
		}
	}
	require.Positive(t, found)
}

func TestTheSameRunHasTheSameResult(t *testing.T) {
	s := healthy()
	require.Equal(t, s.judge(), s.judge())
}
