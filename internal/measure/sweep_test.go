package measure

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/gameday-toolkit/gameday/internal/history"
	"github.com/gameday-toolkit/gameday/internal/sample"
)

// slowly is the definition, word for word: the SLO is violated at t if SLI(t-W, t] < target.
func slowly(p *probed, t time.Duration) (violated, known bool, sli float64) {
	var good, all float64
	for k := uint64(0); k < p.series.Len(); k++ {
		x := p.series.At(k)
		if x.Intended <= t-p.window || x.Intended > t {
			continue
		}
		switch x.Outcome {
		case sample.Good:
			good++
			all++
		case sample.Bad:
			all++
		}
	}
	if all == 0 {
		return false, false, -1
	}
	return tooFew(good, all, p.target), true, good / all
}

// TestTheSweepIsTheDefinition compares the running counts with the definition at every moment at which anything changes.
func TestTheSweepIsTheDefinition(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		hist := &history.Probe{Series: sample.Series{Schedule: sample.Schedule{
			Phase: time.Duration(rapid.Int64Range(0, int64(sec)).Draw(t, "phase")), Rate: rapid.Float64Range(1, 100).Draw(t, "rate")}}}
		p := &probed{
			probe: hist, series: &hist.Series,
			window: time.Duration(rapid.Int64Range(int64(10*ms), int64(3*sec)).Draw(t, "window")),
			target: rapid.Float64Range(1, 100).Draw(t, "target"),
		}
		for k := range uint64(rapid.IntRange(1, 60).Draw(t, "n")) {
			at := p.series.Schedule.Intended(k)
			if o := sample.Outcome(rapid.IntRange(0, 3).Draw(t, "outcome")); o != sample.Missing {
				p.series.Add(sample.Sample{Seq: k, Intended: at, Started: at, Ended: at + ms, Outcome: o})
			}
		}
		from := time.Duration(rapid.Int64Range(0, int64(10*sec)).Draw(t, "from"))
		last := from
		p.sweep(from, never, func(at, until time.Duration, w *window) {
			require.Equal(t, last, at, "no moment is left out")
			last = until
			for _, x := range []time.Duration{at, (at + until) / 2, until - 1} {
				violated, known, _ := slowly(p, x)
				require.Equal(t, known, w.good+w.bad > 0, "at %s", x)
				require.Equal(t, violated, known && p.violated(w), "at %s", x)
			}
		})
		require.Equal(t, max(from, p.end()), last)
		for _, o := range p.outages(0, never) {
			violated, _, _ := slowly(p, o.From)
			require.True(t, violated)
			if !o.Open {
				violated, known, _ := slowly(p, o.To)
				require.True(t, known && !violated)
			}
			require.LessOrEqual(t, o.Onset, o.Last)
			require.Greater(t, o.Next, o.Last)
		}
	})
}

func TestTheCurveShowsTheWorstOfEachBucket(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		hist := &history.Probe{Series: sample.Series{Schedule: sample.Schedule{Rate: 50}}}
		p := &probed{probe: hist, series: &hist.Series, window: 200 * ms, target: 99}
		for k := range uint64(100) {
			at := p.series.Schedule.Intended(k)
			o := sample.Good
			if rapid.IntRange(0, 9).Draw(t, "bad") == 0 {
				o = sample.Bad
			}
			p.series.Add(sample.Sample{Seq: k, Intended: at, Started: at, Ended: at + ms, Outcome: o})
		}
		width := time.Duration(rapid.Int64Range(int64(20*ms), int64(300*ms)).Draw(t, "width"))
		for i, x := range p.curve(0, never, width) {
			worst := 1.0
			for at := time.Duration(i) * width; at < min(p.end(), time.Duration(i+1)*width); at += ms {
				_, _, sli := slowly(p, at)
				worst = min(worst, sli)
			}
			require.LessOrEqual(t, x.SLI, worst)
		}
	})
}
