package view

import (
	"fmt"
	"io"

	"github.com/gameday-toolkit/gameday/internal/archive"
)

// Changes shows the figures of two runs side by side.
func Changes(w io.Writer, old, now *archive.Run, all []archive.Change, paint Paint) {
	for i, r := range []*archive.Run{old, now} {
		fmt.Fprintf(w, "%s  %s  %s  %s  %s\n", []string{"old", "new"}[i], r.ID, r.Started.Local().Format("2006-01-02 15:04"), clean(r.Scenario),
			paint(verdictColour(r.Verdict), RunWord(*r)))
	}
	if old.Scenario != now.Scenario {
		fmt.Fprintln(w, paint(yellow, "These are runs of different scenarios."))
	}
	page{w, paint}.head("Figures")
	t := table{paint: paint}
	t.row("", "  ", "FIGURE", "OF", "OLD", "NEW")
	for _, c := range all {
		t.row(differenceColour(c.Is), "  "+string(c.Is), c.Kind, clean(c.Name), figureText(c.Old), figureText(c.New))
	}
	t.write(w, 0)
}

func figureText(f *archive.Figure) string {
	if f == nil {
		return "-"
	}
	return f.Value
}

func differenceColour(d archive.Difference) string {
	switch d {
	case archive.Better:
		return green
	case archive.Worse:
		return red
	case archive.Same:
		return dim
	}
	return yellow
}
