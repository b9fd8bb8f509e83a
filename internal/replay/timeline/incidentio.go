package timeline

import (
	"strings"

	"github.com/gameday-toolkit/gameday/internal/replay/tree"
)

// incident.io's API v2: GET /v2/incidents/ID gives {"incident": {...}} with incident_timestamp_values; GET
// /v2/incident_updates gives {"incident_updates": [...]}, GET /v2/follow_ups gives {"follow_ups": [...]}.

func isIncidentIO(n *tree.Node) bool {
	return n.Has("incident", "incident_timestamp_values") || n.Has("incident", "incident_status") || n.Has("follow_ups") ||
		n.Has("incident_updates") && !n.Has("page") && !n.Has("status") || firstOf(n.Get("incidents")).Has("incident_status")
}

func (r *reader) incidentIO(n *tree.Node) error {
	in := n.Get("incident")
	if list := n.Get("incidents"); list != nil {
		var err error
		if in, err = r.choose(list, "id", "reference"); err != nil {
			return err
		}
	}
	if in != nil {
		first(&r.in.Title, r.words(in.Get("name")))
		first(&r.in.Impact, r.words(in.Get("summary")))
		if err := r.span(in.Get("created_at"), nil); err != nil {
			return err
		}
		if err := r.timestamps(in.Get("incident_timestamp_values")); err != nil {
			return err
		}
	}
	for _, u := range n.Get("incident_updates").List() {
		kind := ofStatus(u.Get("new_incident_status", "name").String() + " " + u.Get("new_incident_status", "category").String())
		if err := r.entry(u.Get("created_at"), kind, u.Get("message"), "status: "+u.Get("new_incident_status", "name").String()); err != nil {
			return err
		}
	}
	for _, f := range n.Get("follow_ups").List() {
		r.remedy(r.words(f.Get("title")))
	}
	return nil
}

// timestamps carry names that an organisation chooses.
func (r *reader) timestamps(values *tree.Node) error {
	for _, v := range values.List() {
		name := v.Get("incident_timestamp", "name")
		kind := ofTimestamp(name.String())
		if err := r.entry(v.Get("value", "value"), kind, name, "timestamp"); err != nil {
			return err
		}
		if m, err := r.moment(v.Get("value", "value")); err == nil && kind == Impact && !m.At.IsZero() {
			r.in.Start = m
		}
	}
	return nil
}

var timestampWords = []struct {
	word string
	kind Kind
}{
	{"impact start", Impact}, {"started", Impact}, {"detected", Detection}, {"reported", Detection}, {"declared", Acknowledged}, {"accepted", Acknowledged},
	{"identified", Decision}, {"mitigated", Mitigation}, {"fixed", Mitigation}, {"stabili", Mitigation}, {"impact end", Recovery}, {"resolved", Recovery},
}

func ofTimestamp(name string) Kind {
	for _, w := range timestampWords {
		if strings.Contains(strings.ToLower(name), w.word) {
			return w.kind
		}
	}
	return Note
}

var statusWords = []struct {
	word string
	kind Kind
}{
	{"investigating", Acknowledged}, {"identified", Decision}, {"fixing", Decision}, {"monitoring", Mitigation}, {"mitigated", Mitigation},
	{"resolved", Recovery}, {"closed", Recovery}, {"learning", Recovery}, {"postmortem", Note}, {"post-incident", Note},
}

func ofStatus(status string) Kind {
	for _, w := range statusWords {
		if strings.Contains(strings.ToLower(status), w.word) {
			return w.kind
		}
	}
	return Unknown
}

func (r *reader) remedy(w Words) {
	if w.Text != "" && len(r.in.Remedies) < maxTags {
		r.in.Remedies = append(r.in.Remedies, w)
	}
}
