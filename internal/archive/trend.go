package archive

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/gameday-toolkit/gameday/internal/measure"
)

// Series is one figure of one scenario over time: its recovery time, its recovery point, or the budget it spent.
type Series struct {
	Scenario string    `json:"scenario"`
	Service  string    `json:"service,omitempty"`
	Name     string    `json:"name"` // of the objective or SLO
	Kind     string    `json:"kind"` // rto, rpo or budget
	Unit     string    `json:"unit"`
	Limit    float64   `json:"limit,omitempty"` // of the last run
	Allowed  string    `json:"allowed,omitempty"`
	Points   []Point   `json:"points"` // oldest first
	Quarters []Quarter `json:"quarters"`
}

// Point is the figure of one run.
type Point struct {
	Run      string          `json:"run"`
	At       time.Time       `json:"at"`
	Lo       float64         `json:"lo"`
	Hi       float64         `json:"hi"`
	Censored bool            `json:"censored,omitempty"`
	Value    string          `json:"value"`
	Verdict  measure.Verdict `json:"verdict"` // of the objective, or of the run where it is none
}

// Top is the end that stands for the figure: the upper one, or the lower one where no other is known.
func (p Point) Top() float64 {
	if p.Censored {
		return p.Lo
	}
	return p.Hi
}

// Quarter sums up the runs of one quarter of a year, by UTC.
type Quarter struct {
	Name   string  `json:"name"` // 2026 Q4
	Runs   int     `json:"runs"`
	Missed int     `json:"missed"` // runs in which the objective failed
	Median float64 `json:"median"`
	Worst  float64 `json:"worst"`
	// Of one that is censored, only a lower bound is known: a run of which no more is known decides it, or may do so.
	MedianCensored bool `json:"median_censored,omitempty"`
	WorstCensored  bool `json:"worst_censored,omitempty"`
}

// trended are the kinds of figures that a trend is about.
var trended = []string{measure.KindRTO, measure.KindRPO, KindBudget}

// Trend gives the series of runs that passed or failed; what an inconclusive run measured compares with nothing.
func Trend(runs []Run) []Series {
	byKey := map[string]*Series{}
	runs = slices.Clone(runs)
	slices.SortFunc(runs, func(x, y Run) int { return cmp.Or(x.Started.Compare(y.Started), cmp.Compare(x.ID, y.ID)) })
	for _, r := range runs {
		if !r.Evidence.Conclusive {
			continue
		}
		for _, f := range r.Figures {
			if slices.Contains(trended, f.Kind) {
				add(byKey, r, f)
			}
		}
	}
	out := []Series{}
	for _, s := range byKey {
		s.Quarters = quarters(s.Points)
		out = append(out, *s)
	}
	slices.SortFunc(out, func(x, y Series) int {
		return cmp.Or(cmp.Compare(x.Scenario, y.Scenario), cmp.Compare(slices.Index(trended, x.Kind), slices.Index(trended, y.Kind)), cmp.Compare(x.Name, y.Name))
	})
	return out
}

func add(byKey map[string]*Series, r Run, f Figure) {
	key := strings.Join([]string{r.Scenario, f.Kind, f.Name}, "\x00")
	s := byKey[key]
	if s == nil {
		s = &Series{Scenario: r.Scenario, Name: f.Name, Kind: f.Kind, Unit: f.Unit}
		byKey[key] = s
	}
	s.Service, s.Limit, s.Allowed = r.Service, f.Limit, f.Allowed
	verdict := f.Verdict
	if !f.IsObjective() {
		verdict = r.Verdict
	}
	s.Points = append(s.Points, Point{Run: r.ID, At: r.Started, Lo: f.Lo, Hi: f.Hi, Censored: f.Censored, Value: f.Value, Verdict: verdict})
}

// QuarterOf names the quarter that a moment lies in.
func QuarterOf(t time.Time) string {
	t = t.UTC()
	return fmt.Sprintf("%d Q%d", t.Year(), (int(t.Month())+2)/3)
}

func quarters(points []Point) (out []Quarter) {
	for len(points) > 0 {
		name := QuarterOf(points[0].At)
		n := slices.IndexFunc(points, func(p Point) bool { return QuarterOf(p.At) != name })
		if n < 0 {
			n = len(points)
		}
		out = append(out, quarter(name, points[:n]))
		points = points[n:]
	}
	return out
}

// quarter sums up by the upper ends. Where those are not known, it gives the lower bound that the lower ends make: a censored
// run may be the worst one, whatever its own bound is; and it may move the median if its bound is not above that.
func quarter(name string, points []Point) Quarter {
	q := Quarter{Name: name, Runs: len(points)}
	var lows, highs []float64
	for _, p := range points {
		high := p.Hi
		if p.Censored {
			high = math.Inf(1)
		}
		lows, highs = append(lows, p.Lo), append(highs, high)
		if p.Verdict == measure.Fail {
			q.Missed++
		}
	}
	q.Median, q.Worst = median(highs), slices.Max(highs)
	low := median(lows)
	if slices.ContainsFunc(points, func(p Point) bool { return p.Censored && p.Lo <= low }) {
		q.Median, q.MedianCensored = low, true
	}
	if math.IsInf(q.Worst, 1) {
		q.Worst, q.WorstCensored = slices.Max(lows), true
	}
	return q
}

// median is the upper one of the two in the middle, where there are two: it is a figure that was measured.
func median(values []float64) float64 {
	sorted := slices.Sorted(slices.Values(values))
	return sorted[len(sorted)/2]
}

// MedianOf and WorstOf print the figures of a quarter: "12.4 s", or "> 60 s" where only a lower bound is known.
func (s Series) MedianOf(q Quarter) string { return s.bound(q.Median, q.MedianCensored) }

// WorstOf is the worst one; see MedianOf.
func (s Series) WorstOf(q Quarter) string { return s.bound(q.Worst, q.WorstCensored) }

func (s Series) bound(v float64, censored bool) string {
	if censored {
		return "> " + s.Number(v)
	}
	return s.Number(v)
}

// Number prints a figure of a series: "12.4 s", "0.02 %".
func (s Series) Number(v float64) string {
	if s.Unit == "%" {
		return measure.Percent(v)
	}
	return measure.Seconds(time.Duration(v * float64(time.Second)))
}

// Sparkline draws the newest points, one letter each, from zero to the highest.
func (s Series) Sparkline(width int) string {
	points := s.Points[max(0, len(s.Points)-width):]
	top := 0.0
	for _, p := range points {
		top = max(top, p.Top())
	}
	steps := []rune("▁▂▃▄▅▆▇█")
	var b strings.Builder
	for _, p := range points {
		i := 0
		if top > 0 {
			i = int(p.Top() / top * float64(len(steps)-1))
		}
		b.WriteRune(steps[i])
	}
	return b.String()
}
