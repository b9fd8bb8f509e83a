package view

import (
	"cmp"
	"fmt"
	"io"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/gameday-toolkit/gameday/internal/archive"
	"github.com/gameday-toolkit/gameday/internal/measure"
)

// Runs lists runs of the archive, one line each.
func Runs(w io.Writer, runs []archive.Run, paint Paint) {
	if len(runs) == 0 {
		return
	}
	t := table{paint: paint}
	t.row("", "RUN", "STARTED", "SCENARIO", "VERDICT", "RTO", "BUDGET", "FINDINGS")
	for _, r := range runs {
		t.row(verdictColour(r.Verdict), r.ID, r.Started.Local().Format("2006-01-02 15:04"), clean(r.Scenario), RunWord(r),
			figureOf(r, measure.KindRTO), figureOf(r, archive.KindBudget), fmt.Sprint(len(r.Evidence.Findings)))
	}
	t.write(w, 3)
}

// RunWord is the verdict of an archived run in the word that its report has for it.
func RunWord(r archive.Run) string {
	return headline(&measure.Result{Verdict: r.Verdict, Exit: r.Exit})
}

// figureOf is the worst figure of a kind, in short.
func figureOf(r archive.Run, kind string) string {
	var worst *archive.Figure
	for i := range r.Figures {
		if f := &r.Figures[i]; f.Kind == kind && (worst == nil || beyond(f, worst)) {
			worst = f
		}
	}
	if worst == nil {
		return "-"
	}
	short, _, _ := strings.Cut(worst.Value, " (")
	short, _, _ = strings.Cut(short, ",")
	return short
}

// beyond: nothing that was measured is worse than what has no upper end.
func beyond(f, g *archive.Figure) bool {
	if f.Censored != g.Censored {
		return f.Censored
	}
	return max(f.Lo, f.Hi) > max(g.Lo, g.Hi)
}

// Run shows one run of the archive. place says where its directory is, or was.
func Run(w io.Writer, r *archive.Run, place string, paint Paint) {
	v := page{w, paint}
	fmt.Fprintf(w, "%s  %s\n", paint(verdictColour(r.Verdict)+";"+bold, RunWord(*r)), paint(bold, clean(cmp.Or(r.Title, r.Scenario))))
	v.line(0, 2, "", "", r.Why)
	fmt.Fprintln(w)
	for _, f := range [][2]string{
		{"run", r.ID}, {"scenario", r.Scenario}, {"service", r.Service}, {"tier", r.Tier}, {"owner", r.Owner}, {"environment", r.Environment},
		{"tags", strings.Join(r.Tags, ", ")}, {"started", r.Started.Local().Format("2006-01-02 15:04:05 MST")}, {"took", r.Took.Round(time.Millisecond * 10).String()},
		{"by", strings.Trim(r.User+" on "+r.Host, " on")}, {"label", r.Label}, {"commit", r.Commit}, {"plan", r.PlanHash}, {"journal", r.JournalHash}, {"directory", place},
	} {
		if f[1] != "" {
			v.line(2, 16, f[0], dim, f[1])
		}
	}
	v.archived(r)
}

func (v page) archived(r *archive.Run) {
	if len(r.Figures) > 0 {
		v.head("Figures")
	}
	for _, f := range r.Figures {
		if f.IsObjective() {
			v.line(2, 16, f.Verdict.String(), verdictColour(f.Verdict), fmt.Sprintf("%s: %s (limit %s)", f.Name, f.Value, f.Allowed))
			continue
		}
		v.line(2, 16, "", "", fmt.Sprintf("%s of %s: %s", f.Kind, f.Name, f.Value))
	}
	if len(r.Evidence.Findings) > 0 {
		v.head("Findings")
	}
	for _, f := range r.Evidence.Findings {
		v.line(2, 16, f.Severity, "", f.Rule+" "+f.Title+" ["+f.Fingerprint[:12]+"]")
		v.line(16, 16, "", "", f.Detail)
	}
}

// table sets cells in columns.
type table struct {
	paint Paint
	rows  [][]string
	sgr   []string
}

func (t *table) row(sgr string, cells ...string) {
	t.rows, t.sgr = append(t.rows, cells), append(t.sgr, sgr)
}

// write sets the columns; the one with the number coloured has the colour of its row. The first row is the head.
func (t *table) write(w io.Writer, coloured int) {
	var width []int
	for _, row := range t.rows {
		for i, c := range row {
			if i == len(width) {
				width = append(width, 0)
			}
			width[i] = max(width[i], utf8.RuneCountInString(c))
		}
	}
	for n, row := range t.rows {
		var b strings.Builder
		for i, c := range row {
			text := c
			switch {
			case n == 0:
				text = t.paint(dim, c)
			case i == coloured && t.sgr[n] != "":
				text = t.paint(t.sgr[n], c)
			}
			b.WriteString(text)
			if i < len(row)-1 {
				b.WriteString(strings.Repeat(" ", width[i]-utf8.RuneCountInString(c)+2))
			}
		}
		fmt.Fprintln(w, strings.TrimRight(b.String(), " "))
	}
}
