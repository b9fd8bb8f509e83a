package timeline

import (
	"fmt"
	"strings"

	"github.com/gameday-toolkit/gameday/internal/replay/tree"
)

// PagerDuty's REST API v2: GET /incidents/ID gives {"incident": {...}}, GET /incidents/ID/log_entries gives
// {"log_entries": [...]}. One file may hold both.

func isPagerDuty(n *tree.Node) bool {
	if n.Has("incident", "incident_number") || n.Has("incident", "last_status_change_at") || n.Has("incidents") && n.Get("incidents").Kind == tree.List && firstOf(n.Get("incidents")).Has("incident_number") {
		return true
	}
	return strings.HasSuffix(firstOf(n.Get("log_entries")).Get("type").String(), "_log_entry") || n.Has("log_entries") && !n.Has("page")
}

func firstOf(n *tree.Node) *tree.Node {
	if l := n.List(); len(l) > 0 {
		return l[0]
	}
	return nil
}

func (r *reader) pagerDuty(n *tree.Node) error {
	in := n.Get("incident")
	if list := n.Get("incidents"); list != nil {
		var err error
		if in, err = r.choose(list, "id", "incident_number"); err != nil {
			return err
		}
	}
	if in != nil {
		title := in.Get("title")
		if title.String() == "" {
			title = in.Get("summary")
		}
		first(&r.in.Title, r.words(title))
		first(&r.in.Service, r.words(in.Get("service", "summary")))
		end := in.Get("resolved_at")
		if end.String() == "" && in.Get("status").String() == "resolved" {
			end = in.Get("last_status_change_at")
		}
		if err := r.span(in.Get("created_at"), end); err != nil {
			return err
		}
	}
	for i, e := range n.Get("log_entries").List() {
		if i == maxEntries {
			return &tree.Error{Line: e.At(), Err: fmt.Errorf("there are more than %d log entries; export one incident only", maxEntries)}
		}
		if err := r.logEntry(e); err != nil {
			return err
		}
	}
	return nil
}

var ofLogEntry = map[string]Kind{
	"trigger_log_entry": Detection, "acknowledge_log_entry": Acknowledged, "resolve_log_entry": Recovery,
	"annotate_log_entry": Unknown, "status_update_log_entry": Unknown,
}

func (r *reader) logEntry(e *tree.Node) error {
	typ := e.Get("type").String()
	kind, known := ofLogEntry[typ]
	if !known {
		kind = Note // assign, escalate, notify: what PagerDuty did by itself
	}
	what := e.Get("summary")
	for _, path := range [][]string{{"event_details", "description"}, {"channel", "content"}, {"channel", "summary"}, {"message"}} {
		if t := e.Get(path...); t.String() != "" && known && kind != Acknowledged && kind != Recovery {
			what = t
			break
		}
	}
	return r.entry(e.Get("created_at"), kind, what, strings.ReplaceAll(strings.TrimSuffix(typ, "_log_entry"), "_", " "))
}

// choose picks one incident of several, by any of the fields.
func (r *reader) choose(list *tree.Node, fields ...string) (*tree.Node, error) {
	all := list.List()
	if len(all) == 1 && r.id == "" {
		return all[0], nil
	}
	var ids []string
	for _, n := range all {
		for _, f := range fields {
			if r.id != "" && n.Get(f).String() == r.id {
				return n, nil
			}
		}
		if id := n.Get(fields[0]).String(); id != "" && len(ids) < 10 {
			ids = append(ids, short(id))
		}
	}
	err := fmt.Errorf("it has %d incidents; choose one with -id: %s", len(all), strings.Join(ids, ", "))
	if r.id != "" {
		err = fmt.Errorf("none of its %d incidents is %s; the first are %s", len(all), short(r.id), strings.Join(ids, ", "))
	}
	return nil, &tree.Error{Line: list.At(), Err: err}
}
