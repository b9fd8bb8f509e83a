package archive

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/gameday-toolkit/gameday/internal/measure"
)

func TestADamagedFileIsNamedWithWhatHelps(t *testing.T) {
	garbage := filepath.Join(t.TempDir(), "no.db")
	require.NoError(t, os.WriteFile(garbage, []byte(strings.Repeat("this is something else. ", 400)), 0o600))
	_, err := Open(t.Context(), garbage)
	require.ErrorContains(t, err, "opening the archive "+garbage+": file is not a database")
	require.Contains(t, Remedy(err), "move "+garbage+" aside, then `gameday archive add`")

	// Its first page is as it was, and all others are not.
	pages := filepath.Join(t.TempDir(), "pages.db")
	a, err := Open(t.Context(), pages)
	require.NoError(t, err)
	for n := range 40 {
		_, err := a.Add(t.Context(), run(n), nil)
		require.NoError(t, err)
	}
	require.NoError(t, a.Close())
	b, err := os.ReadFile(pages)
	require.NoError(t, err)
	for i := 4096; i < len(b); i++ {
		b[i] = 0xee
	}
	require.NoError(t, os.WriteFile(pages, b, 0o600))
	a, err = Open(t.Context(), pages)
	if err == nil {
		_, err = a.Runs(t.Context(), Filter{})
		require.NoError(t, a.Close())
	}
	require.ErrorContains(t, err, pages)
	require.ErrorContains(t, err, "malformed")
	require.Contains(t, Remedy(err), "move "+pages+" aside")
}

func TestADamagedRecordIsNamedAndWrittenAnew(t *testing.T) {
	each(t, func(t *testing.T, at string) {
		a := open(t, at)
		whole := run(0, func(r *Run) { r.Label, r.Commit = "v1", "abc" })
		for _, r := range []Run{whole, run(1)} {
			_, err := a.Add(t.Context(), r, nil)
			require.NoError(t, err)
		}
		_, err := a.db.ExecContext(t.Context(), a.sql("UPDATE runs SET body = substr(body, 1, 50) WHERE id = ?"), whole.ID)
		require.NoError(t, err)
		_, all := a.Runs(t.Context(), Filter{})
		_, one := a.Run(t.Context(), whole.ID)
		_, short := a.Run(t.Context(), "a000")
		for _, err := range []error{all, one, short} {
			require.EqualError(t, err, "the record of the run "+whole.ID+" in the archive "+a.Where()+" is damaged: unexpected end of JSON input")
			require.Contains(t, Remedy(err), "gameday archive add DIR")
		}
		_, err = a.Add(t.Context(), run(0, func(r *Run) { r.Verdict = measure.Fail }), nil)
		require.NoError(t, err, "the remedy")
		r, err := a.Run(t.Context(), whole.ID)
		require.NoError(t, err)
		require.Equal(t, measure.Fail, r.Verdict)
		require.Equal(t, []string{"v1", "abc"}, []string{r.Label, r.Commit}, "what only the archive knew")
	})
}

func TestAnArchiveThatMayOnlyBeRead(t *testing.T) {
	at := filepath.Join(t.TempDir(), "a.db")
	a := open(t, at)
	_, err := a.db.ExecContext(t.Context(), "PRAGMA query_only = 1") // for root, too, whom no mode of a file stops
	require.NoError(t, err)
	_, err = a.Add(t.Context(), run(0), nil)
	require.ErrorContains(t, err, "into the archive "+at+": attempt to write a readonly database")
	require.Contains(t, Remedy(err), "you may read "+at+" and not write it")
	_, err = a.Runs(t.Context(), Filter{})
	require.NoError(t, err)
}

func TestAServerThatDoesNotAnswerIsNamedOnce(t *testing.T) {
	_, err := Open(t.Context(), "postgres://u:topsecret@127.0.0.1:1/x?connect_timeout=1")
	require.Error(t, err)
	require.NotContains(t, err.Error(), "\n")
	require.Equal(t, 1, strings.Count(err.Error(), "refused"), err.Error())
	require.Contains(t, Remedy(err), "GAMEDAY_ARCHIVE")
}

func TestWhatIsNotThereIsEmptyAndStaysAway(t *testing.T) {
	at := filepath.Join(t.TempDir(), "state", "archive.db")
	require.True(t, Missing(at))
	require.True(t, Missing("sqlite:"+at))
	require.False(t, Missing("postgres://127.0.0.1:1/x"))
	a, err := Empty(t.Context(), at)
	require.NoError(t, err)
	all, err := a.Runs(t.Context(), Filter{})
	require.NoError(t, err)
	require.Empty(t, all)
	require.Equal(t, at, a.Where())
	require.NoError(t, a.Close())
	require.NoDirExists(t, filepath.Dir(at))
	open(t, at)
	require.False(t, Missing(at))
}
