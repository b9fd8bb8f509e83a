package lang

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestReadShared(t *testing.T) {
	dir := t.TempDir()
	t.Setenv("ARCHIVE_PASSWORD", "secret")
	below := filepath.Join(dir, "scenarios", "one")
	require.NoError(t, os.MkdirAll(below, 0o755))
	write := func(text string) {
		require.NoError(t, os.WriteFile(filepath.Join(dir, ProjectFile), []byte(text), 0o600))
	}

	s, _, diags := ReadShared(below)
	require.Empty(t, diags)
	require.Equal(t, Shared{}, s, "no project file is no mistake")

	write(`tier "gold" {
  every = "13w"
}
tier "silver" {}
archive {
  url = "postgres://gameday:${env("ARCHIVE_PASSWORD")}@db/gameday"
}
tracker "jira" "ops" {
  url     = "https://acme.test"
  project = "OPS"
}
`)
	s, _, diags = ReadShared(below)
	require.Empty(t, diags)
	require.Equal(t, "postgres://gameday:secret@db/gameday", s.Archive)
	require.Equal(t, map[string]time.Duration{"gold": 13 * 7 * 24 * time.Hour}, s.Every)
	require.Len(t, s.Trackers, 1)
	require.Equal(t, []string{"jira", "ops"}, []string{s.Trackers[0].Type, s.Trackers[0].Name})
	require.JSONEq(t, `{"url": "https://acme.test", "project": "OPS", "issue_type": "Task", "token_env": "JIRA_TOKEN"}`, string(s.Trackers[0].Config))

	write("archive {\n  url = \"team.db\"\n}\n")
	s, _, diags = ReadShared(below)
	require.Empty(t, diags)
	at, err := filepath.Abs(s.Archive)
	require.NoError(t, err)
	require.Equal(t, filepath.Join(dir, "team.db"), at, "a path is relative to the project file")

	write("archive {\n  url = 5\n")
	_, files, diags := ReadShared(below)
	require.True(t, diags.HasErrors())
	require.NotEmpty(t, files)
}

func TestParseDays(t *testing.T) {
	for text, want := range map[string]time.Duration{"90d": 90 * 24 * time.Hour, "13w": 13 * 7 * 24 * time.Hour, "36h": 36 * time.Hour, "1d": 24 * time.Hour} {
		got, err := ParseDays(text)
		require.NoError(t, err, text)
		require.Equal(t, want, got)
	}
	for _, text := range []string{"", "d", "0d", "-1d", "1.5d", "90", "soon", "0s", "-5h", "99999999999d"} {
		_, err := ParseDays(text)
		require.Error(t, err, text)
	}
}
