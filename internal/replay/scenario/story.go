package scenario

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/gameday-toolkit/gameday/internal/replay/mapping"
	"github.com/gameday-toolkit/gameday/internal/replay/timeline"
)

// story is an incident as far as it is understood. Every time that is given is one of the incident's own.
type story struct {
	in      *timeline.Incident
	mapping *mapping.Mapping
	lines   []line
	faults  []*step
	actions []*step
	left    []left // what nothing stands for
	clock   *step  // the fault that stands for the beginning; nil where none is known
	start   time.Time
	startBy string // why it is that

	onset, detected, decided, mitigated, recovered *line
}

// line is an entry with the reason why it is of its kind.
type line struct {
	timeline.Entry
	why string
}

// source is where a line comes from, and how it was understood.
func (l *line) source() string {
	return strings.TrimSuffix(l.Cite.String()+", "+l.why, ", ")
}

// step is a fault or an action that is replayed.
type step struct {
	line
	match *mapping.Match
	at    time.Time
	moved string // why at is not the time of the line
	until time.Time
	ended *line // what ended a fault, where that was not the recovery
	name  string
}

// left is something that the incident says and that nothing is known for.
type left struct {
	line
	remedy string
}

func understand(in *timeline.Incident, m *mapping.Mapping) *story {
	s := &story{in: in, mapping: m}
	for _, e := range in.Entries {
		l := line{Entry: e}
		if e.Kind == timeline.Unknown {
			var word string
			if l.Kind, word = m.KindOf(e.What); word != "" {
				l.why = fmt.Sprintf("a %s by the word %q", l.Kind, word)
			}
		}
		s.lines = append(s.lines, l)
	}
	s.find()
	s.breaks()
	s.clocks()
	s.ends()
	return s
}

// find gives each moment its line: the first of its kind.
func (s *story) find() {
	for i := range s.lines {
		l := &s.lines[i]
		for kind, at := range map[timeline.Kind]**line{
			timeline.Impact: &s.onset, timeline.Detection: &s.detected, timeline.Decision: &s.decided, timeline.Mitigation: &s.mitigated, timeline.Recovery: &s.recovered,
		} {
			if l.Kind == kind && *at == nil {
				*at = l
			}
		}
	}
	if s.recovered == nil && !s.in.End.At.IsZero() {
		s.recovered = &line{Entry: timeline.Entry{Moment: s.in.End, Kind: timeline.Recovery, What: "the end"}}
	}
	switch {
	case !s.in.Start.At.IsZero():
		s.start, s.startBy = s.in.Start.At, s.in.Start.Cite.String()
	case len(s.lines) > 0:
		s.start, s.startBy = s.lines[0].At, s.lines[0].Cite.String()+", the first line"
	}
}

// breaks finds what broke. A line that says so only after the detection tells what it was, and not when.
func (s *story) breaks() {
	for _, l := range s.lines {
		if l.Kind != timeline.Fault {
			continue
		}
		st := &step{line: l, at: l.At}
		if s.detected != nil && l.At.After(s.detected.At) && s.start.Before(l.At) {
			st.at, st.moved = s.start, "it was written after the detection, so it says what broke and not when: placed at the beginning, "+s.startBy
		}
		s.broke(st)
	}
	if len(s.faults) > 0 || slices.ContainsFunc(s.left, func(l left) bool { return l.Kind == timeline.Fault }) {
		return
	}
	said := []line{{Entry: timeline.Entry{Moment: timeline.Moment{At: s.start, Cite: s.in.Title.Cite}, Kind: timeline.Fault, What: s.in.Title.Text}}}
	for _, l := range s.lines {
		if l.Kind == timeline.Impact || l.Kind == timeline.Detection || l.Kind == timeline.Decision {
			said = append(said, l)
		}
	}
	for _, l := range said {
		if s.mapping.Fault(l.What) != nil {
			s.broke(&step{line: l, at: s.start, moved: "no line says what broke; this one has a word for it: placed at the beginning, " + s.startBy})
			return
		}
	}
	s.left = append(s.left, left{said[0], "No line says what broke, and none has a word that the mapping knows. Write a fault that repeats it."})
}

func (s *story) broke(st *step) {
	st.match = s.mapping.Fault(st.What)
	switch {
	case st.match == nil:
		s.left = append(s.left, left{st.line, "The mapping has no rule for it. Write a fault that repeats it, or a rule for the mapping and import again with -mapping."})
	case st.match.Todo != "":
		s.left = append(s.left, left{st.line, st.match.Todo})
	default:
		s.faults = append(s.faults, st)
	}
}

// clocks chooses the fault that stands for the beginning of the incident: the last that came before users noticed.
func (s *story) clocks() {
	slices.SortStableFunc(s.faults, func(a, b *step) int { return a.at.Compare(b.at) })
	if len(s.faults) == 0 {
		return
	}
	s.clock = s.faults[0]
	noticed := cmp.Or(s.onset, s.detected)
	for _, f := range s.faults {
		if noticed != nil && !f.at.After(noticed.At) {
			s.clock = f
		}
	}
}

// ends finds how long each fault lasted, and what was done. What was done about the same thing as a fault ended it.
func (s *story) ends() {
	end := s.start
	for _, l := range s.lines {
		end = l.At
	}
	if s.recovered != nil {
		end = s.recovered.At
	}
	for _, f := range s.faults {
		f.until = end
	}
	for i := range s.lines {
		if l := &s.lines[i]; l.Kind == timeline.Mitigation {
			s.done(l)
		}
	}
}

func (s *story) done(l *line) {
	if m := s.mapping.Fault(l.What); m != nil {
		for _, f := range s.faults {
			if f.match.Name == m.Name && f.ended == nil && f.at.Before(l.At) {
				f.until, f.ended = l.At, l
				return
			}
		}
	}
	if m := s.mapping.Action(l.What); m != nil {
		s.actions = append(s.actions, &step{line: *l, match: m, at: l.At})
		return
	}
	s.left = append(s.left, left{*l, "Write an action that does this (exec, http, manual, or one of a plugin), or leave it out: then the replay shows what happens without it."})
}

// zero is the moment from which the replay's steps count: the first of them.
func (s *story) zero() time.Time {
	zero := s.start
	for i, st := range append(slices.Clone(s.faults), s.actions...) {
		if i == 0 || st.at.Before(zero) {
			zero = st.at
		}
	}
	return zero
}

// began is the moment from which the incident's times count.
func (s *story) began() time.Time {
	if s.clock != nil {
		return s.clock.at
	}
	return s.start
}

// after is how long after the beginning a line is; false where it is not known, or before it.
func (s *story) after(l *line) (time.Duration, bool) {
	if l == nil || l.At.Before(s.began()) {
		return 0, false
	}
	return l.At.Sub(s.began()), true
}

// Began is the moment from which the times of an incident count, as Make has it where the incident names what broke.
func Began(in *timeline.Incident, m *mapping.Mapping) time.Time { return understand(in, m).began() }
