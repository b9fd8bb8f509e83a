package timeline

import "github.com/gameday-toolkit/gameday/internal/replay/tree"

// Statuspage: an incident with incident_updates by itself, as {"incident": {...}}, or one of {"incidents": [...]}.

func isStatuspage(n *tree.Node) bool {
	return n.Has("incident_updates") && n.Has("status") || n.Has("incident", "incident_updates") || firstOf(n.Get("incidents")).Has("incident_updates") || firstOf(n).Has("incident_updates")
}

func (r *reader) statuspage(n *tree.Node) error {
	in := n
	if n.Has("incident") {
		in = n.Get("incident")
	}
	if list := n.Get("incidents"); list != nil || n.Kind == tree.List {
		if list == nil {
			list = n
		}
		var err error
		if in, err = r.choose(list, "id", "shortlink"); err != nil {
			return err
		}
	}
	first(&r.in.Title, r.words(in.Get("name")))
	for i, c := range in.Get("components").List() {
		if i == 0 {
			first(&r.in.Service, r.words(c.Get("name")))
		}
		r.tag(c.Get("name"))
	}
	start := in.Get("started_at")
	if start.String() == "" {
		start = in.Get("created_at")
	}
	if err := r.span(start, in.Get("resolved_at")); err != nil {
		return err
	}
	for _, u := range in.Get("incident_updates").List() {
		when := u.Get("display_at")
		if when.String() == "" {
			when = u.Get("created_at")
		}
		status := u.Get("status").String()
		kind := ofStatus(status)
		if status == "investigating" {
			kind = Detection // customers are told, so the team knows
		}
		if err := r.entry(when, kind, u.Get("body"), "status: "+status); err != nil {
			return err
		}
	}
	return nil
}
