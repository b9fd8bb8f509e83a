package backlog

import (
	"encoding/csv"
	"encoding/json"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func exported(t *testing.T, name string, items []Item) string {
	t.Helper()
	for _, f := range Formats() {
		if f.Name == name {
			var b strings.Builder
			require.NoError(t, f.Write(&b, items))
			return b.String()
		}
	}
	t.Fatalf("there is no format %s", name)
	return ""
}

func hostileItems() []Item {
	items := Life([]Evidence{missed(1), missed(2)}, nil, []Link{{Fingerprint: missed(1).Findings[0].Fingerprint, Tracker: "ours", URL: "https://x/1"}}, on(3))
	items[0].Detail = "=HYPERLINK(\"http://evil\")\nand | <b>more</b>"
	items[0].Owner = "+1"
	return items
}

func TestExportForASpreadsheet(t *testing.T) {
	rows, err := csv.NewReader(strings.NewReader(exported(t, "csv", hostileItems()))).ReadAll()
	require.NoError(t, err)
	require.Len(t, rows, 2)
	got := map[string]string{}
	for i, name := range rows[0] {
		got[name] = rows[1][i]
	}
	require.Equal(t, "open", got["state"])
	require.Equal(t, "2", got["runs_seen"])
	require.Equal(t, "2026-01-03", got["last_seen"])
	require.True(t, strings.HasPrefix(got["detail"], "'="), "no formula: %s", got["detail"])
	require.Equal(t, "'+1", got["owner"])
}

func TestExportForJira(t *testing.T) {
	rows, err := csv.NewReader(strings.NewReader(exported(t, "jira", hostileItems()))).ReadAll()
	require.NoError(t, err)
	require.Equal(t, []string{"Summary", "Issue Type", "Priority", "Description", "Labels", "Labels", "Labels", "External issue ID"}, rows[0])
	require.True(t, strings.HasPrefix(rows[1][0], "'") || strings.HasPrefix(rows[1][0], "[GD001]"))
	require.Equal(t, "Medium", rows[1][2])
	require.Equal(t, "gameday-"+hostileItems()[0].Fingerprint[:24], rows[1][5])
}

func TestExportForGitHub(t *testing.T) {
	lines := strings.Split(strings.TrimSpace(exported(t, "github", hostileItems())), "\n")
	require.Len(t, lines, 1)
	var issue struct {
		Title, Body string
		Labels      []string
	}
	require.NoError(t, json.Unmarshal([]byte(lines[0]), &issue))
	require.True(t, strings.HasPrefix(issue.Title, "[GD001] Recovery took longer"))
	require.Contains(t, issue.Body, hostileItems()[0].Fingerprint)
	require.Contains(t, issue.Labels, "gameday")
}

func TestExportForAPage(t *testing.T) {
	page := exported(t, "markdown", hostileItems())
	require.Contains(t, page, "| open | medium | GD001")
	require.NotContains(t, page, "<b>")
	require.Contains(t, page, "https://x/1")
	require.Contains(t, page, "- 2026-01-02 open: found (run r1)")
	for _, f := range Formats() {
		require.NotPanics(t, func() { exported(t, f.Name, nil) })
	}
}
