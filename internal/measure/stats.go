package measure

import (
	"math"
	"slices"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"

	"github.com/gameday-toolkit/gameday/internal/sample"
)

const (
	maxLatency = int64(time.Hour / time.Microsecond)
	maxPoints  = 2000
	maxWindows = 600 // of latency
)

// latencies gathers latencies: a few as they are, and many in an HDR histogram of microseconds with an exact maximum. Most
// points of a curve have a few, for which emptying and searching a histogram would be most of the work.
type latencies struct {
	few  []time.Duration
	hist *hdrhistogram.Histogram
	many bool
	max  time.Duration
}

func newLatencies(digits int) *latencies {
	return &latencies{few: make([]time.Duration, 0, 256), hist: hdrhistogram.New(1, maxLatency, digits)}
}

func (l *latencies) add(d time.Duration) {
	l.max = max(l.max, d)
	if !l.many && len(l.few) < cap(l.few) {
		l.few = append(l.few, d)
		return
	}
	if !l.many {
		l.many = true
		for _, x := range l.few {
			l.record(x)
		}
	}
	l.record(d)
}

func (l *latencies) record(d time.Duration) {
	_ = l.hist.RecordValue(min(maxLatency, max(0, int64(d/time.Microsecond)))) // never beyond the histogram's range
}

// at is the latency that q percent are not above.
func (l *latencies) at(q float64) time.Duration {
	switch {
	case l.many:
		return min(l.max, time.Duration(l.hist.ValueAtQuantile(q))*time.Microsecond)
	case len(l.few) == 0:
		return 0
	}
	slices.Sort(l.few)
	return l.few[max(0, int(math.Ceil(q/100*float64(len(l.few))))-1)]
}

func (l *latencies) reset() {
	if l.many {
		l.hist.Reset()
	}
	l.few, l.many, l.max = l.few[:0], false, 0
}

// count adds one sample. One that should have been taken, and is not in the journal, counts as not sent.
func (s *PhaseStats) count(x sample.Sample) {
	switch x.Outcome {
	case sample.Good:
		s.Good++
	case sample.Bad:
		s.Bad++
	default:
		s.Unsent++
	}
}

// Starved says whether more than one sample in a hundred was not sent, and more than two: of a slow probe's few samples
// one is more than that, and the hole that it leaves shows in the width of what is measured.
func (s PhaseStats) Starved() bool { return s.Unsent > 2 && s.Unsent*100 > s.Good+s.Bad+s.Unsent }

// Steady says whether the steady state held: enough samples, and enough of them good.
func (s PhaseStats) Steady(target float64) bool {
	return s.Good+s.Bad >= minSamples && !tooFew(float64(s.Good), float64(s.Good+s.Bad), target)
}

// minSamples is how many answers a steady state needs at least.
const minSamples = 20

func (p *probed) stats(t timeline) map[string]PhaseStats {
	found, hists := map[string]*PhaseStats{}, map[string]*latencies{}
	for k := uint64(0); k < p.series.Len(); k++ {
		x := p.series.At(k)
		name := t.stretch(x.Intended, max(x.Ended, x.Intended))
		if name == "" {
			continue
		}
		s := found[name]
		if s == nil {
			s = new(PhaseStats)
			found[name], hists[name] = s, newLatencies(3)
		}
		s.count(x)
		if x.Outcome == sample.Good || x.Outcome == sample.Bad {
			hists[name].add(x.Latency())
		}
	}
	out := map[string]PhaseStats{}
	for name, s := range found {
		h := hists[name]
		s.P50, s.P99, s.Max = h.at(50), h.at(99), h.max
		out[name] = *s
	}
	return out
}

// classes counts bad and unsent samples by class.
func (p *probed) classes() map[string]uint64 {
	var counts [256]uint64
	for k := uint64(0); k < p.series.Len(); k++ {
		if x := p.series.At(k); x.Outcome == sample.Bad || x.Outcome == sample.Unsent {
			counts[x.Class]++
		}
	}
	found := map[string]uint64{}
	for c, n := range counts {
		if n > 0 {
			found[sample.Class(c).String()] += n
		}
	}
	return found
}

// curve implements source. A bucket shows the worst SLI of any window that ends in it, and the longest latency of any
// sample in it, so that thinning hides no dip.
func (p *probed) curve(from, to, width time.Duration) []Point {
	to = min(to, p.end())
	if to <= from {
		return nil
	}
	points := make([]Point, (to-from+width-1)/width)
	for i := range points {
		points[i] = Point{At: from + time.Duration(i)*width + width/2, SLI: -1}
	}
	p.sweep(from, to, func(t, until time.Duration, w *window) {
		if w.good+w.bad == 0 {
			return
		}
		sli := float64(w.good) / float64(w.good+w.bad)
		for i := (t - from) / width; i <= (until-1-from)/width; i++ {
			if x := &points[i]; x.SLI < 0 || sli < x.SLI {
				x.SLI = sli
			}
		}
	})
	p.fill(points, from, to, width)
	return points
}

// fill adds what the samples of each bucket say by themselves.
func (p *probed) fill(points []Point, from, to, width time.Duration) {
	h, i := newLatencies(2), 0
	flush := func() {
		points[i].P50, points[i].P99, points[i].Max = h.at(50), h.at(99), h.max
		h.reset()
	}
	for x := range p.series.Between(from, to) {
		if at := int((x.Intended - from) / width); at != i {
			flush()
			i = at
		}
		switch x.Outcome {
		case sample.Unsent:
			points[i].Unsent++
			continue
		case sample.Bad:
			points[i].Bad++
		}
		h.add(x.Latency())
	}
	flush()
}

// latency gives the latency by windows of the given width, one after the other; a window without a sample is left out.
func (p *probed) latency(from, to, width time.Duration) []LatencyPoint {
	var out []LatencyPoint
	h, i, seen := newLatencies(3), 0, false
	flush := func() {
		if seen {
			out = append(out, LatencyPoint{At: from + time.Duration(i)*width + width/2, Width: width, P50: h.at(50), P99: h.at(99), Max: h.max})
		}
		h.reset()
		seen = false
	}
	for x := range p.series.Between(from, min(to, p.end())) {
		if at := int((x.Intended - from) / width); at != i {
			flush()
			i = at
		}
		if x.Outcome != sample.Unsent {
			h.add(x.Latency())
			seen = true
		}
	}
	flush()
	return out
}

// thin merges neighbours until there are at most maxPoints, keeping the worst of each.
func thin(points []Point) []Point {
	if len(points) <= maxPoints {
		return points
	}
	step := (len(points) + maxPoints - 1) / maxPoints
	var out []Point
	for i := 0; i < len(points); i += step {
		merged := points[i]
		for _, x := range points[i+1 : min(i+step, len(points))] {
			if x.SLI >= 0 && (merged.SLI < 0 || x.SLI < merged.SLI) {
				merged.SLI = x.SLI
			}
			merged.Bad, merged.Unsent, merged.Max = merged.Bad+x.Bad, merged.Unsent+x.Unsent, max(merged.Max, x.Max)
		}
		out = append(out, merged)
	}
	return out
}
