package backlog

import (
	"bufio"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"
)

// Format writes items for another tool.
type Format struct {
	Name  string
	Write func(io.Writer, []Item) error
}

// Formats are all that there are.
func Formats() []Format {
	return []Format{{"csv", writeCSV}, {"markdown", writeMarkdown}, {"jira", writeJira}, {"github", writeGitHub}}
}

// writeCSV is for spreadsheets.
func writeCSV(w io.Writer, items []Item) error {
	rows := [][]string{{"state", "severity", "rule", "title", "subject", "scenario", "service", "owner", "detail", "remedy", "first_seen", "last_seen",
		"runs_seen", "last_run", "proven_by", "accepted_until", "note", "fingerprint"}}
	for _, it := range items {
		rows = append(rows, []string{string(it.State), it.Severity, it.Rule, it.Title, it.Subject, it.Scenario, it.Service, it.Owner, it.Detail, it.Remedy,
			day(it.First), day(it.Last), strconv.Itoa(it.Seen), it.LastRun, it.ProvenBy, day(it.Until), it.Note, it.Fingerprint})
	}
	return writeRows(w, rows)
}

// writeJira is for Jira's import of CSV files: a column that is there twice gives two labels.
func writeJira(w io.Writer, items []Item) error {
	rows := [][]string{{"Summary", "Issue Type", "Priority", "Description", "Labels", "Labels", "Labels", "External issue ID"}}
	priority := map[string]string{"critical": "Highest", "high": "High", "medium": "Medium", "low": "Low"}
	for _, it := range items {
		rows = append(rows, []string{"[" + it.Rule + "] " + it.Title, "Task", priority[it.Severity], text(it), "gameday", mark(it), "severity-" + it.Severity, it.Fingerprint})
	}
	return writeRows(w, rows)
}

// writeGitHub gives one request body of GitHub's "create an issue" on each line, for `gh api repos/OWNER/NAME/issues --input -`.
func writeGitHub(w io.Writer, items []Item) error {
	b := bufio.NewWriter(w)
	e := json.NewEncoder(b)
	e.SetEscapeHTML(false)
	for _, it := range items {
		err := e.Encode(map[string]any{"title": "[" + it.Rule + "] " + it.Title, "body": text(it), "labels": []string{"gameday", mark(it), "severity:" + it.Severity}})
		if err != nil {
			return fmt.Errorf("writing the backlog: %w", err)
		}
	}
	return b.Flush()
}

// mark is what an item is found again by in a tracker; internal/backlog/tracker makes the same.
func mark(it Item) string { return "gameday-" + it.Fingerprint[:min(24, len(it.Fingerprint))] }

func text(it Item) string {
	return strings.Join([]string{it.Detail, "What usually helps: " + it.Remedy,
		fmt.Sprintf("Scenario %s, %s; last seen in run %s, and in %d in all.", it.Scenario, it.Subject, it.LastRun, it.Seen), "Fingerprint: " + it.Fingerprint}, "\n\n")
}

func writeRows(w io.Writer, rows [][]string) error {
	out := csv.NewWriter(w)
	out.UseCRLF = true
	for _, row := range rows {
		for i, cell := range row {
			row[i] = harmless(cell)
		}
		if err := out.Write(row); err != nil {
			return fmt.Errorf("writing the backlog: %w", err)
		}
	}
	out.Flush()
	return out.Error()
}

// harmless keeps a spreadsheet from taking a cell for a formula (OWASP, "CSV Injection").
func harmless(cell string) string {
	cell = strings.ReplaceAll(cell, "\x00", "")
	if strings.HasPrefix(strings.TrimLeft(cell, " \t\r\n\u00a0"), "=") || strings.ContainsAny(first(cell), "+-@|%＝＋－＠\t\r") {
		return "'" + cell
	}
	return cell
}

// first is the first letter that is no space.
func first(cell string) string {
	for _, r := range strings.TrimLeft(cell, " \u00a0") {
		return string(r)
	}
	return ""
}

func day(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format(time.DateOnly)
}

// writeMarkdown is for a page that people read.
func writeMarkdown(w io.Writer, items []Item) error {
	b := bufio.NewWriter(w)
	fmt.Fprintf(b, "# Backlog\n\n| state | severity | finding | service | owner | last seen | note |\n| --- | --- | --- | --- | --- | --- | --- |\n")
	for _, it := range items {
		fmt.Fprintf(b, "| %s | %s | %s %s | %s | %s | %s | %s |\n", it.State, it.Severity, it.Rule, cell(it.Title), cell(it.Service), cell(it.Owner), day(it.Last), cell(it.Note))
	}
	for _, it := range items {
		fmt.Fprintf(b, "\n## %s %s\n\n%s\n\n*What usually helps.* %s\n\n", it.Rule, cell(it.Title), cell(it.Detail), cell(it.Remedy))
		for _, e := range it.Life {
			fmt.Fprintf(b, "- %s %s: %s%s\n", day(e.At), e.State, cell(e.What), inRun(e.Run))
		}
		for _, l := range it.Links {
			fmt.Fprintf(b, "- %s: %s\n", cell(l.Tracker), cell(l.URL))
		}
	}
	return b.Flush()
}

func inRun(run string) string {
	if run == "" {
		return ""
	}
	return " (run " + run + ")"
}

// cell keeps a text on its line and from being read as markup.
func cell(s string) string {
	return strings.NewReplacer(`\`, `\\`, "|", `\|`, "<", "&lt;", ">", "&gt;", "`", "\\`", "*", `\*`, "_", `\_`, "[", `\[`, "]", `\]`).Replace(strings.Join(strings.Fields(s), " "))
}
