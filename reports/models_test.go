package reports

import (
	"encoding/json"
	"fmt"
	"math"
	"strings"
	"time"

	"github.com/gameday-toolkit/gameday/internal/backlog"
	"github.com/gameday-toolkit/gameday/internal/measure"
	"github.com/gameday-toolkit/gameday/internal/plan"
	"github.com/gameday-toolkit/gameday/plugins/sdk"
)

const (
	ms = time.Millisecond
	s  = time.Second
)

// models are the hand-made runs behind the golden files.
func models() map[string]*Model {
	all := map[string]*Model{
		"pass": passed(), "censored": censored(), "inconclusive": inconclusive(), "aborted": aborted(), "leaked": leaked(),
		"failover": failover(), "many": many(), "hostile": hostile(), "bare": bare(), "empty": {},
	}
	for _, m := range all {
		for i := range m.result().SLOs {
			m.Result.SLOs[i].Latency = windows(m.Result.SLOs[i].Points)
		}
	}
	return all
}

// noise is a repeatable number between 0 and 1.
func noise(i int) float64 {
	x := uint64(i+1) * 0x9e3779b97f4a7c15
	x ^= x >> 29
	x *= 0xbf58476d1ce4e5b9
	x ^= x >> 32
	return float64(x%10000) / 10000
}

// points draws an SLI that is good but for the given spans, at 4 points a second.
func points(length time.Duration, outages ...measure.Span) []measure.Point {
	var out []measure.Point
	for i := 0; ; i++ {
		at := time.Duration(i) * 250 * ms
		if at > length {
			return out
		}
		p := measure.Point{At: at, SLI: 1, P50: time.Duration(3e6 * (1 + noise(i)*.3)), P99: time.Duration(9e6 * (1 + noise(i+7)*1.4))}
		for _, o := range outages {
			if at >= o.From && at <= o.To {
				depth := math.Sin(math.Pi * float64(at-o.From) / float64(o.To-o.From))
				p.SLI = max(0, 1-math.Sqrt(depth)*(.92+.1*noise(i+3)))
				p.Bad, p.P50, p.P99 = uint64(50*(1-p.SLI)), time.Duration(3e6+depth*1.6e8), time.Duration(4e8+depth*6e8)
			}
		}
		p.Max = p.P99 * 2
		out = append(out, p)
	}
}

// windows is the latency of points, by windows of a second.
func windows(points []measure.Point) []measure.LatencyPoint {
	var out []measure.LatencyPoint
	for _, p := range points {
		at := p.At.Truncate(s) + s/2
		if n := len(out); n == 0 || out[n-1].At != at {
			out = append(out, measure.LatencyPoint{At: at, Width: s})
		}
		w := &out[len(out)-1]
		w.P50, w.P99, w.Max = max(w.P50, p.P50), max(w.P99, p.P99), max(w.Max, p.Max)
	}
	return out
}

func every(n int, all []measure.Point) []measure.Point {
	var out []measure.Point
	for i := 0; i < len(all); i += n {
		out = append(out, all[i])
	}
	return out
}

func stats(good, bad, unsent uint64, p50, p99, most time.Duration) measure.PhaseStats {
	return measure.PhaseStats{Good: good, Bad: bad, Unsent: unsent, P50: p50, P99: p99, Max: most}
}

func dur(d time.Duration) *plan.Duration { v := plan.Duration(d); return &v }
func at(d time.Duration) *time.Duration  { return &d }

// passed is a zone loss that went well.
func passed() *Model {
	outage := measure.Span{From: 12*s + 40*ms, To: 18*s + 230*ms}
	m := &Model{
		Run: Run{ID: "20260314-092653-az-loss-4f2a", Tool: "gameday 0.1.0", Started: time.Date(2026, 3, 14, 9, 26, 53, 589e6, time.UTC),
			Length: 52*s + 410*ms, Seed: 4711, PlanHash: strings.Repeat("3f9ac21e", 8), Host: "runner-7", User: "ada"},
		Journal: Journal{Entries: 412, Hash: strings.Repeat("b07d55e0", 8), End: Complete},
		Plan:    azPlan(),
		Phases: []Stretch{{Addr: "preflight", To: 400 * ms, Seq: 3}, {Addr: "baseline", From: 400 * ms, To: 10*s + 400*ms, Seq: 9}, {Addr: "inject", From: 10*s + 400*ms, To: 31 * s, Seq: 40},
			{Addr: "revert", From: 31 * s, To: 32*s + 100*ms, Seq: 300}, {Addr: "recovery", From: 32*s + 100*ms, To: 52*s + 300*ms, Seq: 310}, {Addr: "report", From: 52*s + 300*ms, To: 52*s + 410*ms, Seq: 411}},
	}
	m.Result = &measure.Result{
		Verdict: measure.Pass, Why: "Both objectives were met, and the zone is back as it was.",
		Assumption: []measure.Assumption{
			{Name: "plan unchanged", OK: true, Detail: "hash 3f9ac21e as planned", Entries: []uint64{1, 2}},
			{Name: "steady state before", OK: true, Detail: "slo.checkout 100 % over 10 s, 500 samples", Entries: []uint64{39}},
			{Name: "faults proven active", OK: true, Detail: "1 of 1", Entries: []uint64{44}},
			{Name: "faults proven gone", OK: true, Detail: "1 of 1", Entries: []uint64{302}},
			{Name: "probers not starved", OK: true, Detail: "0 of 2,598 samples unsent"},
		},
		Objectives: []measure.ObjectiveResult{
			{Addr: "objective.checkout_recovers", Kind: "rto", Verdict: measure.Pass, Limit: "15s", Value: "6.63 s (6.19 to 6.63)", Fault: "fault.lab_zone_outage.lose_zone",
				Why: "slo.checkout was violated from 12.04 s to 18.23 s, and held for 5 s after.", Time: &measure.Interval{Lo: 6190 * ms, Hi: 6630 * ms}, Entries: []uint64{42, 44, 87, 133},
				Split: &measure.Split{Longest: "convergence", Parts: []measure.Part{
					{Name: "onset", From: 11600 * ms, To: 12040 * ms, What: "first bad sample"},
					{Name: "detection", From: 11600 * ms, To: 13400 * ms, What: "the load balancer marked east-a down"},
					{Name: "convergence", From: 11600 * ms, To: 18230 * ms, What: "first good sample after the last bad one"}}},
				Pos: plan.Pos{File: "az-loss.gameday.hcl", Line: 62}},
			{Addr: "objective.orders_survive", Kind: "rpo", Verdict: measure.Pass, Limit: "0s", Value: "0 s (0 of 812 acknowledged records)", Fault: "fault.lab_zone_outage.lose_zone",
				Why: "Every acknowledged record was read back, after recovery and after failback.", Time: &measure.Interval{}, Entries: []uint64{303, 402}, Pos: plan.Pos{File: "az-loss.gameday.hcl", Line: 69}},
		},
		SLOs: []measure.SLOResult{{Addr: "slo.checkout", Target: 99, Violations: []measure.Span{outage}, Downtime: measure.Interval{Lo: 6170 * ms, Hi: 6210 * ms}, BudgetSpent: .02395,
			Phases: map[string]measure.PhaseStats{"baseline": stats(500, 0, 0, 3*ms, 12*ms, 19*ms), "fault": stats(741, 289, 0, 4*ms, 980*ms, 1002*ms), "recovery": stats(1068, 0, 0, 3*ms, 11*ms, 24*ms)},
			Points: points(52*s, outage)}},
		Probes: []measure.ProbeResult{{Addr: "probe.http.checkout", Rate: 50,
			Phases:  map[string]measure.PhaseStats{"baseline": stats(500, 0, 0, 3*ms, 12*ms, 19*ms), "fault": stats(741, 289, 0, 4*ms, 980*ms, 1002*ms), "recovery": stats(1068, 0, 0, 3*ms, 11*ms, 24*ms)},
			Classes: map[string]uint64{"refused": 31, "timeout": 205, "status": 53},
			Details: map[string]string{"refused": "dial tcp 127.10.0.11:8080: connect: connection refused", "timeout": "no answer within 1s", "status": "503 Service Unavailable, expected 201"}}},
		Ledgers: []measure.LedgerResult{{Addr: "ledger.http.orders", Attempted: 1040, Acknowledged: 812, Failed: 96, Unknown: 132}},
		Alerts:  []measure.AlertResult{{Addr: "alert.prometheus.checkout_burn", Fired: at(15400 * ms), Resolved: at(26 * s), Poll: s}},
		Faults: []measure.FaultResult{{Addr: "fault.lab_zone_outage.lose_zone", Type: "lab_zone_outage", Targets: []string{"east-a"}, State: "reverted",
			T0: &measure.Interval{Lo: 11600 * ms, Hi: 12040 * ms}, Reverted: &measure.Interval{Lo: 31 * s, Hi: 32*s + 90*ms}, Reason: "recovered",
			Active: "pid 4103 (zone east-a) is gone: no such process", Gone: "pid 4377 (zone east-a) answers /healthz, and its replica is current", Entries: []uint64{41, 42, 43, 44, 300, 302}}},
	}
	m.Actions = []Stretch{{Addr: "action.manual.tell_support", From: 16900 * ms, To: 24 * s, By: "ada", What: "support was told", Seq: 120}}
	m.Entries = []Entry{
		{Seq: 1, Kind: KindRun, Who: "ada", Text: "started the run on runner-7"},
		{At: 20 * ms, Seq: 3, Kind: KindPhase, Who: "gameday", Text: "preflight"},
		{At: 120 * ms, Seq: 4, Kind: KindCheck, Addr: "probe.http.checkout", Who: "gameday", Text: "reaches its endpoint: 201 in 4 ms"},
		{At: 400 * ms, Seq: 9, Kind: KindPhase, Who: "gameday", Text: "baseline"},
		{At: 10*s + 400*ms, Seq: 40, Kind: KindPhase, Who: "gameday", Text: "inject"},
		{At: 11500 * ms, Seq: 41, Kind: KindFault, Addr: "fault.lab_zone_outage.lose_zone", Who: "gameday", Text: "undo is on disk"},
		{At: 11600 * ms, Seq: 42, Kind: KindFault, Addr: "fault.lab_zone_outage.lose_zone", Who: "gameday", Text: "injecting"},
		{At: 12040 * ms, Seq: 44, Kind: KindFault, Addr: "fault.lab_zone_outage.lose_zone", Who: "gameday", Text: "active: pid 4103 (zone east-a) is gone"},
		{At: 13400 * ms, Seq: 70, Kind: KindEvent, Addr: "plugin.lab", Who: "lb-east", Text: "marked east-a down after 3 failed checks"},
		{At: 15400 * ms, Seq: 87, Kind: KindAlert, Addr: "alert.prometheus.checkout_burn", Who: "prometheus", Text: "firing"},
		{At: 16900 * ms, Seq: 120, Kind: KindAction, Addr: "action.manual.tell_support", Who: "ada", Text: "started"},
		{At: 18 * s, Seq: 133, Kind: KindEvent, Addr: "plugin.lab", Who: "nats-east", Text: "stream ORDERS has a new leader: east-c"},
		{At: 21 * s, Seq: 160, Kind: KindNote, Who: "grace", Text: "Dashboards agree: orders are flowing again."},
		{At: 24 * s, Seq: 180, Kind: KindAction, Addr: "action.manual.tell_support", Who: "ada", Text: "ended: support was told"},
		{At: 31 * s, Seq: 300, Kind: KindFault, Addr: "fault.lab_zone_outage.lose_zone", Who: "gameday", Text: "reverting: recovered"},
		{At: 32*s + 90*ms, Seq: 302, Kind: KindFault, Addr: "fault.lab_zone_outage.lose_zone", Who: "gameday", Text: "proven gone"},
		{At: 33 * s, Seq: 303, Kind: KindLedger, Addr: "ledger.http.orders", Who: "gameday", Text: "read back 812 records (recovery)"},
		{At: 52*s + 410*ms, Seq: 412, Kind: KindRun, Who: "gameday", Text: "ended"},
	}
	return m
}

func azPlan() *plan.Plan {
	return &plan.Plan{Version: 1, Seed: 4711, Draft: plan.Draft{
		Scenario: plan.Scenario{Name: "az-loss", Title: "Lose one availability zone", Owner: "team-checkout", Service: "checkout", Tier: "gold", Environment: "lab",
			Hypothesis: "Checkout recovers within 15 s of losing a zone, and no acknowledged order is lost.",
			Tags:       []string{"quarterly", "ci"}, Baseline: plan.Duration(10 * s), Recovery: plan.Duration(60 * s)},
		Plugins: []plan.Plugin{{Name: "lab", Version: ">= 0.1", Found: "0.1.0", SHA256: strings.Repeat("77aa01c4", 8)}},
		SLOs:    []plan.SLO{{Addr: "slo.checkout", Probe: "probe.http.checkout", Target: 99, Window: plan.Duration(s), Period: plan.Duration(30 * dayLength)}},
		Faults: []plan.Fault{{Addr: "fault.lab_zone_outage.lose_zone", Type: "lab_zone_outage", Hold: plan.Duration(45 * s), Release: "recovered",
			Effects: []string{"kill -KILL the process of zone east-a (pid 4103)"}, Undo: []string{"start the process of zone east-a", "wait until its replica is current"}}},
		Objectives: []plan.Objective{{Addr: "objective.checkout_recovers", SLO: "slo.checkout", RTO: dur(15 * s)}, {Addr: "objective.orders_survive", Ledger: "ledger.http.orders", RPO: dur(0)}},
		Files:      []plan.File{{Name: "az-loss.gameday.hcl", SHA256: strings.Repeat("c3d1f2aa", 8)}},
		Variables:  map[string]json.RawMessage{"zone": json.RawMessage(`"east-a"`)},
	}}
}

// censored never recovered while the fault lasted.
func censored() *Model {
	m := passed()
	outage := measure.Span{From: 12 * s, To: 34 * s}
	r := m.Result
	r.Verdict, r.Exit, r.Why = measure.Fail, 1, "Checkout did not recover before the fault was taken away."
	o := &r.Objectives[0]
	o.Verdict, o.Value, o.Time = measure.Fail, "> 18.96 s (still violated when the revert began)", &measure.Interval{Lo: 18960 * ms, Censored: true}
	o.Why, o.Split = "slo.checkout was still violated when the revert began; it recovered because the fault was taken away.", nil
	r.Faults[0].Reason = "hold"
	r.SLOs[0].Violations, r.SLOs[0].Points, r.SLOs[0].Downtime = []measure.Span{outage}, points(52*s, outage), measure.Interval{Lo: 22 * s, Hi: 22*s + 40*ms}
	r.SLOs[0].Failback, r.SLOs[0].BudgetSpent = &measure.Interval{Lo: 2980 * ms, Hi: 3020 * ms}, .0849
	r.Objectives = append(r.Objectives, measure.ObjectiveResult{Addr: "objective.budget", Kind: "max_budget", Verdict: measure.Fail, Limit: "0.05 %", Value: "0.0849 %", Percent: &r.SLOs[0].BudgetSpent,
		Why: "22 s of downtime spent more of the month than allowed.", Entries: []uint64{42}})
	m.Plan.Objectives = append(m.Plan.Objectives, plan.Objective{Addr: "objective.budget", SLO: "slo.checkout"})
	r.Alerts[0].Resolved = nil
	m.Findings = []backlog.Finding{
		{Rule: "GD004", Fingerprint: strings.Repeat("91bc00af", 8), Scenario: "az-loss", Subject: "alert.prometheus.checkout_burn", Severity: "low", Title: "An alert was still firing at the end",
			Detail: "checkout_burn had not resolved 18 s after the service had recovered.", Remedy: "Check the window of the alert's expression.", Entries: []uint64{87}},
		{Rule: "GD001", Fingerprint: strings.Repeat("0d0e72b1", 8), Scenario: "az-loss", Subject: "objective.checkout_recovers", Severity: "high", Owner: "team-checkout", Service: "checkout",
			Title: "Checkout does not survive the loss of a zone", Detail: "More than 18.96 s without recovery, against an objective of 15 s.",
			Remedy: "Shorten the health check: interval × threshold decides how long the load balancer sends users to a dead zone.", Entries: []uint64{42, 44, 300}, Pos: plan.Pos{File: "az-loss.gameday.hcl", Line: 62}},
	}
	return m
}

func inconclusive() *Model {
	m := passed()
	r := m.Result
	r.Verdict, r.Exit, r.Why = measure.Inconclusive, 3, "The prober was starved, so its figures say nothing about checkout."
	r.Assumption[4] = measure.Assumption{Name: "probers not starved", Detail: "probe.http.checkout could not send 118 of 1,030 samples of the fault phase in time (11.46 %, at most 1 %)", Entries: []uint64{55, 56}}
	for i := range r.Objectives {
		r.Objectives[i].Verdict, r.Objectives[i].Value, r.Objectives[i].Time, r.Objectives[i].Split = measure.Inconclusive, "", nil, nil
		r.Objectives[i].Why = "The prober was starved in the fault phase."
	}
	r.Probes[0].Classes["late"] = 118
	r.Ledgers[0].Err = "the read-back failed: connection refused"
	m.Journal.End, m.Journal.Detail = Damaged, "entry 401 does not follow from entry 400"
	m.Entries = append(m.Entries, Entry{At: 14 * s, Seq: 410, Kind: KindTrouble, Addr: "probe.http.checkout", Who: "gameday", Text: "the prober could not keep its pace", Bad: true},
		Entry{At: 20 * s, Seq: 411, Kind: KindClock, Who: "gameday", Text: "the wall clock was set back by 2.00 s", Bad: true})
	return m
}

func aborted() *Model {
	m := censored()
	m.Result.Verdict, m.Result.Exit = measure.Fail, 4
	m.Result.Why = "Guard customers_first stopped the run at 0:21.300: slo.checkout.sli < 0.5 for 9 s."
	m.Run.Length = 30 * s
	m.Phases = m.Phases[:3]
	m.Phases[2].To = 21300 * ms
	m.Phases = append(m.Phases, Stretch{Addr: "revert", From: 21300 * ms, To: 22 * s}, Stretch{Addr: "recovery", From: 22 * s, To: 30 * s, Open: true})
	m.Result.Faults[0].Reverted, m.Result.Faults[0].Reason = &measure.Interval{Lo: 21300 * ms, Hi: 22 * s}, "guard.customers_first"
	m.Result.SLOs[0].Violations = []measure.Span{{From: 12 * s, To: 24 * s}}
	m.Result.SLOs[0].Points = points(30*s, m.Result.SLOs[0].Violations...)
	m.Result.Alerts = nil
	m.Entries = append(m.Entries[:12:12], Entry{At: 21200 * ms, Seq: 150, Kind: KindGuard, Addr: "guard.customers_first", Who: "gameday", Text: "slo.checkout.sli < 0.5 since 0:12.200 (slo.checkout.sli = 0.08)", Bad: true},
		Entry{At: 21300 * ms, Seq: 151, Kind: KindAbort, Who: "guard", Text: "aborted: guard.customers_first", Bad: true})
	return m
}

// leaked could not prove one of its reverts, and a failed action besides.
func leaked() *Model {
	m := censored()
	m.Result.Verdict, m.Result.Exit, m.Result.Why = measure.Leaked, 5, "The revert of lose_zone could not be proven."
	f := &m.Result.Faults[0]
	f.State, f.Gone, f.Err = "stuck", "", "reverting lose_zone: starting zone east-a: address already in use"
	f.Reverted = &measure.Interval{Lo: 31 * s, Censored: true}
	f.Steps = []string{"find what listens on 127.10.0.11:8080 and stop it", "gameday lab zone start east-a", "curl http://127.10.0.11:8080/healthz must answer 200"}
	m.Result.Outstanding = []string{"fault.lab_zone_outage.lose_zone", "action.lab_failover.to_west"}
	m.Actions = append(m.Actions, Stretch{Addr: "action.lab_failover.to_west", From: 26 * s, To: 29 * s, Err: "west refused the promotion", Seq: 200})
	m.Injected = []Stretch{{Addr: "fault.lab_zone_outage.lose_zone", From: 11600 * ms, To: 52*s + 410*ms, Open: true, Seq: 42}, {Addr: "fault.lab_dns.servfail", From: 13 * s, To: 15 * s, Seq: 50, Err: "not proven active"}}
	m.Result.Faults = append(m.Result.Faults, measure.FaultResult{Addr: "fault.lab_dns.servfail", Type: "lab_dns", State: "unproven", Err: "no answer from the name server"})
	m.ByHand = []ByHand{{Addr: "action.lab_failover.to_west", Targets: []string{"west"}, Err: "west refused the promotion", Steps: []string{"gameday lab failback east"}}}
	m.Journal.End = Cut
	return m
}

// failover loses data, and takes most of its time in a person's decision.
func failover() *Model {
	m := passed()
	m.Plan.Scenario = plan.Scenario{Name: "region-failover", Title: "Fail over from east to west", Service: "checkout", Tier: "gold", Owner: "team-checkout", Environment: "staging",
		Hypothesis: "When region east is lost, a person promotes west within two minutes, and at most one second of orders is lost."}
	outage := measure.Span{From: 10*s + 200*ms, To: 74 * s}
	m.Run.ID, m.Run.Length = "20260314-101500-region-failover-9c1d", 128*s
	m.Phases = []Stretch{{Addr: "preflight", To: 300 * ms}, {Addr: "baseline", From: 300 * ms, To: 10 * s}, {Addr: "inject", From: 10 * s, To: 92 * s}, {Addr: "revert", From: 92 * s, To: 97 * s}, {Addr: "recovery", From: 97 * s, To: 128 * s}}
	r := m.Result
	r.Verdict, r.Exit, r.Why = measure.Fail, 1, "The failover met its recovery time, but lost 2.31 s of acknowledged orders, and the failback overwrote 14 more."
	r.Objectives = []measure.ObjectiveResult{
		{Addr: "objective.west_takes_over", Kind: "rto", Verdict: measure.Pass, Limit: "2m0s", Value: "64 s (63.6 to 64)", Time: &measure.Interval{Lo: 63600 * ms, Hi: 64 * s}, Fault: "fault.lab_region_outage.east",
			Why: "slo.checkout was violated for 64 s and held for 10 s after.", Entries: []uint64{42, 44, 133},
			Split: &measure.Split{Longest: "decision", Parts: []measure.Part{
				{Name: "onset", From: 10 * s, To: 10200 * ms, What: "first bad sample"}, {Name: "detection", From: 10 * s, To: 22 * s, What: "alert.prometheus.checkout_burn"},
				{Name: "decision", From: 22 * s, To: 58 * s, What: "action.manual.decide"}, {Name: "action", From: 58 * s, To: 64 * s, What: "action.lab_failover.to_west"},
				{Name: "convergence", From: 64 * s, To: 74 * s, What: "resolvers saw the new address (TTL 10 s)"}}}},
		{Addr: "objective.orders_survive", Kind: "rpo", Verdict: measure.Fail, Limit: "1s", Value: "2.31 s (2.27 to 2.31) (46 of 2,210 acknowledged records)", Time: &measure.Interval{Lo: 2270 * ms, Hi: 2310 * ms},
			Why: "46 of 2,210 acknowledged records were lost; 14 more were lost after the failure.", Entries: []uint64{303, 402}},
		{Addr: "objective.woken", Kind: "within", Verdict: measure.Pass, Limit: "30s", Value: "12.00 s (11.00 to 12.00)", Time: &measure.Interval{Lo: 11 * s, Hi: 12 * s}, Why: "checkout_burn fired.", Entries: []uint64{87}},
		{Addr: "objective.short_outage", Kind: "max_downtime", Verdict: measure.Pass, Limit: "1m30s", Value: "63.82 s (63.8 to 63.82)", Time: &measure.Interval{Lo: 63800 * ms, Hi: 63820 * ms}, Why: "63.8 s in one violation.", Entries: []uint64{42, 133}},
	}
	r.SLOs[0].Violations, r.SLOs[0].Points, r.SLOs[0].Downtime, r.SLOs[0].BudgetSpent = []measure.Span{outage}, points(128*s, outage), measure.Interval{Lo: 63800 * ms, Hi: 63820 * ms}, .2462
	r.SLOs = append(r.SLOs, measure.SLOResult{Addr: "slo.browse", Target: 99.9, Points: points(128 * s), Phases: r.SLOs[0].Phases})
	r.Ledgers = []measure.LedgerResult{{Addr: "ledger.nats.orders", Attempted: 3560, Acknowledged: 2210, Failed: 1204, Unknown: 146, Lost: 46, LostAfter: 14, LostSpan: &measure.Span{From: 7700 * ms, To: 10 * s},
		AfterSpan: &measure.Span{From: 93 * s, To: 94 * s}, RPO: measure.Interval{Lo: 2270 * ms, Hi: 2310 * ms}, Resurfaced: 3, Examples: []uint64{154, 155, 156, 157, 158}}}
	r.Faults = []measure.FaultResult{
		{Addr: "fault.lab_region_outage.east", Type: "lab_region_outage", Targets: []string{"east"}, State: "reverted", T0: &measure.Interval{Lo: 10 * s, Hi: 10150 * ms}, Reverted: &measure.Interval{Lo: 92 * s, Hi: 97 * s}, Reason: "hold",
			Active: "none of 3 zones of east answers", Gone: "3 of 3 zones of east answer", Entries: []uint64{42, 44}},
		{Addr: "fault.lab_link.cut", Type: "lab_link", Targets: []string{"east-west"}, State: "reverted", T0: &measure.Interval{Lo: 9900 * ms, Hi: 9950 * ms}, Reverted: &measure.Interval{Lo: 91 * s, Hi: 91200 * ms}, Active: "the link carries nothing", Gone: "the link answers in 41 ms", Entries: []uint64{38, 39}},
		{Addr: "fault.lab_latency.browse", Type: "lab_latency", Targets: []string{"west-a"}, State: "skipped", Reason: "the target is empty and on_empty = \"skip\""},
	}
	r.Alerts[0].Fired, r.Alerts[0].Resolved = at(22*s), at(90*s)
	m.Actions = []Stretch{{Addr: "action.manual.decide", From: 24 * s, To: 58 * s, By: "grace", Seq: 110}, {Addr: "action.lab_failover.to_west", From: 58 * s, To: 64 * s, What: "west promoted in 11 ms", Seq: 120}}
	m.Findings = []backlog.Finding{{Rule: "GD002", Fingerprint: strings.Repeat("aa4410cc", 8), Scenario: "region-failover", Subject: "objective.orders_survive", Severity: "critical", Title: "A failover loses more orders than allowed",
		Detail: "2.31 s of acknowledged orders, against an objective of 1 s.", Remedy: "The loss follows the lag of the mirror: write to both regions, or measure the lag and refuse to promote beyond it.", Owner: "team-checkout", Service: "checkout", Entries: []uint64{303}}}
	return m
}

// many is what for_each makes of a large estate.
func many() *Model {
	m := passed()
	r := m.Result
	r.Why = "38 of 40 objectives were met."
	r.Verdict, r.Exit = measure.Fail, 1
	r.Objectives, r.SLOs, r.Probes, r.Faults, m.Entries = nil, nil, nil, nil, nil
	for i := range 40 {
		name := fmt.Sprintf("svc[\"tenant-%02d\"]", i)
		from := 12*s + time.Duration(i)*120*ms
		outage := measure.Span{From: from, To: from + 2*s + time.Duration(noise(i)*8e9)}
		v := measure.Pass
		if i%19 == 7 {
			v = measure.Fail
		}
		took := outage.To - outage.From
		r.Objectives = append(r.Objectives, measure.ObjectiveResult{Addr: "objective." + name, Kind: "rto", Verdict: v, Limit: "8s", Value: measure.Interval{Lo: took - 40*ms, Hi: took}.String(),
			Time: &measure.Interval{Lo: took - 40*ms, Hi: took}, Why: "Violated once.", Split: &measure.Split{Longest: "convergence", Parts: []measure.Part{{Name: "onset", From: from - s, To: from}, {Name: "convergence", From: from - s, To: outage.To}}}, Entries: []uint64{uint64(i + 1), uint64(i + 2)}})
		r.SLOs = append(r.SLOs, measure.SLOResult{Addr: "slo." + name, Target: 99.9, Violations: []measure.Span{outage}, Points: every(3, points(52*s, outage)), Downtime: measure.Interval{Lo: took - 40*ms, Hi: took}, BudgetSpent: .2})
		r.Probes = append(r.Probes, measure.ProbeResult{Addr: "probe.http." + name, Rate: 20, Phases: map[string]measure.PhaseStats{"baseline": stats(200, 0, 0, 3*ms, 9*ms, 12*ms), "fault": stats(300, 80, 0, 4*ms, 900*ms, s)}, Classes: map[string]uint64{"timeout": 80}})
		r.Faults = append(r.Faults, measure.FaultResult{Addr: "fault.k8s_pod_kill." + name, Type: "k8s_pod_kill", Targets: []string{"pod-" + name}, State: "reverted", T0: &measure.Interval{Lo: from, Hi: from + 100*ms},
			Reverted: &measure.Interval{Lo: from + 9*s, Hi: from + 10*s}, Entries: []uint64{uint64(i + 1)}})
	}
	for i := range 700 {
		e := Entry{At: time.Duration(i) * 70 * ms, Seq: uint64(i + 1), Kind: KindEvent, Addr: "plugin.kubernetes", Who: "autoscaler", Text: fmt.Sprintf("scaled to %d", i%9)}
		if i%50 == 0 {
			e.Kind, e.Who, e.Text = KindNote, "grace", "still watching"
		}
		m.Entries = append(m.Entries, e)
	}
	return m
}

// hostile holds strings that would break out of each format, were they let.
func hostile() *Model {
	m := censored()
	const evil = `</script><script>alert(1)</script><img src=x onerror=alert(1)> "'&` + "`" + ` | [x](javascript:alert(1)) @everyone ](`
	long := strings.Repeat("Ein_sehr_langer_Name_ohne_jede_Lücke_", 8)
	m.Plan.Scenario.Title, m.Plan.Scenario.Hypothesis, m.Plan.Scenario.Name = evil, evil+"\n\n# heading\n```\n", "evil-"+long
	m.Run.Host, m.Run.User, m.Run.ID = evil, "=cmd|'/c calc'!A1", "../../"+long
	m.Result.Why = "]]> <b>bold</b> \x00\x1b[31m" + evil
	m.Result.Objectives[0].Addr, m.Result.Objectives[0].Why = "objective."+long, evil
	m.Result.SLOs[0].Addr = "slo." + long
	m.Result.Faults[0].Addr, m.Result.Faults[0].Active = "fault.x."+long, evil
	m.Result.Probes[0].Details["status"] = evil + "\r\nSet-Cookie: a=b"
	m.Findings = []backlog.Finding{
		{Rule: "GD001", Severity: "high", Title: "=HYPERLINK(\"http://example.invalid\",\"x\")", Detail: "+1;=1+1", Remedy: "@SUM(A1)\n-2\t=3", Subject: "  =1", Owner: "-team", Fingerprint: "00"},
		{Rule: "GD002", Severity: "unheard of", Title: evil, Detail: long, Remedy: evil},
	}
	m.Entries = append(m.Entries, Entry{At: 22 * s, Seq: 170, Kind: KindNote, Who: evil, Text: evil + "\n" + long})
	m.Plan.Warnings = []plan.Notice{{Addr: "fault.x", Problem: sdk.Problem{Severity: sdk.Warning, Summary: evil, Detail: long}}}
	return m
}

// bare has a plan without probes, objectives or findings.
func bare() *Model {
	m := passed()
	m.Plan.Scenario.Title, m.Plan.Scenario.Hypothesis = "", ""
	m.Result = &measure.Result{Verdict: measure.Inconclusive, Exit: 3, Why: "There is no objective, so nothing was judged.", Faults: m.Result.Faults}
	m.Actions, m.Entries, m.Findings = nil, m.Entries[:8], nil
	return m
}
