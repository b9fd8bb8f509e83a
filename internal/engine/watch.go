package engine

import (
	"math"
	"slices"
	"time"

	"github.com/gameday-toolkit/gameday/internal/journal"
	"github.com/gameday-toolkit/gameday/internal/plan"
	"github.com/gameday-toolkit/gameday/internal/sample"
)

// watch is the live view of the indicators: what guards and releases decide on while the run goes on. It looks at
// answers as they arrive, in a window that ends now; the judgement afterwards (measure) goes by intended starts.
type watch struct {
	probes map[string]*window
	slos   []*sloState
}

// window holds the samples that ended within the last span.
type window struct {
	rate    float64
	span    time.Duration
	samples []sample.Sample // in the order of arrival
	good    int
	bad     int
	total   counts // since the phase began
}

type counts struct{ good, bad, unsent uint64 }

// sloState is one SLO over its window.
type sloState struct {
	plan.SLO
	target   float64
	source   *window // nil for a ratio
	ratio    *journal.PointBody
	sums     ratioSum
	violated bool
	known    bool
	last     time.Duration // last time it was seen violated
	ever     bool          // it was violated at least once since the first fault
}

type ratioSum struct{ good, total float64 }

func newWatch(p *plan.Plan) *watch {
	w := &watch{probes: map[string]*window{}}
	for _, pr := range p.Probes {
		w.probes[pr.Addr] = &window{rate: pr.Rate, span: defaultWindow(pr.Rate)}
	}
	for _, s := range p.SLOs {
		st := &sloState{SLO: s, target: s.Target / 100, source: w.probes[s.Probe]}
		if st.source != nil {
			st.source.span = max(st.source.span, time.Duration(s.Window))
		}
		w.slos = append(w.slos, st)
	}
	return w
}

// defaultWindow is W of MEASURES: the longer of 1 s and 20 samples.
func defaultWindow(rate float64) time.Duration {
	return max(time.Second, time.Duration(math.Ceil(20e9/rate)))
}

func (w *watch) add(addr string, samples []sample.Sample) {
	p := w.probes[addr]
	if p == nil {
		return
	}
	for _, s := range samples {
		switch s.Outcome {
		case sample.Good:
			p.good++
			p.total.good++
		case sample.Bad:
			p.bad++
			p.total.bad++
		default:
			p.total.unsent++
			continue
		}
		p.samples = append(p.samples, s)
	}
}

// trim forgets what has left the window.
func (p *window) trim(now time.Duration) {
	from := now - p.span
	n := 0
	for n < len(p.samples) && p.samples[n].Ended < from {
		if p.samples[n].Outcome == sample.Good {
			p.good--
		} else {
			p.bad--
		}
		n++
	}
	if n > 0 {
		p.samples = slices.Delete(p.samples, 0, n)
	}
}

// sli is the share of good answers in the window that ends now.
func (p *window) sli(window, now time.Duration) (float64, bool) {
	p.trim(now)
	if window >= p.span {
		return ratio(float64(p.good), float64(p.good+p.bad))
	}
	good, n := 0, 0
	for i := len(p.samples) - 1; i >= 0 && p.samples[i].Ended >= now-window; i-- {
		n++
		if p.samples[i].Outcome == sample.Good {
			good++
		}
	}
	return ratio(float64(good), float64(n))
}

func ratio(good, total float64) (float64, bool) {
	if total == 0 {
		return 0, false
	}
	return good / total, true
}

// p99 is the 99th percentile of latency in the window, in seconds.
func (p *window) p99(now time.Duration) (float64, bool) {
	p.trim(now)
	if len(p.samples) == 0 {
		return 0, false
	}
	ls := make([]time.Duration, len(p.samples))
	for i, s := range p.samples {
		ls[i] = s.Latency()
	}
	slices.Sort(ls)
	return ls[int(math.Ceil(0.99*float64(len(ls))))-1].Seconds(), true
}

func (s *sloState) sli(now time.Duration) (float64, bool) {
	if s.source != nil {
		return s.source.sli(time.Duration(s.Window), now)
	}
	if s.ratio == nil || s.ratio.Err != "" {
		return 0, false
	}
	return ratio(s.ratio.Good, s.ratio.Total)
}

// update looks at every SLO once a tick. Between two answers, with nothing known, a violation stays what it was: a
// target that hangs gives no answer for a whole timeout, and that is no recovery.
func (w *watch) update(now time.Duration) {
	for _, s := range w.slos {
		sli, known := s.sli(now)
		if known {
			s.known, s.violated = true, sli < s.target
		}
		if s.violated {
			s.last, s.ever = now, true
		}
	}
}

// reset starts the counts of a new phase.
func (w *watch) reset() {
	for _, p := range w.probes {
		p.total = counts{}
	}
	for _, s := range w.slos {
		s.sums, s.ever = ratioSum{}, false
	}
}

func (w *watch) slo(addr string) *sloState {
	for _, s := range w.slos {
		if s.Addr == addr {
			return s
		}
	}
	return nil
}

// value gives guards what they ask for.
func (l *loop) value(addr, attr string) (any, bool) {
	now := l.now()
	if addr == "run" {
		return map[string]any{"elapsed": now.Seconds(), "phase": string(l.phase)}[attr], attr == "elapsed" || attr == "phase"
	}
	if s := l.watch.slo(addr); s != nil {
		switch attr {
		case "sli":
			return some(s.sli(now))
		case "violated":
			return s.violated, s.known
		case "p99":
			if s.source != nil {
				return some(s.source.p99(now))
			}
		}
	}
	if p := l.watch.probes[addr]; p != nil {
		switch attr {
		case "error_ratio":
			sli, ok := p.sli(p.span, now)
			return 1 - sli, ok
		case "p99":
			return some(p.p99(now))
		}
	}
	return nil, false
}

func some(v float64, ok bool) (any, bool) { return v, ok }
