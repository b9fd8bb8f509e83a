package reports

import (
	"encoding/json"
	"net/url"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/gameday-toolkit/gameday/internal/plan"
)

func sarifOf(t *testing.T, m *Model) sarifRun {
	t.Helper()
	var log sarifLog
	require.NoError(t, json.Unmarshal([]byte(render(t, Renderer{Name: "report.sarif", Render: SARIF}, m)), &log))
	require.Equal(t, "2.1.0", log.Version)
	require.Len(t, log.Runs, 1)
	return log.Runs[0]
}

// What SARIF 2.1.0 requires, and what code hosts need beyond that: a rule for each result, a message, a file that is a
// relative URI, and a line from 1 on. The published schema is not in this repository, because its licence is not clear.
func TestSARIFHasWhatIsRequired(t *testing.T) {
	for name, m := range models() {
		run := sarifOf(t, m)
		require.NotEmpty(t, run.Tool.Driver.Name, name)
		require.Len(t, run.Results, len(m.Findings), name)
		ids := map[string]bool{}
		for _, r := range run.Tool.Driver.Rules {
			require.False(t, ids[r.ID], "%s: the rule %s twice", name, r.ID)
			ids[r.ID] = true
			require.NotEmpty(t, r.Short.Text)
			require.NotEmpty(t, r.Help.Text)
		}
		for _, r := range run.Results {
			require.Equal(t, r.Rule, run.Tool.Driver.Rules[r.Index].ID, name)
			require.Contains(t, []string{"error", "warning", "note"}, r.Level, name)
			require.NotEmpty(t, r.Message.Text, name)
			require.Len(t, r.Locations, 1, name)
			if p := r.Locations[0].Physical; p != nil {
				u, err := url.Parse(p.Artifact.URI)
				require.NoError(t, err, name)
				require.False(t, u.IsAbs() || strings.HasPrefix(u.Path, "/"), "%s: %s", name, p.Artifact.URI)
				require.Positive(t, p.Region.Line, name)
			}
		}
		require.Equal(t, m.result().Exit, run.Invocations[0].Exit, name)
	}
}

// A finding's file counts from the top of the repository, so that a code host finds it.
func TestFindingsPointAtTheRepository(t *testing.T) {
	m := censored()
	m.Run.Source = "scenarios/az-loss"
	m.Findings[1].Pos = plan.Pos{File: "../../experiments/zone-outage/zone outage.gameday.hcl", Line: 48}
	m.Findings[0].Pos = plan.Pos{} // of no block, and less severe
	run := sarifOf(t, m)
	require.Equal(t, "experiments/zone-outage/zone%20outage.gameday.hcl", run.Results[0].Locations[0].Physical.Artifact.URI)
	require.Equal(t, 48, run.Results[0].Locations[0].Physical.Region.Line)
	require.Equal(t, "scenarios/az-loss/"+m.Plan.Files[0].Name, run.Results[1].Locations[0].Physical.Artifact.URI)
	require.Equal(t, m.Findings[1].Fingerprint, run.Results[0].Fingerprints["gamedayFinding/v1"])

	var b strings.Builder
	require.NoError(t, Annotations(&b, m))
	lines := strings.Split(strings.TrimSpace(b.String()), "\n")
	require.Len(t, lines, 3, "one for the run, one for each finding")
	require.True(t, strings.HasPrefix(lines[0], "::error title=Failed%3A "), lines[0])
	require.True(t, strings.HasPrefix(lines[1], "::error file=experiments/zone-outage/zone outage.gameday.hcl,line=48,title=GD"), lines[1])
	require.True(t, strings.HasPrefix(lines[2], "::notice file=scenarios/az-loss/"), lines[2])
}

func TestAPassedRunIsNotAnnotated(t *testing.T) {
	var b strings.Builder
	require.NoError(t, Annotations(&b, passed()))
	require.Empty(t, b.String())
}

// What a target says must not become a command of the CI runner, nor markup on its page.
func TestGitHubOutputIsInert(t *testing.T) {
	m := hostile()
	m.Findings[0].Detail = "one\r\n::set-output name=x::y\n::error::z 100%"
	var b strings.Builder
	require.NoError(t, Annotations(&b, m))
	for _, line := range strings.Split(strings.TrimSpace(b.String()), "\n") {
		require.Regexp(t, `^::(error|warning|notice) (file=[^,:]*,line=\d+,)?title=[^,:]*::`, line)
		require.NotContains(t, line, "\r")
	}
	require.Contains(t, b.String(), "%0A::error::z 100%25")
	var page strings.Builder
	require.NoError(t, StepSummary(&page, m))
	require.NotContains(t, page.String(), "@everyone")
	require.NotContains(t, page.String(), "<script")
	require.NotContains(t, page.String(), "\n# heading")
}

// GitHub refuses a summary of more than 1 MiB for a step; a gate may run twenty scenarios in one.
func TestTheStepSummaryIsShort(t *testing.T) {
	var b strings.Builder
	require.NoError(t, StepSummary(&b, many()))
	require.Less(t, b.Len(), 50_000)
	require.Contains(t, b.String(), "### ✗")
	b.Reset()
	require.NoError(t, StepSummary(&b, leaked()))
	require.Contains(t, b.String(), leaked().Result.Faults[0].Steps[0], "how to put it back by hand")
}
