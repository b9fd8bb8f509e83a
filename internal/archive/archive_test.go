package archive

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/gameday-toolkit/gameday/internal/backlog"
	"github.com/gameday-toolkit/gameday/internal/measure"
	"github.com/gameday-toolkit/gameday/internal/plan"
)

var began = time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)

// run makes a record of a run that began so many hours after the first one.
func run(hours int, change ...func(*Run)) Run {
	at := began.Add(time.Duration(hours) * time.Hour)
	r := Run{
		ID: at.Format("20060102-150405") + fmt.Sprintf("-000-%04x", 0xa000+hours), Scenario: "az-loss", Service: "checkout", Tier: "gold", Environment: "staging", Tags: []string{"ci", "quarterly"},
		Started: at, Took: time.Minute, Verdict: measure.Pass, PlanHash: "p1", Why: "every objective passed",
		Figures: []Figure{
			{Name: "objective.back", Kind: measure.KindRTO, Unit: "s", Lo: 12.37, Hi: 12.41, Value: "12.41 s (12.37 to 12.41)", Limit: 15, Allowed: "15s", Verdict: measure.Pass},
			{Name: "slo.checkout", Kind: KindBudget, Unit: "%", Lo: 0.04, Hi: 0.05, Value: "0.05 %"},
		},
		Evidence: backlog.Evidence{Scenario: "az-loss", At: at, Conclusive: true, Sound: true},
	}
	r.Evidence.Run = r.ID
	for _, f := range change {
		f(&r)
	}
	return r
}

// each runs a test on both kinds of archives. A PostgreSQL server is made for it; GAMEDAY_REQUIRE insists on one.
func each(t *testing.T, test func(t *testing.T, at string)) {
	t.Run("sqlite", func(t *testing.T) { test(t, filepath.Join(t.TempDir(), "state", "archive.db")) })
	t.Run("postgres", func(t *testing.T) { test(t, postgres(t)) })
}

func open(t *testing.T, at string) *Archive {
	t.Helper()
	a, err := Open(t.Context(), at)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, a.Close()) })
	return a
}

func TestARunIsFoundAgain(t *testing.T) {
	each(t, func(t *testing.T, at string) {
		a := open(t, at)
		p := &plan.Plan{Version: 1, Draft: plan.Draft{Scenario: plan.Scenario{Name: "az-loss"}}}
		first, second := run(0), run(30, func(r *Run) { r.Scenario, r.Verdict, r.Exit, r.Tags, r.Label = "dns", measure.Fail, 1, nil, "v2" })
		for _, r := range []Run{first, second} {
			fresh, err := a.Add(t.Context(), r, p)
			require.NoError(t, err)
			require.True(t, fresh)
		}
		all, err := a.Runs(t.Context(), Filter{})
		require.NoError(t, err)
		require.Equal(t, []Run{second, first}, all, "the newest first, and nothing of them lost")
		for name, f := range map[string]Filter{
			"scenario": {Scenario: "dns"}, "verdict": {Verdict: "fail"}, "label": {Label: "v2"}, "since": {Since: began.Add(time.Hour)}, "newest": {Newest: 1},
		} {
			got, err := a.Runs(t.Context(), f)
			require.NoError(t, err)
			require.Equal(t, []Run{second}, got, name)
		}
		for name, f := range map[string]Filter{"tag": {Tag: "ci"}, "until": {Until: began.Add(time.Hour)}, "both": {Scenario: "az-loss", Verdict: "pass", Service: "checkout", Environment: "staging"}} {
			got, err := a.Runs(t.Context(), f)
			require.NoError(t, err)
			require.Equal(t, []Run{first}, got, name)
		}
		for _, ref := range []string{first.ID, "a000", "20261123-1"} {
			got, err := a.Run(t.Context(), ref)
			require.NoError(t, err, ref)
			require.Equal(t, first.ID, got.ID)
		}
		for _, ref := range []string{"2026112", "nothing", "", "%", "a0_0"} {
			_, err := a.Run(t.Context(), ref)
			var none *NotFoundError
			require.ErrorAs(t, err, &none, ref)
		}
		got, err := a.Plan(t.Context(), "p1")
		require.NoError(t, err)
		require.Equal(t, "az-loss", got.Scenario.Name)
		got, err = a.Plan(t.Context(), "p2")
		require.NoError(t, err)
		require.Nil(t, got)
	})
}

func TestTheSameRunTwiceIsOneRun(t *testing.T) {
	each(t, func(t *testing.T, at string) {
		a := open(t, at)
		r := run(0, func(r *Run) { r.Label, r.Commit, r.Verdict, r.Exit = "v1", "abc", measure.Leaked, 5 })
		_, err := a.Add(t.Context(), r, nil)
		require.NoError(t, err)
		again := run(0, func(r *Run) { r.Verdict, r.Exit = measure.Inconclusive, 3 })
		fresh, err := a.Add(t.Context(), again, nil)
		require.NoError(t, err)
		require.False(t, fresh)
		all, err := a.Runs(t.Context(), Filter{})
		require.NoError(t, err)
		require.Len(t, all, 1)
		require.Equal(t, measure.Inconclusive, all[0].Verdict, "what it is judged to be now, after a recovery")
		require.Equal(t, "v1", all[0].Label)
		require.Equal(t, "abc", all[0].Commit)

		_, err = a.Add(t.Context(), run(0, func(r *Run) { r.PlanHash = "other" }), nil)
		require.ErrorContains(t, err, "another run with the ID")
		_, err = a.Add(t.Context(), Run{}, nil)
		require.ErrorContains(t, err, "does not say which run it is")
	})
}

// Several processes open an archive that is not there yet, and write at once: as many connections of their own.
func TestManyAtOnce(t *testing.T) {
	each(t, func(t *testing.T, at string) {
		const writers, runs = 6, 8
		var wg sync.WaitGroup
		errs := make([]error, writers)
		for w := range writers {
			wg.Go(func() {
				a, err := Open(t.Context(), at)
				if err != nil {
					errs[w] = err
					return
				}
				for n := range runs {
					// Every second run is written by all of them.
					hours := n
					if n%2 == 1 {
						hours = 100 + w*runs + n
					}
					if _, err := a.Add(t.Context(), run(hours), nil); err != nil {
						errs[w] = err
					}
				}
				if err := a.Close(); err != nil {
					errs[w] = err
				}
			})
		}
		wg.Wait()
		for _, err := range errs {
			require.NoError(t, err)
		}
		all, err := open(t, at).Runs(t.Context(), Filter{})
		require.NoError(t, err)
		require.Len(t, all, runs/2+writers*runs/2)
	})
}

func TestDecisionsAndLinks(t *testing.T) {
	each(t, func(t *testing.T, at string) {
		a := open(t, at)
		print := strings.Repeat("ab", 32)
		_, err := a.Add(t.Context(), run(0, func(r *Run) {
			r.Verdict, r.Exit = measure.Fail, 1
			r.Evidence.Findings = []backlog.Finding{{Rule: "GD001", Fingerprint: print, Scenario: "az-loss", Subject: "objective.back", Severity: "high"}}
		}), nil)
		require.NoError(t, err)
		d := backlog.Decision{Fingerprint: print, What: backlog.Accept, By: "ada", At: began.Add(time.Hour), Because: "later", Until: began.Add(48 * time.Hour)}
		require.NoError(t, a.Decide(t.Context(), d))
		require.NoError(t, a.Decide(t.Context(), d), "twice is once")
		got, err := a.Decisions(t.Context())
		require.NoError(t, err)
		require.Equal(t, []backlog.Decision{d}, got)
		for _, key := range []string{"#1", "#2"} {
			require.NoError(t, a.Link(t.Context(), backlog.Link{Fingerprint: print, Tracker: "github.ours", Issue: key, URL: "https://x/" + key}))
		}
		items, err := a.Backlog(t.Context(), func() time.Time { return began.Add(2 * time.Hour) })
		require.NoError(t, err)
		require.Len(t, items, 1)
		require.Equal(t, backlog.Accepted, items[0].State)
		require.Equal(t, "#2", items[0].Links[0].Issue)
		items, err = a.Backlog(t.Context(), func() time.Time { return began.Add(50 * time.Hour) })
		require.NoError(t, err)
		require.Equal(t, backlog.Open, items[0].State)
	})
}

func TestANewerArchiveIsLeftAlone(t *testing.T) {
	each(t, func(t *testing.T, at string) {
		a := open(t, at)
		_, err := a.db.ExecContext(t.Context(), "UPDATE schema_version SET version = 99")
		require.NoError(t, err)
		_, err = Open(t.Context(), at)
		require.ErrorContains(t, err, "update gameday")
		_, err = a.db.ExecContext(t.Context(), "UPDATE schema_version SET version = 2")
		require.NoError(t, err)
	})
}

// An archive of the first schema, with a run in it, is brought up to date and keeps the run.
func TestAnOlderArchiveIsUpgraded(t *testing.T) {
	each(t, func(t *testing.T, at string) {
		a := open(t, at)
		_, err := a.Add(t.Context(), run(0), nil)
		require.NoError(t, err)
		require.NoError(t, a.change(t.Context(), func(tx *sql.Tx) error {
			for _, q := range []string{"DROP TABLE decisions", "DROP TABLE links", "UPDATE schema_version SET version = 1"} {
				if _, err := tx.ExecContext(context.Background(), q); err != nil {
					return err
				}
			}
			return nil
		}))
		b := open(t, at)
		_, err = b.Decisions(t.Context())
		require.NoError(t, err)
		all, err := b.Runs(t.Context(), Filter{})
		require.NoError(t, err)
		require.Len(t, all, 1)
	})
}

func TestWhatCannotBeOpened(t *testing.T) {
	_, err := Open(t.Context(), "mysql://root@localhost/x")
	require.ErrorContains(t, err, "neither a file nor postgres://")
	_, err = Open(t.Context(), "postgres://u:topsecret@127.0.0.1:1/x?connect_timeout=1")
	require.Error(t, err)
	require.NotContains(t, err.Error(), "topsecret")
	_, err = Open(t.Context(), "postgres://u:topsecret@host:port/x")
	require.Error(t, err)
	require.NotContains(t, err.Error(), "topsecret")
	file := filepath.Join(t.TempDir(), "no.db")
	require.NoError(t, os.WriteFile(file, []byte("this is something else, and longer than a header of a hundred bytes, to be sure about it, so to speak."), 0o600))
	_, err = Open(t.Context(), file)
	require.ErrorContains(t, err, file)
}

func TestPlace(t *testing.T) {
	t.Setenv("XDG_STATE_HOME", "/state")
	at, err := Place()
	require.NoError(t, err)
	require.Equal(t, "/state/gameday/archive.db", at)
	t.Setenv("XDG_STATE_HOME", "relative")
	t.Setenv("HOME", "/home/ada")
	at, err = Place()
	require.NoError(t, err)
	require.Equal(t, "/home/ada/.local/state/gameday/archive.db", at)
}

// What was archived by this version has to be readable by later ones: the names of its fields are a format.
func TestTheRecordIsAFormat(t *testing.T) {
	b, err := json.Marshal(run(0))
	require.NoError(t, err)
	for _, name := range []string{"id", "scenario", "started", "verdict", "exit", "figures", "evidence", "plan_hash", `"lo":12.37`, `"verdict":"pass"`, `"conclusive":true`} {
		require.Contains(t, string(b), name)
	}
	u, err := url.Parse("postgres://u:p@h/d")
	require.NoError(t, err)
	require.NotContains(t, u.Redacted(), ":p@")
}
