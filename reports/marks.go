package reports

import "fmt"

// mark is one moment on the timeline, with its number in the key below the picture.
type mark struct {
	N     int
	Kind  EntryKind
	X, Y  float64
	D     string // its sign, so that kinds differ by form
	Time  string
	Text  string
	Label bool // whether there is room for the number
}

const (
	maxMarks   = 40
	markLevels = 4
	markStep   = 15.0
)

// moments are the entries worth a sign on the picture. When there are too many, what people, guards and the system's own
// detection say comes first, and the other events are thinned evenly.
func (m *Model) moments() (shown []Entry, more int) {
	var all []Entry
	minor := 0
	for _, e := range m.Entries {
		switch e.Kind {
		case KindEvent, KindNote, KindGuard, KindAbort, KindTrouble, KindClock:
			all = append(all, e)
			if e.minor() {
				minor++
			}
		}
	}
	room := max(maxMarks-(len(all)-minor), maxMarks/4)
	seen := 0
	for _, e := range all {
		if e.minor() {
			seen++
			if minor > room && seen*room/minor == (seen-1)*room/minor {
				continue
			}
		}
		if len(shown) < maxMarks {
			shown = append(shown, e)
		}
	}
	return shown, len(all) - len(shown)
}

func (e Entry) minor() bool { return e.Kind == KindEvent && !e.Key }

func (c *chart) marks() {
	moments, _ := c.m.moments()
	if len(moments) == 0 {
		return
	}
	c.y += 12
	var ends [markLevels]float64
	deepest := 0
	for i, e := range moments {
		x := c.x(e.At)
		level := 0
		for level < markLevels-1 && ends[level] > x {
			level++
		}
		free := ends[level] <= x
		ends[level] = x + 22
		deepest = max(deepest, level)
		y := c.y + float64(level)*markStep
		c.Marks = append(c.Marks, mark{N: i + 1, Kind: e.Kind, X: x, Y: y, D: markSign(e.Kind, x, y), Label: free,
			Text: markText(i, e)})
	}
	c.label(c.X0-9, c.y+4, "end", "tick", "notes")
	c.y += float64(deepest+1)*markStep - 2
}

func markText(i int, e Entry) string {
	return fmt.Sprintf("%d: %s at %s, %s", i+1, e.Kind, Offset(e.At), e.Text)
}

// markSign draws the sign of a kind around x, y.
func markSign(kind EntryKind, x, y float64) string {
	var p pen
	switch kind {
	case KindEvent: // a diamond
		p.to('M', x, y-5)
		p.to('L', x+5, y)
		p.to('L', x, y+5)
		p.to('L', x-5, y)
	case KindNote: // a square
		p.to('M', x-4, y-4)
		p.to('L', x+4, y-4)
		p.to('L', x+4, y+4)
		p.to('L', x-4, y+4)
	case KindGuard, KindAbort: // an octagon
		p.to('M', x-2.5, y-6)
		p.to('L', x+2.5, y-6)
		p.to('L', x+6, y-2.5)
		p.to('L', x+6, y+2.5)
		p.to('L', x+2.5, y+6)
		p.to('L', x-2.5, y+6)
		p.to('L', x-6, y+2.5)
		p.to('L', x-6, y-2.5)
	default: // a triangle
		p.to('M', x, y-5)
		p.to('L', x+5.5, y+4.5)
		p.to('L', x-5.5, y+4.5)
	}
	p.close()
	return p.String()
}
