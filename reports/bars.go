package reports

import (
	"fmt"
	"strings"
	"time"
)

// barred is something that lasts: a fault, an action, an alert. Between sure and ends it is proven; around that it is
// on its way in or out.
type barred struct {
	name, tip  string
	class      string
	from, to   time.Duration
	sure, ends time.Duration
	failed     bool
	soft       bool // its beginning and end are known only as intervals
}

func (m *Model) faultBars() []barred {
	var out []barred
	for _, f := range m.result().Faults {
		if f.T0 == nil {
			if b, ok := m.unprovenBar(f.Addr); ok {
				out = append(out, b)
			}
			continue
		}
		b := barred{name: shortName(f.Addr), class: "fault", from: f.T0.Lo, sure: f.T0.Hi, to: m.length(), soft: true}
		if f.T0.Censored {
			b.sure = f.T0.Lo
		}
		b.ends = b.to
		if f.Reverted != nil {
			b.ends = f.Reverted.Lo
			if !f.Reverted.Censored {
				b.to = f.Reverted.Hi
			}
		}
		if f.State == "stuck" || f.State == "outstanding" {
			b.failed, b.to, b.name = true, m.length(), b.name+" (not proven gone)"
		}
		b.tip = fmt.Sprintf("fault %s: %s to %s, %s", f.Addr, Offset(b.from), Offset(b.to), f.State)
		out = append(out, b)
	}
	return out
}

// unprovenBar draws a fault that was injected and never seen: all of it is uncertain.
func (m *Model) unprovenBar(addr string) (barred, bool) {
	for _, s := range m.Injected {
		if s.Addr == addr {
			return barred{name: shortName(addr) + " (not proven active)", class: "fault", from: s.From, sure: s.To, to: s.To, ends: s.To, soft: true, failed: true,
				tip: fmt.Sprintf("fault %s: %s to %s, not proven active", addr, Offset(s.From), Offset(s.To))}, true
		}
	}
	return barred{}, false
}

func (m *Model) actionBars() []barred {
	var out []barred
	for _, a := range m.Actions {
		b := barred{name: shortName(a.Addr), class: "action", from: a.From, sure: a.From, to: a.To, ends: a.To, failed: a.Err != ""}
		b.tip = fmt.Sprintf("action %s: %s to %s", a.Addr, Offset(a.From), Offset(a.To))
		if b.failed {
			b.name += " (failed)"
			b.tip += ", " + a.Err
		}
		out = append(out, b)
	}
	return out
}

func (m *Model) alertBars() []barred {
	var out []barred
	for _, a := range m.result().Alerts {
		if a.Fired == nil {
			continue
		}
		b := barred{name: shortName(a.Addr), class: "alert", from: *a.Fired - a.Poll, sure: *a.Fired, to: m.length(), soft: true}
		if a.Resolved != nil {
			b.to = *a.Resolved
		} else {
			b.name += " (not resolved)"
		}
		b.ends = b.to
		b.tip = fmt.Sprintf("alert %s: firing from %s to %s", a.Addr, Offset(*a.Fired), Offset(b.to))
		out = append(out, b)
	}
	return out
}

// bars draws each of them in the first row that has room for it and its name.
func (c *chart) bars(kind string, all []barred) {
	if len(all) == 0 {
		return
	}
	c.y += 4
	top, dropped := c.y, 0
	var ends []float64 // how far each row is taken
	for _, b := range all {
		name, side := c.place(b)
		lo, hi := c.x(b.from), max(c.x(b.to), c.x(b.from)+3)
		switch side {
		case right:
			hi += textWidth(name)
		case left:
			lo -= textWidth(name)
		}
		row := 0
		for row < len(ends) && ends[row] > lo {
			row++
		}
		if row >= c.rows {
			dropped++
			continue
		}
		if row == len(ends) {
			ends = append(ends, 0)
		}
		ends[row] = hi + 8
		c.bar(b, name, side, top+float64(row)*(barHeight+3))
	}
	c.label(c.X0-5, top+12, "end", "tick", kind)
	c.y = top + float64(len(ends))*(barHeight+3)
	if dropped > 0 {
		c.y += 12
		c.label(c.X0, c.y-2, "start", "note-text", fmt.Sprintf("%s more: see the tables", Count(dropped)))
	}
	c.y += rowGap
}

// where says on which side of a bar its name stands.
type where int

const (
	inside where = iota
	right
	left
)

// place puts a bar's name into it, else to its right, else to its left; a name too long for each of them is cut to the
// roomiest.
func (c *chart) place(b barred) (name string, side where) {
	x0, x1 := c.x(b.from), max(c.x(b.to), c.x(b.from)+3)
	room := [...]float64{c.x(b.ends) - max(c.x(b.sure), x0), c.X1 + 6 - x1, x0 - c.X0}
	need := textWidth(b.name)
	roomiest := inside
	for side, r := range room {
		if need <= r {
			return b.name, where(side)
		}
		if r > room[roomiest] {
			roomiest = where(side)
		}
	}
	return clip(b.name, int((room[roomiest]-10)/charWidth)), roomiest
}

func textWidth(s string) float64 { return float64(len([]rune(s)))*charWidth + 10 }

func (c *chart) bar(b barred, name string, side where, y float64) {
	class := b.class
	if b.failed {
		class += " failed"
	}
	x0, x1 := c.x(b.from), max(c.x(b.to), c.x(b.from)+3)
	s0, s1 := max(x0, c.x(b.sure)), min(x1, max(c.x(b.ends), c.x(b.sure)))
	if b.soft {
		c.add(shape{Kind: "rect", Class: class + " soft", X: x0, Y: y, W: x1 - x0, H: barHeight, Tip: b.tip})
		if s1 > s0 || !b.failed {
			c.add(shape{Kind: "rect", Class: class, X: s0, Y: y, W: max(1, s1-s0), H: barHeight, Tip: b.tip})
		}
	} else {
		c.add(shape{Kind: "rect", Class: class, X: x0, Y: y, W: x1 - x0, H: barHeight, Tip: b.tip})
	}
	switch side {
	case inside:
		c.label(s0+5, y+12, "start", "bar-name in "+b.class+"-name", name)
	case right:
		c.label(x1+5, y+12, "start", "bar-name", name)
	case left:
		c.label(x0-5, y+12, "end", "bar-name", name)
	}
}

// timelineInWords is what a screen reader says in place of the picture.
func (m *Model) timelineInWords() string {
	var b strings.Builder
	fmt.Fprintf(&b, "The run took %s.", Duration(m.length()))
	for i, f := range m.faultBars() {
		if i == 8 {
			fmt.Fprintf(&b, " %s more.", plural(len(m.faultBars())-i, "fault"))
			break
		}
		fmt.Fprintf(&b, " Fault %s from %s to %s.", f.name, Offset(f.from), Offset(f.to))
	}
	for i, s := range m.result().SLOs {
		if i == 8 {
			fmt.Fprintf(&b, " %s more.", plural(len(m.result().SLOs)-i, "SLO"))
			break
		}
		if len(s.Violations) == 0 {
			fmt.Fprintf(&b, " %s was never violated.", s.Addr)
			continue
		}
		first, last := s.Violations[0], s.Violations[len(s.Violations)-1]
		fmt.Fprintf(&b, " %s was violated in %s, the first at %s, the last until %s.",
			s.Addr, plural(len(s.Violations), "interval"), Offset(first.From), Offset(last.To))
	}
	return b.String()
}
