package reports

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"time"

	"github.com/gameday-toolkit/gameday/internal/measure"
)

// lanes draws the SLOs: those that suffered most in full, the others as strips.
func (c *chart) lanes() {
	slos := c.m.rankedSLOs()
	for i := range slos {
		switch {
		case i < maxLanes:
			c.lane(&slos[i])
		case i < maxLanes+maxStrips:
			c.strip(&slos[i])
		}
	}
	if more := len(slos) - maxLanes - maxStrips; more > 0 {
		c.y += 14
		c.label(c.X0, c.y-3, "start", "note-text", plural(more, "further SLO")+" with less downtime: see the tables")
	}
}

// rankedSLOs puts those that suffered most first where not all can have a curve, and keeps the plan's order otherwise.
func (m *Model) rankedSLOs() []measure.SLOResult {
	slos := slices.Clone(m.result().SLOs)
	if len(slos) > maxLanes {
		slices.SortStableFunc(slos, func(a, b measure.SLOResult) int { return cmp.Compare(b.Downtime.Hi, a.Downtime.Hi) })
	}
	return slos
}

func (c *chart) lane(s *measure.SLOResult) {
	c.y += 20
	c.label(c.X0, c.y-7, "start", "lane-name", clip(shortName(s.Addr), int((c.X1-c.X0-110)/charWidth)))
	c.label(c.X1, c.y-7, "end", "note-text", "target "+Percent(s.Target))
	c.sli(s, columns(s.Points, c.x))
	if lo, hi := decades(s.Latency); hi > 0 && !c.brief {
		c.latency(columns(latencyPoints(s.Latency), c.x), lo, hi)
	}
	c.y += 10
}

func (c *chart) sli(s *measure.SLOResult, cols []column) {
	top, ground, floor := c.y, c.y+sliHeight, sliFloor(s.Points, s.Target)
	y := func(v float64) float64 {
		return ground - sliHeight*min(1, max(0, (v-floor)/(1-floor)))
	}
	c.add(shape{Kind: "line", Class: "grid", X: c.X0, Y: top, W: c.X1 - c.X0})
	c.add(shape{Kind: "line", Class: "grid", X: c.X0, Y: ground, W: c.X1 - c.X0})
	c.label(c.X0-5, top+4, "end", "tick", "100 %")
	c.label(c.X0-5, ground+4, "end", "tick", Percent(floor*100))
	for _, v := range s.Violations {
		x0, x1 := c.x(v.From), c.x(v.To)
		c.add(shape{Kind: "rect", Class: "violation", X: x0, Y: top, W: max(1, x1-x0), H: sliHeight, Hatch: true, Tip: violationTip(s, v)})
		c.add(shape{Kind: "rect", Class: "violation-foot", X: x0, Y: ground, W: max(1, x1-x0), H: 3})
	}
	line, area := sliPaths(cols, y, ground)
	c.add(shape{Kind: "path", Class: "sli-area", D: area})
	c.add(shape{Kind: "line", Class: "target", X: c.X0, Y: y(s.Target / 100), W: c.X1 - c.X0})
	c.add(shape{Kind: "path", Class: "sli-line", D: line})
	c.y = ground + 3
}

func violationTip(s *measure.SLOResult, v measure.Span) string {
	return fmt.Sprintf("%s violated from %s to %s (%s)", s.Addr, Offset(v.From), Offset(v.To), Duration(v.To-v.From))
}

func (c *chart) latency(cols []column, lo, hi time.Duration) {
	c.y += 13
	top, ground := c.y, c.y+latHeight
	span := math.Log(float64(hi) / float64(lo))
	y := func(d time.Duration) float64 {
		return ground - latHeight*min(1, max(0, math.Log(float64(max(d, 1))/float64(lo))/span))
	}
	c.add(shape{Kind: "line", Class: "grid", X: c.X0, Y: top, W: c.X1 - c.X0})
	c.add(shape{Kind: "line", Class: "grid", X: c.X0, Y: ground, W: c.X1 - c.X0})
	c.label(c.X0-5, top+4, "end", "tick", decadeLabel(hi))
	c.label(c.X0-5, ground+4, "end", "tick", decadeLabel(lo))
	line, band := latencyPaths(cols, y)
	c.add(shape{Kind: "path", Class: "lat-band", D: band})
	c.add(shape{Kind: "path", Class: "lat-line", D: line})
	c.y = ground
}

// strip is an SLO in one line: where it was violated. Its name stands where it covers none of that.
func (c *chart) strip(s *measure.SLOResult) {
	c.y += 3
	c.add(shape{Kind: "line", Class: "grid", X: c.X0, Y: c.y + 5, W: c.X1 - c.X0})
	last, span := -1.0, barred{}
	for i, v := range s.Violations {
		if i == 0 {
			span.from = v.From
		}
		span.to = max(span.to, v.To)
		x0, x1 := c.x(v.From), c.x(v.To)
		if x1 <= last {
			continue // on the same pixel as the one before
		}
		c.add(shape{Kind: "rect", Class: "violation-foot", X: x0, Y: c.y + 1, W: max(1, x1-x0), H: 8})
		last = math.Ceil(max(x1, x0+1))
	}
	span.name, span.ends = shortName(s.Addr), -time.Hour // never inside
	switch name, side := c.place(span); side {
	case left:
		c.label(c.x(span.from)-5, c.y+9, "end", "strip-name", name)
	default:
		c.label(c.x(span.to)+5, c.y+9, "start", "strip-name", name)
	}
	c.y += 10
}

func decadeLabel(d time.Duration) string {
	switch {
	case d < time.Millisecond:
		return fmt.Sprintf("%d µs", d/time.Microsecond)
	case d < time.Second:
		return fmt.Sprintf("%d ms", d/time.Millisecond)
	}
	return fmt.Sprintf("%d s", d/time.Second)
}
