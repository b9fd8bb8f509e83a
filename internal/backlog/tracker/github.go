package tracker

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// github keeps issues in a repository. They are listed by label and not searched for, because the list is up to date at once
// and the search is not. Changes keep a second's distance, as GitHub asks for, or its secondary limits set in.
type github struct {
	*client
	settings
	repo string // /repos/OWNER/NAME
}

// commonLabel is on every issue of ours.
const commonLabel = "gameday"

var repositoryForm = regexp.MustCompile(`^[\w.-]+/[\w.-]+$`)

func newGitHub(c *client, s settings) (*github, error) {
	if !repositoryForm.MatchString(s.Repository) {
		return nil, fmt.Errorf("the repository %q is not OWNER/NAME", s.Repository)
	}
	c.headers["Accept"] = "application/vnd.github+json"
	c.headers["X-GitHub-Api-Version"] = "2022-11-28"
	c.pause = time.Second
	return &github{client: c, settings: s, repo: "/repos/" + s.Repository}, nil
}

type githubIssue struct {
	Number int    `json:"number"`
	URL    string `json:"html_url"`
	State  string `json:"state"`
	Labels []struct {
		Name string `json:"name"`
	} `json:"labels"`
	PullRequest *struct{} `json:"pull_request"`
}

func (i githubIssue) issue() Issue {
	var labels []string
	for _, l := range i.Labels {
		labels = append(labels, l.Name)
	}
	n := strconv.Itoa(i.Number)
	return Issue{ID: n, Key: "#" + n, URL: i.URL, Closed: i.State == "closed", Mark: markAmong(labels)}
}

// Ready asks whether labels would stick: without the right to triage, GitHub drops them and says nothing, and without
// their labels issues would be made again and again.
func (g *github) Ready(ctx context.Context) error {
	var r struct {
		HasIssues   *bool           `json:"has_issues"`
		Archived    bool            `json:"archived"`
		Permissions map[string]bool `json:"permissions"`
	}
	if _, err := g.do(ctx, http.MethodGet, g.repo, nil, &r); err != nil {
		return err
	}
	p := r.Permissions
	switch {
	case r.Archived:
		return fmt.Errorf("the repository %s is archived", g.Repository)
	case r.HasIssues != nil && !*r.HasIssues:
		return fmt.Errorf("the repository %s has no issues: turn them on in its settings", g.Repository)
	case p != nil && !p["triage"] && !p["push"] && !p["maintain"] && !p["admin"]:
		return fmt.Errorf("the token may not set labels in %s, by which issues are found again: it needs the permission to triage", g.Repository)
	}
	return nil
}

func (g *github) Search(ctx context.Context, mark string) (out []Issue, err error) {
	label := mark
	if label == "" {
		label = commonLabel
	}
	path := g.repo + "/issues?" + url.Values{"labels": {label}, "state": {"all"}, "per_page": {"100"}}.Encode()
	for range maxPages {
		var page []githubIssue
		header, err := g.do(ctx, http.MethodGet, path, nil, &page)
		if err != nil {
			return nil, err
		}
		for _, i := range page {
			if one := i.issue(); one.Mark != "" && i.PullRequest == nil {
				out = append(out, one)
			}
		}
		next := nextPage(header)
		if next == "" {
			return out, nil
		}
		var ok bool
		if path, ok = strings.CutPrefix(next, g.base); !ok {
			return nil, errors.New("the next page of the issues is on another server")
		}
	}
	return nil, fmt.Errorf("there are more than %d pages of issues", maxPages)
}

var linkForm = regexp.MustCompile(`<([^>]*)>\s*;[^,]*\brel="?next"?`)

// nextPage reads a Link header (RFC 8288).
func nextPage(h http.Header) string {
	for _, v := range h.Values("Link") {
		if m := linkForm.FindStringSubmatch(v); m != nil {
			return m[1]
		}
	}
	return ""
}

func (g *github) Get(ctx context.Context, id string) (*Issue, error) {
	var i githubIssue
	_, err := g.do(ctx, http.MethodGet, g.repo+"/issues/"+url.PathEscape(strings.TrimPrefix(id, "#")), nil, &i)
	if missing(err) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	one := i.issue()
	return &one, nil
}

func (g *github) Create(ctx context.Context, d Draft) (Issue, error) {
	in := map[string]any{
		"title": cutTo(d.Title, 256), "body": Markdown(d.Body),
		"labels": append([]string{commonLabel, d.Mark, "severity:" + d.Severity}, g.Labels...),
	}
	var made githubIssue
	if _, err := g.do(ctx, http.MethodPost, g.repo+"/issues", in, &made); err != nil {
		return Issue{}, err
	}
	i := made.issue()
	if i.Mark == "" {
		i.Mark = d.Mark
	}
	return i, nil
}

// Move changes the state before it comments: when the comment fails, another sync has nothing left to do, instead of
// commenting twice.
func (g *github) Move(ctx context.Context, i Issue, open bool, comment string) error {
	in := map[string]any{"state": "closed", "state_reason": "completed"}
	if open {
		in = map[string]any{"state": "open", "state_reason": "reopened"}
	}
	path := g.repo + "/issues/" + url.PathEscape(i.ID)
	if _, err := g.do(ctx, http.MethodPatch, path, in, nil); err != nil {
		return err
	}
	_, err := g.do(ctx, http.MethodPost, path+"/comments", map[string]any{"body": comment}, nil)
	return err
}
