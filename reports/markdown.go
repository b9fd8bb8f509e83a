package reports

import (
	"fmt"
	"io"
	"strings"
	"text/template"

	"github.com/gameday-toolkit/gameday/internal/measure"
)

// Markdown writes the report for pull requests and wikis: GitHub's dialect, readable as plain text too.
func Markdown(w io.Writer, m *Model) error {
	t, err := template.New("report.md.tmpl").Funcs(markdownFuncs()).ParseFS(files, "templates/report.md.tmpl", "templates/replay.md.tmpl")
	if err != nil {
		return fmt.Errorf("reading the template of the Markdown report: %w", err)
	}
	if err := t.Execute(w, newPage(m)); err != nil {
		return fmt.Errorf("writing the report as Markdown: %w", err)
	}
	return nil
}

func markdownFuncs() template.FuncMap {
	return template.FuncMap{
		"md": escapeMarkdown, "code": codeSpan, "offset": Offset, "duration": Duration, "count": Count[uint64], "percent": Percent, "interval": measure.Interval.String,
		"short": shortName, "word": verdictWord, "sign": verdictSign, "headsign": classSign, "entries": entriesInWords, "spark": sparkline, "ratio": Ratio, "join": strings.Join,
		"limit": Limit, "sentence": sentence, "orElse": orElse,
	}
}

// escapeMarkdown makes a string that shows as itself, on one line: no markup, no HTML, no mention, no reference to an
// issue, and no end of a table's cell.
func escapeMarkdown(s string) string {
	var b strings.Builder
	for _, r := range strings.Join(strings.Fields(s), " ") {
		switch {
		case strings.ContainsRune("\\`*_{}[]|~", r):
			b.WriteByte('\\')
			b.WriteRune(r)
		case r == '<':
			b.WriteString("&lt;")
		case r == '>':
			b.WriteString("&gt;")
		case r == '&':
			b.WriteString("&amp;")
		case r == '@':
			b.WriteString("&#64;")
		case r == '#':
			b.WriteString("&#35;")
		case r < ' ' || r == 0x7f:
		default:
			b.WriteRune(r)
		}
	}
	return strings.ReplaceAll(b.String(), "://", ":&#47;/") // no link where none was meant
}

// codeSpan fences a string with more backticks than it holds. A table takes a bar for the end of a cell even in code.
func codeSpan(s string) string {
	s = strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f {
			return ' '
		}
		return r
	}, s)
	s = strings.ReplaceAll(strings.TrimSpace(s), "|", "¦")
	longest, run := 0, 0
	for _, r := range s {
		if r == '`' {
			run++
		} else {
			run = 0
		}
		longest = max(longest, run)
	}
	fence := strings.Repeat("`", longest+1)
	if longest > 0 {
		return fence + " " + s + " " + fence
	}
	if s == "" {
		return ""
	}
	return fence + s + fence
}

// verdictSign differs by form, so that it reads without colour.
func verdictSign(v measure.Verdict) string {
	return [...]string{"–", "✓", "?", "✗", "‼"}[v]
}

func classSign(class string) string {
	var v measure.Verdict
	_ = v.UnmarshalText([]byte(class)) // a class is the name of a verdict
	return verdictSign(v)
}

const sparkWidth = 60

// sparkline draws an SLI in one line of text: each sign is the worst of its stretch of time.
func sparkline(s measure.SLOResult) string {
	if len(s.Points) == 0 {
		return ""
	}
	levels := []rune("▁▂▃▄▅▆▇█")
	end := s.Points[0].At
	for _, p := range s.Points {
		end = max(end, p.At)
	}
	worst := make([]float64, sparkWidth)
	for i := range worst {
		worst[i] = -1
	}
	for _, p := range s.Points {
		i := int(min(sparkWidth-1, max(0, int64(p.At)*sparkWidth/max(1, int64(end)))))
		if p.SLI >= 0 && (worst[i] < 0 || p.SLI < worst[i]) {
			worst[i] = p.SLI
		}
	}
	var b strings.Builder
	for _, v := range worst {
		if v < 0 {
			b.WriteRune('·')
			continue
		}
		b.WriteRune(levels[min(len(levels)-1, int(v*float64(len(levels)-1)))])
	}
	return b.String()
}
