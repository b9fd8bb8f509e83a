package reports

import (
	"encoding/csv"
	"encoding/xml"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// No cell begins as a formula, in a spreadsheet of any locale, and every cell reads back whole.
func TestCSVHoldsNoFormula(t *testing.T) {
	out := render(t, Renderer{Name: "backlog.csv", Render: CSV}, hostile())
	rows, err := csv.NewReader(strings.NewReader(out)).ReadAll()
	require.NoError(t, err)
	require.Len(t, rows, 3)
	for _, row := range rows[1:] {
		for _, cell := range row {
			for _, piece := range strings.FieldsFunc(cell, func(r rune) bool { return strings.ContainsRune(";\t\r\n", r) }) {
				piece = strings.TrimLeft(piece, " ")
				require.False(t, piece != "" && strings.ContainsAny(piece[:1], "=+-@"), "%q", cell)
			}
		}
	}
	require.Equal(t, "'=HYPERLINK(\"http://example.invalid\",\"x\")", rows[1][2])
}

func TestCSVPutsTheMostSevereFirst(t *testing.T) {
	rows, err := csv.NewReader(strings.NewReader(render(t, Renderer{Name: "backlog.csv", Render: CSV}, censored()))).ReadAll()
	require.NoError(t, err)
	require.Equal(t, []string{"severity", "high", "low"}, []string{rows[0][0], rows[1][0], rows[2][0]})
}

func suiteOf(t *testing.T, m *Model) junitSuite {
	t.Helper()
	var out junitSuites
	require.NoError(t, xml.Unmarshal([]byte(render(t, Renderer{Name: "junit.xml", Render: JUnit}, m)), &out))
	require.Len(t, out.Suites, 1)
	return out.Suites[0]
}

func TestJUnitIsGreenOnlyWhenTheRunPassed(t *testing.T) {
	for name, m := range models() {
		s := suiteOf(t, m)
		require.Equal(t, m.result().Exit == 0 && m.Result != nil, s.Failures+s.Errors == 0, name)
		require.Equal(t, len(s.Cases), s.Tests, name)
	}
}

func TestJUnitMapsVerdicts(t *testing.T) {
	s := suiteOf(t, leaked())
	byName := map[string]junitCase{}
	for _, c := range s.Cases {
		byName[c.Name] = c
	}
	require.NotNil(t, byName["objective.checkout_recovers"].Failure)
	require.Nil(t, byName["objective.orders_survive"].Failure)
	stuck := byName["reversion of fault.lab_zone_outage.lose_zone"]
	require.Equal(t, "leaked", stuck.Error.Type)
	require.Contains(t, stuck.Error.Text, "gameday lab zone start east-a")

	s = suiteOf(t, inconclusive())
	for _, c := range s.Cases {
		if c.Name == "probers not starved" {
			require.Equal(t, "inconclusive", c.Error.Type)
			return
		}
	}
	t.Fatal("the assumption is not there")
}

// A pull request must not mention people, show pictures or run markup because a scenario's title says so.
func TestMarkdownIsInert(t *testing.T) {
	out := render(t, Renderer{Name: "report.md", Render: Markdown}, hostile())
	for _, bad := range []string{"@everyone", "<script", "<img", "<b>", "\n# heading", "](javascript"} {
		for _, line := range strings.Split(out, "\n") {
			if strings.Contains(line, bad) {
				require.Contains(t, line, "`", "%q outside of code: %s", bad, line)
				require.NotContains(t, strings.Split(line, "`")[0], bad)
			}
		}
	}
	for _, line := range strings.Split(out, "\n") {
		if strings.HasPrefix(line, "| `objective.orders_survive` |") {
			require.Equal(t, 6, strings.Count(line, "|"))
		}
	}
}

func TestWriteAllReplacesWholeFiles(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "a", "b")
	require.NoError(t, WriteAll(dir, censored()))
	require.NoError(t, WriteAll(dir, passed()))
	found, err := os.ReadDir(dir)
	require.NoError(t, err)
	var names []string
	for _, f := range found {
		names = append(names, f.Name())
		info, err := f.Info()
		require.NoError(t, err)
		require.Equal(t, os.FileMode(0o644), info.Mode().Perm(), "others may read a report")
	}
	require.Equal(t, []string{"backlog.csv", "executive.html", "junit.xml", "report.html", "report.json", "report.md", "report.sarif"}, names, "and nothing is left over")
	for _, r := range Renderers() {
		got, err := os.ReadFile(filepath.Join(dir, r.Name))
		require.NoError(t, err)
		require.Equal(t, render(t, r, passed()), string(got))
	}
}

func TestWriteAllSaysWhichFile(t *testing.T) {
	dir := t.TempDir()
	require.NoError(t, os.MkdirAll(filepath.Join(dir, "junit.xml", "in the way"), 0o755))
	err := WriteAll(dir, passed())
	require.ErrorContains(t, err, "writing junit.xml")
	require.FileExists(t, filepath.Join(dir, "report.html"), "one that fails does not stop the others")
	left, _ := filepath.Glob(filepath.Join(dir, ".*"))
	require.Empty(t, left)
}
