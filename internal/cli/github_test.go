package cli

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

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
