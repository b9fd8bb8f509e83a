package measure

import (
	"time"

	"github.com/gameday-toolkit/gameday/internal/history"
	"github.com/gameday-toolkit/gameday/internal/plan"
)

// source is where an SLI comes from: the samples of a probe, or the polls of a pair of counters.
type source interface {
	// outages gives the stretches of [from, to) in which the SLO is violated, as far as the data go. Bad answers that were
	// complete before from do not begin one.
	outages(from, to time.Duration) []outage
	// gaps gives the stretches of [from, to) for which nothing is known.
	gaps(from, to time.Duration) []Span
	// end is how far the data go.
	end() time.Duration
	// resolution is the time between two looks.
	resolution() time.Duration
	// stats counts by stretch.
	stats(t timeline) map[string]PhaseStats
	// curve is the SLI and the latency over time, in buckets of the given width.
	curve(from, to, width time.Duration) []Point
	// badBefore says whether something that was bad in [from, at) was so because of what was there before at.
	badBefore(from, at time.Duration) bool
	// entries gives the journal entries that hold what was seen at the moments given.
	entries(at ...time.Duration) []uint64
}

// outage is one stretch of violated windows.
type outage struct {
	From, To time.Duration // of the violated windows
	Open     bool          // it was still violated when the data, or the question, ended
	Onset    time.Duration // the first bad sample of its first violated window
	Last     time.Duration // the last bad sample: its intended start (r_lo)
	Next     time.Duration // the end of the next good sample (r_hi); never where there is none
}

// sourceOf finds where the SLI of an SLO comes from; nil where nothing was recorded.
func sourceOf(r *history.Run, slo *plan.SLO) source {
	if slo.Ratio != nil {
		if x := r.Ratio(slo.Addr); x != nil && len(x.Polls) > 0 {
			return newPolled(x, slo)
		}
		return nil
	}
	if p := r.Probe(slo.Probe); p != nil && p.Series.Len() > 0 {
		return newProbed(p, slo)
	}
	return nil
}

// tooFew says whether a share of good answers is below the target. The margin is that of the arithmetic, far below what one
// sample can make of it.
func tooFew(good, total, target float64) bool { return good*100 < target*total-1e-6 }

// windowOf is W: the SLO's own, or the longer of 1 s and 20 samples.
func windowOf(slo *plan.SLO, interval time.Duration) time.Duration {
	if slo.Window > 0 {
		return time.Duration(slo.Window)
	}
	return max(time.Second, 20*interval)
}
