package reports

import (
	"bufio"
	"fmt"
	"io"
	"strings"
	"text/template"
)

// StepSummary writes what a person wants to see on the page of a CI job: GitHub's dialect of Markdown, short enough that
// many runs fit into its limit of 1 MiB for each step.
func StepSummary(w io.Writer, m *Model) error {
	t, err := template.New("step.md.tmpl").Funcs(markdownFuncs()).ParseFS(files, "templates/step.md.tmpl")
	if err != nil {
		return fmt.Errorf("reading the template of the step summary: %w", err)
	}
	if err := t.Execute(w, newPage(m)); err != nil {
		return fmt.Errorf("writing the step summary: %w", err)
	}
	return nil
}

// Annotations writes a workflow command of GitHub Actions for each finding, at its line of the scenario, and one for a run
// that did not pass. GitHub shows ten of each kind for a step: the most severe come first.
func Annotations(w io.Writer, m *Model) error {
	b := bufio.NewWriter(w)
	h := m.headline()
	if m.result().Exit != 0 {
		annotate(b, "error", "", 0, h.Word+": "+m.title(), m.why())
	}
	for _, c := range m.findingCards(nil) {
		kind := map[string]string{"error": "error", "warning": "warning", "note": "notice"}[sarifLevel(c.Severity)]
		text := c.Detail
		if c.Remedy != "" {
			text += "\nWhat usually helps: " + c.Remedy
		}
		annotate(b, kind, m.sourceOf(c.Pos), c.Pos.Line, strings.TrimSpace(c.Rule+" "+c.Title), text)
	}
	if err := b.Flush(); err != nil {
		return fmt.Errorf("annotating: %w", err)
	}
	return nil
}

// annotate writes one command. What is escaped is what the runner unescapes; errors stay in the buffered writer.
func annotate(w io.Writer, kind, file string, line int, title, text string) {
	var props []string
	property := strings.NewReplacer("%", "%25", "\r", "%0D", "\n", "%0A", ":", "%3A", ",", "%2C")
	if file != "" {
		props = append(props, "file="+property.Replace(file), fmt.Sprintf("line=%d", max(1, line)))
	}
	props = append(props, "title="+property.Replace(title))
	fmt.Fprintf(w, "::%s %s::%s\n", kind, strings.Join(props, ","), strings.NewReplacer("%", "%25", "\r", "%0D", "\n", "%0A").Replace(orElse(text, title)))
}
