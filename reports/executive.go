package reports

import (
	"cmp"
	"fmt"
	"html/template"
	"io"
	"slices"
	"time"

	"github.com/gameday-toolkit/gameday/internal/measure"
)

// executive is the page of one side: what was tried, what came of it, and what to do next. Every list is bounded and the
// style sheet clips every text, so that it is one side of A4 whatever the run.
type executive struct {
	*page
	Picture      *chart
	Stack        *stacked
	Next         []findingCard
	NextMore     int
	Proofs       []faultCard
	ProofsMore   int
	BrokenMore   int
	Met          []objectiveRow // the worst first; where something is broken, that is more urgent
	MetMore      int
	Holds, Wants int // assumptions
}

const (
	maxNext   = 3
	maxProofs = 3
	maxBroken = 3
	maxMet    = 4
)

// Executive writes the executive page, as self-contained as the report.
func Executive(w io.Writer, m *Model) error {
	t, err := template.New("executive.html.tmpl").Funcs(htmlFuncs()).ParseFS(files, "templates/*.html.tmpl")
	if err != nil {
		return fmt.Errorf("reading the templates of the executive page: %w", err)
	}
	css := asset("report.css") + asset("executive.css")
	x := newExecutive(m)
	x.CSS, x.Policy = template.CSS(css), policy([]string{css}, nil)
	if err := t.Execute(w, x); err != nil {
		return fmt.Errorf("writing the executive page: %w", err)
	}
	return nil
}

func newExecutive(m *Model) *executive {
	x := &executive{page: newPage(m), Picture: m.briefChart()}
	x.Kind = "Executive summary"
	x.Next, x.NextMore = firstOf(x.Findings, maxNext)
	x.Proofs, x.ProofsMore = firstOf(x.Faults, maxProofs)
	x.page.Broken, x.BrokenMore = firstOf(x.page.Broken, maxBroken)
	if len(x.page.Broken) == 0 {
		worst := slices.Clone(x.Objectives)
		slices.SortStableFunc(worst, func(a, b objectiveRow) int { return cmp.Compare(b.Verdict, a.Verdict) })
		x.Met, x.MetMore = firstOf(worst, maxMet)
	}
	if len(x.Splits) > 0 {
		x.Stack = newStacked(m)
	}
	for _, a := range x.Assumed {
		x.Wants++
		if a.OK {
			x.Holds++
		}
	}
	return x
}

func firstOf[T any](all []T, n int) (first []T, more int) {
	if len(all) > n {
		return all[:n], len(all) - n
	}
	return all, 0
}

// stacked is the worst recovery as one bar: its pieces are what each part adds, in the order in which they came.
type stacked struct {
	Name, Value, Advice string
	Pieces              []piece
}

type piece struct {
	Name, Adds, Share string
	X, W              float64 // thousandths
	Longest           bool
	Shade             int // neighbours differ
}

func newStacked(m *Model) *stacked {
	var worst *measure.ObjectiveResult
	for i := range m.result().Objectives {
		if o := &m.result().Objectives[i]; o.Split != nil && len(o.Split.Parts) > 0 && (worst == nil || worse(o, worst)) {
			worst = o
		}
	}
	s := newSplit(worst)
	out := &stacked{Name: s.Name, Value: s.Value, Advice: s.Advice}
	total := time.Duration(0)
	for _, p := range worst.Split.Parts {
		total += worst.Split.Adds(p.Name)
	}
	x := 0.0
	for i, p := range worst.Split.Parts {
		w := float64(worst.Split.Adds(p.Name)) / float64(max(total, 1)) * 1000
		if w <= 0 {
			continue
		}
		out.Pieces = append(out.Pieces, piece{Name: p.Name, Adds: s.Parts[i].Adds, Share: s.Parts[i].Share, X: x, W: w, Longest: s.Parts[i].Longest, Shade: i % 2})
		x += w
	}
	return out
}

// briefChart is the timeline of the SLO that suffered most.
func (m *Model) briefChart() *chart {
	c := &chart{Class: "brief", W: 680, X0: gutter, X1: 680 - 6, m: m, length: m.length(), ticks: 8, rows: 3, brief: true, Title: "Timeline of the run", Desc: m.timelineInWords(), y: 2}
	c.phases()
	top := c.y
	c.bars("faults", m.faultBars())
	lanes := c.y
	if s := m.worstSLO(); s != nil {
		c.lane(s)
	}
	c.shadeFaults(top, lanes, c.y)
	c.bars("actions", m.actionBars())
	c.axis()
	return c
}
