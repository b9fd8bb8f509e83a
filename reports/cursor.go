package reports

import (
	"math"
	"time"

	"github.com/gameday-toolkit/gameday/internal/measure"
)

// cursor is the data that the page's script reads out under the pointer. Everything it says can be read without it.
type cursor struct {
	Length float64  `json:"length"` // seconds
	Wall   string   `json:"wall,omitempty"`
	Curves []curve  `json:"curves"`
	Spans  [][3]any `json:"spans"` // faults and actions: name, from, to
}

// curve is an SLI thinned to curvePoints. Times are in seconds, latencies in milliseconds; null where there is nothing.
type curve struct {
	Name string     `json:"name"`
	At   []float64  `json:"at"`
	SLI  []*float64 `json:"sli"`
	P50  []float64  `json:"p50"`
	P99  []float64  `json:"p99"`
}

const curvePoints = 600

func (m *Model) cursor() cursor {
	c := cursor{Length: m.length().Seconds(), Curves: []curve{}, Spans: [][3]any{}}
	if !m.Run.Started.IsZero() {
		c.Wall = m.Run.Started.UTC().Format(time.RFC3339Nano)
	}
	for i, s := range m.rankedSLOs() {
		if i == maxLanes {
			break
		}
		c.Curves = append(c.Curves, m.newCurve(&s))
	}
	for i, b := range append(m.faultBars(), m.actionBars()...) {
		if i == maxStrips {
			break
		}
		c.Spans = append(c.Spans, [3]any{b.name, b.from.Seconds(), b.to.Seconds()})
	}
	return c
}

func (m *Model) newCurve(s *measure.SLOResult) curve {
	out := curve{Name: shortName(s.Addr)}
	length := float64(m.length())
	for _, col := range columns(s.Points, func(t time.Duration) float64 { return float64(t) / length * curvePoints }) {
		out.At = append(out.At, round(col.x/curvePoints*length/1e9, 3))
		if col.sli < 0 {
			out.SLI = append(out.SLI, nil)
		} else {
			v := round(col.sli*100, 2)
			out.SLI = append(out.SLI, &v)
		}
		out.P50 = append(out.P50, round(float64(col.p50)/1e6, 2))
		out.P99 = append(out.P99, round(float64(col.p99)/1e6, 2))
	}
	return out
}

func round(v float64, digits int) float64 {
	p := math.Pow(10, float64(digits))
	return math.Round(v*p) / p
}
