package tracker

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"

	"github.com/gameday-toolkit/gameday/internal/backlog"
)

// Tracker is a place in which issues are. An issue is known by its mark, which is made of the fingerprint of the finding
// and which every tracker can search for: a label, or a correlation ID.
type Tracker interface {
	// Ready says what would make it pointless to begin: no access, no such project.
	Ready(ctx context.Context) error
	// Search finds the issues with a mark, or all issues with any mark of ours where it is empty.
	Search(ctx context.Context, mark string) ([]Issue, error)
	// Get reads one issue by its ID; nil where there is none any more.
	Get(ctx context.Context, id string) (*Issue, error)
	// Create makes an issue.
	Create(ctx context.Context, d Draft) (Issue, error)
	// Move opens or closes an issue, and then says why in a comment.
	Move(ctx context.Context, i Issue, open bool, comment string) error
}

// Issue is one issue of a tracker.
type Issue struct {
	ID     string // by which it is addressed
	Key    string // by which people know it
	URL    string
	Closed bool
	Mark   string
}

// Draft is an issue that is not made yet.
type Draft struct {
	Mark        string
	Fingerprint string
	Title       string
	Severity    string // critical, high, medium, low
	Body        []Paragraph
}

// Paragraph is a part of an issue's text: a heading with what is below it.
type Paragraph struct{ Heading, Text string }

// MarkPrefix begins all our marks. A mark has 24 digits of the fingerprint: some trackers' labels may not be longer than 50
// letters.
const MarkPrefix = "gameday-"

// MarkOf is the mark of a finding.
func MarkOf(fingerprint string) string { return MarkPrefix + fingerprint[:min(24, len(fingerprint))] }

// markAmong finds our mark among labels.
func markAmong(labels []string) string {
	i := slices.IndexFunc(labels, func(l string) bool { return strings.HasPrefix(l, MarkPrefix) && len(l) == len(MarkPrefix)+24 })
	if i < 0 {
		return ""
	}
	return labels[i]
}

// Config is how one tracker is reached.
type Config struct {
	Name string // in the project file
	Type string // github, jira or servicenow
	Raw  json.RawMessage
	// Env reads the environment, which is the only place that tokens come from.
	Env func(string) string
}

// settings are the arguments of all kinds of trackers; each uses its own.
type settings struct {
	URL         string   `json:"url"`
	Repository  string   `json:"repository"`
	Project     string   `json:"project"`
	IssueType   string   `json:"issue_type"`
	Table       string   `json:"table"`
	User        string   `json:"user"`
	Labels      []string `json:"labels"`
	TokenEnv    string   `json:"token_env"`
	OpenState   string   `json:"open_state"`
	ClosedState string   `json:"closed_state"`
	CloseCode   string   `json:"close_code"`
}

// New connects to a tracker; nothing is sent yet.
func New(c Config) (Tracker, error) {
	var s settings
	if err := json.Unmarshal(c.Raw, &s); err != nil {
		return nil, fmt.Errorf("reading the tracker %s: %w", c.Name, err)
	}
	token := c.Env(s.TokenEnv)
	if token == "" {
		return nil, fmt.Errorf("the tracker %s needs a token in the environment variable %s", c.Name, s.TokenEnv)
	}
	base, err := baseOf(s.URL)
	if err != nil {
		return nil, fmt.Errorf("the tracker %s: %w", c.Name, err)
	}
	conn := newClient(base, s.User, token)
	switch c.Type {
	case "github":
		return newGitHub(conn, s)
	case "jira":
		return &jira{client: conn, settings: s}, nil
	case "servicenow":
		return &serviceNow{client: conn, settings: s}, nil
	}
	return nil, fmt.Errorf("there is no tracker of type %q", c.Type)
}

// baseOf checks an address: a token goes over TLS, or does not leave this machine.
func baseOf(at string) (string, error) {
	u, err := url.Parse(at)
	if err != nil || u.Host == "" || u.User != nil {
		return "", errors.New("its url is not one such as https://HOST")
	}
	local := slices.Contains([]string{"localhost", "127.0.0.1", "::1"}, u.Hostname())
	if u.Scheme != "https" && (u.Scheme != "http" || !local) {
		return "", errors.New("its url must begin with https://, because a token is sent there")
	}
	return strings.TrimSuffix(at, "/"), nil
}

// DraftOf writes the issue for an item.
func DraftOf(it backlog.Item) Draft {
	d := Draft{Mark: MarkOf(it.Fingerprint), Fingerprint: it.Fingerprint, Title: "[" + it.Rule + "] " + it.Title, Severity: it.Severity}
	facts := []string{"Scenario: " + it.Scenario}
	for _, f := range [][2]string{{"Service", it.Service}, {"Owner", it.Owner}, {"Subject", it.Subject}, {"Severity", it.Severity}} {
		if f[1] != "" {
			facts = append(facts, f[0]+": "+f[1])
		}
	}
	facts = append(facts, fmt.Sprintf("Last seen in the run %s, and in %d in all", it.LastRun, it.Seen))
	d.Body = []Paragraph{
		{"What was seen", it.Detail}, {"What usually helps", it.Remedy}, {"Where", strings.Join(facts, "\n")},
		{"", "This issue is closed by gameday when a later run proves it fixed. Fingerprint: " + it.Fingerprint},
	}
	return d
}
