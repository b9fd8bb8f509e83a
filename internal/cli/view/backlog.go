package view

import (
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/gameday-toolkit/gameday/internal/backlog"
	"github.com/gameday-toolkit/gameday/internal/backlog/tracker"
)

// Backlog lists items, one line each, and the note of each below it.
func Backlog(w io.Writer, items []backlog.Item, paint Paint) {
	if len(items) == 0 {
		fmt.Fprintln(w, "There are no such items.")
		return
	}
	t := table{paint: paint}
	t.row("", "ITEM", "STATE", "SEVERITY", "SCENARIO", "LAST SEEN", "FINDING")
	active := 0
	for _, it := range items {
		if it.State.Active() {
			active++
		}
		t.row(stateColour(it.State), it.Fingerprint[:8], stateWord(it), it.Severity, clean(it.Scenario), it.Last.Local().Format(time.DateOnly), it.Rule+" "+clean(it.Title))
	}
	t.write(w, 1)
	fmt.Fprintf(w, "\n%s, %d to work on\n", plural(len(items), "item"), active)
}

func stateWord(it backlog.Item) string {
	if it.State == backlog.Accepted {
		return "accepted until " + it.Until.Add(-time.Nanosecond).Format(time.DateOnly)
	}
	return string(it.State)
}

func stateColour(s backlog.State) string {
	switch s {
	case backlog.Verified:
		return green
	case backlog.Open, backlog.Reopened:
		return red
	}
	return yellow
}

// Item shows one item with its life.
func Item(w io.Writer, it *backlog.Item, paint Paint) {
	v := page{w, paint}
	fmt.Fprintf(w, "%s  %s %s\n", paint(stateColour(it.State)+";"+bold, strings.ToUpper(stateWord(*it))), it.Rule, paint(bold, clean(it.Title)))
	v.line(0, 2, "", "", it.Detail)
	fmt.Fprintln(w)
	v.line(2, 16, "helps", dim, it.Remedy)
	for _, f := range [][2]string{{"severity", it.Severity}, {"scenario", it.Scenario}, {"service", it.Service}, {"owner", it.Owner}, {"seen", fmt.Sprintf("in %s, last in %s", plural(it.Seen, "run"), it.LastRun)}, {"fingerprint", it.Fingerprint}} {
		if f[1] != "" {
			v.line(2, 16, f[0], dim, f[1])
		}
	}
	for _, l := range it.Links {
		v.line(2, 16, l.Tracker, dim, l.URL)
	}
	v.head("Life")
	for _, e := range it.Life {
		text := e.What
		if e.Run != "" {
			text += " (run " + e.Run + ")"
		}
		v.line(2, 24, e.At.Local().Format(time.DateOnly)+"  "+string(e.State), stateColour(e.State), text)
	}
}

// SyncStep says what is done in a tracker, or would be.
func SyncStep(w io.Writer, s tracker.Step, err error, paint Paint) {
	colour := cyan
	if err != nil {
		colour = red
	}
	where := s.Issue.Key
	if where != "" {
		where += " "
	}
	page{w, paint}.line(0, 8, s.Do, colour, where+s.Item.Rule+" "+s.Item.Title+" ["+s.Item.Fingerprint[:8]+"]: "+s.Why)
	if err != nil {
		page{w, paint}.line(8, 8, "", red, "failed: "+err.Error())
	}
}
