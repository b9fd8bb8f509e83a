package measure

import (
	"slices"
	"time"

	"github.com/gameday-toolkit/gameday/internal/history"
	"github.com/gameday-toolkit/gameday/internal/plan"
)

// polled is an SLI from the polls of a pair of counters. A poll says what was counted since the poll before it, and the
// source was scraped at some time before the poll: what a poll shows happened between its From less the resolution, and
// its To. All moments below are placed by that, so that the truth lies inside them.
type polled struct {
	polls  []history.Poll // only those that say something
	window time.Duration
	target float64
}

func newPolled(r *history.Ratio, slo *plan.SLO) *polled {
	p := &polled{window: time.Duration(slo.Window), target: slo.Target}
	for _, x := range r.Polls {
		if x.Err == "" && x.Total > 0 && x.To > x.From {
			p.polls = append(p.polls, x)
		}
	}
	return p
}

// sum counts the polls in (t-W, t], where t is the end of poll i. A window shorter than a poll holds that poll.
func (p *polled) sum(i int) (good, total float64) {
	end := p.polls[i].To
	for k := i; k >= 0 && (k == i || p.polls[k].To > end-p.window); k-- {
		good, total = good+p.polls[k].Good, total+p.polls[k].Total
	}
	return good, total
}

func (p *polled) violated(i int) bool {
	good, total := p.sum(i)
	return tooFew(good, total, p.target)
}

func (p *polled) bad(i int) bool { return tooFew(p.polls[i].Good, p.polls[i].Total, p.target) }

func (p *polled) outages(from, to time.Duration) []outage {
	var found []outage
	open, seen, last := false, false, 0
	for i, x := range p.polls {
		if x.To < from || x.From >= to {
			continue
		}
		if p.bad(i) {
			seen, last = true, i
		}
		violated := seen && p.violated(i)
		switch {
		case violated && !open:
			found = append(found, outage{From: max(from, x.From), Onset: x.From - x.Resolution})
		case !violated && open:
			p.close(&found[len(found)-1], x.From, last)
		}
		open = violated
	}
	if open {
		o := &found[len(found)-1]
		p.close(o, min(to, p.end()), last)
		o.Open = true
	}
	return found
}

func (p *polled) close(o *outage, at time.Duration, last int) {
	x := p.polls[last]
	o.To, o.Last, o.Next = at, x.From-x.Resolution, never
	for i := last + 1; i < len(p.polls); i++ {
		if !p.bad(i) {
			o.Next = p.polls[i].To
			return
		}
	}
}

// gaps implements source: time that no usable poll covers. What happens within one resolution cannot be seen anyway.
func (p *polled) gaps(from, to time.Duration) []Span {
	var found []Span
	at := from
	note := func(until time.Duration) {
		if until > at+p.resolution() {
			found = append(found, Span{at, until})
		}
	}
	for _, x := range p.polls {
		if x.To <= at {
			continue
		}
		note(min(x.From, to))
		if at = max(at, x.To); at >= to {
			return found
		}
	}
	if to != never {
		note(to)
	}
	return found
}

func (p *polled) end() time.Duration {
	if len(p.polls) == 0 {
		return 0
	}
	return p.polls[len(p.polls)-1].To
}

func (p *polled) resolution() time.Duration {
	res := time.Duration(0)
	for _, x := range p.polls {
		res = max(res, x.Resolution)
	}
	return res
}

func (p *polled) stats(t timeline) map[string]PhaseStats {
	found := map[string]PhaseStats{}
	for _, x := range p.polls {
		name := t.stretch(x.From, x.To)
		if name == "" {
			continue
		}
		s := found[name]
		good := uint64(min(x.Good, x.Total) + 0.5)
		s.Good += good
		s.Bad += max(good, uint64(x.Total+0.5)) - good
		found[name] = s
	}
	return found
}

func (p *polled) curve(from, to, _ time.Duration) []Point {
	var points []Point
	for i, x := range p.polls {
		if x.To < from || x.From >= to {
			continue
		}
		good, total := p.sum(i)
		points = append(points, Point{At: x.To, SLI: good / total, Bad: uint64(max(0, x.Total-x.Good) + 0.5)})
	}
	return thin(points)
}

func (p *polled) badBefore(from, at time.Duration) bool {
	for i, x := range p.polls {
		if x.From < at && x.To > from && p.bad(i) {
			return true
		}
	}
	return false
}

func (p *polled) entries(at ...time.Duration) []uint64 {
	var found []uint64
	for _, t := range at {
		for _, x := range p.polls {
			if x.From-x.Resolution <= t && t <= x.To {
				found = append(found, x.Seq)
			}
		}
	}
	slices.Sort(found)
	return slices.Compact(found)
}
