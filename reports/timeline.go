package reports

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"github.com/gameday-toolkit/gameday/internal/measure"
)

// The timeline is laid out once for each width rather than scaled, so that its text is as readable on a telephone as on
// paper; the style sheet shows one of them.
var widths = [...]struct {
	class string
	w     float64
	ticks int
}{{"wide", 1120, 12}, {"medium", 680, 8}, {"narrow", 342, 4}}

const (
	gutter    = 46.0
	sliHeight = 64.0
	latHeight = 40.0
	barHeight = 16.0
	rowGap    = 6.0
	charWidth = 5.9 // of the 11 px text, on average

	maxLanes  = 6  // SLOs with a curve of their own; the others get a strip each
	maxStrips = 60 // and beyond that they are counted
	maxRows   = 10 // rows of bars of one kind
)

// chart is the timeline at one width.
type chart struct {
	Class       string
	W, H        float64
	Title, Desc string
	X0, X1      float64
	PlotBottom  float64
	Tall        bool // takes a page of its own on paper
	Back, Front []shape
	Marks       []mark

	m      *Model
	y      float64
	length time.Duration
	ticks  int
	rows   int  // of bars of one kind
	brief  bool // without latency
}

func (m *Model) charts() []*chart {
	var out []*chart
	for _, w := range widths {
		c := &chart{Class: w.class, W: w.w, X0: gutter, X1: w.w - 6, m: m, length: m.length(), ticks: w.ticks, rows: maxRows}
		c.draw()
		out = append(out, c)
	}
	for _, c := range out {
		c.Tall = out[0].H > 640
	}
	return out
}

// length is the length of the common time axis.
func (m *Model) length() time.Duration {
	n := m.Run.Length
	for _, p := range m.Phases {
		n = max(n, p.To)
	}
	return max(n, time.Millisecond)
}

func (c *chart) x(t time.Duration) float64 {
	share := float64(t) / float64(c.length)
	return c.X0 + min(1, max(0, share))*(c.X1-c.X0)
}

func (c *chart) draw() {
	c.Title = "Timeline of the run"
	c.Desc = c.m.timelineInWords()
	c.y = 2
	c.phases()
	top := c.y
	c.bars("faults", c.m.faultBars())
	lanes := c.y
	c.lanes()
	c.shadeFaults(top, lanes, c.y)
	c.bars("actions", c.m.actionBars())
	c.bars("alerts", c.m.alertBars())
	c.marks()
	c.axis()
}

func (c *chart) add(s shape)  { c.Front = append(c.Front, s) }
func (c *chart) back(s shape) { c.Back = append(c.Back, s) }

func (c *chart) label(x, y float64, anchor, class, text string) {
	c.add(shape{Kind: "text", X: x, Y: y, Anchor: anchor, Class: class, Text: text})
}

// phases is the ribbon at the top.
func (c *chart) phases() {
	for i, p := range c.m.Phases {
		x0, x1 := c.x(p.From), c.x(p.To)
		class := "phase"
		if i%2 == 1 {
			class = "phase alt"
		}
		c.add(shape{Kind: "rect", Class: class, X: x0, Y: c.y, W: max(0.5, x1-x0), H: 18, Tip: phaseTip(p)})
		if float64(len(p.Addr))*charWidth+6 < x1-x0 {
			c.label((x0+x1)/2, c.y+13, "middle", "phase-name", p.Addr)
		}
	}
	if len(c.m.Phases) > 0 {
		c.y += 18 + 10
	}
}

func phaseTip(p Stretch) string {
	return fmt.Sprintf("phase %s, %s to %s", p.Addr, Offset(p.From), Offset(p.To))
}

// shadeFaults lets the faults stand behind the curves for as long as they lasted.
func (c *chart) shadeFaults(top, lanes, bottom float64) {
	if bottom <= lanes {
		return
	}
	for _, b := range union(c.m.faultBars()) {
		x0, x1 := c.x(b.From), c.x(b.To)
		c.back(shape{Kind: "rect", Class: "shade", X: x0, Y: top, W: max(0.5, x1-x0), H: bottom - top})
		c.back(shape{Kind: "line", Class: "edge", X: x0, Y: top, H: bottom - top})
		c.back(shape{Kind: "line", Class: "edge", X: x1, Y: top, H: bottom - top})
	}
}

// union joins bars that overlap: many faults at once would otherwise hide what is behind them.
func union(bars []barred) []measure.Span {
	slices.SortFunc(bars, func(a, b barred) int { return cmp.Compare(a.from, b.from) })
	var out []measure.Span
	for _, b := range bars {
		if n := len(out); n > 0 && b.from <= out[n-1].To {
			out[n-1].To = max(out[n-1].To, b.to)
			continue
		}
		out = append(out, measure.Span{From: b.from, To: b.to})
	}
	return out
}

func (c *chart) axis() {
	c.PlotBottom = c.y + 4
	c.y += 18
	step := tickStep(c.length, c.ticks)
	for at := time.Duration(0); at <= c.length; at += step {
		x := c.x(at)
		c.back(shape{Kind: "line", Class: "grid-v", X: x, Y: 20, H: c.PlotBottom - 20})
		anchor := "middle"
		if x > c.X1-14 {
			anchor = "end"
		}
		c.label(x, c.y, anchor, "tick", tickLabel(at, step))
	}
	c.H = c.y + 6
}
