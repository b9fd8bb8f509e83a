package measure

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/gameday-toolkit/gameday/internal/history"
	"github.com/gameday-toolkit/gameday/internal/journal"
	"github.com/gameday-toolkit/gameday/internal/plan"
	"github.com/gameday-toolkit/gameday/internal/record"
	"github.com/gameday-toolkit/gameday/internal/sample"
)

// everything would pass, but for what is missing.
func healthy() *story { return newStory().down(Span{11 * sec, 14 * sec}) }

// missing takes samples out of what the service answered.
func (s *story) drop(outcome sample.Outcome, every uint64, spans ...Span) *story {
	serve, n := s.serve, uint64(0)
	s.serve = func(at time.Duration) sample.Sample {
		for _, x := range spans {
			if at >= x.From && at < x.To {
				if n++; n%every == 0 {
					return sample.Sample{Outcome: outcome, Class: sample.NoSlot}
				}
			}
		}
		return serve(at)
	}
	return s
}

func TestNoDataNeverPasses(t *testing.T) {
	whole := Span{0, 100 * sec}
	shortWindow := func() *story {
		s := healthy()
		s.plan.SLOs[0].Window = plan.Duration(200 * ms)
		return s
	}
	cutAt := func(at time.Duration) *story {
		s := healthy()
		s.cut = at
		return s
	}
	tampered := healthy()
	tampered.file.Ending = journal.Tampered
	noPlan, noProof, noAim := healthy(), healthy(), healthy()
	noPlan.without[journal.PlanKind] = true
	noProof.without[journal.FaultActive] = true
	noAim.plan.Objectives = nil
	otherPlan := healthy()
	otherPlan.add(0, journal.RunStarted, journal.Started{PlanHash: "another"})
	silent := healthy().drop(sample.Missing, 1, Span{80 * sec, 200 * sec})
	silent.end = 130 * sec
	noTargets := healthy()
	noTargets.plan.Faults[0].Members, noTargets.plan.Faults[0].Targets = nil, []string{"target.lab_zone.victim"}
	for name, c := range map[string]struct {
		story *story
		why   string
	}{
		"no samples at all":                {healthy().drop(sample.Missing, 1, whole), "nothing was recorded"},
		"no samples under the fault":       {healthy().drop(sample.Missing, 1, Span{11 * sec, 100 * sec}), "before the fault was taken away"},
		"starved under the fault":          {healthy().drop(sample.Unsent, 50, Span{15 * sec, 69 * sec}), "starved"},
		"starved in the baseline":          {healthy().drop(sample.Unsent, 50, Span{0, 10 * sec}), "starved"},
		"samples are missing":              {healthy().drop(sample.Missing, 50, Span{15 * sec, 69 * sec}), "starved"},
		"a short gap in the recovery":      {shortWindow().drop(sample.Missing, 1, Span{15 * sec, 15*sec + 500*ms}), "no samples from 15.1"},
		"the record stops in the recovery": {cutAt(15 * sec), "the record ends"},
		"the record stops too early":       {cutAt(12 * sec), "violated when the record ended"},
		"the probe fell silent":            {silent, "long before the end"},
		"tampered":                         {tampered, "tampered"},
		"no plan":                          {noPlan, ""},
		"another plan":                     {otherPlan, "not the one"},
		"no targets":                       {noTargets, "has no targets"},
		"no objective":                     {noAim, ""},
		"the fault was not proven":         {noProof, "not proven active"},
		"an unhealthy baseline":            {newStory().down(Span{1 * sec, 2 * sec}, Span{11 * sec, 12 * sec}), "good in the baseline"},
		"a baseline without samples":       {healthy().drop(sample.Missing, 1, Span{0, 9*sec + 800*ms}), "samples in the baseline"},
		"trouble with the probe":           {healthy().add(20*sec, journal.Trouble, journal.TroubleBody{Addr: theProbe, What: "the prober panicked"}), "panicked"},
		"trouble with the run":             {healthy().add(20*sec, journal.Trouble, journal.TroubleBody{What: "the disk is full"}), "the disk is full"},
		"an entry that cannot be read":     {healthy().add(20*sec, journal.AlertState, []byte("{")), "cannot be read"},
		"samples that cannot be read":      {healthy().add(20*sec, journal.SampleBlock, journal.EncodeBlock(theProbe, []byte{200})), "cannot be read"},
		"the fault went away by itself":    {healthy().add(40*sec, journal.FaultStillThere, journal.StepBody{Addr: theFault, Err: "inactive: it had expired"}), "was not seen"},
	} {
		t.Run(name, func(t *testing.T) {
			r := c.story.judge()
			require.GreaterOrEqual(t, r.Verdict, Inconclusive)
			require.NotEqual(t, ExitPass, r.Exit)
			require.NotEmpty(t, r.Why)
			for _, o := range r.Objectives {
				require.GreaterOrEqual(t, o.Verdict, Inconclusive)
				require.Contains(t, o.Why, c.why)
			}
		})
	}
	// A plugin that died spoils what it asked for, and nothing else.
	kept := func(string, record.Record) bool { return true }
	for plugin, want := range map[string]Verdict{"aws": Inconclusive, "": Pass} {
		s := healthy().ledgered(0, kept).add(20*sec, journal.Trouble, journal.TroubleBody{Addr: "plugin.aws", What: "plugin aws died"})
		s.plan.Ledgers[0].Plugin = plugin
		r := s.judge()
		require.Equal(t, want, r.Objectives[0].Verdict, r.Objectives[0].Why)
		require.NotEqual(t, ExitPass, r.Exit, "the run as a whole proves nothing")
	}
	require.Equal(t, ExitPass, healthy().judge().Exit, "and with nothing missing it passes: %s", healthy().judge().Why)
}

func TestAnAbortCutsTheMeasurement(t *testing.T) {
	abort := func(s *story, at time.Duration, by string) *story {
		s.revert, s.gone = at, at+50*ms
		return s.add(at, journal.Abort, journal.AbortBody{Reason: "Ctrl-C", By: by})
	}
	r := abort(newStory(), 30*sec, "person").judge()
	require.Equal(t, Inconclusive, r.Objectives[0].Verdict, "nothing violated so far proves nothing about the rest")
	require.Equal(t, ExitAborted, r.Exit)
	r = abort(newStory().down(Span{11 * sec, 100 * sec}), 20*sec, "guard").judge()
	require.Equal(t, Inconclusive, r.Objectives[0].Verdict)
	require.Contains(t, r.Objectives[0].Why, "aborted")
	r = abort(newStory().down(Span{11 * sec, 100 * sec}), 40*sec, "guard").judge()
	require.Equal(t, Fail, r.Objectives[0].Verdict, "it was down for longer than allowed before the guard stopped it")
	require.Equal(t, ExitAborted, r.Exit, "an abort is what the caller is told")
	r = abort(healthy(), 30*sec, "person").judge()
	require.Equal(t, Pass, r.Objectives[0].Verdict, "the recovery had been measured before")
	require.Equal(t, ExitAborted, r.Exit)
	r = abort(healthy(), 30*sec, "engine").judge()
	require.Equal(t, ExitInconclusive, r.Exit)
}

func TestLeakedOverridesEverything(t *testing.T) {
	s := newStory().down(Span{11 * sec, 60 * sec})
	s.without[journal.FaultReverted] = true
	s.add(71*sec, journal.FaultStuck, journal.StepBody{Addr: theFault, Handle: "h", Steps: []string{"start it by hand"}}).
		add(30*sec, journal.Abort, journal.AbortBody{By: "person"})
	r := s.judge()
	require.Equal(t, Leaked, r.Verdict)
	require.Equal(t, ExitLeaked, r.Exit)
	require.Equal(t, []string{theFault}, r.Outstanding)
	require.Equal(t, "stuck", r.Faults[0].State)
	require.Equal(t, []string{"start it by hand"}, r.Faults[0].Steps)
	require.Contains(t, r.Why, "gameday recover")
}

// early is a run that ends before anything is injected.
func early(checks ...journal.CheckBody) *history.Fold {
	p := newStory().plan
	f, seq := history.NewFold(), uint64(0)
	tell := func(kind journal.Kind, body any) {
		seq++
		f.Apply(journal.Entry{Seq: seq, At: time.Duration(seq) * sec, Kind: kind, Body: journal.Encode(body)})
	}
	tell(journal.RunStarted, journal.Started{PlanHash: p.Hash()})
	tell(journal.PlanKind, p)
	tell(journal.Phase, journal.PhaseBody{Name: journal.Preflight})
	for _, c := range checks {
		if c.Name == "steady state" {
			tell(journal.Phase, journal.PhaseBody{Name: journal.Baseline})
		}
		tell(journal.Check, c)
	}
	tell(journal.RunEnded, journal.EndedBody{})
	return f
}

func TestNothingWasTouched(t *testing.T) {
	r := Evaluate(early(journal.CheckBody{Name: "probe answers", Detail: "connection refused"}).Run())
	require.Equal(t, ExitUntouched, r.Exit)
	require.Contains(t, r.Why, "connection refused")
	r = Evaluate(early(journal.CheckBody{Name: "steady state", Detail: "90 % good"}).Run())
	require.Equal(t, ExitInconclusive, r.Exit, "an unhealthy baseline says nothing about the hypothesis")
	require.Equal(t, Inconclusive, r.Objectives[0].Verdict)
	r = Evaluate(history.NewFold().Run())
	require.Equal(t, ExitInconclusive, r.Exit, "an empty record")
}

func TestASkippedFault(t *testing.T) {
	p := newStory().plan
	p.Faults[0].Skipped = "no target matched"
	f := history.NewFold()
	f.Apply(journal.Entry{Seq: 1, Kind: journal.RunStarted, Body: journal.Encode(journal.Started{PlanHash: p.Hash()})})
	f.Apply(journal.Entry{Seq: 2, Kind: journal.PlanKind, Body: journal.Encode(p)})
	f.Apply(journal.Entry{Seq: 3, Kind: journal.Phase, Body: journal.Encode(journal.PhaseBody{Name: journal.Baseline})})
	f.Apply(journal.Entry{Seq: 4, Kind: journal.RunEnded, Body: journal.Encode(journal.EndedBody{})})
	r := Evaluate(f.Run())
	require.Equal(t, "skipped", r.Faults[0].State)
	require.Equal(t, ExitInconclusive, r.Exit, "nothing was tried, and nothing is green")
}

func TestALedgerThatSaysNothing(t *testing.T) {
	all := func(string, record.Record) bool { return true }
	require.Equal(t, Pass, newStory().ledgered(0, all).aim().Verdict, "with everything there it passes")
	empty := newStory().ledgered(0, all)
	empty.without[journal.RecordBlock] = true
	require.Contains(t, empty.aim().Why, "wrote nothing")
	never := newStory().ledgered(0, all)
	never.without[journal.LedgerReadBack] = true
	require.Contains(t, never.aim().Why, "never read back")
	broken := newStory().ledgered(0, all).add(96*sec, journal.LedgerReadBack, journal.ReadBackBody{Addr: theLedger, Stage: "failback", Err: "timeout"})
	require.Contains(t, broken.aim().Why, "could not be read back (failback): timeout")
	corrupt := newStory().ledgered(0, all).add(96*sec, journal.LedgerReadBack, journal.ReadBackBody{Addr: theLedger, Stage: "failback", Present: []byte{1}})
	require.Contains(t, corrupt.aim().Why, "not well-formed")
	for _, s := range []*story{empty, never, broken, corrupt} {
		require.Empty(t, s.aim().Value, "a zero would look like a figure")
		require.Equal(t, Inconclusive, s.aim().Verdict)
		require.Equal(t, ExitInconclusive, s.judge().Exit)
	}
}

func TestALedgerWithNothingBeforeTheFault(t *testing.T) {
	d := plan.Duration(0)
	s := newStory()
	s.plan.Objectives = []plan.Objective{{Addr: theAim, Ledger: theLedger, RPO: &d}}
	late := []record.Record{{Seq: 0, Attempt: 20 * sec, Acked: 21 * sec, Outcome: record.OK}}
	s.add(30*sec, journal.RecordBlock, journal.EncodeBlock(theLedger, record.AppendBlock(nil, late))).
		add(90*sec, journal.LedgerReadBack, journal.ReadBackBody{Addr: theLedger, From: 90 * sec, Present: record.AppendSeqs(nil, 1, func(uint64) bool { return true })})
	got := s.aim()
	require.Equal(t, Inconclusive, got.Verdict)
	require.Contains(t, got.Why, "before the fault")
}

// TestARecordThatStopsAtAnyEntryNeverPasses crashes a run that would have passed at each of its entries.
func TestARecordThatStopsAtAnyEntryNeverPasses(t *testing.T) {
	s := healthy()
	s.probe.Schedule.Rate = 20
	all := s.written()
	require.Equal(t, ExitPass, Evaluate(folded(all)).Exit)
	for i := range all {
		r := Evaluate(folded(all[:i]))
		require.NotEqual(t, ExitPass, r.Exit, "cut before entry %d (%s)", i+1, all[i].Kind)
		require.GreaterOrEqual(t, r.Verdict, Inconclusive)
		if i > 0 && all[i-1].Kind == journal.FaultInjecting {
			require.Equal(t, ExitLeaked, r.Exit, "killed while the fault may be there")
		}
	}
}

// TestAnEntryThatIsMissingNeverMakesThingsBetter takes entries out of a run that would have failed, and shuffles others.
func TestAnEntryThatIsMissingNeverMakesThingsBetter(t *testing.T) {
	s := newStory().down(Span{11 * sec, 40 * sec})
	s.probe.Schedule.Rate = 20
	all := s.written()
	rapid.Check(t, func(t *rapid.T) {
		drop := map[int]bool{}
		for range rapid.IntRange(1, 6).Draw(t, "n") {
			drop[rapid.IntRange(0, len(all)-1).Draw(t, "entry")] = true
		}
		var left []journal.Entry
		for i, e := range all {
			if !drop[i] {
				left = append(left, e)
			}
		}
		if n := len(left); n > 1 && rapid.Bool().Draw(t, "swap") {
			i, j := rapid.IntRange(0, n-1).Draw(t, "i"), rapid.IntRange(0, n-1).Draw(t, "j")
			left[i], left[j] = left[j], left[i]
		}
		require.NotEqual(t, ExitPass, Evaluate(folded(left)).Exit)
	})
}
