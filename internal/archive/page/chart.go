package page

import (
	"fmt"
	"math"
	"time"

	"github.com/gameday-toolkit/gameday/internal/archive"
	"github.com/gameday-toolkit/gameday/internal/measure"
)

// The drawing, in its own units. The page scales it to its column.
const (
	wide, high          = 760, 200
	left, right         = 64, 14
	top, bottom         = 16, 28
	plotWide, plotHigh  = wide - left - right, high - top - bottom
	most                = 200 // points; the newest
	roomAbove           = 1.12
	fewestDaysOfTheAxis = 7
)

// chart is one series with its drawing.
type chart struct {
	Title, Name, Label string
	Limit              string
	LimitY             float64 // 0 where there is none
	Grid               []tick
	Quarters           []tick
	Marks              []mark
	Line               string // the points of a line through the marks
	Table              []archive.Quarter
	Rows               []row
	Wide, High         int
	Left, Right, Floor float64
	Left0, Ceil        float64
	Of                 archive.Series
}

type tick struct {
	At   float64
	Text string
}

// mark is one run: a bar over its interval, and a sign at the end that stands for it. Signs differ in shape and not in
// colour alone.
type mark struct {
	X, Lo, Hi float64
	Class     string // pass, fail, other
	Censored  bool
	Tip       string
}

type row struct{ Run, At, Value, Verdict string }

var titles = map[string]string{measure.KindRTO: "Recovery time", measure.KindRPO: "Data loss", archive.KindBudget: "Error budget spent"}

func draw(s archive.Series) chart {
	c := chart{Title: titles[s.Kind], Name: s.Name, Table: s.Quarters, Wide: wide, High: high,
		Left: left, Right: wide - right, Floor: high - bottom, Left0: left - 8, Ceil: top, Of: s}
	points := s.Points[max(0, len(s.Points)-most):]
	from, to := span(points)
	highest := s.Limit
	for _, p := range points {
		highest = max(highest, p.Top())
	}
	step := niceStep(highest * roomAbove / 4)
	ceiling := step * math.Ceil(max(highest*roomAbove, step)/step)
	y := func(v float64) float64 { return high - bottom - v/ceiling*plotHigh }
	x := func(t time.Time) float64 { return left + float64(t.Sub(from))/float64(to.Sub(from))*plotWide }
	for i := 0; float64(i)*step <= ceiling*1.0001; i++ {
		v := float64(i) * step
		c.Grid = append(c.Grid, tick{y(v), s.Number(v)})
	}
	if s.Allowed != "" {
		c.Limit, c.LimitY = "limit "+s.Number(s.Limit), y(s.Limit)
	}
	c.Quarters = boundaries(from, to, x)
	for _, p := range points {
		m := mark{X: x(p.At), Lo: y(p.Lo), Hi: y(p.Top()), Class: class(p.Verdict), Censored: p.Censored,
			Tip: fmt.Sprintf("%s: %s, %s", p.At.UTC().Format("2 Jan 2006 15:04"), p.Value, p.Verdict)}
		c.Marks = append(c.Marks, m)
		c.Line += fmt.Sprintf("%.1f,%.1f ", m.X, m.Hi)
		c.Rows = append(c.Rows, row{p.Run, p.At.UTC().Format("2006-01-02 15:04"), p.Value, p.Verdict.String()})
	}
	last := points[len(points)-1]
	c.Label = fmt.Sprintf("%s of %s in %d runs, the last one %s", c.Title, s.Name, len(points), last.Value)
	return c
}

func class(v measure.Verdict) string {
	switch v {
	case measure.Pass:
		return "pass"
	case measure.Fail:
		return "fail"
	}
	return "other"
}

// span is the time that the axis shows: some days at least, so that the runs of one day do not fill it with hours.
func span(points []archive.Point) (from, to time.Time) {
	from, to = points[0].At, points[len(points)-1].At
	margin := max(to.Sub(from)/30, 12*time.Hour)
	from, to = from.Add(-margin), to.Add(margin)
	if short := fewestDaysOfTheAxis*24*time.Hour - to.Sub(from); short > 0 {
		from, to = from.Add(-short/2), to.Add(short/2)
	}
	return from, to
}

// boundaries are the beginnings of quarters on the axis, and the quarter that it begins in.
func boundaries(from, to time.Time, x func(time.Time) float64) (out []tick) {
	out = append(out, tick{left, archive.QuarterOf(from)})
	f := from.UTC()
	at := time.Date(f.Year(), (f.Month()-1)/3*3+1, 1, 0, 0, 0, 0, time.UTC)
	for at = at.AddDate(0, 3, 0); at.Before(to); at = at.AddDate(0, 3, 0) {
		if px := x(at); px-out[len(out)-1].At >= 58 {
			out = append(out, tick{px, archive.QuarterOf(at)})
		} else if len(out) == 1 {
			out[0] = tick{px, archive.QuarterOf(at)} // no room for the one before it
		}
	}
	return out
}

// niceStep is the next one of 1, 2 and 5 times a power of ten.
func niceStep(least float64) float64 {
	if least <= 0 {
		return 1
	}
	power := math.Pow(10, math.Floor(math.Log10(least)))
	for _, n := range []float64{1, 2, 5} {
		if n*power >= least {
			return n * power
		}
	}
	return 10 * power
}
