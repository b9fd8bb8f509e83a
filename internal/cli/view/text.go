package view

import (
	"fmt"
	"io"
	"strings"
	"time"
	"unicode/utf8"
)

// Paint puts a colour (an SGR code) on a text, or leaves it as it is.
type Paint func(sgr, text string) string

// The colours of views, as SGR codes.
const (
	red    = "31"
	green  = "32"
	yellow = "33"
	blue   = "34"
	cyan   = "36"
	bold   = "1"
	dim    = "2"
)

// width is what a terminal may be expected to show.
const width = 100

// page writes text in which lines that are too long go on below, indented.
type page struct {
	w     io.Writer
	paint Paint
}

// head begins a section.
func (p page) head(title string) { fmt.Fprintf(p.w, "\n%s\n", p.paint(bold, title)) }

// line writes label and text in two columns; what of the text does not fit goes on in the second. A label that is too
// long has a line of its own.
func (p page) line(indent, column int, label, colour, text string) {
	fmt.Fprint(p.w, strings.Repeat(" ", indent), p.paint(colour, clean(label)))
	at := indent + utf8.RuneCountInString(clean(label))
	if text == "" {
		fmt.Fprintln(p.w)
		return
	}
	if label != "" && at+2 > column {
		fmt.Fprintln(p.w)
		at = 0
	}
	for i, part := range wrap(clean(text), width-column) {
		if i > 0 {
			at = 0
		}
		fmt.Fprintf(p.w, "%s%s\n", strings.Repeat(" ", column-at), part)
	}
}

// wrap breaks a text at spaces. A word that is longer than the line is left whole: it may have to be copied.
func wrap(text string, width int) (lines []string) {
	line := ""
	for _, word := range strings.Fields(text) {
		if line != "" && utf8.RuneCountInString(line)+1+utf8.RuneCountInString(word) > width {
			lines = append(lines, line)
			line = ""
		}
		if line != "" {
			line += " "
		}
		line += word
	}
	return append(lines, line)
}

// clean keeps what targets and plugins say from steering the terminal: control characters become visible.
func clean(s string) string {
	if strings.IndexFunc(s, control) < 0 {
		return s
	}
	var b strings.Builder
	for _, r := range s {
		switch {
		case r == '\n' || r == '\t':
			b.WriteByte(' ')
		case control(r):
			fmt.Fprintf(&b, "\\x%02x", r)
		default:
			b.WriteRune(r)
		}
	}
	return b.String()
}

// control are C0, DEL, C1 and the marks that turn the direction of text around.
func control(r rune) bool {
	return r < 0x20 || r >= 0x7f && r < 0xa0 || r >= 0x202a && r <= 0x202e || r >= 0x2066 && r <= 0x2069
}

// plural counts nouns.
func plural(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}

// seconds writes a duration for people: 3.20s, 1m05s.
func seconds(d time.Duration) string {
	if d < time.Minute {
		return fmt.Sprintf("%.2fs", d.Seconds())
	}
	d = d.Round(time.Second)
	if d < time.Hour {
		return fmt.Sprintf("%dm%02ds", d/time.Minute, d%time.Minute/time.Second)
	}
	return fmt.Sprintf("%dh%02dm%02ds", d/time.Hour, d%time.Hour/time.Minute, d%time.Minute/time.Second)
}

// trimmed writes a planned duration without the zeros that Go adds: 1m0s is 1m.
func trimmed(d time.Duration) string {
	s := d.String()
	if strings.HasSuffix(s, "m0s") {
		s = strings.TrimSuffix(s, "0s")
	}
	if strings.HasSuffix(s, "h0m") {
		s = strings.TrimSuffix(s, "0m")
	}
	return s
}
