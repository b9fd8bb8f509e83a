package lang

import (
	"bytes"
	"fmt"
	"io"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hcled"
	"github.com/hashicorp/hcl/v2/hclsyntax"
)

// What is printed for each diagnostic: a headline with the severity, where it is, the source line with the culprit
// underlined, and what to do, wrapped to the width. No value of any variable is printed, and no control character of a
// source reaches the terminal.

// WriteDiagnostics writes diagnostics for people. A width of 0 does not wrap.
func WriteDiagnostics(w io.Writer, files map[string]*hcl.File, diags hcl.Diagnostics, width int, color bool) error {
	var buf bytes.Buffer
	p := printer{w: &buf, width: width, color: color}
	for i, d := range diags {
		if i > 0 {
			buf.WriteByte('\n')
		}
		p.print(d, files)
	}
	_, err := w.Write(buf.Bytes())
	return err
}

type printer struct {
	w     *bytes.Buffer
	width int
	color bool
}

func (p printer) paint(code, s string) string {
	if !p.color {
		return s
	}
	return "\x1b[" + code + "m" + s + "\x1b[0m"
}

func (p printer) print(d *hcl.Diagnostic, files map[string]*hcl.File) {
	word, code := "Error", "1;31"
	if d.Severity == hcl.DiagWarning {
		word, code = "Warning", "1;33"
	}
	fmt.Fprintf(p.w, "%s %s\n", p.paint(code, word+":"), p.paint("1", printable(d.Summary)))
	if d.Subject != nil {
		p.place(d, files[d.Subject.Filename], code)
	}
	if d.Detail != "" {
		fmt.Fprintln(p.w)
		for _, line := range strings.Split(d.Detail, "\n") {
			p.wrap("  ", printable(line))
		}
	}
}

func (p printer) place(d *hcl.Diagnostic, f *hcl.File, code string) {
	within := ""
	if f != nil {
		if c := blockAt(f, d.Subject.Start.Byte); c != "" {
			within = ", in " + c
		}
	}
	line, before, culprit, after, ok := excerpt(f, d.Subject)
	if !ok {
		fmt.Fprintf(p.w, "\n  on %s%s\n", position(d.Subject, f), within)
		return
	}
	fmt.Fprintf(p.w, "\n  on %s%s:\n", position(d.Subject, f), printable(within))
	gutter := fmt.Sprintf("  %4d: ", line)
	fmt.Fprintf(p.w, "%s%s%s%s\n", gutter, before, p.paint(code, culprit), after)
	mark := strings.Repeat("^", max(1, columns(culprit)))
	fmt.Fprintf(p.w, "%s%s\n", strings.Repeat(" ", len(gutter)+columns(before)), p.paint(code, mark))
}

func position(r *hcl.Range, f *hcl.File) string {
	if f == nil && r.Start.Line <= 1 {
		return printable(r.Filename)
	}
	return fmt.Sprintf("%s line %d", printable(r.Filename), r.Start.Line)
}

// excerpt is the first line of a range, cut into what is before, in and after it.
func excerpt(f *hcl.File, r *hcl.Range) (line int, before, culprit, after string, ok bool) {
	if f == nil || r.Start.Byte > len(f.Bytes) || len(f.Bytes) == 0 {
		return 0, "", "", "", false
	}
	start := bytes.LastIndexByte(f.Bytes[:r.Start.Byte], '\n') + 1
	end := len(f.Bytes)
	if i := bytes.IndexByte(f.Bytes[r.Start.Byte:], '\n'); i >= 0 {
		end = r.Start.Byte + i
	}
	stop := max(r.Start.Byte, min(r.End.Byte, end))
	src := f.Bytes
	before, culprit, after = shownSource(src[start:r.Start.Byte]), shownSource(src[r.Start.Byte:stop]), shownSource(src[stop:end])
	if columns(before)+columns(culprit)+columns(after) > 400 { // a minified file
		before, after = lastRunes(before, 60), firstRunes(after, 60)
		culprit = firstRunes(culprit, 120)
	}
	return r.Start.Line, before, culprit, strings.TrimRight(after, " "), true
}

func lastRunes(s string, n int) string {
	if r := []rune(s); len(r) > n {
		return "..." + string(r[len(r)-n:])
	}
	return s
}

func firstRunes(s string, n int) string {
	if r := []rune(s); len(r) > n {
		return string(r[:n]) + "..."
	}
	return s
}

// shownSource is a piece of source as a terminal can show it.
func shownSource(b []byte) string {
	return printable(strings.ReplaceAll(strings.TrimRight(string(b), "\r"), "\t", "    "))
}

// printable replaces what would command a terminal instead of being read.
func printable(s string) string {
	return strings.Map(func(r rune) rune {
		if r == utf8.RuneError || !unicode.IsPrint(r) && r != ' ' {
			return '\uFFFD'
		}
		return r
	}, s)
}

// columns is how wide a text is, with wide East Asian characters as two and combining ones as none.
func columns(s string) (n int) {
	for _, r := range s {
		switch {
		case unicode.In(r, unicode.Mn, unicode.Me):
		case unicode.In(r, unicode.Han, unicode.Hiragana, unicode.Katakana, unicode.Hangul) || r >= 0x1F300 && r <= 0x1FAFF || r >= 0xFF01 && r <= 0xFF60:
			n += 2
		default:
			n++
		}
	}
	return n
}

func (p printer) wrap(indent, text string) {
	room := p.width - len(indent)
	if p.width <= 0 || room < 20 {
		room = 1 << 30
	}
	line, n := "", 0
	for _, word := range strings.Fields(text) {
		if n > 0 && n+1+columns(word) > room {
			fmt.Fprintf(p.w, "%s%s\n", indent, line)
			line, n = "", 0
		}
		if n > 0 {
			line, n = line+" ", n+1
		}
		line, n = line+word, n+columns(word)
	}
	if n > 0 {
		fmt.Fprintf(p.w, "%s%s\n", indent, line)
	}
}

// blockAt is the header of the block that a place lies in.
func blockAt(f *hcl.File, offset int) string {
	if body, ok := f.Body.(*hclsyntax.Body); ok {
		for _, b := range body.Blocks {
			if b.Range().Start.Byte <= offset && offset <= b.CloseBraceRange.End.Byte {
				if b.TypeRange.Start.Byte <= offset && offset <= b.OpenBraceRange.Start.Byte {
					return "" // the header itself, which is shown anyway
				}
				return header(b)
			}
		}
		return ""
	}
	return hcled.ContextString(f, offset)
}

func header(b *hclsyntax.Block) string {
	out := b.Type
	for _, l := range b.Labels {
		out += fmt.Sprintf(" %q", l)
	}
	return out
}
