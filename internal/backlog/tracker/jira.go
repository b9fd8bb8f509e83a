package tracker

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strings"
)

// jira keeps issues in a project of Jira Cloud, by version 3 of its API. The mark is a label; the whole fingerprint is a
// property of the issue.
type jira struct {
	*client
	settings
}

type jiraIssue struct {
	ID     string `json:"id"`
	Key    string `json:"key"`
	Fields struct {
		Labels []string   `json:"labels"`
		Status jiraStatus `json:"status"`
	} `json:"fields"`
}

type jiraStatus struct {
	Category struct {
		Key string `json:"key"` // new, indeterminate or done, whatever the project calls its states
	} `json:"statusCategory"`
}

const done = "done"

func (j *jira) issue(i jiraIssue) Issue {
	return Issue{ID: i.Key, Key: i.Key, URL: j.base + "/browse/" + i.Key, Closed: i.Fields.Status.Category.Key == done, Mark: markAmong(i.Fields.Labels)}
}

func (j *jira) Ready(ctx context.Context) error {
	_, err := j.do(ctx, http.MethodGet, "/rest/api/3/project/"+url.PathEscape(j.Project), nil, nil)
	return err
}

func (j *jira) Search(ctx context.Context, mark string) (out []Issue, err error) {
	label := mark
	if label == "" {
		label = commonLabel
	}
	in := map[string]any{"jql": fmt.Sprintf("project = %s AND labels = %s ORDER BY created ASC", quote(j.Project), quote(label)),
		"fields": []string{"status", "labels"}, "maxResults": 100}
	for range maxPages {
		var page struct {
			Issues []jiraIssue `json:"issues"`
			Next   string      `json:"nextPageToken"`
			Last   bool        `json:"isLast"`
		}
		if _, err := j.do(ctx, http.MethodPost, "/rest/api/3/search/jql", in, &page); err != nil {
			return nil, err
		}
		for _, i := range page.Issues {
			if one := j.issue(i); one.Mark != "" {
				out = append(out, one)
			}
		}
		if page.Next == "" || page.Last {
			return out, nil
		}
		in["nextPageToken"] = page.Next
	}
	return nil, fmt.Errorf("there are more than %d pages of issues", maxPages)
}

// quote writes a string of JQL.
func quote(s string) string {
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(s) + `"`
}

func (j *jira) path(id string) string { return "/rest/api/3/issue/" + url.PathEscape(id) }

func (j *jira) Get(ctx context.Context, id string) (*Issue, error) {
	var i jiraIssue
	_, err := j.do(ctx, http.MethodGet, j.path(id)+"?fields=status,labels", nil, &i)
	if missing(err) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	one := j.issue(i)
	return &one, nil
}

func (j *jira) Create(ctx context.Context, d Draft) (Issue, error) {
	in := map[string]any{
		"fields": map[string]any{
			"project": map[string]any{"key": j.Project}, "issuetype": map[string]any{"name": j.IssueType},
			"summary": cutTo(d.Title, 255), "description": adf(d.Body),
			"labels": append([]string{commonLabel, d.Mark, "severity-" + d.Severity}, j.Labels...),
		},
		"properties": []any{map[string]any{"key": "gameday", "value": map[string]any{"fingerprint": d.Fingerprint}}},
	}
	var made jiraIssue
	if _, err := j.do(ctx, http.MethodPost, "/rest/api/3/issue", in, &made); err != nil {
		return Issue{}, err
	}
	i := j.issue(made)
	i.Mark = d.Mark
	return i, nil
}

// Move takes the first transition that leads to a state of the right category; what states there are, and how they are
// called, is the project's business.
func (j *jira) Move(ctx context.Context, i Issue, open bool, comment string) error {
	var all struct {
		Transitions []struct {
			ID     string                     `json:"id"`
			Fields map[string]json.RawMessage `json:"fields"`
			To     jiraStatus                 `json:"to"`
		} `json:"transitions"`
	}
	if _, err := j.do(ctx, http.MethodGet, j.path(i.ID)+"/transitions", nil, &all); err != nil {
		return err
	}
	for _, t := range all.Transitions {
		if (t.To.Category.Key == done) == open {
			continue
		}
		in := map[string]any{"transition": map[string]any{"id": t.ID}}
		if _, err := j.do(ctx, http.MethodPost, j.path(i.ID)+"/transitions", in, nil); err != nil {
			return err
		}
		_, err := j.do(ctx, http.MethodPost, j.path(i.ID)+"/comment", map[string]any{"body": adf([]Paragraph{{Text: comment}})}, nil)
		return err
	}
	return fmt.Errorf("%s has no transition from its state to one that is %s: move it by hand", i.Key, map[bool]string{true: "open", false: "done"}[open])
}
