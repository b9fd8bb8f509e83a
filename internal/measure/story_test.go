package measure

import (
	"cmp"
	"slices"
	"time"

	"github.com/gameday-toolkit/gameday/internal/history"
	"github.com/gameday-toolkit/gameday/internal/journal"
	"github.com/gameday-toolkit/gameday/internal/plan"
	"github.com/gameday-toolkit/gameday/internal/record"
	"github.com/gameday-toolkit/gameday/internal/sample"
	"github.com/gameday-toolkit/gameday/plugins/sdk"
)

// A story is a run whose truth is known: it is written down as a journal would have it, and judged.
//
//	0 s       10 s                             70 s       100 s
//	baseline  | fault injected, active 20 ms   | revert   | end
type story struct {
	plan    plan.Plan
	probe   journal.ProbeBody
	serve   func(at time.Duration) sample.Sample // what a request that begins at a moment gets
	entries []journal.Entry
	without map[journal.Kind]bool // kinds that are missing from the record
	cut     time.Duration         // the record stops here
	file    journal.End
	inject  time.Duration
	active  time.Duration
	revert  time.Duration
	gone    time.Duration
	end     time.Duration
	phase   time.Duration // the beginning of the reverts, where the fault has been taken away before
}

const (
	sec        = time.Second
	ms         = time.Millisecond
	theFault   = "fault.lab_zone_outage.lose"
	theProbe   = "probe.http.checkout"
	theSLO     = "slo.checkout"
	theLedger  = "ledger.http.orders"
	theAlert   = "alert.prometheus.page"
	theAction  = "action.manual.failover"
	theAim     = "objective.recovers"
	goodAnswer = 5 * ms
)

func newStory() *story {
	rto := plan.Duration(15 * sec)
	s := &story{
		plan: plan.Plan{Version: plan.FormatVersion, Seed: 1, Draft: plan.Draft{
			Scenario:   plan.Scenario{Name: "az-loss", Tier: "gold", Owner: "team", Service: "checkout", Environment: "default"},
			Probes:     []plan.Probe{{Addr: theProbe, Type: "http", Rate: 50, Timeout: plan.Duration(sec)}},
			SLOs:       []plan.SLO{{Addr: theSLO, Probe: theProbe, Target: 99}},
			Faults:     []plan.Fault{{Addr: theFault, Type: "lab_zone_outage", Plugin: "lab", Hold: plan.Duration(60 * sec), Members: []sdk.Target{{Type: "lab_zone", ID: "1", Name: "east-a"}}}},
			Objectives: []plan.Objective{{Addr: theAim, SLO: theSLO, RTO: &rto, StableFor: plan.Duration(5 * sec)}},
		}},
		probe:  journal.ProbeBody{Addr: theProbe, Schedule: sample.Schedule{Phase: 3 * ms, Rate: 50}, Timeout: sec},
		serve:  func(time.Duration) sample.Sample { return answered(goodAnswer) },
		inject: 10 * sec, active: 10*sec + 20*ms, revert: 70 * sec, gone: 70*sec + 100*ms, end: 100 * sec,
		without: map[journal.Kind]bool{}, cut: never,
	}
	return s
}

func answered(in time.Duration) sample.Sample { return sample.Sample{Outcome: sample.Good, Ended: in} }

func failed(in time.Duration, class sample.Class) sample.Sample {
	return sample.Sample{Outcome: sample.Bad, Class: class, Ended: in}
}

// down makes the service refuse everything in the spans.
func (s *story) down(spans ...Span) *story {
	s.serve = func(at time.Duration) sample.Sample {
		for _, x := range spans {
			if at >= x.From && at < x.To {
				return failed(ms, sample.Refused)
			}
		}
		return answered(goodAnswer)
	}
	return s
}

func (s *story) add(at time.Duration, kind journal.Kind, body any) *story {
	b, ok := body.([]byte)
	if !ok {
		b = journal.Encode(body)
	}
	s.entries = append(s.entries, journal.Entry{At: at, Kind: kind, Body: b})
	return s
}

// samples asks the service on the probe's schedule, and gives blocks as the probe would.
func (s *story) samples() (blocks []journal.Entry) {
	var block []sample.Sample
	flush := func(at time.Duration) {
		if len(block) > 0 {
			blocks = append(blocks, journal.Entry{At: at, Kind: journal.SampleBlock, Body: journal.EncodeBlock(s.probe.Addr, sample.AppendBlock(nil, block))})
			block = block[:0]
		}
	}
	for k := uint64(0); ; k++ {
		at := s.probe.Schedule.Intended(k)
		if at >= s.end-sec {
			flush(at)
			return blocks
		}
		x := s.serve(at)
		if x.Outcome == sample.Missing {
			continue
		}
		x.Seq, x.Intended, x.Started, x.Ended = k, at, at, at+x.Ended
		if block = append(block, x); len(block) == 10 {
			flush(x.Ended)
		}
	}
}

// run folds what is written down.
func (s *story) run() *history.Run {
	r := folded(s.written())
	r.File = s.file
	return r
}

// folded is the run that the entries tell, numbered as a journal would number them.
func folded(entries []journal.Entry) *history.Run {
	f := history.NewFold()
	for i, e := range entries {
		e.Seq = uint64(i + 1)
		f.Apply(e)
	}
	return f.Run()
}

// written gives everything in the order of time.
func (s *story) written() []journal.Entry {
	step := journal.StepBody{Addr: theFault, Handle: "h", Evidence: "seen"}
	all := []journal.Entry{
		{At: 0, Kind: journal.RunStarted, Body: journal.Encode(journal.Started{Run: "r", PlanHash: s.plan.Hash()})},
		{At: 0, Kind: journal.PlanKind, Body: journal.Encode(s.plan)},
	}
	tell := func(at time.Duration, kind journal.Kind, body any) {
		all = append(all, journal.Entry{At: at, Kind: kind, Body: journal.Encode(body)})
	}
	tell(0, journal.Phase, journal.PhaseBody{Name: journal.Preflight})
	tell(0, journal.Phase, journal.PhaseBody{Name: journal.Baseline})
	tell(0, journal.ProbeStarted, s.probe)
	all = append(all, s.samples()...)
	all = append(all, s.entries...)
	tell(s.inject, journal.Phase, journal.PhaseBody{Name: journal.Observe})
	tell(s.inject, journal.FaultPrepared, journal.HandleBody{Addr: theFault, Plugin: "lab", Handle: sdk.Handle{ID: "h", Steps: []string{"start the zone"}}})
	tell(s.inject, journal.FaultInjecting, step)
	tell(s.active, journal.FaultActive, step)
	tell(max(s.revert, s.phase), journal.Phase, journal.PhaseBody{Name: journal.Reverting})
	tell(s.revert, journal.FaultReverting, step)
	tell(s.gone, journal.FaultReverted, step)
	tell(max(s.gone, s.phase), journal.Phase, journal.PhaseBody{Name: journal.Recovery})
	tell(s.end, journal.RunEnded, journal.EndedBody{})
	slices.SortStableFunc(all, func(a, b journal.Entry) int { return cmp.Compare(a.At, b.At) })
	return slices.DeleteFunc(all, func(e journal.Entry) bool { return e.At > s.cut || s.without[e.Kind] })
}

func (s *story) judge() *Result { return Evaluate(s.run()) }

// aim is the result of the one objective.
func (s *story) aim() ObjectiveResult { return s.judge().Objectives[0] }

func (s *story) objective() *plan.Objective { return &s.plan.Objectives[0] }

// ledgered adds a ledger with an rpo objective, twenty records a second, and read-backs that find what has says.
func (s *story) ledgered(limit time.Duration, has func(stage string, r record.Record) bool) *story {
	d := plan.Duration(limit)
	s.plan.Ledgers = []plan.Ledger{{Addr: theLedger, Type: "http", Rate: 20}}
	s.plan.Objectives = []plan.Objective{{Addr: theAim, Ledger: theLedger, RPO: &d}}
	var records []record.Record
	for k := range uint64(1800) {
		at := time.Duration(k) * 50 * ms
		records = append(records, record.Record{Seq: k, Attempt: at, Acked: at + 8*ms, Outcome: record.OK})
	}
	s.add(90*sec, journal.RecordBlock, journal.EncodeBlock(theLedger, record.AppendBlock(nil, records)))
	for _, b := range []struct {
		stage string
		at    time.Duration
	}{{"recovery", 40 * sec}, {"failback", 95 * sec}} {
		present := record.AppendSeqs(nil, uint64(len(records)), func(k uint64) bool { return records[k].Acked < b.at && has(b.stage, records[k]) })
		s.add(b.at, journal.LedgerReadBack, journal.ReadBackBody{Addr: theLedger, Stage: b.stage, From: b.at, To: b.at + sec, Present: present})
	}
	return s
}
