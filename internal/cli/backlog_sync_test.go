package cli

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/gameday-toolkit/gameday/internal/archive"
	"github.com/gameday-toolkit/gameday/internal/backlog"
	"github.com/gameday-toolkit/gameday/internal/measure"
)

// asked runs a command in this process, and gives what it printed and its exit code.
func asked(t *testing.T, args ...string) (out string, code int) {
	t.Helper()
	var b bytes.Buffer
	a := &app{in: os.Stdin, out: &b, err: &b}
	a.signals = watchSignals()
	defer a.signals.close()
	root := a.root()
	root.SetArgs(normalise(root, args))
	err := root.ExecuteContext(t.Context())
	a.complain(err)
	return b.String(), codeOf(err)
}

// project makes a directory with a project file and an archive with one run that has a finding, and goes there.
func project(t *testing.T, file string) {
	t.Chdir(t.TempDir())
	t.Setenv(archiveEnv, "")
	require.NoError(t, os.WriteFile("gameday.hcl", []byte("archive {\n  url = \"team.db\"\n}\n"+file), 0o600))
	add(t, "20261101-120000-000-aaaa", measure.Fail, backlog.Finding{
		Rule: "GD001", Fingerprint: strings.Repeat("ab12", 16), Scenario: "az-loss", Subject: "objective.back", Severity: "high", Title: "Recovery took longer than its objective: objective.back"})
}

func add(t *testing.T, id string, v measure.Verdict, found ...backlog.Finding) {
	t.Helper()
	arch, err := archive.Open(t.Context(), "team.db")
	require.NoError(t, err)
	defer arch.Close()
	at, err := time.Parse("20060102-150405", id[:15])
	require.NoError(t, err)
	_, err = arch.Add(t.Context(), archive.Run{ID: id, Scenario: "az-loss", Environment: "default", Started: at, Verdict: v, Evidence: backlog.Evidence{
		Run: id, Scenario: "az-loss", At: at, Conclusive: true, Sound: true, Findings: found, Judged: []backlog.Judgment{{Objective: "objective.back", Verdict: v}},
	}}, nil)
	require.NoError(t, err)
}

// smallGitHub keeps one issue at the most.
func smallGitHub(t *testing.T) (url string, issue *map[string]any) {
	issue = new(map[string]any)
	*issue = map[string]any{}
	mux := http.NewServeMux()
	reply := func(w http.ResponseWriter, v any) { _ = json.NewEncoder(w).Encode(v) }
	mux.HandleFunc("GET /repos/acme/shop", func(w http.ResponseWriter, _ *http.Request) { reply(w, map[string]any{}) })
	mux.HandleFunc("GET /repos/acme/shop/issues", func(w http.ResponseWriter, _ *http.Request) {
		if len(*issue) == 0 {
			reply(w, []any{})
			return
		}
		reply(w, []any{*issue})
	})
	mux.HandleFunc("POST /repos/acme/shop/issues", func(w http.ResponseWriter, r *http.Request) {
		var in struct{ Labels []string }
		_ = json.NewDecoder(r.Body).Decode(&in)
		labels := []any{}
		for _, l := range in.Labels {
			labels = append(labels, map[string]any{"name": l})
		}
		*issue = map[string]any{"number": 7, "html_url": "https://github.test/acme/shop/issues/7", "state": "open", "labels": labels}
		w.WriteHeader(http.StatusCreated)
		reply(w, *issue)
	})
	mux.HandleFunc("PATCH /repos/acme/shop/issues/7", func(w http.ResponseWriter, r *http.Request) {
		var in map[string]string
		_ = json.NewDecoder(r.Body).Decode(&in)
		(*issue)["state"] = in["state"]
		reply(w, *issue)
	})
	mux.HandleFunc("POST /repos/acme/shop/issues/7/comments", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusCreated) })
	srv := httptest.NewServer(mux)
	t.Cleanup(srv.Close)
	return srv.URL, issue
}

func TestSyncSaysBeforeItDoes(t *testing.T) {
	url, issue := smallGitHub(t)
	project(t, fmt.Sprintf("tracker \"github\" \"ours\" {\n  repository = \"acme/shop\"\n  url = %q\n}\n", url))
	t.Setenv("GITHUB_TOKEN", "hidden-token")

	out, code := asked(t, "backlog", "sync")
	require.Zero(t, code, out)
	require.Contains(t, out, "create  GD001 Recovery took longer")
	require.Contains(t, out, "1 change would be made. Nothing has been sent")
	require.Empty(t, *issue)

	out, code = asked(t, "backlog", "sync", "-apply", "ours")
	require.Zero(t, code, out)
	require.Contains(t, out, "create  #7 GD001")
	require.Contains(t, out, "1 change made in github.ours")
	require.NotContains(t, out, "hidden-token")

	out, code = asked(t, "backlog", "sync", "-apply")
	require.Zero(t, code, out)
	require.Contains(t, out, "0 changes made")
	out, _ = asked(t, "backlog", "show", "ab12")
	require.Contains(t, out, "https://github.test/acme/shop/issues/7")

	add(t, "20261102-120000-000-bbbb", measure.Pass)
	out, code = asked(t, "backlog", "sync", "-apply")
	require.Zero(t, code, out)
	require.Contains(t, out, "close   #7 GD001")
	require.Equal(t, "closed", (*issue)["state"])

	out, code = asked(t, "backlog", "sync", "-apply", "theirs")
	require.Equal(t, ExitUntouched, code)
	require.Contains(t, out, "there are ours")
}

func TestCommandsOverAnArchive(t *testing.T) {
	project(t, "tier \"gold\" {\n  every = \"1d\"\n}\n")
	for line, want := range map[string]string{
		"runs":                            "20261101-120000-000-aaaa  2026-11-01",
		"runs -json":                      `"id": "20261101-120000-000-aaaa"`,
		"runs -scenario other":            "There are no such runs in team.db",
		"show aaaa":                       "FAIL  az-loss",
		"show -json 2026":                 `"exit": 0`,
		"diff aaaa aaaa":                  "Findings\n  the same",
		"trend":                           "no run yet that passed or failed",
		"scorecard -every 36500d":         "0 scenarios overdue, of 1",
		"scorecard -every 1d -json":       `"overdue": true`,
		"backlog list":                    "1 item, 1 to work on",
		"backlog list -state verified":    "There are no such items",
		"backlog list -service x -json":   "[]",
		"backlog export -format markdown": "| open | high | GD001",
		"backlog export -format github":   `"labels":["gameday","gameday-ab12`,
	} {
		out, code := asked(t, strings.Fields(line)...)
		require.Zero(t, code, "%s: %s", line, out)
		require.Contains(t, out, want, line)
	}
	for line, want := range map[string]string{
		"runs -verdict good":       "there is no verdict",
		"show zzzz":                "there is no run \"zzzz\"",
		"show .":                   "has no journal",
		"diff aaaa":                "usage: ",
		"scorecard -every soon":    "write one such as 90d",
		"backlog list -state gone": "there is no state",
		"backlog show ab1":         "four letters at least",
		"backlog sync":             "there is no tracker",
		"archive add nowhere":      "opening the run",
		"trend -since whenever":    "neither a length of time nor a day",
		"backlog accept ab12":      "-until and -because are needed",
		"backlog export -format x": "there is no format",
	} {
		out, code := asked(t, strings.Fields(line)...)
		require.Equal(t, ExitUntouched, code, "%s: %s", line, out)
		require.Contains(t, out, want, line)
	}
	out, code := asked(t, "trend", "-html", "trend.html")
	require.Zero(t, code, out)
	require.FileExists(t, filepath.Join(".", "trend.html"))
}
