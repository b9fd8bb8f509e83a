package cli

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/gameday-toolkit/gameday/internal/archive"
	"github.com/gameday-toolkit/gameday/internal/measure"
)

// repository makes a git repository with a scenario in it, and gives what commits and returns the commit.
func repository(t *testing.T) (dir string, commit func() string) {
	t.Helper()
	if _, err := exec.LookPath("git"); err != nil {
		if os.Getenv("GAMEDAY_REQUIRE") != "" {
			t.Fatal("git is not installed")
		}
		t.Skip("git is not installed")
	}
	dir = t.TempDir()
	run := func(args ...string) {
		cmd := exec.Command("git", append([]string{"-C", dir, "-c", "user.name=ada", "-c", "user.email=ada@acme.test", "-c", "commit.gpgsign=false"}, args...)...)
		out, err := cmd.CombinedOutput()
		require.NoError(t, err, string(out))
	}
	run("init", "-q", "-b", "main")
	require.NoError(t, os.WriteFile(filepath.Join(dir, "main.gameday.hcl"), []byte("scenario \"s\" {}\n"), 0o600))
	run("add", "-A")
	return dir, func() string {
		run("commit", "-q", "--allow-empty", "-m", "x")
		return commitOf(t.Context(), dir)
	}
}

func TestTheRunToCompareWith(t *testing.T) {
	dir, commit := repository(t)
	require.Empty(t, commitOf(t.Context(), dir), "there is no commit yet")
	first, second, third := commit(), commit(), commit()
	require.Len(t, third, 40)
	require.NoError(t, os.WriteFile(filepath.Join(dir, "main.gameday.hcl"), []byte("scenario \"s\" { }\n"), 0o600))
	require.Equal(t, third+"-dirty", commitOf(t.Context(), dir))

	arch, err := archive.Open(t.Context(), filepath.Join(t.TempDir(), "a.db"))
	require.NoError(t, err)
	defer arch.Close()
	at := time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC)
	add := func(id, commit, label string, v measure.Verdict) {
		at = at.Add(time.Hour)
		exit := ExitOK
		if v != measure.Pass {
			exit = ExitFailed
		}
		_, err := arch.Add(t.Context(), archive.Run{ID: id, Scenario: "s", Environment: "e", Started: at, Verdict: v, Exit: exit, Commit: commit, Label: label}, nil)
		require.NoError(t, err)
	}
	add("r1", first, "v1", measure.Pass)
	add("r2", first, "", measure.Pass)
	add("r3", second, "v2", measure.Fail)
	add("r4", third+"-dirty", "", measure.Pass)
	add("r5", third, "", measure.Fail)

	it := &gateItem{Name: "s", Environment: "e", Path: dir}
	for ref, want := range map[string]string{
		"last": "r4", "v1": "r1", "r1": "r1", "HEAD": "r2", "main": "r2", "HEAD~1": "r2", first: "r2",
		"v2": "", "r3": "", "v9": "", "--all": "", "HEAD~9": "",
	} {
		r, err := (&gate{flags: &gateFlags{against: ref}}).baseline(t.Context(), arch, it)
		if want == "" {
			var none *archive.NotFoundError
			require.ErrorAs(t, err, &none, ref)
			continue
		}
		require.NoError(t, err, ref)
		require.Equal(t, want, r.ID, ref)
	}
	other := &gateItem{Name: "s", Environment: "another", Path: dir}
	_, err = (&gate{flags: &gateFlags{against: lastGood}}).baseline(t.Context(), arch, other)
	require.Error(t, err, "another environment is another system")
}
