package reports

import (
	"strings"
	"testing"
	"unicode"

	"github.com/stretchr/testify/require"

	"github.com/gameday-toolkit/gameday/internal/backlog"
	"github.com/gameday-toolkit/gameday/internal/journal"
	"github.com/gameday-toolkit/gameday/internal/measure"
)

// What a system under test, a plugin or a title says must not steer the terminal of whoever reads the report.
func TestNoControlCharacterReachesAReport(t *testing.T) {
	const evil = "red\x1b[31m\x07 \u009b2J \x7f\r end"
	run := recordedRun(entry(11*s, journal.Note, journal.NoteBody{Author: "eve" + evil, Text: evil}),
		entry(12*s, journal.RunEnded, journal.EndedBody{Reason: evil}))
	run.Plan.Scenario.Title = evil
	run.File.Detail = evil
	res := &measure.Result{Verdict: measure.Fail, Exit: 1, Why: evil, Assumption: []measure.Assumption{{Name: "a", Detail: evil}},
		Objectives: []measure.ObjectiveResult{{Addr: "objective.a", Kind: "rto", Verdict: measure.Fail, Why: evil, Value: "1 s", Limit: "1s"}},
		Probes:     []measure.ProbeResult{{Addr: "probe.http.a", Classes: map[string]uint64{"body": 1}, Details: map[string]string{"body": evil}}},
		Faults:     []measure.FaultResult{{Addr: lose, State: "stuck", Active: evil, Steps: []string{evil, "two\nlines"}}}}
	m := Build(run, res, []backlog.Finding{{Rule: "GD001", Title: evil, Detail: evil, Remedy: evil, Severity: "high"}})
	for _, r := range Renderers() {
		text := render(t, r, m)
		at := strings.IndexFunc(text, func(c rune) bool {
			return unicode.IsControl(c) && c != '\n' && c != '\t' && !(c == '\r' && r.Name == "backlog.csv")
		})
		require.Negative(t, at, "%s: %q", r.Name, text[max(0, at-40):max(0, min(len(text), at+40))])
		for _, escaped := range []string{`\u001b`, "&#x1b;", "&#27;", "%1b"} {
			require.NotContains(t, strings.ToLower(text), escaped, r.Name)
		}
		require.Contains(t, text, "red\uFFFD[31m", r.Name)
	}
	require.Equal(t, evil, res.Why, "the result that was judged stays as it is")
	require.Equal(t, evil, run.Plan.Scenario.Title)
	require.Equal(t, "two\nlines", m.Result.Faults[0].Steps[1])
}
