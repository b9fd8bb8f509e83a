package cli

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/gameday-toolkit/gameday/internal/archive"
	"github.com/gameday-toolkit/gameday/internal/backlog"
	"github.com/gameday-toolkit/gameday/internal/cli/wiring"
	"github.com/gameday-toolkit/gameday/internal/history"
	"github.com/gameday-toolkit/gameday/internal/journal"
	"github.com/gameday-toolkit/gameday/internal/measure"
	"github.com/gameday-toolkit/gameday/internal/plan"
)

// put puts a record into the archive of the working directory's project.
func put(t *testing.T, r archive.Run) {
	t.Helper()
	arch, err := archive.Open(t.Context(), "team.db")
	require.NoError(t, err)
	_, err = arch.Add(t.Context(), r, nil)
	require.NoError(t, err)
	require.NoError(t, arch.Close())
}

var looking = []string{"runs", "show aaaa", "diff aaaa bbbb", "trend", "scorecard", "backlog list", "backlog show abcd", "backlog claim abcd", "backlog export"}

func TestWhoLooksMakesNoArchive(t *testing.T) {
	t.Chdir(t.TempDir())
	t.Setenv("XDG_STATE_HOME", filepath.Join(t.TempDir(), "state"))
	for _, line := range looking {
		t.Setenv(archiveEnv, "typo/a.db")
		out, code := asked(t, strings.Fields(line)...)
		require.Equal(t, ExitUntouched, code, "%s: %s", line, out)
		require.Contains(t, out, "there is no archive at typo/a.db, which GAMEDAY_ARCHIVE names", line)
		require.Contains(t, out, "hint: correct the path", line)
		require.NoDirExists(t, "typo", line)
	}
	t.Setenv(archiveEnv, "")
	out, code := asked(t, "runs")
	require.Zero(t, code, out)
	require.Contains(t, out, "There are no such runs", "the usual place is just empty")
	require.NoDirExists(t, os.Getenv("XDG_STATE_HOME"))

	require.NoError(t, os.WriteFile("gameday.hcl", []byte("archive {\n  url = \"team.db\"\n}\n"), 0o600))
	out, code = asked(t, "runs")
	require.Equal(t, ExitUntouched, code, out)
	require.Contains(t, out, "which the project file names")
	require.NoFileExists(t, "team.db")
}

func TestADamagedArchiveSaysOnceWhatHelps(t *testing.T) {
	project(t, "")
	require.NoError(t, os.WriteFile("team.db", []byte(strings.Repeat("this is something else. ", 400)), 0o600))
	for _, line := range looking {
		out, code := asked(t, strings.Fields(line)...)
		require.Equal(t, ExitUntouched, code, "%s: %s", line, out)
		require.Equal(t, 1, strings.Count(out, "error: "), "%s: %s", line, out)
		require.Contains(t, out, "team.db: file is not a database", line)
		require.Contains(t, out, "team.db aside, then `gameday archive add`", line)
	}
}

func TestARunSaysHowToMendTheArchiveThatItIsNotIn(t *testing.T) {
	t.Chdir(t.TempDir())
	t.Setenv(archiveEnv, "team.db")
	require.NoError(t, os.WriteFile("team.db", []byte(strings.Repeat("this is something else. ", 400)), 0o600))
	var b bytes.Buffer
	a := &app{err: &b}
	a.keep(t.Context(), &wiring.Judged{Run: &history.Run{Plan: &plan.Plan{}}, Dir: journal.RunDir{Path: "runs/r1"}}, "")
	require.Equal(t, 1, strings.Count(b.String(), "warning: the run is not in the archive"), b.String())
	require.Contains(t, b.String(), "hint: move team.db aside")
	require.Contains(t, b.String(), "for this run: gameday archive add runs/r1")
}

func TestTheFilterTakesWhatTheColumnShows(t *testing.T) {
	project(t, "")
	at := time.Date(2026, 11, 2, 12, 0, 0, 0, time.UTC)
	for id, r := range map[string]archive.Run{
		"r-aborted": {Verdict: measure.Inconclusive, Exit: ExitAborted}, "r-notrun": {Verdict: measure.Inconclusive, Exit: ExitUntouched},
		"r-inconclusive": {Verdict: measure.Inconclusive, Exit: ExitInconclusive}, "r-pass": {Verdict: measure.Pass},
	} {
		r.ID, r.Scenario, r.Started = id, "az-loss", at
		put(t, r)
	}
	for word, want := range map[string]string{
		"aborted": "r-aborted", "ABORTED": "r-aborted", "NOT RUN": "r-notrun", "not-run": "r-notrun", "inconclusive": "r-inconclusive", "pass": "r-pass", "fail": "20261101-120000-000-aaaa",
	} {
		out, code := asked(t, "runs", "-json", "-verdict", word)
		require.Zero(t, code, out)
		var got []archive.Run
		require.NoError(t, json.Unmarshal([]byte(out), &got))
		require.Len(t, got, 1, word)
		require.Equal(t, want, got[0].ID, word)
	}
	out, code := asked(t, "runs", "-newest", "-1")
	require.Equal(t, ExitUntouched, code)
	require.Contains(t, out, "-newest -1 is no number of runs")
}

func TestATrendSaysWhatIsOnlyALowerBound(t *testing.T) {
	project(t, "")
	for i, lo := range []float64{2, 2, 4.02} {
		at := time.Date(2026, 11, 2, 12, i, 0, 0, time.UTC)
		put(t, archive.Run{ID: at.Format("20060102-150405"), Scenario: "az-loss", Started: at, Verdict: measure.Fail, Exit: ExitFailed, Evidence: backlog.Evidence{Conclusive: true},
			Figures: []archive.Figure{{Name: "objective.back", Kind: measure.KindRTO, Unit: "s", Lo: lo, Censored: true, Value: "> x", Allowed: "15s", Verdict: measure.Fail}}})
	}
	out, code := asked(t, "trend")
	require.Zero(t, code, out)
	require.Regexp(t, `2026 Q4 +3 +3 +> 2(\.00)? s +> 4\.02 s`, out)
	out, code = asked(t, "trend", "-json", "-html", "t.html")
	require.Zero(t, code, out)
	var all []archive.Series
	require.NoError(t, json.Unmarshal([]byte(out), &all), "both are done, and only the JSON is printed")
	require.True(t, all[0].Quarters[0].MedianCensored && all[0].Quarters[0].WorstCensored)
	html, err := os.ReadFile("t.html")
	require.NoError(t, err)
	require.Contains(t, string(html), `<td class="number">&gt; 4.02 s</td>`)
}

func TestARunWhoseDirectoryIsGone(t *testing.T) {
	project(t, "")
	here, err := os.Hostname()
	require.NoError(t, err)
	dir := t.TempDir()
	put(t, archive.Run{ID: "r-here", Scenario: "az-loss", Host: here, Dir: dir})
	put(t, archive.Run{ID: "r-gone", Scenario: "az-loss", Host: here, Dir: filepath.Join(dir, "moved")})
	put(t, archive.Run{ID: "r-else", Scenario: "az-loss", Host: "elsewhere.test", Dir: "/nowhere"})
	out, code := asked(t, "show", "r-here")
	require.Zero(t, code, out)
	require.NotContains(t, out, "gone")
	out, code = asked(t, "show", "r-gone")
	require.Zero(t, code, out)
	require.Contains(t, out, "(it is gone,")
	out, _ = asked(t, "show", "r-else")
	require.Contains(t, out, "/nowhere on elsewhere.test")
	require.NotContains(t, out, "gone")
}

func TestAScorecardWithoutARhythmSaysSo(t *testing.T) {
	project(t, "")
	out, code := asked(t, "scorecard")
	require.Zero(t, code, out)
	require.NotContains(t, out, "0 scenarios overdue")
	require.Contains(t, out, "Nothing says how often 1 of 1 scenario must be tried")
	require.Contains(t, out, "-every 90d")
	out, _ = asked(t, "scorecard", "-every", "36500d")
	require.Contains(t, out, "0 scenarios overdue, of 1")
	require.NotContains(t, out, "how often")
}

func TestAnItemNeedsFourLetters(t *testing.T) {
	project(t, "")
	out, code := asked(t, "backlog", "show", "ab1")
	require.Equal(t, ExitUntouched, code)
	require.Contains(t, out, `"ab1" is too short to name an item`)
	out, _ = asked(t, "backlog", "show", "ffff")
	require.Contains(t, out, `there is no item "ffff"`)
}

func TestTwoLongValuesAreCutWhereTheyDiffer(t *testing.T) {
	var d differ
	same := strings.Repeat("ä signer, ", 40)
	d.compare("approvers", same+"ada@example.org, "+same, same+"bob@example.org, "+same)
	require.Len(t, d.out, 1)
	was, is, found := strings.Cut(d.out[0], " -> ")
	require.True(t, found)
	require.Contains(t, was, "ada@example.org")
	require.Contains(t, is, "bob@example.org")
	require.NotContains(t, d.out[0], "\ufffd")
	require.Less(t, len([]rune(d.out[0])), 250)
	was, is = shortPair("short", "shorter")
	require.Equal(t, []string{`"short"`, `"shorter"`}, []string{was, is})
	was, is = shortPair(same, same+"more")
	require.NotEqual(t, was, is, "the one is the beginning of the other")
}
