package tracker

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/gameday-toolkit/gameday/internal/backlog"
)

// kinds are the three trackers, each with its server.
var kinds = map[string]func(x *world) (Config, string){
	"github": func(x *world) (Config, string) {
		url := fakeGitHub(x).URL
		return Config{Type: "github", Raw: raw(map[string]any{"url": url, "repository": "acme/shop", "labels": []string{"resilience"}, "token_env": "T"})}, url
	},
	"jira": func(x *world) (Config, string) {
		url := fakeJira(x, basic("ada@acme.test")).URL
		return Config{Type: "jira", Raw: raw(map[string]any{"url": url, "project": "OPS", "issue_type": "Task", "user": "ada@acme.test", "token_env": "T"})}, url
	},
	"servicenow": func(x *world) (Config, string) {
		url := fakeServiceNow(x, "Bearer "+theToken).URL
		return Config{Type: "servicenow", Raw: raw(map[string]any{"url": url, "table": "incident", "open_state": "2", "closed_state": "6", "close_code": "Solution provided", "token_env": "T"})}, url
	},
}

func basic(user string) string {
	return "Basic " + base64.StdEncoding.EncodeToString([]byte(user+":"+theToken))
}

func raw(v any) json.RawMessage {
	b, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	return b
}

// waited replaces waiting: it notes how long.
type waited struct{ all []time.Duration }

func (w *waited) wait(ctx context.Context, d time.Duration) error {
	w.all = append(w.all, d)
	return ctx.Err()
}

// each runs a test on every tracker.
func each(t *testing.T, test func(t *testing.T, x *world, tr Tracker, w *waited)) {
	for name, kind := range kinds {
		t.Run(name, func(t *testing.T) {
			x := &world{t: t, page: 2}
			c, _ := kind(x)
			tr, w := connect(t, c)
			test(t, x, tr, w)
		})
	}
}

func connect(t *testing.T, c Config) (Tracker, *waited) {
	c.Name, c.Env = "ours", func(name string) string { return map[string]string{"T": theToken}[name] }
	tr, err := New(c)
	require.NoError(t, err)
	w := &waited{}
	clientOf(tr).wait = w.wait
	return tr, w
}

func clientOf(tr Tracker) *client {
	switch x := tr.(type) {
	case *github:
		return x.client
	case *jira:
		return x.client
	case *serviceNow:
		return x.client
	}
	panic("another tracker")
}

func item(n int, s backlog.State) backlog.Item {
	return backlog.Item{State: s, Note: "a later run passed it", LastRun: "r1", ProvenBy: "r2", Seen: 2, Finding: backlog.Finding{
		Rule: "GD001", Fingerprint: fmt.Sprintf("%064d", n)[:64], Scenario: "az-loss", Subject: "objective.back", Severity: "high",
		Title: "Recovery took longer: objective.back" + strings.Repeat(" and longer", 40), Detail: "31 s\n\nwere @everyone <b>needed</b>", Remedy: "Shorten it.",
	}}
}

// distinct gives each item a fingerprint of its own in its first letters, as a hash has.
func items(states ...backlog.State) (out []backlog.Item) {
	for n, s := range states {
		it := item(n, s)
		it.Fingerprint = fmt.Sprintf("%04x", n) + strings.Repeat("ab", 30)
		out = append(out, it)
	}
	return out
}

// ledger remembers links as the archive does.
type ledger map[string]string

func (l ledger) sync(t *testing.T, tr Tracker, all []backlog.Item) ([]string, error) {
	t.Helper()
	steps, err := Plan(t.Context(), tr, all, l)
	if err != nil {
		return nil, err
	}
	var did []string
	err = Apply(t.Context(), tr, steps, func(s Step) error { l[s.Item.Fingerprint] = s.Issue.ID; return nil }, func(s Step, err error) {
		if err == nil && s.Changes() {
			did = append(did, s.Do)
		}
	})
	return did, err
}

func (x *world) open() (n int) {
	for _, i := range x.issues {
		if !i.closed {
			n++
		}
	}
	return n
}

const (
	open, fixed, accepted, verified, reopened = backlog.Open, backlog.Fixed, backlog.Accepted, backlog.Verified, backlog.Reopened
)

func TestALifeInATracker(t *testing.T) {
	each(t, func(t *testing.T, x *world, tr Tracker, _ *waited) {
		known := ledger{}
		did, err := known.sync(t, tr, items(open, open, open, open, reopened, fixed, accepted, verified))
		require.NoError(t, err)
		require.Equal(t, []string{Create, Create, Create, Create, Create}, did, "what nobody has to work on needs no issue")
		require.Equal(t, 5, x.open())
		x.changes()

		did, err = known.sync(t, tr, items(open, open, open, open, reopened, fixed, accepted, verified))
		require.NoError(t, err)
		require.Empty(t, did)
		require.Zero(t, x.changes(), "the same again changes nothing: all pages were read")

		did, err = ledger{}.sync(t, tr, items(open, open, open, open, reopened))
		require.NoError(t, err)
		require.Empty(t, did, "nor does it from another machine, which knows no links")

		did, err = known.sync(t, tr, items(verified, fixed, accepted, verified, open))
		require.NoError(t, err)
		require.Equal(t, []string{Close, Close}, did)
		require.Equal(t, 3, x.open())
		require.Equal(t, 1, x.issues[0].comments, "and says why")

		did, err = known.sync(t, tr, items(verified, fixed, accepted, reopened, open))
		require.NoError(t, err)
		require.Equal(t, []string{Reopen}, did)
		require.Equal(t, 4, x.open())

		x.issues[4].closed = true
		steps, err := Plan(t.Context(), tr, items(verified, fixed, accepted, reopened, open), known)
		require.NoError(t, err)
		require.Equal(t, Look, steps[4].Do, "closed by hand, and proven by nothing")
		require.Contains(t, steps[4].Why, "claim it")
	})
}

func TestPlanOnlyReads(t *testing.T) {
	each(t, func(t *testing.T, x *world, tr Tracker, _ *waited) {
		steps, err := Plan(t.Context(), tr, items(open, reopened), nil)
		require.NoError(t, err)
		require.Len(t, steps, 2)
		require.True(t, steps[0].Changes())
		require.Zero(t, x.changes())
		require.Empty(t, x.issues)
	})
}

// A sync that fails half-way, and one whose answer is lost, and then another: nothing is there twice.
func TestHalfWay(t *testing.T) {
	each(t, func(t *testing.T, x *world, tr Tracker, _ *waited) {
		known := ledger{}
		created := 0
		x.trouble = func(w http.ResponseWriter, r *http.Request) bool {
			if r.Method == http.MethodPost && !strings.HasSuffix(r.URL.Path, "/search/jql") {
				if created++; created > 2 {
					w.WriteHeader(http.StatusInternalServerError)
					return true
				}
			}
			return false
		}
		did, err := known.sync(t, tr, items(open, open, open, open))
		require.ErrorContains(t, err, "answered 500")
		require.ErrorContains(t, err, "not known whether the issue was made")
		require.Len(t, did, 2)
		require.Equal(t, 4, created, "a change is not repeated blindly, and one that fails does not stop the others")

		x.trouble, x.lose = nil, true
		did, err = known.sync(t, tr, items(open, open, open, open))
		require.NoError(t, err, "the answer was lost, and the issue found")
		require.Len(t, did, 2)
		require.Len(t, x.issues, 4)
		marks := map[string]bool{}
		for _, i := range x.issues {
			for _, l := range i.labels {
				if strings.HasPrefix(l, MarkPrefix) {
					marks[l] = true
				}
			}
		}
		require.Len(t, marks, 4)
	})
}

func TestThrottled(t *testing.T) {
	each(t, func(t *testing.T, x *world, tr Tracker, w *waited) {
		refused := map[string]int{}
		x.trouble = func(w http.ResponseWriter, r *http.Request) bool {
			key := r.Method + r.URL.Path
			if refused[key]++; refused[key] > 2 {
				return false
			}
			w.Header().Set("Retry-After", "7")
			w.WriteHeader(http.StatusTooManyRequests)
			return true
		}
		clientOf(tr).pause = 0
		did, err := ledger{}.sync(t, tr, items(open))
		require.NoError(t, err)
		require.Equal(t, []string{Create}, did)
		require.Len(t, x.issues, 1)
		require.GreaterOrEqual(t, len(w.all), 4)
		for _, d := range w.all {
			require.Equal(t, 7*time.Second, d)
		}

		x.trouble = func(w http.ResponseWriter, r *http.Request) bool {
			w.Header().Set("Retry-After", "3600")
			w.WriteHeader(http.StatusTooManyRequests)
			return true
		}
		_, err = ledger{}.sync(t, tr, items(open))
		require.ErrorContains(t, err, "asks to wait 1h0m0s", "nobody waits an hour")
		x.trouble = func(w http.ResponseWriter, r *http.Request) bool {
			w.WriteHeader(http.StatusTooManyRequests)
			return true
		}
		w.all = nil
		_, err = ledger{}.sync(t, tr, items(open))
		require.ErrorContains(t, err, "answered 429")
		require.Equal(t, []time.Duration{time.Second, 2 * time.Second, 4 * time.Second, 8 * time.Second}, w.all, "and not for ever")
	})
}

// GitHub's limits: a secondary one is a 403 with Retry-After, and a primary one a 403 with nothing remaining until a moment.
func TestTheLimitsOfGitHub(t *testing.T) {
	x := &world{t: t, page: 10}
	c, _ := kinds["github"](x)
	tr, w := connect(t, c)
	g := tr.(*github)
	now := time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)
	g.now = func() time.Time { return now }
	n := 0
	x.trouble = func(w http.ResponseWriter, r *http.Request) bool {
		switch n++; n {
		case 1:
			w.Header().Set("Retry-After", "30")
		case 2:
			w.Header().Set("X-RateLimit-Remaining", "0")
			w.Header().Set("X-RateLimit-Reset", fmt.Sprint(now.Add(40*time.Second).Unix()))
		default:
			return false
		}
		answer(w, http.StatusForbidden, map[string]any{"message": "You have exceeded a secondary rate limit."})
		return true
	}
	did, err := ledger{}.sync(t, tr, items(open, open))
	require.NoError(t, err)
	require.Len(t, did, 2)
	require.Equal(t, []time.Duration{30 * time.Second, 40 * time.Second, time.Second}, w.all, "and a second between changes")

	x.trouble = func(w http.ResponseWriter, r *http.Request) bool {
		answer(w, http.StatusForbidden, map[string]any{"message": "Resource not accessible by personal access token"})
		return true
	}
	w.all = nil
	_, err = ledger{}.sync(t, tr, items(open))
	require.ErrorContains(t, err, "the token may not do that: Resource not accessible")
	require.Empty(t, w.all, "another 403 is no limit")
}

// Without the right to set labels, GitHub drops them without a word.
func TestGitHubWithoutTheRightToLabel(t *testing.T) {
	x := &world{t: t, page: 10}
	c, _ := kinds["github"](x)
	tr, _ := connect(t, c)
	for say, repo := range map[string]map[string]any{
		"permission to triage": {"permissions": map[string]bool{"pull": true}},
		"is archived":          {"archived": true},
		"has no issues":        {"has_issues": false},
	} {
		x.trouble = func(w http.ResponseWriter, r *http.Request) bool { answer(w, 200, repo); return true }
		_, err := Plan(t.Context(), tr, items(open), nil)
		require.ErrorContains(t, err, say)
	}
}

func TestPullRequestsAreNoIssues(t *testing.T) {
	x := &world{t: t, page: 10}
	c, _ := kinds["github"](x)
	tr, _ := connect(t, c)
	one := items(open)
	x.issues = []*kept{{number: 1, labels: []string{"gameday", MarkOf(one[0].Fingerprint)}, raw: map[string]any{"pull": true}}}
	did, err := ledger{}.sync(t, tr, one)
	require.NoError(t, err)
	require.Equal(t, []string{Create}, did)
}

// Jira's search is late: what was just made is not found, and is there by its key.
func TestALateSearch(t *testing.T) {
	x := &world{t: t, page: 10}
	c, _ := kinds["jira"](x)
	tr, _ := connect(t, c)
	known := ledger{}
	_, err := known.sync(t, tr, items(open))
	require.NoError(t, err)
	x.issues[0].raw = map[string]any{"late": true}
	did, err := known.sync(t, tr, items(open))
	require.NoError(t, err)
	require.Empty(t, did)
	did, err = known.sync(t, tr, items(verified))
	require.NoError(t, err)
	require.Equal(t, []string{Close}, did)
}

func TestAnIssueThatWasDeletedIsMadeAgain(t *testing.T) {
	each(t, func(t *testing.T, x *world, tr Tracker, _ *waited) {
		known := ledger{}
		_, err := known.sync(t, tr, items(open))
		require.NoError(t, err)
		x.issues[0].raw, x.issues[0].labels = map[string]any{"deleted": true}, []string{"none"}
		did, err := known.sync(t, tr, items(open))
		require.NoError(t, err)
		require.Equal(t, []string{Create}, did)
	})
}

func TestTheTokenIsNeverShown(t *testing.T) {
	each(t, func(t *testing.T, x *world, tr Tracker, _ *waited) {
		clientOf(tr).auth += "x" // so that the server refuses it, and repeats it
		clientOf(tr).secrets = append(clientOf(tr).secrets, clientOf(tr).auth)
		_, err := Plan(t.Context(), tr, items(open), nil)
		require.ErrorContains(t, err, "401")
		require.NotContains(t, err.Error(), theToken)
		require.NotContains(t, err.Error(), strings.TrimPrefix(basic("ada@acme.test"), "Basic "))
	})
	_, err := New(Config{Name: "ours", Type: "github", Raw: raw(map[string]any{"url": "https://x", "repository": "a/b", "token_env": "NONE"}), Env: func(string) string { return "" }})
	require.ErrorContains(t, err, "environment variable NONE")
}

func TestATokenGoesOverTLS(t *testing.T) {
	for at, ok := range map[string]bool{
		"https://acme.test": true, "http://127.0.0.1:80": true, "http://localhost": true, "http://[::1]:1": true, "http://acme.test": false,
		"http://localhost.acme.test": false, "ftp://acme.test": false, "acme.test": false, "https://u:p@acme.test": false, "": false,
	} {
		_, err := baseOf(at)
		require.Equal(t, ok, err == nil, at)
	}
}

// A redirect is not followed: it would take the token along.
func TestARedirectIsNotFollowed(t *testing.T) {
	each(t, func(t *testing.T, x *world, tr Tracker, _ *waited) {
		x.trouble = func(w http.ResponseWriter, r *http.Request) bool {
			http.Redirect(w, r, "http://127.0.0.1:1/elsewhere", http.StatusMovedPermanently)
			return true
		}
		_, err := Plan(t.Context(), tr, nil, nil)
		require.ErrorContains(t, err, "correct the tracker's address")
	})
}

func TestAnEndToIt(t *testing.T) {
	each(t, func(t *testing.T, x *world, tr Tracker, _ *waited) {
		ctx, cancel := context.WithCancel(t.Context())
		steps, err := Plan(ctx, tr, items(open, open, open), nil)
		require.NoError(t, err)
		made := 0
		err = Apply(ctx, tr, steps, func(Step) error { return nil }, func(Step, error) { made++; cancel() })
		require.ErrorIs(t, err, context.Canceled)
		require.Equal(t, 1, made)
		require.Len(t, x.issues, 1)
	})
}

// What is made is remembered at once; when that fails, it is said.
func TestALinkThatIsNotRemembered(t *testing.T) {
	x := &world{t: t, page: 10}
	c, _ := kinds["github"](x)
	tr, _ := connect(t, c)
	steps, err := Plan(t.Context(), tr, items(open), nil)
	require.NoError(t, err)
	err = Apply(t.Context(), tr, steps, func(Step) error { return errors.New("the disk is full") }, func(Step, error) {})
	require.ErrorContains(t, err, "the disk is full")
}

func TestTexts(t *testing.T) {
	d := DraftOf(item(1, open))
	require.Contains(t, Markdown(d.Body), "were @\u200beveryone &lt;b&gt;needed")
	require.NotContains(t, Markdown(d.Body), "<b>")
	require.Contains(t, Plain(d.Body), "What usually helps:\nShorten it.")
	require.Contains(t, Plain(d.Body), "Fingerprint: "+d.Fingerprint)
	require.LessOrEqual(t, len([]rune(cutTo(d.Title, 255))), 255)
	require.Equal(t, "a b", cutTo("a\n b", 10))
	require.Len(t, d.Mark, len(MarkPrefix)+24)
	require.Equal(t, d.Mark, markAmong([]string{"gameday", "gameday-short", d.Mark}))
}

// What was exported and imported by hand is found by sync: the marks are the same.
func TestTheMarkOfAnExport(t *testing.T) {
	for _, f := range backlog.Formats() {
		if f.Name != "github" && f.Name != "jira" {
			continue
		}
		var b strings.Builder
		require.NoError(t, f.Write(&b, items(open)))
		require.Contains(t, b.String(), MarkOf(items(open)[0].Fingerprint), f.Name)
	}
}
