package tracker

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
)

// serviceNow keeps records in a table, by the Table API. The mark is the correlation ID, which is there for this.
type serviceNow struct {
	*client
	settings
}

// record is a record as the Table API gives it: every value is a text.
type record struct {
	SysID       string `json:"sys_id"`
	Number      string `json:"number"`
	State       string `json:"state"`
	Active      string `json:"active"`
	Correlation string `json:"correlation_id"`
}

const (
	recordFields = "sys_id,number,state,active,correlation_id"
	pageSize     = 100
)

// endStates are those of an incident that is over: resolved, closed, cancelled.
var endStates = []string{"6", "7", "8"}

func (s *serviceNow) issue(r record) Issue {
	return Issue{ID: r.SysID, Key: r.Number, URL: s.base + "/" + s.Table + ".do?sys_id=" + url.QueryEscape(r.SysID), Mark: r.Correlation,
		Closed: r.Active == "false" || r.State == s.ClosedState || s.Table == "incident" && slices.Contains(endStates, r.State)}
}

func (s *serviceNow) path(id string) string {
	p := "/api/now/table/" + url.PathEscape(s.Table)
	if id != "" {
		p += "/" + url.PathEscape(id)
	}
	return p
}

func (s *serviceNow) Ready(ctx context.Context) error {
	_, err := s.do(ctx, http.MethodGet, s.path("")+"?sysparm_limit=1&sysparm_fields=sys_id", nil, nil)
	return err
}

func (s *serviceNow) Search(ctx context.Context, mark string) (out []Issue, err error) {
	query := "correlation_idSTARTSWITH" + MarkPrefix
	if mark != "" {
		query = "correlation_id=" + mark
	}
	for n := range maxPages {
		q := url.Values{"sysparm_query": {query + "^ORDERBYsys_id"}, "sysparm_fields": {recordFields}, "sysparm_exclude_reference_link": {"true"},
			"sysparm_limit": {strconv.Itoa(pageSize)}, "sysparm_offset": {strconv.Itoa(n * pageSize)}}
		var page struct {
			Result []record `json:"result"`
		}
		header, err := s.do(ctx, http.MethodGet, s.path("")+"?"+q.Encode(), nil, &page)
		if err != nil {
			return nil, err
		}
		for _, r := range page.Result {
			out = append(out, s.issue(r))
		}
		// Rows that the token may not see are missing from a page, which may be short, or empty, and not be the last.
		if nextPage(header) == "" && len(page.Result) < pageSize {
			return out, nil
		}
	}
	return nil, fmt.Errorf("there are more than %d pages of records", maxPages)
}

// one is an answer with one record in it.
type one struct {
	Result record `json:"result"`
}

func (s *serviceNow) Get(ctx context.Context, id string) (*Issue, error) {
	var r one
	_, err := s.do(ctx, http.MethodGet, s.path(id)+"?sysparm_fields="+url.QueryEscape(recordFields), nil, &r)
	if missing(err) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	i := s.issue(r.Result)
	return &i, nil
}

func (s *serviceNow) Create(ctx context.Context, d Draft) (Issue, error) {
	grade := map[string]string{"critical": "1", "high": "1", "medium": "2", "low": "3"}[d.Severity]
	in := map[string]any{"short_description": cutTo(d.Title, 160), "description": Plain(d.Body), "correlation_id": d.Mark,
		"correlation_display": commonLabel, "urgency": grade, "impact": grade}
	var made one
	if _, err := s.do(ctx, http.MethodPost, s.path("")+"?sysparm_fields="+url.QueryEscape(recordFields), in, &made); err != nil {
		return Issue{}, err
	}
	if made.Result.SysID == "" {
		return Issue{}, &LostError{fmt.Errorf("the answer of %s names no record", s.base)}
	}
	return s.issue(made.Result), nil
}

func (s *serviceNow) Move(ctx context.Context, i Issue, open bool, comment string) error {
	in := map[string]any{"state": s.ClosedState, "close_code": s.CloseCode, "close_notes": comment, "work_notes": comment}
	if open {
		in = map[string]any{"state": s.OpenState, "work_notes": comment}
	}
	var moved struct {
		Result json.RawMessage `json:"result"`
	}
	_, err := s.do(ctx, http.MethodPatch, s.path(i.ID)+"?sysparm_fields="+url.QueryEscape(recordFields), in, &moved)
	return err
}
