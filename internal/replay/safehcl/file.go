package safehcl

import (
	"strings"

	"github.com/hashicorp/hcl/v2/hclwrite"
)

// File is a file in the making. A note is the comment at the end of a line.
type File struct {
	b     strings.Builder
	depth int
}

// Comment adds a line of its own.
func (f *File) Comment(text string) {
	f.line("# "+OneLine(text), "")
}

// Gap adds an empty line.
func (f *File) Gap() { f.b.WriteByte('\n') }

// Open begins a block. The labels are made safe; the type is ours.
func (f *File) Open(typ string, labels []string, note string) {
	for _, l := range labels {
		typ += " " + Quote(l)
	}
	f.line(typ+" {", note)
	f.depth++
}

// Close ends a block.
func (f *File) Close() {
	f.depth--
	f.line("}", "")
}

// Text adds an argument whose value is a text for people, and cuts what is too long for them.
func (f *File) Text(name, value, note string) { f.Expr(name, Quote(cut(Clean(value), longest)), note) }

// Expr adds an argument whose value is an expression of ours, or one that was made safe.
func (f *File) Expr(name, expr, note string) { f.line(name+" = "+expr, note) }

// Verbatim adds HCL of a file that is trusted: a mapping.
func (f *File) Verbatim(src string) {
	f.b.WriteString(strings.TrimSpace(src) + "\n")
}

func (f *File) line(text, note string) {
	f.b.WriteString(strings.Repeat("  ", f.depth) + text)
	if note != "" {
		f.b.WriteString(" # " + OneLine(note))
	}
	f.b.WriteByte('\n')
}

// Bytes is the file in the canonical style.
func (f *File) Bytes() []byte { return hclwrite.Format([]byte(f.b.String())) }
