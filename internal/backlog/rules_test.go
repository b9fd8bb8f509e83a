package backlog

import (
	"cmp"
	"flag"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/gameday-toolkit/gameday/internal/history"
	"github.com/gameday-toolkit/gameday/internal/journal"
	"github.com/gameday-toolkit/gameday/internal/measure"
	"github.com/gameday-toolkit/gameday/internal/plan"
	"github.com/gameday-toolkit/gameday/internal/record"
	"github.com/gameday-toolkit/gameday/internal/sample"
	"github.com/gameday-toolkit/gameday/plugins/sdk"
)

const (
	sec       = time.Second
	theFault  = "fault.lab_zone_outage.lose"
	theProbe  = "probe.http.checkout"
	theSLO    = "slo.checkout"
	theLedger = "ledger.http.orders"
	theAlert  = "alert.prometheus.page"
	theAction = "action.exec.failover"
	theGuard  = "guard.customers"
)

// story is a run of 60 s: a fault from 10 s to 40 s, and the service down for the spans.
type story struct {
	plan    plan.Plan
	down    []span
	unsent  span
	entries []journal.Entry
	without journal.Kind
	lost    span   // records attempted then are not read back, the second time
	missing span   // the same, the first time
	twice   []byte // read back more than once
	strange int
	alert   []time.Duration // when it changes, from quiet to firing and back
}

type span struct{ from, to time.Duration }

func (s span) has(t time.Duration) bool { return t >= s.from && t < s.to }

func d(v time.Duration) *plan.Duration { x := plan.Duration(v); return &x }

func healthy() *story {
	budget := 1.0
	pos := plan.Pos{File: "main.gameday.hcl", Line: 7}
	return &story{
		down:  []span{{11 * sec, 13 * sec}},
		alert: []time.Duration{14 * sec, 50 * sec},
		plan: plan.Plan{Draft: plan.Draft{
			Scenario: plan.Scenario{Name: "az-loss", Owner: "team-checkout", Service: "checkout", Tier: "silver"},
			Probes:   []plan.Probe{{Addr: theProbe, Rate: 20}},
			SLOs:     []plan.SLO{{Addr: theSLO, Probe: theProbe, Target: 90}},
			Ledgers:  []plan.Ledger{{Addr: theLedger}},
			Alerts:   []plan.Alert{{Addr: theAlert}},
			Guards:   []plan.Guard{{Addr: theGuard}},
			Faults:   []plan.Fault{{Addr: theFault, Type: "lab_zone_outage"}},
			Actions:  []plan.Action{{Addr: theAction}},
			Objectives: []plan.Objective{
				{Addr: "objective.rto", SLO: theSLO, RTO: d(10 * sec), StableFor: plan.Duration(3 * sec), Pos: pos},
				{Addr: "objective.rpo", Ledger: theLedger, RPO: d(0)},
				{Addr: "objective.page", Alert: theAlert, Within: d(10 * sec)},
				{Addr: "objective.down", SLO: theSLO, MaxDowntime: d(20 * sec)},
				{Addr: "objective.budget", SLO: theSLO, MaxBudget: &budget},
			},
		}},
	}
}

func (s *story) tell(at time.Duration, kind journal.Kind, body any) *story {
	s.entries = append(s.entries, journal.Entry{At: at, Kind: kind, Body: journal.Encode(body)})
	return s
}

func (s *story) with(f func(*story)) *story {
	f(s)
	return s
}

func (s *story) block() []byte {
	var samples []sample.Sample
	for k := range uint64(1180) {
		at := time.Duration(k) * 50 * time.Millisecond
		x := sample.Sample{Seq: k, Intended: at, Started: at, Ended: at + 2*time.Millisecond, Outcome: sample.Good}
		for _, down := range s.down {
			if down.has(at) {
				x.Outcome, x.Class = sample.Bad, sample.Refused
			}
		}
		if s.unsent.has(at) {
			x.Outcome, x.Class = sample.Unsent, sample.NoSlot
		}
		samples = append(samples, x)
	}
	return journal.EncodeBlock(theProbe, sample.AppendBlock(nil, samples))
}

func (s *story) run() *history.Run {
	f := history.NewFold()
	for i, e := range s.written() {
		e.Seq = uint64(i + 1)
		f.Apply(e)
	}
	return f.Run()
}

// written gives everything in the order of time.
func (s *story) written() []journal.Entry {
	var records []record.Record
	for k := range uint64(500) {
		at := time.Duration(k) * 100 * time.Millisecond
		records = append(records, record.Record{Seq: k, Attempt: at, Acked: at + 1, Outcome: record.OK})
	}
	present := func(upTo time.Duration, gone ...span) []byte {
		return record.AppendSeqs(nil, 500, func(k uint64) bool {
			at := records[k].Attempt
			return at < upTo && !slices.ContainsFunc(gone, func(x span) bool { return x.has(at) })
		})
	}
	all := healthyEntries(s.plan)
	all = append(all, journal.Entry{At: 59 * sec, Kind: journal.SampleBlock, Body: s.block()},
		journal.Entry{At: 52 * sec, Kind: journal.RecordBlock, Body: journal.EncodeBlock(theLedger, record.AppendBlock(nil, records))},
		journal.Entry{At: 30 * sec, Kind: journal.LedgerReadBack, Body: journal.Encode(journal.ReadBackBody{Addr: theLedger, Stage: "recovery", From: 30 * sec, Present: present(30*sec, s.missing)})},
		journal.Entry{At: 55 * sec, Kind: journal.LedgerReadBack, Body: journal.Encode(journal.ReadBackBody{
			Addr: theLedger, Stage: "failback", From: 55 * sec, Present: present(60*sec, s.lost), Duplicated: s.twice, UnexpectedCount: s.strange})})
	all = append(all, s.entries...)
	for i, at := range s.alert {
		all = append(all, journal.Entry{At: at, Kind: journal.AlertState, Body: journal.Encode(journal.AlertBody{Addr: theAlert, Poll: sec, Firing: i%2 == 0})})
	}
	slices.SortStableFunc(all, func(a, b journal.Entry) int { return cmp.Compare(a.At, b.At) })
	return slices.DeleteFunc(all, func(e journal.Entry) bool { return e.Kind == s.without })
}

func healthyEntries(p plan.Plan) []journal.Entry {
	e := func(at time.Duration, kind journal.Kind, body any) journal.Entry {
		return journal.Entry{At: at, Kind: kind, Body: journal.Encode(body)}
	}
	step := journal.StepBody{Addr: theFault, Handle: "h"}
	return []journal.Entry{
		e(0, journal.RunStarted, journal.Started{Run: "r", PlanHash: p.Hash()}),
		e(0, journal.PlanKind, p),
		e(0, journal.Phase, journal.PhaseBody{Name: journal.Baseline}),
		e(0, journal.ProbeStarted, journal.ProbeBody{Addr: theProbe, Schedule: sample.Schedule{Rate: 20}}),
		e(0, journal.AlertState, journal.AlertBody{Addr: theAlert, Poll: sec}),
		e(9*sec, journal.Check, journal.CheckBody{Name: "steady state", Addr: theSLO, OK: true}),
		e(10*sec, journal.Phase, journal.PhaseBody{Name: journal.Observe}),
		e(10*sec, journal.FaultPrepared, journal.HandleBody{Addr: theFault, Handle: sdk.Handle{ID: "h", Steps: []string{"start the zone"}}}),
		e(10*sec, journal.FaultInjecting, step),
		e(10*sec+1, journal.FaultActive, step),
		e(12*sec, journal.ActionStarted, journal.StepBody{Addr: theAction}),
		e(12*sec+1, journal.ActionEnded, journal.StepBody{Addr: theAction}),
		e(40*sec, journal.Phase, journal.PhaseBody{Name: journal.Reverting}),
		e(40*sec, journal.FaultReverting, step),
		e(40*sec+1, journal.FaultReverted, step),
		e(60*sec, journal.RunEnded, journal.EndedBody{}),
	}
}

func (s *story) find() []Finding {
	run := s.run()
	return Find(run, measure.Evaluate(run))
}

func TestAHealthyRunHasNoFindings(t *testing.T) {
	run := healthy().run()
	result := measure.Evaluate(run)
	require.Equal(t, measure.Pass, result.Verdict, result.Why)
	require.Empty(t, Find(run, result))
	require.Empty(t, Find(history.NewFold().Run(), measure.Evaluate(history.NewFold().Run())), "an empty record")
}

// TestEachRule tells for each rule a story in which it must fire, and all that may fire with it: the others stay silent.
func TestEachRule(t *testing.T) {
	event := func(kind sdk.EventKind) journal.EventBody {
		return journal.EventBody{Plugin: "lab", At: int64(20 * sec), Event: sdk.Event{Kind: kind, Source: "autoscaler", Subject: "east", Summary: "capacity denied: the quota of 6 is used up"}}
	}
	for rule, c := range map[string]struct {
		story    *story
		also     []string
		subject  string
		severity string
		detail   string
		remedy   string
	}{
		"GD001": {healthy().with(func(s *story) { s.down = []span{{11 * sec, 24 * sec}} }), nil, "objective.rto", "medium", "went into convergence", "remaining zones"},
		"GD002": {healthy().with(func(s *story) { s.down = []span{{11 * sec, 45 * sec}} }), []string{"GD008"}, "objective.rto", "high", "> 29.99 s", "one zone"},
		"GD003": {healthy().with(func(s *story) { s.lost = span{8 * sec, 10 * sec}; s.missing = s.lost }), nil, "objective.rpo", "high", "20 of 500", "quorum"},
		"GD004": {healthy().with(func(s *story) { s.lost = span{35 * sec, 36 * sec} }), nil, theLedger, "critical", "10 records", "Fence"},
		"GD005": {healthy().with(func(s *story) { s.alert = nil }), nil, theAlert, "high", "did not fire", "burn rate"},
		"GD006": {healthy().with(func(s *story) { s.plan.Objectives[2].Within = d(sec) }), nil, "objective.page", "high", "was to within 1 s", "scrape interval"},
		"GD007": {healthy().with(func(s *story) { s.alert = s.alert[:1] }), nil, theAlert, "low", "still firing", "outlives"},
		"GD008": {healthy().with(func(s *story) { s.plan.Objectives[3].MaxDowntime = d(sec) }), nil, "objective.down", "high", "1 s were allowed", "timeline"},
		"GD009": {healthy().with(func(s *story) { b := 1e-6; s.plan.Objectives[4].MaxBudget = &b }), nil, "objective.budget", "high", "error budget", "Shorten"},
		"GD010": {healthy().with(func(s *story) { s.unsent = span{20 * sec, 21 * sec} }), nil, theProbe, "low", "20 of 600 samples in the fault", "CPU"},
		"GD011": {healthy().with(func(s *story) { s.down = append(s.down, span{1 * sec, 3 * sec}) }), nil, theSLO, "medium", "160 of 200", "healthy first"},
		"GD012": {healthy().with(func(s *story) { s.without = journal.FaultActive }).tell(12*sec, journal.FaultUnproven, journal.StepBody{Addr: theFault, Err: "the target does not show it"}), nil, theFault, "low", "does not show it", "permission"},
		"GD013": {healthy().with(func(s *story) { s.without = journal.FaultReverted }).tell(41*sec, journal.FaultStuck, journal.StepBody{Addr: theFault, Err: "timeout"}), nil, theFault, "critical", "By hand: start the zone", "gameday recover"},
		"GD014": {healthy().tell(39*sec, journal.GuardTripped, journal.GuardBody{Addr: theGuard, Expr: "slo.checkout.sli < 0.5", Since: 30 * sec}), nil, theGuard, "high", "slo.checkout.sli < 0.5", "blast radius"},
		"GD015": {healthy().tell(20*sec, journal.EventSeen, event(sdk.Limited)).tell(21*sec, journal.EventSeen, event(sdk.Limited)).tell(22*sec, journal.EventSeen, event(sdk.Recovered)), nil, "autoscaler/east", "medium", "2 in all", "headroom"},
		"GD016": {healthy().with(func(s *story) {
			s.down = append(s.down, span{41 * sec, 53 * sec})
			s.plan.Objectives[3].MaxDowntime = d(time.Hour)
		}), nil, theSLO, "medium", "After the fault was taken away", "Coming back"},
		"GD017": {healthy().with(func(s *story) { s.twice = record.AppendSeqs(nil, 4, func(k uint64) bool { return k == 3 }) }), nil, theLedger, "medium", "1 records", "idempotency"},
		"GD018": {healthy().with(func(s *story) { s.strange = 3 }), nil, theLedger, "high", "3 records", "refused"},
		"GD019": {healthy().with(func(s *story) { s.missing = span{8 * sec, 10 * sec} }), []string{"GD003"}, theLedger, "high", "20 acknowledged", "stale"},
		"GD020": {healthy().with(func(s *story) { s.down = append(s.down, span{30 * sec, 31 * sec}) }), nil, "objective.rto", "medium", "violated again", "repeats"},
		"GD021": {healthy().tell(20*sec, journal.Trouble, journal.TroubleBody{Addr: theLedger, What: "the ledger's writer panicked"}), nil, "objective.rpo", "low", "panicked", "again"},
		"GD022": {healthy().tell(12*sec+2, journal.ActionEnded, journal.StepBody{Addr: theAction, Err: "exit status 1"}), nil, theAction, "medium", "Exit status 1.", "rehearse"},
		"GD023": {healthy().with(func(s *story) { s.plan.Actions = append(s.plan.Actions, plan.Action{Addr: "action.exec.then"}) }).
			tell(12*sec+2, journal.ActionEnded, journal.StepBody{Addr: "action.exec.then", Err: "not started, because action.exec.failover failed"}),
			nil, "action.exec.then", "low", "The step was not started, because action.exec.failover failed.", "waited for"},
	} {
		t.Run(rule, func(t *testing.T) {
			var got []string
			for _, f := range c.story.find() {
				got = append(got, f.Rule)
				if f.Rule != rule {
					continue
				}
				require.Equal(t, c.subject, f.Subject)
				require.Equal(t, c.severity, f.Severity)
				require.Contains(t, f.Detail, c.detail)
				require.Contains(t, f.Remedy, c.remedy)
				require.NotEmpty(t, f.Entries)
				require.Equal(t, "team-checkout", f.Owner)
				require.Equal(t, fingerprint("az-loss", rule, c.subject), f.Fingerprint)
			}
			require.ElementsMatch(t, append(c.also, rule), got)
		})
	}
	require.Len(t, rules(), 23, "every rule has a story")
}

// TestALossIsCountedFromTheFaultOfTheObjective loses records between the first fault and the one that the objective names.
func TestALossIsCountedFromTheFaultOfTheObjective(t *testing.T) {
	s := healthy().with(func(s *story) {
		s.lost = span{22 * sec, 24 * sec}
		s.missing = s.lost
		s.plan.Faults = append(s.plan.Faults, plan.Fault{Addr: "fault.lab_region_outage.east", Type: "lab_region_outage"})
		s.plan.Objectives[1].Fault = "fault.lab_region_outage.east"
	})
	step := journal.StepBody{Addr: "fault.lab_region_outage.east", Handle: "h2"}
	s.tell(24*sec, journal.FaultPrepared, journal.HandleBody{Addr: step.Addr, Handle: sdk.Handle{ID: "h2"}}).tell(24*sec, journal.FaultInjecting, step).
		tell(24*sec+1, journal.FaultActive, step).tell(40*sec, journal.FaultReverting, step).tell(40*sec+1, journal.FaultReverted, step)
	found := s.find()
	require.Len(t, found, 1)
	require.Equal(t, "GD003", found[0].Rule, "the records were acknowledged before the region was lost: %s", found[0].Detail)
	s.plan.Objectives[1].Fault = ""
	require.Equal(t, "GD004", s.find()[0].Rule, "and after the first fault, where the objective goes by that")
}

func TestWhatASystemJustDidIsNoLimit(t *testing.T) {
	did := journal.EventBody{At: int64(20 * sec), Event: sdk.Event{Kind: sdk.Noticed, Source: "autoscaler", Subject: "east", Summary: "launched east-b-2 (2 of 3 instances healthy)"}}
	require.Empty(t, healthy().tell(20*sec, journal.EventSeen, did).find())
}

func TestSeverityFollowsTheTier(t *testing.T) {
	for tier, want := range map[string]string{"gold": "critical", "silver": "high", "": "high", "Bronze": "medium"} {
		s := healthy().with(func(s *story) { s.plan.Scenario.Tier = tier; s.plan.Objectives[2].Within = d(sec) })
		require.Equal(t, want, s.find()[0].Severity, tier)
	}
}

func TestTheWorstComesFirst(t *testing.T) {
	s := healthy().with(func(s *story) {
		s.lost = span{35 * sec, 36 * sec}
		s.down = []span{{11 * sec, 24 * sec}}
		s.strange = 1
	})
	var order []string
	for _, f := range s.find() {
		order = append(order, f.Severity+" "+f.Rule)
	}
	require.Equal(t, []string{"critical GD004", "high GD018", "medium GD001"}, order)
}

func TestTheSameMissIsTheSameItem(t *testing.T) {
	late := func(to time.Duration) Finding {
		return healthy().with(func(s *story) { s.down = []span{{11 * sec, to}} }).find()[0]
	}
	require.Equal(t, late(24*sec).Fingerprint, late(25*sec).Fingerprint)
	require.NotEqual(t, late(24*sec).Detail, late(25*sec).Detail)
	require.Len(t, late(24*sec).Fingerprint, 64)
}

func TestRemedyFitsThePartAndTheFault(t *testing.T) {
	p := parsePage("X", "# T\n\ntext\n\n## Remedy\n\ngeneral\n\n## Remedy: detection\n\npart\n\n## Remedy: detection, dns\n\nboth\n\n## Remedy: dns\n\nfault\n")
	require.Equal(t, "general", p.remedy("action", "lab_zone_outage"))
	require.Equal(t, "part", p.remedy("detection", "lab_zone_outage"))
	require.Equal(t, "both", p.remedy("detection", "lab_dns_failure"))
	require.Equal(t, "fault", p.remedy("", "aws_dns_failure"))
}

var update = flag.Bool("update", false, "rewrite docs/findings.md")

func TestTheDocumentationIsTheCatalogue(t *testing.T) {
	const path = "../../docs/findings.md"
	if *update {
		require.NoError(t, os.WriteFile(path, []byte(Reference()), 0o644))
	}
	b, err := os.ReadFile(path)
	require.NoError(t, err)
	require.Equal(t, Reference(), string(b), "run: go test ./internal/backlog -update")
	for _, p := range Catalogue() {
		require.Contains(t, string(b), "## "+p.ID+"\n")
		require.False(t, strings.HasSuffix(p.Title, "."), p.ID)
		require.NotEmpty(t, p.remedy("", ""), p.ID)
	}
}
