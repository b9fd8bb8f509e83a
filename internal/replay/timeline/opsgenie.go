package timeline

import (
	"errors"
	"time"

	"github.com/gameday-toolkit/gameday/internal/replay/tree"
)

// Opsgenie: GET /v1/incidents/ID and GET /v2/alerts/ID give {"data": {...}}, GET /v2/incident-timelines/ID/entries gives
// {"data": {"entries": [...]}}, GET /v2/alerts/ID/logs gives {"data": [{"log": ...}]}. Any of them, one after the other.

func isOpsgenie(n *tree.Node) bool {
	d := n.Get("data")
	return d.Has("tinyId") || d.Has("impactStartDate") || d.Has("entries") || d.Has("message") || firstOf(d).Has("log") || firstOf(d).Has("tinyId")
}

func (r *reader) opsgenie(n *tree.Node) error {
	d := n.Get("data")
	switch {
	case d == nil:
		return &tree.Error{Line: n.At(), Err: errors.New("there is no \"data\" in it, as there is in every answer of Opsgenie")}
	case d.Has("entries"):
		return r.opsgenieTimeline(d.Get("entries"))
	case d.Kind == tree.List && firstOf(d).Has("log"):
		return r.opsgenieLogs(d)
	case d.Kind == tree.List:
		var err error
		if d, err = r.choose(d, "id", "tinyId"); err != nil {
			return err
		}
	}
	first(&r.in.Title, r.words(d.Get("message")))
	first(&r.in.Impact, r.words(d.Get("description")))
	for _, t := range d.Get("tags").List() {
		r.tag(t)
	}
	start := d.Get("impactStartDate")
	if start.String() == "" {
		start = d.Get("createdAt")
	}
	if err := r.span(start, d.Get("impactEndDate")); err != nil {
		return err
	}
	for _, e := range []struct {
		field, what string
		kind        Kind
	}{{"impactStartDate", "impact starts", Impact}, {"impactDetectDate", "impact detected", Detection}, {"impactEndDate", "impact ends", Recovery}} {
		if err := r.entry(d.Get(e.field), e.kind, nil, e.what); err != nil {
			return err
		}
	}
	if d.Has("impactStartDate") || d.Has("impactDetectDate") {
		return nil
	}
	return r.opsgenieAlert(d)
}

// opsgenieAlert takes an alert, whose report counts milliseconds from its creation.
func (r *reader) opsgenieAlert(d *tree.Node) error {
	if err := r.entry(d.Get("createdAt"), Detection, d.Get("message"), "alert created"); err != nil {
		return err
	}
	created, err := r.moment(d.Get("createdAt"))
	if err != nil || created.At.IsZero() {
		return err
	}
	for _, e := range []struct {
		field, what string
		kind        Kind
	}{{"ackTime", "alert acknowledged", Acknowledged}, {"closeTime", "alert closed", Recovery}} {
		n := d.Get("report", e.field)
		if n.String() == "" {
			continue
		}
		after, err := time.ParseDuration(n.String() + "ms")
		if err != nil || after < 0 {
			return &tree.Error{Line: n.At(), Err: errors.New("this is not a number of milliseconds")}
		}
		r.in.Entries = append(r.in.Entries, Entry{Moment{created.At.Add(after), r.cite(n.At())}, e.kind, e.what})
	}
	return nil
}

func (r *reader) opsgenieTimeline(entries *tree.Node) error {
	for _, e := range entries.List() {
		what := e.Get("description", "content")
		if what.String() == "" {
			what = e.Get("title", "content")
		}
		when := e.Get("eventTime")
		if when.String() == "" {
			when = e.Get("time")
		}
		if err := r.entry(when, Unknown, what, e.Get("type").String()); err != nil {
			return err
		}
	}
	return nil
}

func (r *reader) opsgenieLogs(logs *tree.Node) error {
	for _, e := range logs.List() {
		if err := r.entry(e.Get("createdAt"), Unknown, e.Get("log"), e.Get("type").String()); err != nil {
			return err
		}
	}
	return nil
}
