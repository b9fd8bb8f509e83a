package view

import (
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/gameday-toolkit/gameday/internal/archive"
	"github.com/gameday-toolkit/gameday/internal/measure"
)

const (
	sparks        = 24 // letters of a curve
	shownQuarters = 5
)

// Trend shows a curve for each series and its newest quarters.
func Trend(w io.Writer, all []archive.Series, paint Paint) {
	if len(all) == 0 {
		fmt.Fprintln(w, "The archive has no run yet that passed or failed.")
		return
	}
	scenario := ""
	for _, s := range all {
		if s.Scenario != scenario {
			scenario = s.Scenario
			fmt.Fprintf(w, "\n%s\n", paint(bold, clean(strings.TrimSpace(s.Scenario+"  "+s.Service))))
		}
		last := s.Points[len(s.Points)-1]
		limit := ""
		if s.Allowed != "" {
			limit = " (limit " + s.Allowed + ")"
		}
		fmt.Fprintf(w, "  %-6s  %s  %s%s  %s\n", s.Kind, paint(cyan, s.Sparkline(sparks)), clean(last.Value), limit, paint(dim, clean(s.Name)))
		t := table{paint: paint}
		t.row("", "          quarter", "runs", "missed", "median", "worst")
		for _, q := range s.Quarters[max(0, len(s.Quarters)-shownQuarters):] {
			t.row("", "          "+q.Name, fmt.Sprint(q.Runs), fmt.Sprint(q.Missed), s.MedianOf(q), s.WorstOf(q))
		}
		t.write(w, -1)
	}
}

// Scorecard shows the cards, by service and tier.
func Scorecard(w io.Writer, cards []archive.Card, paint Paint) {
	t := table{paint: paint}
	t.row("", "SERVICE", "TIER", "SCENARIO", "LAST", "TRIED", "OBJECTIVES", "OPEN", "DUE")
	for _, c := range cards {
		word, tried, objectives := "never", "-", "-"
		colour := dim
		if !c.Never() {
			word, colour = c.Verdict.String(), verdictColour(c.Verdict)
			tried = c.LastAt.Local().Format(time.DateOnly)
			objectives = fmt.Sprintf("%d of %d met", c.Objectives-c.Missed, c.Objectives)
		}
		t.row(colour, dash(c.Service), dash(c.Tier), clean(c.Scenario), word, tried, objectives, fmt.Sprint(c.Open), due(c, paint))
	}
	t.write(w, 3)
}

func due(c archive.Card, paint Paint) string {
	switch {
	case c.Overdue && c.Never():
		return paint(red, "OVERDUE, never tried")
	case c.Overdue:
		return paint(red, "OVERDUE since "+c.Due.Local().Format(time.DateOnly))
	case c.Due.IsZero():
		return "-"
	}
	return c.Due.Local().Format(time.DateOnly)
}

func dash(s string) string {
	if s == "" {
		return "-"
	}
	return clean(s)
}

// VerdictColour is the colour of a verdict, for those who paint it elsewhere.
func VerdictColour(v measure.Verdict) string { return verdictColour(v) }
