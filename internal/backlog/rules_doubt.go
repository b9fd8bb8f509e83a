package backlog

import (
	"fmt"
	"strings"

	"github.com/gameday-toolkit/gameday/internal/measure"
)

func starved(v *view) []miss {
	var found []miss
	for _, p := range v.result.Probes {
		var where []string
		for _, name := range []string{measure.Baseline, measure.During, measure.After} {
			if s := p.Phases[name]; s.Starved() {
				where = append(where, fmt.Sprintf("%s of %s samples in the %s phase", measure.Count(s.Unsent), measure.Count(s.Good+s.Bad+s.Unsent), name))
			}
		}
		if len(where) == 0 {
			continue
		}
		m := miss{subject: p.Addr, severe: low, detail: "The prober could not send " + strings.Join(where, ", ") + "."}
		if x := v.run.Probe(p.Addr); x != nil && x.First != 0 {
			m.entries = []uint64{x.First, x.Last}
		}
		for _, x := range v.plan.Probes {
			if x.Addr == p.Addr {
				m.pos = x.Pos
			}
		}
		found = append(found, m)
	}
	return found
}

func unhealthyBaseline(v *view) []miss {
	var found []miss
	for _, s := range v.result.SLOs {
		p, looked := s.Phases[measure.Baseline]
		if !looked || p.Steady(s.Target) {
			continue
		}
		m := miss{subject: s.Addr, severe: medium, pos: v.sloPos(s.Addr), detail: fmt.Sprintf(
			"Before anything was injected, %s of %s samples were good; the target is %g %%.", measure.Count(p.Good), measure.Count(p.Good+p.Bad), s.Target)}
		for _, c := range v.run.Checks {
			if c.Addr == s.Addr {
				m.entries = append(m.entries, c.Seq)
			}
		}
		found = append(found, m)
	}
	return found
}

func unproven(v *view) []miss {
	var found []miss
	for _, f := range v.result.Faults {
		x := v.run.Fault(f.Addr)
		if x.Unproven == nil && (x.Injecting == nil || x.Active != nil) {
			continue
		}
		m := miss{subject: f.Addr, severe: low, fault: f.Addr, entries: f.Entries, detail: "The target did not show the fault, so that nothing was proven by what followed."}
		if f.Err != "" {
			m.detail = sentence(f.Err)
		}
		if x.Plan != nil {
			m.pos = x.Plan.Pos
		}
		found = append(found, m)
	}
	return found
}

func leftover(v *view) []miss {
	var found []miss
	for _, o := range v.run.Outstanding() {
		m := miss{subject: o.Addr, severe: critical, entries: []uint64{o.Seq}, detail: "It is not proven to be gone."}
		steps := o.HandleBody.Handle.Steps
		if o.Stuck != nil {
			m.entries = append(m.entries, o.Stuck.Seq)
			if o.Stuck.Err != "" {
				m.detail = "It could not be undone: " + sentence(o.Stuck.Err)
			}
			if len(o.Stuck.Steps) > 0 {
				steps = o.Stuck.Steps
			}
		}
		if len(steps) > 0 {
			m.detail += " By hand: " + strings.Join(steps, "; ") + "."
		}
		for _, f := range v.plan.Faults {
			if f.Addr == o.Addr {
				m.pos, m.fault = f.Pos, f.Addr
			}
		}
		found = append(found, m)
	}
	return found
}

// inconclusive fires for an objective without a verdict for which no other rule, and no abort, already says why.
func inconclusive(v *view) []miss {
	if len(v.run.Aborts) > 0 || len(starved(v))+len(unhealthyBaseline(v))+len(unproven(v))+len(leftover(v))+len(stepFailed(v))+len(stepLeftOut(v)) > 0 {
		return nil
	}
	var found []miss
	for _, o := range v.result.Objectives {
		if o.Verdict == measure.Inconclusive {
			found = append(found, of(o, low, sentence(o.Why)))
		}
	}
	return found
}

// sentence makes a sentence of a reason.
func sentence(s string) string {
	if s == "" {
		return ""
	}
	s = strings.ToUpper(s[:1]) + s[1:]
	if strings.HasSuffix(s, ".") {
		return s
	}
	return s + "."
}
