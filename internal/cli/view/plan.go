package view

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/gameday-toolkit/gameday/internal/plan"
	"github.com/gameday-toolkit/gameday/plugins/sdk"
)

// The second column of most sections.
const column = 36

// Plan shows a plan as the contract that it is: what is touched, when, how it is undone and what would stop it.
func Plan(w io.Writer, p *plan.Plan, paint Paint) {
	v := planView{page{w, paint}, p}
	v.title()
	v.targets()
	v.timeline()
	v.replay()
	v.watched()
	v.objectives()
	v.stops()
	v.notices("Missing permissions: any of these stops a run", red, p.Permissions)
	v.notices("Warnings", yellow, p.Warnings)
	fmt.Fprintf(w, "\n%s %s\n", paint(bold, "Plan"), p.Hash())
	fmt.Fprintf(w, "seed %d, environment %s, %s. Nothing has been touched.\n", p.Seed, clean(p.Scenario.Environment), v.summary())
}

type planView struct {
	page
	p *plan.Plan
}

func (v planView) summary() string {
	seen := map[[2]string]bool{}
	for _, f := range v.p.Faults {
		for _, m := range f.Members {
			seen[[2]string{m.Type, m.ID}] = true
		}
	}
	return plural(len(v.p.Faults), "fault") + " on " + plural(len(seen), "target")
}

func (v planView) title() {
	s := v.p.Scenario
	title := s.Title
	if title == "" {
		title = s.Name
	}
	fmt.Fprintf(v.w, "%s\n", v.paint(bold, clean(title)))
	for _, part := range wrap(clean(s.Hypothesis), width) {
		if part != "" {
			fmt.Fprintln(v.w, part)
		}
	}
	var facts []string
	for _, f := range [][2]string{{"scenario", s.Name}, {"service", s.Service}, {"owner", s.Owner}, {"tier", s.Tier}, {"tags", strings.Join(s.Tags, ", ")}} {
		if f[1] != "" {
			facts = append(facts, f[0]+" "+f[1])
		}
	}
	fmt.Fprintln(v.w, v.paint(dim, clean(strings.Join(facts, " · "))))
}

func (v planView) targets() {
	if len(v.p.Targets) == 0 {
		return
	}
	v.head("Targets")
	for _, t := range v.p.Targets {
		v.line(2, column, t.Addr, "", fmt.Sprintf("%d of %d: %s", len(t.Members), t.Population, targetNames(t.Members)))
	}
}

func targetNames(ts []sdk.Target) string {
	if len(ts) == 0 {
		return "none"
	}
	var out []string
	for _, t := range ts {
		name := t.Name
		if t.ID != t.Name && t.ID != "" {
			name += " (" + t.ID + ")"
		}
		out = append(out, name)
	}
	return strings.Join(out, ", ")
}

// step is a fault or an action on the timeline.
type step struct {
	when   plan.When
	fault  *plan.Fault
	action *plan.Action
}

func (v planView) steps() (out []step) {
	for i := range v.p.Faults {
		out = append(out, step{when: v.p.Faults[i].When, fault: &v.p.Faults[i]})
	}
	for i := range v.p.Actions {
		out = append(out, step{when: v.p.Actions[i].When, action: &v.p.Actions[i]})
	}
	slices.SortStableFunc(out, func(a, b step) int {
		if late := len(a.when.After) - len(b.when.After); (len(a.when.After) == 0) != (len(b.when.After) == 0) {
			return late
		}
		return int(a.when.At - b.when.At)
	})
	return out
}

func (v planView) timeline() {
	v.head("Timeline")
	v.line(2, 16, "baseline", dim, fmt.Sprintf("%s: the steady state must hold, or nothing is injected", trimmed(time.Duration(v.p.Scenario.Baseline))))
	for _, s := range v.steps() {
		if s.fault != nil {
			v.fault(*s.fault)
		} else {
			v.action(*s.action)
		}
	}
	v.line(2, 16, "recovery", dim, fmt.Sprintf("up to %s after the reverts, until the steady state holds again", trimmed(time.Duration(v.p.Scenario.Recovery))))
}

func (v planView) fault(f plan.Fault) {
	v.line(2, 16, when(f.When), yellow, f.Addr)
	if f.Skipped != "" {
		v.line(16, 23, "skip", dim, f.Skipped)
		return
	}
	v.line(16, 23, "on", dim, targetNames(f.Members))
	hold := "for " + trimmed(time.Duration(f.Hold))
	if f.Release == "recovered" {
		hold += " at most; reverted as soon as every objective that waits on it has been stable"
	}
	v.line(16, 23, "held", dim, hold)
	for i, e := range f.Effects {
		v.line(16, 23, []string{"does", ""}[min(i, 1)], dim, e)
	}
	for i, u := range f.Undo {
		v.line(16, 23, []string{"undo", ""}[min(i, 1)], green, u)
	}
}

func (v planView) action(a plan.Action) {
	v.line(2, 16, when(a.When), cyan, a.Addr)
	if len(a.Members) > 0 {
		v.line(16, 23, "on", dim, targetNames(a.Members))
	}
	v.line(16, 23, "limit", dim, trimmed(time.Duration(a.Timeout)))
	if len(a.Undo) > 0 {
		v.line(16, 23, "undo", green, "run again with "+string(a.Undo))
	}
}

func when(w plan.When) string {
	if len(w.After) == 0 {
		return "+" + trimmed(time.Duration(w.At))
	}
	s := "after " + strings.Join(w.After, ", ")
	if w.At > 0 {
		s += " +" + trimmed(time.Duration(w.At))
	}
	return s
}

func (v planView) watched() {
	v.head("Watched")
	for _, p := range v.p.Probes {
		v.line(2, column, p.Addr, "", fmt.Sprintf("%g a second, timeout %s", p.Rate, trimmed(time.Duration(p.Timeout))))
	}
	for _, s := range v.p.SLOs {
		of := s.Probe
		if s.Ratio != nil {
			of = "good/total of Prometheus at " + s.Ratio.URL
		}
		v.line(2, column, s.Addr, "", fmt.Sprintf("at least %g %% of %s, over %s", s.Target, of, trimmed(time.Duration(s.Window))))
	}
	for _, l := range v.p.Ledgers {
		v.line(2, column, l.Addr, "", fmt.Sprintf("%g records a second", l.Rate))
	}
	for _, a := range v.p.Alerts {
		v.line(2, column, a.Addr, "", a.Type)
	}
	for _, n := range v.p.Notify {
		v.line(2, column, n.Addr, "", "told on "+strings.Join(n.On, ", "))
	}
}
