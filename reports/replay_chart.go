package reports

import (
	"fmt"
	"math"
	"time"

	"github.com/gameday-toolkit/gameday/internal/measure"
	"github.com/gameday-toolkit/gameday/internal/replay"
)

// replayChart shows the incident above and the replay below, both from the moment when the fault took effect. They share
// one scale of time, unless one of them is so much longer that the other could not be seen.
type replayChart struct {
	Class  string
	W, H   float64
	Desc   string
	Shapes []shape

	m     *Model
	x0    float64
	x1    float64
	y     float64
	ticks int
}

const (
	bandHeight  = 70.0
	tooLong     = 6 // times as long needs a scale of its own
	nameHeight  = 13.0
	momentWidth = 74.0
)

func (m *Model) replayCharts() (out []*replayChart) {
	for _, w := range widths {
		c := &replayChart{Class: w.class, W: w.w, m: m, x0: gutter, x1: w.w - 6, ticks: w.ticks}
		c.draw()
		out = append(out, c)
	}
	return out
}

func (c *replayChart) add(s shape) { c.Shapes = append(c.Shapes, s) }

func (c *replayChart) draw() {
	r := c.m.Replay
	incident, rerun := c.m.replayLengths()
	if incident < rerun*tooLong && rerun < incident*tooLong {
		incident, rerun = max(incident, rerun), max(incident, rerun)
		c.Desc = "The incident above, the replay below, on one scale of time from the moment of the fault."
	} else {
		c.Desc = "The incident above, the replay below, each on its own scale of time from the moment of the fault."
	}
	c.band("incident", incident, func(at func(time.Duration) float64) {
		for i, s := range r.Series {
			c.series(s, fmt.Sprintf("series s%d", i), at)
		}
	}, func(x replay.Moment) *time.Duration { return x.Incident })
	c.band("replay", rerun, c.sli, func(x replay.Moment) *time.Duration { return x.Replay })
	c.H = c.y + 4
}

// band is one lane with its moments and its axis.
func (c *replayChart) band(name string, length time.Duration, curves func(func(time.Duration) float64), when func(replay.Moment) *time.Duration) {
	at := func(t time.Duration) float64 {
		return c.x0 + min(1, max(0, float64(t)/float64(length)))*(c.x1-c.x0)
	}
	c.y += 16
	c.add(shape{Kind: "text", Class: "lane-name", X: c.x0, Y: c.y - 4, Anchor: "start", Text: name})
	rows := c.labels(at, when)
	top := c.y + float64(rows)*nameHeight
	c.add(shape{Kind: "line", Class: "grid", X: c.x0, Y: top, W: c.x1 - c.x0})
	c.add(shape{Kind: "line", Class: "grid", X: c.x0, Y: top + bandHeight, W: c.x1 - c.x0})
	for _, x := range c.m.Replay.Moments {
		if t := when(x); t != nil && *t <= length {
			c.add(shape{Kind: "line", Class: "edge", X: at(*t), Y: top, H: bandHeight})
		}
	}
	c.y = top
	curves(at)
	c.y = top + bandHeight + 14
	step := tickStep(length, c.ticks)
	for t := time.Duration(0); t <= length; t += step {
		anchor := "middle"
		if at(t) > c.x1-14 {
			anchor = "end"
		}
		c.add(shape{Kind: "text", Class: "tick", X: at(t), Y: c.y, Anchor: anchor, Text: tickLabel(t, step)})
	}
	c.y += 8
}

// labels names the moments above the lane, in as many rows as keep them apart.
func (c *replayChart) labels(at func(time.Duration) float64, when func(replay.Moment) *time.Duration) (rows int) {
	var ends []float64
	for _, x := range c.m.Replay.Moments {
		t := when(x)
		if t == nil {
			continue
		}
		px := at(*t)
		row := 0
		for row < len(ends) && ends[row] > px {
			row++
		}
		if row == len(ends) {
			ends = append(ends, 0)
		}
		ends[row] = px + momentWidth
		anchor, px2 := "start", px+2
		if px+momentWidth > c.x1 {
			anchor, px2 = "end", px-2
			ends[row] = c.x1 + momentWidth
		}
		c.add(shape{Kind: "text", Class: "tick", X: px2, Y: c.y + float64(row+1)*nameHeight - 2, Anchor: anchor, Text: x.Name})
	}
	return len(ends)
}

// series draws one of the incident's metrics between its own least and greatest value.
func (c *replayChart) series(s replay.Series, class string, at func(time.Duration) float64) {
	lo, hi := math.Inf(1), math.Inf(-1)
	for _, p := range s.Points {
		lo, hi = min(lo, p.Value), max(hi, p.Value)
	}
	if len(s.Points) == 0 {
		return
	}
	span := hi - lo
	if span <= 0 || math.IsInf(span, 0) {
		span = 1
	}
	var line pen
	op := byte('M')
	for _, p := range s.Points {
		if p.At < 0 {
			continue // before the fault
		}
		line.to(op, at(p.At), c.y+bandHeight-4-(bandHeight-8)*min(1, max(0, (p.Value-lo)/span)))
		op = 'L'
	}
	tip := fmt.Sprintf("%s: %.4g to %.4g", s.Name, lo, hi)
	c.add(shape{Kind: "path", Class: class, D: line.String(), Tip: tip})
}

// sli draws the share of good answers of the SLO that the recovery was judged by.
func (c *replayChart) sli(at func(time.Duration) float64) {
	r := c.m.Replay
	for _, s := range c.m.result().SLOs {
		if s.Addr != r.SLO {
			continue
		}
		var after []measure.Point
		for _, p := range s.Points {
			if p.At -= r.T0; p.At >= 0 {
				after = append(after, p)
			}
		}
		ground := c.y + bandHeight
		y := func(v float64) float64 { return ground - bandHeight*min(1, max(0, v)) }
		line, area := sliPaths(columns(after, at), y, ground)
		c.add(shape{Kind: "path", Class: "sli-area", D: area})
		c.add(shape{Kind: "line", Class: "target", X: c.x0, Y: y(s.Target / 100), W: c.x1 - c.x0})
		c.add(shape{Kind: "path", Class: "sli-line", D: line})
		c.add(shape{Kind: "text", Class: "tick", X: c.x0 - 5, Y: c.y + 4, Anchor: "end", Text: "100 %"})
		c.add(shape{Kind: "text", Class: "tick", X: c.x0 - 5, Y: ground + 4, Anchor: "end", Text: "0 %"})
	}
}

// replayLengths are how far the incident and the replay go on after the fault.
func (m *Model) replayLengths() (incident, rerun time.Duration) {
	r := m.Replay
	incident, rerun = time.Second, max(time.Second, m.Run.Length-r.T0)
	for _, x := range r.Moments {
		if x.Incident != nil {
			incident = max(incident, *x.Incident+*x.Incident/10)
		}
	}
	if incident == time.Second {
		for _, s := range r.Series {
			for _, p := range s.Points {
				incident = max(incident, p.At)
			}
		}
	}
	if incident == time.Second { // nothing is known of it
		incident = rerun
	}
	return incident, rerun
}
