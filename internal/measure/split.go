package measure

import (
	"cmp"
	"slices"
	"time"

	"github.com/gameday-toolkit/gameday/internal/history"
	"github.com/gameday-toolkit/gameday/plugins/sdk"
)

// The names of the parts of a recovery time.
const (
	PartOnset       = "onset"
	PartDetection   = "detection"
	PartDecision    = "decision"
	PartAction      = "action"
	PartConvergence = "convergence"
)

// split divides the recovery time. The parts are those of MEASURES and overlap (onset and detection both begin at t0); which
// of them dominated is decided by what each adds to those before it.
func (m *meter) split(t0 Interval, r recovery) *Split {
	end, what := r.first.Next, "the first good answer after the last bad one"
	if r.time.Censored {
		end, what = t0.Lo+max(r.time.Lo, r.first.Last-t0.Lo), "not recovered by then"
	}
	b := &splitter{at: t0.Lo, end: end, split: Split{End: end}}
	b.part(PartOnset, t0.Lo, r.first.Onset, "the first bad answer")
	detected, by := m.detected(t0)
	if by != "" {
		b.part(PartDetection, t0.Lo, detected, by)
	}
	from := t0.Lo
	if first, last := m.response(t0); first != nil {
		if by != "" && first.Started.At >= detected {
			b.part(PartDecision, detected, first.Started.At, first.Addr+" started")
		}
		if last != nil {
			b.part(PartAction, first.Started.At, last.Ended.At, last.Addr+" ended")
			from = last.Ended.At
		}
	}
	if end > from {
		b.part(PartConvergence, from, end, what)
	}
	return &b.split
}

type splitter struct {
	split   Split
	at, end time.Duration // how far the parts so far have come, and where the recovery ends
	longest time.Duration
}

func (b *splitter) part(name string, from, to time.Duration, what string) {
	to = max(from, to)
	b.split.Parts = append(b.split.Parts, Part{Name: name, From: from, To: to, What: what})
	adds := min(to, b.end) - b.at
	if adds > b.longest {
		b.longest, b.split.Longest = adds, name
	}
	b.at = max(b.at, min(to, b.end))
}

// Adds is what a part adds to the parts before it: the time that would be saved without it.
func (s *Split) Adds(name string) time.Duration {
	if s == nil || len(s.Parts) == 0 {
		return 0
	}
	at, end := s.Parts[0].From, s.End
	if end == 0 {
		end = s.Parts[len(s.Parts)-1].To
	}
	for _, p := range s.Parts {
		to := min(p.To, end)
		if p.Name == name {
			return max(0, to-at)
		}
		at = max(at, to)
	}
	return 0
}

// detected is the first notice of the failure: of an alert, or else of the system itself.
func (m *meter) detected(t0 Interval) (time.Duration, string) {
	at, by := never, ""
	for _, a := range m.run.Alerts {
		for _, s := range a.States {
			if s.Firing && s.At >= t0.Lo && s.At < at {
				at, by = s.At, a.Addr+" fired"
			}
		}
	}
	if by != "" || len(m.run.Clock) > 0 { // an event is placed by the wall clock, which cannot be believed once it was set
		return at, by
	}
	for _, e := range m.run.Events {
		if when := time.Duration(e.EventBody.At); e.Event.Kind == sdk.Detected && when >= t0.Lo && when < at {
			at, by = when, e.Event.Source+": "+e.Event.Summary
		}
	}
	return at, by
}

// response is the first of the objective's actions that started, and the last that ended. Last is nil while any of them
// has not ended.
func (m *meter) response(t0 Interval) (first, last *history.Action) {
	var taken []*history.Action
	for _, a := range m.run.Actions {
		if len(m.objective.Actions) > 0 && !slices.Contains(m.objective.Actions, a.Addr) {
			continue
		}
		if a.Started != nil && a.Started.At >= t0.Lo {
			taken = append(taken, a)
		}
	}
	if len(taken) == 0 {
		return nil, nil
	}
	first = slices.MinFunc(taken, func(a, b *history.Action) int { return cmp.Compare(a.Started.Seq, b.Started.Seq) })
	for _, a := range taken {
		if a.Ended == nil {
			return first, nil
		}
		if last == nil || a.Ended.At > last.Ended.At {
			last = a
		}
	}
	return first, last
}
