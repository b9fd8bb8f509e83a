package backlog

import (
	"cmp"
	"fmt"
	"time"

	"github.com/gameday-toolkit/gameday/internal/history"
	"github.com/gameday-toolkit/gameday/internal/measure"
	"github.com/gameday-toolkit/gameday/internal/plan"
	"github.com/gameday-toolkit/gameday/plugins/sdk"
)

func dur(d *plan.Duration) time.Duration { return time.Duration(*d) }

func (v *view) alertMiss(a measure.AlertResult, s severity, detail string) miss {
	m := miss{subject: a.Addr, severe: s, detail: detail}
	for _, p := range v.plan.Alerts {
		if p.Addr == a.Addr {
			m.pos = p.Pos
		}
	}
	for _, st := range v.run.Alert(a.Addr).States {
		m.entries = append(m.entries, st.Seq)
	}
	return m
}

// usersFirst fires for an alert that could be read and was silent while an SLO was violated under the fault.
func usersFirst(v *view) []miss {
	hurt := ""
	for _, s := range v.result.SLOs {
		if len(s.Violations) > 0 && hurt == "" {
			hurt = fmt.Sprintf("%s was violated for %s", s.Addr, s.Downtime)
		}
	}
	var found []miss
	for _, a := range v.result.Alerts {
		if hurt != "" && a.Fired == nil && !a.Before && a.Err == "" {
			found = append(found, v.alertMiss(a, high, hurt+", and the alert did not fire."))
		}
	}
	return found
}

func detectionMissed(v *view) []miss {
	silent := map[string]bool{}
	for _, m := range usersFirst(v) {
		silent[m.subject] = true
	}
	return v.objectives(measure.KindWithin, measure.Fail, func(o measure.ObjectiveResult, p plan.Objective) []miss {
		if o.Time.Censored && silent[p.Alert] {
			return nil // said already, about the alert
		}
		return []miss{of(o, missedBy(float64(o.Time.Hi), float64(*p.Within)), sentence(o.Why))}
	})
}

func alertUnresolved(v *view) []miss {
	var found []miss
	for _, a := range v.result.Alerts {
		if a.Fired != nil && a.Resolved == nil && a.Err == "" && v.run.Ended != nil {
			found = append(found, v.alertMiss(a, low, fmt.Sprintf("It fired at %s and was still firing when the run ended at %s.", measure.Seconds(*a.Fired), measure.Seconds(v.run.Ended.At))))
		}
	}
	return found
}

// noticed reports the limits that the system says it reached. The same notice about the same subject is one finding,
// however often it came.
func noticed(v *view) []miss {
	type key struct{ source, subject string }
	first, times := map[key]history.Event{}, map[key]int{}
	var order []key
	for _, e := range v.run.Events {
		if e.Event.Kind != sdk.Limited {
			continue
		}
		k := key{e.Event.Source, e.Event.Subject}
		if times[k]++; times[k] == 1 {
			first[k] = e
			order = append(order, k)
		}
	}
	var found []miss
	for _, k := range order {
		e := first[k]
		found = append(found, miss{
			subject: cmp.Or(k.source+"/"+k.subject, "/"), severe: medium, entries: []uint64{e.Seq},
			detail: fmt.Sprintf("%s (First at %s, %d in all).", sentence(e.Event.Summary), measure.Seconds(time.Duration(e.EventBody.At)), times[k]),
		})
	}
	return found
}

func guardTripped(v *view) []miss {
	var found []miss
	for _, g := range v.run.Guards {
		m := miss{subject: g.Addr, severe: high, entries: []uint64{g.Seq}, detail: fmt.Sprintf("%q had been true since %s, and stopped the run at %s.", g.Expr, measure.Seconds(g.Since), measure.Seconds(g.At))}
		for _, p := range v.plan.Guards {
			if p.Addr == g.Addr {
				m.pos = p.Pos
			}
		}
		found = append(found, m)
	}
	return found
}

// stepFailed fires for a step that was tried and ended with an error.
func stepFailed(v *view) []miss {
	return v.steps(func(a *history.Action) (severity, string) {
		if a.Started == nil || a.Ended == nil || a.Ended.Err == "" {
			return 0, ""
		}
		return medium, sentence(a.Ended.Err)
	})
}

// stepLeftOut fires for a step that was not tried, or that did not come to an end.
func stepLeftOut(v *view) []miss {
	return v.steps(func(a *history.Action) (severity, string) {
		why := measure.NotCarriedOut(v.run, a)
		if why == "" || a.Started != nil && a.Ended != nil {
			return 0, ""
		}
		return low, "The step " + why + "."
	})
}

// steps makes a finding for each action about which there is something to say.
func (v *view) steps(say func(*history.Action) (severity, string)) []miss {
	var found []miss
	for _, a := range v.run.Actions {
		s, detail := say(a)
		if detail == "" {
			continue
		}
		m := miss{subject: a.Addr, severe: s, detail: detail}
		for _, step := range []*history.Step{a.Started, a.Ended} {
			if step != nil {
				m.entries = append(m.entries, step.Seq)
			}
		}
		if a.Plan != nil {
			m.pos = a.Plan.Pos
		}
		found = append(found, m)
	}
	return found
}
