package cli

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/gameday-toolkit/gameday/internal/cli/wiring"
	"github.com/gameday-toolkit/gameday/internal/history"
	"github.com/gameday-toolkit/gameday/internal/measure"
)

func TestGitHubIsToldWhereItListens(t *testing.T) {
	j := &wiring.Judged{Run: history.NewFold().Run(), Result: &measure.Result{Verdict: measure.Fail, Exit: 1, Why: "checkout stayed down"}}
	tell := func() string {
		var out bytes.Buffer
		require.NoError(t, (&app{out: &out}).tellGitHub(j))
		return out.String()
	}
	t.Setenv("GITHUB_ACTIONS", "")
	t.Setenv("GITHUB_STEP_SUMMARY", "")
	require.Empty(t, tell(), "nobody listens")

	summary := filepath.Join(t.TempDir(), "summary.md")
	require.NoError(t, os.WriteFile(summary, []byte("what was there\n"), 0o644))
	t.Setenv("GITHUB_ACTIONS", "true")
	t.Setenv("GITHUB_STEP_SUMMARY", summary)
	require.Contains(t, tell(), "::error title=Failed")
	b, err := os.ReadFile(summary)
	require.NoError(t, err)
	require.Regexp(t, "^what was there\n### ✗ ", string(b))
	require.Contains(t, string(b), "Checkout stayed down.")
}

func TestSourceDirCountsFromTheRepository(t *testing.T) {
	top := t.TempDir()
	dir := filepath.Join(top, "game", "days", "az-loss")
	require.NoError(t, os.MkdirAll(dir, 0o755))
	require.NoError(t, os.WriteFile(filepath.Join(dir, "a.gameday.hcl"), nil, 0o644))
	require.Empty(t, sourceDir(dir), "there is no repository, and the path of this machine is nobody's business")
	require.NoError(t, os.WriteFile(filepath.Join(top, ".git"), []byte("gitdir: elsewhere"), 0o644)) // of a worktree
	require.Equal(t, "game/days/az-loss", sourceDir(dir))
	require.Equal(t, "game/days/az-loss", sourceDir(filepath.Join(dir, "a.gameday.hcl")))
	require.Empty(t, sourceDir(top))
}
