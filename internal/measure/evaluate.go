package measure

import (
	"fmt"
	"slices"
	"time"

	"github.com/gameday-toolkit/gameday/internal/history"
	"github.com/gameday-toolkit/gameday/internal/plan"
)

// Evaluate judges a run. It is a pure function of what was recorded: the same journal always has the same result.
func Evaluate(r *history.Run) *Result {
	e := &evaluation{run: r, timeline: timelineOf(r), aborted: abortedWhy(r), result: &Result{}}
	if r.Plan == nil {
		e.run = withoutPlan(r)
	}
	e.measure()
	e.assume()
	e.judge()
	e.conclude()
	return e.result
}

// withoutPlan stands in for a journal that ends before its second entry.
func withoutPlan(r *history.Run) *history.Run {
	c := *r
	c.Plan = &plan.Plan{}
	return &c
}

// evaluation gathers the result. The probes' statistics are counted once and shared.
type evaluation struct {
	run      *history.Run
	timeline timeline
	aborted  string // why the run was cut short; empty where it was not
	result   *Result
	stats    map[string]map[string]PhaseStats // by SLO or probe
	sources  map[string]source                // by SLO; absent where nothing was recorded
	doubts   []doubt
}

// measure fills in the figures.
func (e *evaluation) measure() {
	e.stats, e.sources = map[string]map[string]PhaseStats{}, map[string]source{}
	for _, p := range e.run.Probes {
		e.result.Probes = append(e.result.Probes, e.probe(p))
	}
	for i := range e.run.Plan.SLOs {
		e.result.SLOs = append(e.result.SLOs, e.slo(&e.run.Plan.SLOs[i]))
	}
	t0, known := tookEffect(e.run.FirstFault())
	if !known {
		t0 = Interval{Lo: e.timeline.fault, Hi: e.timeline.fault}
	}
	for _, l := range e.run.Ledgers {
		e.result.Ledgers = append(e.result.Ledgers, e.ledger(l, t0))
	}
	for _, a := range e.run.Alerts {
		e.result.Alerts = append(e.result.Alerts, alertResult(a, t0))
	}
	for _, f := range e.run.Faults {
		e.result.Faults = append(e.result.Faults, e.fault(f))
	}
	for _, o := range e.run.Outstanding() {
		e.result.Outstanding = append(e.result.Outstanding, o.Addr)
	}
}

func (e *evaluation) probe(p *history.Probe) ProbeResult {
	x := &probed{probe: p, series: &p.Series}
	e.stats[p.Addr] = x.stats(e.timeline)
	return ProbeResult{Addr: p.Addr, Rate: p.Series.Schedule.Rate, Phases: e.stats[p.Addr], Classes: x.classes(), Details: p.Details}
}

func (e *evaluation) slo(slo *plan.SLO) SLOResult {
	res := SLOResult{Addr: slo.Addr, Target: slo.Target, Phases: map[string]PhaseStats{}}
	src := sourceOf(e.run, slo)
	if src == nil {
		return res
	}
	e.sources[slo.Addr] = src
	if shared := e.stats[slo.Probe]; shared != nil {
		e.stats[slo.Addr] = shared
	} else {
		e.stats[slo.Addr] = src.stats(e.timeline)
	}
	res.Phases = e.stats[slo.Addr]
	if e.run.FirstFault() != nil {
		res.Downtime, res.Violations = downtime(src, e.timeline.fault, e.timeline.end)
		res.BudgetSpent = budgetShare(res.Downtime.Hi, slo)
		res.Failback = failback(src, e.timeline.lastRevert(e.run), e.longestStable(slo.Addr))
	}
	if from := e.timeline.start; from != never {
		until := min(src.end(), e.timeline.end)
		width := max((until-from)/maxPoints+1, src.resolution(), 50*time.Millisecond)
		res.Points = src.curve(from, until, width)
		if p, ok := src.(*probed); ok {
			res.Latency = p.latency(from, until, max((until-from)/maxWindows+1, windowOf(slo, src.resolution())))
		}
	}
	return res
}

// longestStable is the longest stable_for of the objectives on an SLO.
func (e *evaluation) longestStable(slo string) (d time.Duration) {
	for _, o := range e.run.Plan.Objectives {
		if o.SLO == slo {
			d = max(d, time.Duration(o.StableFor))
		}
	}
	if d == 0 {
		d = defaultStable
	}
	return d
}

func (e *evaluation) fault(f *history.Fault) FaultResult {
	res := FaultResult{Addr: f.Addr, State: e.state(f), Targets: []string{}}
	if f.Plan != nil {
		res.Type = f.Plan.Type
		for _, t := range f.Plan.Members {
			res.Targets = append(res.Targets, t.Name)
		}
	}
	if t0, ok := tookEffect(f); ok {
		res.T0, res.Active = &t0, f.Active.Evidence
	}
	if f.Reverting != nil {
		res.Reason = f.Reverting.Reason
	}
	if f.Reverted != nil {
		res.Gone = f.Reverted.Evidence
		if f.Reverting != nil {
			res.Reverted = &Interval{Lo: f.Reverting.At, Hi: f.Reverted.At}
		}
	}
	res.Err = faultErr(f)
	if f.Stuck != nil && f.Reverted == nil {
		res.Steps = f.Stuck.Steps
	}
	if p := f.Prepared; p != nil {
		res.Entries = append(res.Entries, p.Seq)
	}
	res.Entries = append(res.Entries, stepSeqs(f.Skipped, f.Injecting, f.Injected, f.Active, f.Unproven, f.Reverting, f.Reverted, f.Stuck)...)
	slices.Sort(res.Entries)
	if res.State == stateOutstanding || res.State == stateStuck {
		if len(res.Steps) == 0 && f.Prepared != nil {
			res.Steps = f.Prepared.HandleBody.Handle.Steps
		}
	}
	return res
}

// faultErr is what went wrong last, and still matters: a revert that succeeded in the end leaves no error behind.
func faultErr(f *history.Fault) string {
	switch {
	case f.Stuck != nil && f.Reverted == nil:
		return f.Stuck.Err
	case f.Unproven != nil:
		return f.Unproven.Err
	case f.Injected != nil:
		return f.Injected.Err
	case f.Skipped != nil:
		return f.Skipped.Err
	}
	return ""
}

// The states of a fault at the end of the record.
const (
	statePlanned     = "planned"
	stateSkipped     = "skipped"
	stateUnproven    = "unproven"
	stateReverted    = "reverted"
	stateStuck       = "stuck"
	stateOutstanding = "outstanding"
)

func (e *evaluation) state(f *history.Fault) string {
	for _, o := range e.run.Outstanding() {
		if !o.Action && o.Addr == f.Addr {
			if o.Stuck != nil {
				return stateStuck
			}
			return stateOutstanding
		}
	}
	switch {
	case f.Injecting == nil && (f.Skipped != nil || f.Plan != nil && f.Plan.Skipped != ""):
		return stateSkipped
	case f.Unproven != nil || f.Injecting != nil && f.Active == nil:
		return stateUnproven
	case f.Injecting == nil:
		return statePlanned
	default:
		return stateReverted
	}
}

// meter measures one objective.
type meter struct {
	*evaluation
	objective plan.Objective
}

// judge gives each objective its verdict.
func (e *evaluation) judge() {
	for _, o := range e.run.Plan.Objectives {
		m := &meter{evaluation: e, objective: o}
		res := m.judgeObjective()
		slices.Sort(res.Entries)
		res.Entries = slices.Compact(res.Entries)
		e.result.Objectives = append(e.result.Objectives, res)
	}
}

func (m *meter) judgeObjective() ObjectiveResult {
	o := m.objective
	res := ObjectiveResult{Addr: o.Addr, Pos: o.Pos, Verdict: Inconclusive, Entries: []uint64{}}
	res.Kind, res.Limit = kindOf(o)
	f := m.clockOf(o)
	if f != nil {
		res.Fault = f.Addr
	}
	switch {
	case f == nil:
		res.Why = "nothing was injected"
		return res
	case m.state(f) == stateSkipped:
		res.Verdict, res.Why = Skip, fmt.Sprintf("%s was skipped: there was no target for it", f.Addr)
		return res
	case f.Injecting == nil:
		res.Why = fmt.Sprintf("%s was never injected", f.Addr)
		return res
	case f.Active == nil:
		res.Why = fmt.Sprintf("%s was not proven active", f.Addr)
		res.Entries = append(res.Entries, stepSeqs(f.Injecting, f.Injected, f.Unproven)...)
		return res
	}
	m.dispatch(&res, f)
	m.doubt(&res)
	return res
}

// clockOf is the fault that starts the clock of an objective: its own, or the first of the run; nil where there is none.
func (e *evaluation) clockOf(o plan.Objective) *history.Fault {
	if o.Fault != "" {
		return e.run.Fault(o.Fault)
	}
	return e.run.FirstFault()
}

func (m *meter) dispatch(res *ObjectiveResult, f *history.Fault) {
	switch res.Kind {
	case KindRPO:
		m.rpo(res, f)
		return
	case KindWithin:
		m.within(res, f)
		return
	}
	src := m.sources[m.objective.SLO]
	switch {
	case src == nil:
		res.Why = fmt.Sprintf("nothing was recorded for %s", m.objective.SLO)
	case res.Kind == KindRTO:
		m.rto(res, f, src)
	case res.Kind == KindMaxDowntime:
		m.maxDowntime(res, f, src)
	case res.Kind == KindMaxBudget:
		m.maxBudget(res, f, src)
	default:
		res.Why = "the objective says nothing that could be measured"
	}
}

// The kinds of objectives.
const (
	KindRTO         = "rto"
	KindRPO         = "rpo"
	KindWithin      = "within"
	KindMaxDowntime = "max_downtime"
	KindMaxBudget   = "max_budget"
)

func kindOf(o plan.Objective) (kind, limit string) {
	for _, k := range []struct {
		kind string
		d    *plan.Duration
	}{{KindRTO, o.RTO}, {KindRPO, o.RPO}, {KindWithin, o.Within}, {KindMaxDowntime, o.MaxDowntime}} {
		if k.d != nil {
			return k.kind, k.d.String()
		}
	}
	if o.MaxBudget != nil {
		return KindMaxBudget, Percent(*o.MaxBudget)
	}
	return "", ""
}
