package reports

import (
	"fmt"
	"time"

	"github.com/gameday-toolkit/gameday/internal/replay"
)

// replaySection is an incident beside its replay, made ready for the templates.
type replaySection struct {
	*replay.Comparison
	Word, Class string
	Means       string
	Refs        refs
	Name        string // of the incident
	Pace        string // how fast it was replayed
	Rows        []replayRow
	Parts       []replayPart
	Downtime    string
	Lasted      string
	Charts      []*replayChart
	Series      []replaySeries // what the lines of the picture are
}

// replayRow is one moment.
type replayRow struct {
	Name, What       string
	Incident, Replay string
	By, Change       string
}

// replayPart is one part of the recovery.
type replayPart struct {
	Name, Incident, Replay, Change string
	Remedies                       []string // that are in place, and were to shorten it
}

// replaySeries names a line of the picture.
type replaySeries struct{ Class, Name string }

var replayWords = map[replay.Verdict][3]string{
	replay.WouldRecur:    {"Would recur", "fail", "what happened then would happen again"},
	replay.WouldNotRecur: {"Would not recur", "pass", "the same faults did not do it again"},
	replay.Inconclusive:  {"Inconclusive", "inconclusive", "the evidence does not answer the question"},
}

func (m *Model) replaySection(shown map[uint64]bool) *replaySection {
	c := m.Replay
	if c == nil {
		return nil
	}
	w := replayWords[c.Verdict]
	s := &replaySection{Comparison: c, Word: w[0], Class: w[1], Means: w[2], Refs: newRefs(c.Entries, shown), Name: orElse(c.Incident.Title, c.Incident.Name),
		Downtime: c.Impact.Downtime, Charts: m.replayCharts()}
	if c.Impact.Lasted != nil {
		s.Lasted = Duration(*c.Impact.Lasted)
	}
	if c.Incident.Speed > 0 {
		s.Pace = fmt.Sprintf("Its steps followed each other %g times as fast; what was measured kept its time.", c.Incident.Speed)
	}
	for _, x := range c.Moments {
		row := replayRow{Name: x.Name, What: x.What, Incident: reached(x.Incident, false), Replay: reached(x.Replay, x.Censored), Change: changed(x.Incident, x.Replay, x.Censored)}
		if x.Name != "recovery" {
			row.By = x.By
		}
		s.Rows = append(s.Rows, row)
	}
	for _, p := range c.Parts {
		row := replayPart{Name: p.Name, Incident: reached(p.Incident, false), Replay: reached(p.Replay, p.Censored), Change: changed(p.Incident, p.Replay, p.Censored)}
		for _, r := range c.Remedies {
			if r.InPlace && r.Shortens == p.Name {
				row.Remedies = append(row.Remedies, r.Name)
			}
		}
		s.Parts = append(s.Parts, row)
	}
	for i, x := range c.Series {
		s.Series = append(s.Series, replaySeries{fmt.Sprintf("series s%d", i), x.Name})
	}
	return s
}

func reached(d *time.Duration, censored bool) string {
	switch {
	case d == nil:
		return "—"
	case censored:
		return "> " + Duration(*d)
	}
	return Duration(*d)
}

// changed says by how much something came sooner or later.
func changed(was, is *time.Duration, censored bool) string {
	switch {
	case was == nil || is == nil:
		return ""
	case *is < *was && censored:
		return "not known"
	case *is < *was:
		return Duration(*was-*is) + " less"
	case *is == *was:
		return "the same"
	}
	return Duration(*is-*was) + " more"
}
