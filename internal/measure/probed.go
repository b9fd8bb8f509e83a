package measure

import (
	"slices"
	"time"

	"github.com/gameday-toolkit/gameday/internal/history"
	"github.com/gameday-toolkit/gameday/internal/plan"
	"github.com/gameday-toolkit/gameday/internal/sample"
)

// probed is an SLI from the samples of a probe. A window slides over the samples with two running counts: each sample
// enters at its intended start and leaves a window's length later, so that a run of any length costs two looks at each.
type probed struct {
	probe  *history.Probe
	series *sample.Series
	window time.Duration
	target float64
}

func newProbed(p *history.Probe, slo *plan.SLO) *probed {
	return &probed{probe: p, series: &p.Series, window: windowOf(slo, p.Series.Schedule.Interval()), target: slo.Target}
}

// window is what lies in (t-W, t].
type window struct {
	good, bad uint64
	fresh     uint64 // of the bad, those that were not complete when the question begins
	trail     uint64 // the first sample that has not left
	lastFresh uint64 // the last of the fresh that has entered
}

func (w *window) add(s sample.Sample, from time.Duration) {
	switch s.Outcome {
	case sample.Good:
		w.good++
	case sample.Bad:
		w.bad++
		if s.Ended >= from {
			w.fresh++
			w.lastFresh = s.Seq
		}
	}
}

func (w *window) remove(s sample.Sample, from time.Duration) {
	switch s.Outcome {
	case sample.Good:
		w.good--
	case sample.Bad:
		w.bad--
		if s.Ended >= from {
			w.fresh--
		}
	}
	w.trail++
}

// sweep calls visit for each stretch [t, until) of [from, to) during which the window's content stays the same.
func (p *probed) sweep(from, to time.Duration, visit func(t, until time.Duration, w *window)) {
	s, sched := p.series, p.series.Schedule
	to = min(to, p.end())
	w := window{trail: sched.Seq(from - p.window + 1)}
	lead := w.trail
	enters, leaves := sched.Intended(lead), never
	for t := from; t < to; {
		for leaves <= t { // a sample at t-W is no longer in (t-W, t]
			w.remove(s.At(w.trail), from)
			leaves = sched.Intended(w.trail) + p.window
		}
		for lead < s.Len() && enters <= t {
			w.add(s.At(lead), from)
			lead++
			enters = sched.Intended(lead)
		}
		if w.trail < lead {
			leaves = sched.Intended(w.trail) + p.window
		} else {
			leaves = never
		}
		until := min(to, leaves)
		if lead < s.Len() {
			until = min(until, enters)
		}
		if until > t {
			visit(t, until, &w)
			t = until
		}
	}
}

func (p *probed) violated(w *window) bool {
	return tooFew(float64(w.good), float64(w.good+w.bad), p.target)
}

// outages implements source. A window without any sample says nothing: what was violated before it remains so.
func (p *probed) outages(from, to time.Duration) []outage {
	var found []outage
	last, open := uint64(0), false
	p.sweep(from, to, func(t, until time.Duration, w *window) {
		if w.good+w.bad == 0 {
			return
		}
		bad := w.fresh > 0 && p.violated(w)
		switch {
		case bad && !open:
			found = append(found, outage{From: t, Onset: p.firstFresh(w.trail, from)})
		case !bad && open:
			p.close(&found[len(found)-1], t, last)
		}
		if open = bad; bad {
			last = w.lastFresh
		}
	})
	if open {
		o := &found[len(found)-1]
		p.close(o, min(to, p.end()), last)
		o.Open = true
	}
	return found
}

func (p *probed) close(o *outage, at time.Duration, last uint64) {
	o.To, o.Last, o.Next = at, p.series.Schedule.Intended(last), never
	for k := last + 1; k < p.series.Len(); k++ {
		if s := p.series.At(k); s.Outcome == sample.Good {
			o.Next = s.Ended
			return
		}
	}
}

func (p *probed) firstFresh(k uint64, from time.Duration) time.Duration {
	for ; ; k++ {
		if s := p.series.At(k); s.Outcome == sample.Bad && s.Ended >= from {
			return s.Intended
		}
	}
}

func (p *probed) gaps(from, to time.Duration) []Span {
	var found []Span
	if end := p.end(); end < to && end < from {
		return []Span{{from, to}}
	}
	p.sweep(from, to, func(t, until time.Duration, w *window) {
		if w.good+w.bad > 0 {
			return
		}
		if n := len(found); n > 0 && found[n-1].To == t {
			found[n-1].To = until
			return
		}
		found = append(found, Span{t, until})
	})
	return found
}

func (p *probed) end() time.Duration { return p.series.Schedule.Intended(p.series.Len()) }

func (p *probed) resolution() time.Duration { return p.series.Schedule.Interval() }

// badBefore implements source. A bad answer that was complete before at was bad for what was there before. One that was
// under way at that moment was so too if it waited in vain, and otherwise it may be the doing of what happened at.
func (p *probed) badBefore(from, at time.Duration) bool {
	for s := range p.series.Between(from, at) {
		if s.Outcome == sample.Bad && (s.Ended < at || s.Class == sample.Timeout || s.Class == sample.Slow) {
			return true
		}
	}
	return false
}

func (p *probed) entries(at ...time.Duration) []uint64 {
	var found []uint64
	for _, t := range at {
		found = append(found, p.probe.EntriesOf(p.series.Schedule.Seq(t))...)
	}
	slices.Sort(found)
	return slices.Compact(found)
}
