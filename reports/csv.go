package reports

import (
	"bufio"
	"fmt"
	"io"
	"strconv"
	"strings"
)

// CSV writes the findings for a spreadsheet, most severe first. A cell that a spreadsheet would take for a formula gets an
// apostrophe in front (OWASP, "CSV Injection"), also behind the separators that spreadsheets of other languages use.
func CSV(w io.Writer, m *Model) error {
	b := bufio.NewWriter(w)
	csvRow(b, "severity", "rule", "title", "subject", "scenario", "service", "owner", "detail", "remedy", "run", "entries", "file", "line", "fingerprint")
	for _, c := range m.findingCards(nil) {
		f := c.Finding
		line := ""
		if f.Pos.Line > 0 {
			line = strconv.Itoa(f.Pos.Line)
		}
		var entries []string
		for _, e := range f.Entries {
			entries = append(entries, strconv.FormatUint(e, 10))
		}
		csvRow(b, f.Severity, f.Rule, f.Title, f.Subject, f.Scenario, f.Service, f.Owner, f.Detail, f.Remedy, m.Run.ID, strings.Join(entries, " "), m.fileOf(f.Pos), line, f.Fingerprint)
	}
	if err := b.Flush(); err != nil {
		return fmt.Errorf("writing the findings as CSV: %w", err)
	}
	return nil
}

// csvRow quotes every cell, so that no separator of any locale takes a cell apart. Errors stay in the buffered writer.
func csvRow(w *bufio.Writer, cells ...string) {
	for i, cell := range cells {
		if i > 0 {
			_ = w.WriteByte(',')
		}
		_, _ = w.WriteString(`"` + strings.ReplaceAll(harmless(cell), `"`, `""`) + `"`)
	}
	_, _ = w.WriteString("\r\n")
}

// harmless keeps a cell from being read as a formula.
func harmless(cell string) string {
	var b strings.Builder
	start := true
	for _, r := range cell {
		if start && strings.ContainsRune("=+-@＝＋－＠|%", r) {
			b.WriteByte('\'')
		}
		switch r {
		case ';', '\t', '\r', '\n':
			start = true
		case ' ', '"', '\u00a0':
		default:
			start = false
		}
		if r == 0 {
			continue
		}
		b.WriteRune(r)
	}
	return b.String()
}
