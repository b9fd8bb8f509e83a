package journal

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

// whole is a journal of n entries, as bytes.
func whole(t require.TestingT, dir string, n int) []byte {
	path := filepath.Join(dir, "whole")
	_ = os.Remove(path)
	w, err := Create(path)
	require.NoError(t, err)
	for i := range n {
		_, err := w.Append(time.Duration(i), Note, Encode(NoteBody{Text: string(rune('a' + i%26))}))
		require.NoError(t, err)
	}
	require.NoError(t, w.Close())
	b, err := os.ReadFile(path)
	require.NoError(t, err)
	return b
}

// However the file grows, every entry comes once, in its order, and only when it is whole.
func TestAFollowerSeesEveryEntryOnce(t *testing.T) {
	dir := t.TempDir()
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(0, 30).Draw(t, "entries")
		b, path := whole(t, dir, n), filepath.Join(dir, "growing")
		require.NoError(t, os.WriteFile(path, nil, 0o600))
		f, err := Follow(path)
		require.NoError(t, err)
		defer f.Close()
		out, err := os.OpenFile(path, os.O_WRONLY|os.O_APPEND, 0)
		require.NoError(t, err)
		defer out.Close()
		var seen []uint64
		for len(b) > 0 {
			cut := rapid.IntRange(1, min(len(b), 200)).Draw(t, "bytes")
			_, err := out.Write(b[:cut])
			require.NoError(t, err)
			b = b[cut:]
			end, err := f.Next(func(e Entry) { seen = append(seen, e.Seq) })
			require.NoError(t, err)
			require.NotEqual(t, Tampered, end.Ending)
			require.EqualValues(t, len(seen), end.Entries)
		}
		require.Len(t, seen, n)
		for i, seq := range seen {
			require.EqualValues(t, i+1, seq)
		}
	})
}

func TestAFollowerStopsAtWhatWasChanged(t *testing.T) {
	b, path := whole(t, t.TempDir(), 5), filepath.Join(t.TempDir(), "j")
	b[len(b)-40] ^= 1
	require.NoError(t, os.WriteFile(path, b, 0o600))
	f, err := Follow(path)
	require.NoError(t, err)
	defer f.Close()
	for range 2 {
		end, err := f.Next(func(Entry) {})
		require.NoError(t, err)
		require.Equal(t, Tampered, end.Ending)
		require.EqualValues(t, 4, end.Entries)
	}
}

func TestAFollowerOfSomethingElse(t *testing.T) {
	path := filepath.Join(t.TempDir(), "j")
	require.NoError(t, os.WriteFile(path, []byte("shopping list"), 0o600))
	f, err := Follow(path)
	require.NoError(t, err)
	defer f.Close()
	_, err = f.Next(func(Entry) {})
	require.ErrorIs(t, err, ErrNotJournal)
}

func TestWhetherSomebodyWrites(t *testing.T) {
	path := filepath.Join(t.TempDir(), "j")
	w, err := Create(path)
	require.NoError(t, err)
	writing, err := Writing(path)
	require.NoError(t, err)
	require.True(t, writing)
	require.NoError(t, w.Close())
	writing, err = Writing(path)
	require.NoError(t, err)
	require.False(t, writing)
}
