package live

import (
	"math"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"

	"github.com/gameday-toolkit/gameday/internal/history"
	"github.com/gameday-toolkit/gameday/internal/sample"
)

// charts are the curves of all SLOs in buckets of time: what a run of hours leaves for a page to draw. When there are too
// many buckets, two become one.
type charts struct {
	width  time.Duration
	curves map[string]*curve
	digest *hdrhistogram.Histogram // of one bucket, used again and again
}

// curve is one SLO. Points before from have not changed since the last delta.
type curve struct {
	points []point
	from   int
}

// point is one bucket. Good and Total are counts; P50 and P99 are in milliseconds, and below 0 where there was no answer.
type point struct {
	Good, Total, Unsent float64
	P50, P99            float64
}

const (
	bucket     = time.Second
	maxBuckets = 1200
	// settled is what may pass, beside a probe's timeout, until a sample is in the journal.
	settled = 3 * time.Second
)

func newCharts() *charts {
	return &charts{width: bucket, curves: map[string]*curve{}, digest: hdrhistogram.New(1, int64(time.Hour/time.Microsecond), 2)}
}

// update draws again what may have changed since the run was at a moment, and says whether the buckets have become wider.
func (c *charts) update(r *history.Run, since time.Duration) (wider bool) {
	if r.Plan == nil {
		return false
	}
	for int(r.LastAt/c.width) >= maxBuckets {
		c.widen()
		wider = true
	}
	for _, s := range r.Plan.SLOs {
		cv := c.curves[s.Addr]
		if cv == nil {
			cv = &curve{}
			c.curves[s.Addr] = cv
		}
		if p := r.Probe(s.Probe); p != nil {
			c.sampled(cv, p, since-p.Timeout-settled, r.LastAt)
		} else if x := r.Ratio(s.Addr); x != nil {
			c.polled(cv, x, since-settled, r.LastAt)
		}
	}
	return wider
}

// extend makes room for buckets up to a time, and gives the first to be drawn again.
func (c *charts) extend(cv *curve, from, to time.Duration) int {
	for len(cv.points) <= int(to/c.width) {
		cv.points = append(cv.points, point{P50: -1, P99: -1})
	}
	first := max(0, int(from/c.width))
	cv.from = min(cv.from, first)
	return first
}

func (c *charts) sampled(cv *curve, p *history.Probe, from, to time.Duration) {
	first := c.extend(cv, from, to)
	for i := first; i < len(cv.points); i++ {
		cv.points[i] = c.bucket(&p.Series, time.Duration(i)*c.width)
	}
}

func (c *charts) bucket(s *sample.Series, from time.Duration) point {
	pt := point{P50: -1, P99: -1}
	c.digest.Reset()
	for x := range s.Between(from, from+c.width) {
		switch x.Outcome {
		case sample.Good:
			pt.Good++
			pt.Total++
		case sample.Bad:
			pt.Total++
		default:
			pt.Unsent++
			continue
		}
		_ = c.digest.RecordValue(int64(max(x.Latency(), time.Microsecond) / time.Microsecond)) // beyond an hour it is nothing to look at
	}
	if c.digest.TotalCount() > 0 {
		pt.P50, pt.P99 = float64(c.digest.ValueAtQuantile(50))/1000, float64(c.digest.ValueAtQuantile(99))/1000
	}
	return pt
}

// polled spreads each poll over the time that it is about.
func (c *charts) polled(cv *curve, x *history.Ratio, from, to time.Duration) {
	for _, p := range x.Polls {
		if p.PointBody.To > from-c.width { // one that reaches in is drawn again as a whole
			from = min(from, p.PointBody.From)
		}
	}
	first := c.extend(cv, from, to)
	for i := first; i < len(cv.points); i++ {
		cv.points[i] = point{P50: -1, P99: -1}
	}
	for _, p := range x.Polls {
		span := p.PointBody.To - p.PointBody.From
		if p.Err != "" || span <= 0 || p.PointBody.To <= time.Duration(first)*c.width {
			continue
		}
		for i := max(first, int(p.PointBody.From/c.width)); i < len(cv.points) && time.Duration(i)*c.width < p.PointBody.To; i++ {
			at := time.Duration(i) * c.width
			share := float64(min(at+c.width, p.PointBody.To)-max(at, p.PointBody.From)) / float64(span)
			cv.points[i].Good += p.Good * share
			cv.points[i].Total += p.Total * share
		}
	}
}

// widen makes one bucket of two. Counts add up; of two latencies the worse is kept.
func (c *charts) widen() {
	c.width *= 2
	for _, cv := range c.curves {
		half := make([]point, 0, maxBuckets)
		for i := 0; i < len(cv.points); i += 2 {
			a := cv.points[i]
			if i+1 < len(cv.points) {
				b := cv.points[i+1]
				a = point{a.Good + b.Good, a.Total + b.Total, a.Unsent + b.Unsent, max(a.P50, b.P50), max(a.P99, b.P99)}
			}
			half = append(half, a)
		}
		cv.points, cv.from = half, 0
	}
}

// drawn is a curve, or the end of one, as the page takes it: [good, total, unsent, p50, p99].
type drawn struct {
	From   int          `json:"from"`
	Points [][5]float64 `json:"points"`
}

// delta is what has changed since the last delta; all of it with whole.
func (c *charts) delta(whole bool) map[string]drawn {
	out := map[string]drawn{}
	for addr, cv := range c.curves {
		from := min(cv.from, len(cv.points))
		if whole {
			from = 0
		} else {
			cv.from = len(cv.points)
		}
		d := drawn{From: from, Points: make([][5]float64, 0, len(cv.points)-from)}
		for _, p := range cv.points[from:] {
			d.Points = append(d.Points, [5]float64{short(p.Good), short(p.Total), p.Unsent, short(p.P50), short(p.P99)})
		}
		out[addr] = d
	}
	return out
}

// short leaves three places, which is more than a page can show.
func short(f float64) float64 { return math.Round(f*1000) / 1000 }
