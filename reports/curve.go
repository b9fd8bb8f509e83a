package reports

import (
	"math"
	"slices"
	"time"

	"github.com/gameday-toolkit/gameday/internal/measure"
)

// column is what one pixel of a curve shows: the worst of the points that fall on it, so that thinning for the screen
// never hides a dip or a spike.
type column struct {
	x        float64
	sli      float64 // negative where there was no sample
	p50, p99 time.Duration
}

func columns(points []measure.Point, x func(time.Duration) float64) []column {
	sorted := slices.Clone(points)
	slices.SortStableFunc(sorted, func(a, b measure.Point) int { return int(sign(a.At - b.At)) })
	var out []column
	for _, p := range sorted {
		if math.IsNaN(p.SLI) {
			p.SLI = -1
		}
		c := column{x: math.Round(x(p.At)), sli: p.SLI, p50: p.P50, p99: p.P99}
		if n := len(out); n > 0 && out[n-1].x == c.x {
			out[n-1] = out[n-1].merge(c)
			continue
		}
		out = append(out, c)
	}
	return out
}

func (c column) merge(o column) column {
	c.p50, c.p99 = max(c.p50, o.p50), max(c.p99, o.p99)
	if c.sli < 0 || (o.sli >= 0 && o.sli < c.sli) {
		c.sli = o.sli
	}
	return c
}

func sign(d time.Duration) time.Duration { return min(1, max(-1, d)) }

// runs splits columns where ok is false: a curve has a gap where there is no data.
func runs(cols []column, ok func(column) bool) [][]column {
	var out [][]column
	start := -1
	for i, c := range cols {
		if ok(c) && start < 0 {
			start = i
		}
		if !ok(c) && start >= 0 {
			out, start = append(out, cols[start:i]), -1
		}
	}
	if start >= 0 {
		out = append(out, cols[start:])
	}
	return out
}

// sliPaths are the line of an SLI, and the area between it and the ground.
func sliPaths(cols []column, y func(float64) float64, ground float64) (line, area string) {
	var l, a pen
	for _, run := range runs(cols, func(c column) bool { return c.sli >= 0 }) {
		a.to('M', run[0].x, ground)
		for i, c := range run {
			if i > 0 && i < len(run)-1 && c.sli == run[i-1].sli && c.sli == run[i+1].sli {
				continue // in the middle of a level stretch
			}
			op := byte('L')
			if i == 0 {
				op = 'M'
			}
			l.to(op, c.x, y(c.sli))
			a.to('L', c.x, y(c.sli))
		}
		if len(run) == 1 { // a line of one point would not be seen
			l.to('L', run[0].x+1, y(run[0].sli))
		}
		a.to('L', run[len(run)-1].x, ground)
		a.close()
	}
	return l.String(), a.String()
}

// latencyPaths are the line of the 99th percentile, and the band from the median up to it.
func latencyPaths(cols []column, y func(time.Duration) float64) (line, band string) {
	var l, b pen
	for _, run := range runs(cols, func(c column) bool { return c.p99 > 0 }) {
		for i, c := range run {
			op := byte('L')
			if i == 0 {
				op = 'M'
			}
			l.to(op, c.x, y(c.p99))
			b.to(op, c.x, y(c.p99))
		}
		for _, c := range slices.Backward(run) {
			b.to('L', c.x, y(c.p50))
		}
		b.close()
	}
	return l.String(), b.String()
}

// latencyPoints makes points of a curve from windows of latency, with a hole where windows are missing.
func latencyPoints(windows []measure.LatencyPoint) []measure.Point {
	var out []measure.Point
	for i, w := range windows {
		if i > 0 && w.At-windows[i-1].At > w.Width*3/2 {
			out = append(out, measure.Point{At: windows[i-1].At + w.Width/2, SLI: -1})
		}
		out = append(out, measure.Point{At: w.At, SLI: -1, P50: w.P50, P99: w.P99})
	}
	return out
}

// sliFloor is where the scale of an SLI begins: as high as the curve and the target allow, so that 99.9 % and 99.5 %
// can be told apart where nothing worse happened.
func sliFloor(points []measure.Point, target float64) float64 {
	lowest := target / 100
	for _, p := range points {
		if p.SLI >= 0 {
			lowest = min(lowest, p.SLI)
		}
	}
	for _, floor := range [...]float64{0.99, 0.9, 0.5} {
		if lowest >= floor && target/100 > floor {
			return floor
		}
	}
	return 0
}

// decades are the powers of ten around all latencies of a curve.
func decades(points []measure.LatencyPoint) (lo, hi time.Duration) {
	var least, most time.Duration
	for _, p := range points {
		if v := p.P50; v > 0 && (least == 0 || v < least) {
			least = v
		}
		most = max(most, p.P99)
	}
	if most == 0 {
		return 0, 0
	}
	lo, hi = time.Microsecond, 10*time.Microsecond
	for lo*10 <= least {
		lo *= 10
	}
	for hi < most {
		hi *= 10
	}
	return lo, max(hi, lo*10)
}
