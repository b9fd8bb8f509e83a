package reports

import (
	"math"
	"strconv"
	"strings"
	"time"
)

// shape is one thing drawn: geometry comes from Go, the look from the style sheet by Class.
type shape struct {
	Kind       string // rect, line, path, text
	Class      string
	X, Y, W, H float64 // for a line, W and H are the way to its other end
	D          string  // of a path
	Text       string
	Anchor     string // of a text: start, middle, end
	Hatch      bool   // filled with the chart's hatching, so that it is told apart without colour
	Tip        string // shown on hover, read aloud
}

// num writes a coordinate with one decimal, which is a tenth of a pixel.
func num(v float64) string {
	return strconv.FormatFloat(math.Round(v*10)/10+0, 'f', -1, 64)
}

// pen builds the data of an SVG path.
type pen struct{ b strings.Builder }

func (p *pen) to(op byte, x, y float64) {
	p.b.WriteByte(op)
	p.b.WriteString(num(x))
	p.b.WriteByte(' ')
	p.b.WriteString(num(y))
}

func (p *pen) close()         { p.b.WriteByte('Z') }
func (p *pen) String() string { return p.b.String() }

// steps are the distances between ticks that people read without thinking.
var steps = [...]time.Duration{
	time.Millisecond, 2 * time.Millisecond, 5 * time.Millisecond, 10 * time.Millisecond, 20 * time.Millisecond, 50 * time.Millisecond,
	100 * time.Millisecond, 200 * time.Millisecond, 500 * time.Millisecond,
	time.Second, 2 * time.Second, 5 * time.Second, 10 * time.Second, 15 * time.Second, 30 * time.Second,
	time.Minute, 2 * time.Minute, 5 * time.Minute, 10 * time.Minute, 15 * time.Minute, 30 * time.Minute,
	time.Hour, 2 * time.Hour, 6 * time.Hour, 12 * time.Hour, 24 * time.Hour,
}

// tickStep is the smallest of steps that gives at most n ticks.
func tickStep(length time.Duration, n int) time.Duration {
	for _, s := range steps {
		if length/s <= time.Duration(n) {
			return s
		}
	}
	d := 24 * time.Hour
	for length/d > time.Duration(n) {
		d *= 2
	}
	return d
}

// tickLabel writes a tick without digits that are always zero.
func tickLabel(at, step time.Duration) string {
	switch {
	case at == 0:
		return "0 s"
	case step < time.Second:
		return trimZeros(strconv.FormatFloat(at.Seconds(), 'f', 3, 64)) + " s"
	case at < time.Minute:
		return strconv.Itoa(int(at/time.Second)) + " s"
	case at < time.Hour:
		return strconv.Itoa(int(at/time.Minute)) + ":" + twoDigits(at%time.Minute/time.Second)
	}
	return strconv.Itoa(int(at/time.Hour)) + ":" + twoDigits(at%time.Hour/time.Minute) + " h"
}

func twoDigits(n time.Duration) string {
	if n < 10 {
		return "0" + strconv.Itoa(int(n))
	}
	return strconv.Itoa(int(n))
}
