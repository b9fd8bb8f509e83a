package view

import (
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/gameday-toolkit/gameday/internal/measure"
	"github.com/gameday-toolkit/gameday/internal/plan"
	"github.com/gameday-toolkit/gameday/internal/replay"
	"github.com/gameday-toolkit/gameday/internal/replay/scenario"
	"github.com/gameday-toolkit/gameday/internal/replay/timeline"
)

// Imported says what an import made of an incident.
func Imported(w io.Writer, made *scenario.Made, in *timeline.Incident, paint Paint) {
	v := page{w, paint}
	title := in.Title.Text
	if title == "" {
		title = made.Name
	}
	fmt.Fprintf(w, "%s  %s\n", paint(bold, clean(title)), paint(dim, fmt.Sprintf("%s, %s", in.Format, plural(len(in.Entries), "line"))))
	for _, s := range []struct {
		head, colour string
		list         []string
	}{{"Understood", green, made.Mapped}, {"Assumed, since the incident does not say it", "", made.Assumed}, {"Doubtful", yellow, in.Warnings}, {"Left to do", yellow, made.Left}} {
		v.list(s.head, s.colour, s.list)
	}
}

// list is a section of lines; none of them is none at all.
func (p page) list(head, colour string, list []string) {
	if len(list) == 0 {
		return
	}
	p.head(head)
	for _, text := range list {
		p.line(2, 5, "-", colour, text)
	}
}

// replay shows the times of the incident beside those of its replay.
func (v planView) replay() {
	in := v.p.Incident
	if in == nil {
		return
	}
	v.head("Replay of an incident")
	v.line(2, 16, "incident", dim, strings.TrimSuffix(fmt.Sprintf("%s, %s", orName(in.Title, in.Name), in.Started), ", "))
	if in.Speed == 0 {
		v.line(2, 16, "speed", "", "as it was: 1")
		return
	}
	v.line(2, 16, "speed", "", fmt.Sprintf("%g times as fast; objectives and what is measured keep their time", in.Speed))
	for _, was := range in.Paced {
		v.line(2, column, was.Addr, "", v.paced(was))
	}
}

func orName(title, name string) string {
	if title != "" {
		return title
	}
	return name
}

func (v planView) paced(was plan.Paced) string {
	for _, f := range v.p.Faults {
		if f.Addr != was.Addr {
			continue
		}
		s := fmt.Sprintf("+%s → +%s, held %s → %s", trimmed(time.Duration(was.At)), trimmed(time.Duration(f.When.At)), trimmed(time.Duration(was.Hold)), trimmed(time.Duration(f.Hold)))
		if was.Why != "" {
			s += " (" + was.Why + ")"
		}
		return s
	}
	for _, a := range v.p.Actions {
		if a.Addr == was.Addr {
			s := fmt.Sprintf("+%s → +%s", trimmed(time.Duration(was.At)), trimmed(time.Duration(a.When.At)))
			if was.Why != "" {
				s += " (" + was.Why + ")"
			}
			return s
		}
	}
	return ""
}

// Replay says whether an incident would recur, and sets it beside its replay. There may be none.
func Replay(w io.Writer, c *replay.Comparison, paint Paint) {
	if c == nil {
		return
	}
	v := page{w, paint}
	colour := map[replay.Verdict]string{replay.WouldRecur: red, replay.WouldNotRecur: green, replay.Inconclusive: yellow}[c.Verdict]
	fmt.Fprintf(w, "\n%s  %s\n", paint(colour+";"+bold, strings.ToUpper(string(c.Verdict))), paint(bold, clean(orName(c.Incident.Title, c.Incident.Name))))
	v.line(0, 2, "", "", c.Why)
	fmt.Fprintf(w, "\n  %-14s%16s%16s\n", "", "incident", "replay")
	for _, m := range c.Moments {
		fmt.Fprintf(w, "  %-14s%16s%16s\n", m.Name, moment(m.Incident, false), moment(m.Replay, m.Censored))
	}
	for _, r := range c.Remedies {
		v.line(2, 16, r.Name, "", r.Said)
	}
}

func moment(d *time.Duration, censored bool) string {
	switch {
	case d == nil:
		return "-"
	case censored:
		return "> " + measure.Seconds(*d)
	case *d >= time.Minute:
		return trimmed(d.Round(time.Second))
	}
	return measure.Seconds(*d)
}
