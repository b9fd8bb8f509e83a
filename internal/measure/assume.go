package measure

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/gameday-toolkit/gameday/internal/history"
	"github.com/gameday-toolkit/gameday/internal/journal"
)

// A run's own assumptions are checked first: a verdict on a run whose assumptions failed is not a verdict. An assumption
// is about everything, or about some addresses; an objective that depends on none of them keeps its verdict, while the
// run as a whole has none better than inconclusive.

// doubt is an assumption that failed, and what it spoils.
type doubt struct {
	about []string // addresses; none for everything
	why   string
	seqs  []uint64
}

func (e *evaluation) assume() {
	e.assumeRecord()
	e.assumePlan()
	e.assumeSteady()
	e.assumeFed()
	e.assumeFaults()
	e.assumeRunbook()
	e.assumeNoTrouble()
}

// hold records an assumption: with problems it failed.
func (e *evaluation) hold(name, good string, problems []doubt) {
	a := Assumption{Name: name, OK: len(problems) == 0, Detail: good}
	var why []string
	for _, d := range problems {
		why = append(why, d.why)
		a.Entries = append(a.Entries, d.seqs...)
	}
	if !a.OK {
		a.Detail = strings.Join(why, "; ")
	}
	slices.Sort(a.Entries)
	a.Entries = slices.Compact(a.Entries)
	e.result.Assumption = append(e.result.Assumption, a)
	e.doubts = append(e.doubts, problems...)
}

func (e *evaluation) assumeRecord() {
	var problems []doubt
	switch how := e.run.Ending(); how {
	case history.Complete:
	case history.Killed:
		problems = []doubt{{why: fmt.Sprintf("the record stops at entry %d, before the run ended", e.run.LastSeq)}}
	default:
		problems = []doubt{{why: fmt.Sprintf("the journal is %s after entry %d: %s", how, e.run.LastSeq, e.run.File.Detail)}}
	}
	e.hold("the record is complete", fmt.Sprintf("%s entries, each of which follows from those before it", Count(e.run.LastSeq)), problems)
}

func (e *evaluation) assumePlan() {
	var problems []doubt
	r := e.run
	switch {
	case r.PlanSeq == 0:
		problems = append(problems, doubt{why: "there is no plan in the record"})
	case r.Plan.Hash() != r.Started.PlanHash:
		problems = append(problems, doubt{why: "the plan in the record is not the one that was to be carried out", seqs: []uint64{r.Started.Seq, r.PlanSeq}})
	case len(r.Plan.Objectives) == 0:
		problems = append(problems, doubt{why: "there is no objective: nothing was to be proven", seqs: []uint64{r.PlanSeq}})
	}
	for _, f := range r.Plan.Faults {
		if f.Skipped == "" && len(f.Targets) > 0 && len(f.Members) == 0 {
			problems = append(problems, doubt{about: []string{f.Addr}, why: f.Addr + " has no targets", seqs: []uint64{r.PlanSeq}})
		}
	}
	e.hold("what ran is what was planned", "the plan's hash is that of the run, and its targets were found", problems)
}

func (e *evaluation) assumeSteady() {
	var problems []doubt
	for _, slo := range e.run.Plan.SLOs {
		s := e.stats[slo.Addr][Baseline]
		n := s.Good + s.Bad
		switch {
		case s.Steady(slo.Target):
			continue
		case n < minSamples:
			problems = append(problems, doubt{[]string{slo.Addr}, fmt.Sprintf("%s: %d samples in the baseline, and %d are needed", slo.Addr, n, minSamples), e.checks()})
		default:
			problems = append(problems, doubt{[]string{slo.Addr}, fmt.Sprintf("%s: %s of %s samples were good in the baseline, and the target is %g %%",
				slo.Addr, shown(s), Count(n), slo.Target), e.checks()})
		}
	}
	e.hold("the steady state held before", "every SLO met its target in the baseline", problems)
}

// shown is the share of good samples, never rounded up to a target that was missed.
func shown(s PhaseStats) string {
	return fmt.Sprintf("%.2f %%", float64(s.Good*10000/(s.Good+s.Bad))/100)
}

// checks are the entries of the steady-state check.
func (e *evaluation) checks() (seqs []uint64) {
	for _, c := range e.run.Checks {
		if p, ok := e.run.Phase(journal.Baseline); ok && c.Seq > p.Seq {
			seqs = append(seqs, c.Seq)
		}
	}
	return seqs
}

func (e *evaluation) assumeFed() {
	var problems []doubt
	for _, p := range e.run.Probes {
		var where []string
		for _, name := range []string{Baseline, During, After} {
			if s := e.stats[p.Addr][name]; s.Starved() {
				where = append(where, fmt.Sprintf("%s of %s samples in the %s", Count(s.Unsent), Count(s.Good+s.Bad+s.Unsent), stretchName(name)))
			}
		}
		if len(where) > 0 {
			problems = append(problems, doubt{[]string{p.Addr}, fmt.Sprintf("%s: the prober was starved and did not send %s", p.Addr, strings.Join(where, ", ")), stepSpan(p)})
		}
	}
	for _, p := range e.run.Probes {
		if e.stoppedEarly(p) {
			problems = append(problems, doubt{[]string{p.Addr}, fmt.Sprintf("%s took its last sample long before the end of the run", p.Addr), stepSpan(p)})
		}
	}
	for _, p := range e.run.Plan.Probes {
		if got := e.run.Probe(p.Addr); got == nil || got.Series.Len() == 0 {
			problems = append(problems, doubt{about: []string{p.Addr}, why: p.Addr + " took no samples"})
		}
	}
	for _, slo := range e.run.Plan.SLOs {
		if slo.Ratio != nil && e.sources[slo.Addr] == nil {
			problems = append(problems, doubt{about: []string{slo.Addr}, why: slo.Addr + " was never read"})
		}
	}
	e.hold("the probes kept their pace", "in no phase were more than two samples, and more than one in a hundred, not sent", problems)
}

// stoppedEarly says that a probe ended well before it was to. When the sources are stopped, samples that are under way
// have half a minute to end before the run goes on, so that only a longer silence means anything.
func (e *evaluation) stoppedEarly(p *history.Probe) bool {
	if p.Series.Len() == 0 || e.run.Ended == nil {
		return false
	}
	end := e.timeline.end
	if r, ok := e.run.Phase(journal.Recovery); ok {
		end = r.To
	}
	return p.Series.Schedule.Intended(p.Series.Len())+p.Timeout+drainTime < end
}

const drainTime = 31 * time.Second

func stretchName(name string) string {
	if name == During {
		return "time of the fault"
	}
	return name
}

func stepSpan(p *history.Probe) []uint64 {
	if p.First == 0 {
		return []uint64{p.Seq}
	}
	return []uint64{p.First, p.Last}
}

func (e *evaluation) assumeFaults() {
	var unproven, there []doubt
	injected := 0
	for _, f := range e.run.Faults {
		about := []string{f.Addr}
		switch e.state(f) {
		case stateSkipped:
			continue
		case statePlanned:
			unproven = append(unproven, doubt{about, f.Addr + " was never injected", nil})
			continue
		case stateStuck:
			there = append(there, doubt{about, f.Addr + " could not be proven gone", stepSeqs(f.Stuck)})
		case stateOutstanding:
			there = append(there, doubt{about, f.Addr + " was never reverted", stepSeqs(f.Injecting)})
		}
		injected++
		if f.Active == nil {
			unproven = append(unproven, doubt{about, f.Addr + " was not proven active", stepSeqs(f.Injecting, f.Injected, f.Unproven)})
		}
		for _, i := range f.Inspections {
			if i.Err != "" {
				unproven = append(unproven, doubt{about, fmt.Sprintf("%s was not seen at %s: %s", f.Addr, Seconds(i.At), i.Err), []uint64{i.Seq}})
			}
		}
	}
	if injected == 0 {
		unproven = append(unproven, doubt{why: "nothing was injected"})
	}
	for _, o := range e.run.Outstanding() {
		if o.Action {
			there = append(there, doubt{[]string{o.Addr}, o.Addr + " was not undone", []uint64{o.Seq}})
		}
	}
	e.hold("every fault was proven active", readBack(injected), unproven)
	e.hold("every fault was proven gone", readBack(injected), there)
}

func readBack(faults int) string {
	if faults == 1 {
		return "the fault was read back from its target"
	}
	return fmt.Sprintf("%d faults were read back from their targets", faults)
}

// assumeRunbook looks at every action: what the service did without one of them says nothing about the runbook as it was
// planned. A run that was cut short does not owe the steps that had not begun.
func (e *evaluation) assumeRunbook() {
	var problems []doubt
	for _, a := range e.run.Actions {
		if why := NotCarriedOut(e.run, a); why != "" {
			problems = append(problems, doubt{why: a.Addr + " " + why, seqs: stepSeqs(a.Started, a.Ended)})
		}
	}
	good := "every action ended without an error"
	if len(e.run.Actions) == 0 {
		good = "there were no actions"
	}
	e.hold("every step of the runbook was carried out", good, problems)
}

// NotCarriedOut says what became of an action instead of being carried out; empty where it was, or was not owed.
func NotCarriedOut(r *history.Run, a *history.Action) string {
	switch {
	case a.Ended != nil && a.Ended.Err == "":
		return ""
	case a.Ended != nil && a.Started == nil:
		return "was " + a.Ended.Err // "not started, because ..."
	case a.Ended != nil:
		return "failed: " + a.Ended.Err
	case len(r.Aborts) > 0 || r.Ended == nil:
		return ""
	case a.Started != nil:
		return "did not end"
	case a.Plan == nil:
		return ""
	}
	return "was never started"
}

func (e *evaluation) assumeNoTrouble() {
	var problems []doubt
	for _, t := range e.run.Troubles {
		d := doubt{why: t.What, seqs: []uint64{t.Seq}}
		if t.Addr != "" {
			d.about = []string{t.Addr}
		}
		problems = append(problems, d)
	}
	e.hold("nothing of ours failed", "no trouble was recorded", problems)
}

// doubt takes back a pass of an objective that rests on an assumption that failed. A failure remains one.
func (m *meter) doubt(res *ObjectiveResult) {
	if res.Verdict >= Inconclusive {
		return
	}
	on := m.dependsOn(res)
	for _, d := range m.doubts {
		if len(d.about) > 0 && !slices.ContainsFunc(d.about, func(a string) bool { return slices.Contains(on, a) }) {
			continue
		}
		res.Verdict, res.Why = Inconclusive, d.why
		res.Entries = append(res.Entries, d.seqs...)
		return
	}
}

// dependsOn lists the addresses that an objective's verdict rests on.
func (m *meter) dependsOn(res *ObjectiveResult) []string {
	o := m.objective
	on := []string{o.Addr, res.Fault}
	for _, a := range []string{o.SLO, o.Ledger, o.Alert} {
		if a != "" {
			on = append(on, a)
		}
	}
	if slo := m.run.SLO(o.SLO); slo != nil && slo.Probe != "" {
		on = append(on, slo.Probe)
	}
	return append(append(on, m.pluginsOf(on)...), o.Actions...)
}

// pluginsOf are the plugins that ask for the probes, ledgers and alerts among the addresses.
func (m *meter) pluginsOf(on []string) (plugins []string) {
	add := func(addr, key string) {
		if key != "" && slices.Contains(on, addr) {
			plugins = append(plugins, "plugin."+key)
		}
	}
	for _, p := range m.run.Plan.Probes {
		add(p.Addr, p.Plugin)
	}
	for _, l := range m.run.Plan.Ledgers {
		add(l.Addr, l.Plugin)
	}
	for _, a := range m.run.Plan.Alerts {
		add(a.Addr, a.Plugin)
	}
	return plugins
}
