package journal

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

// collect reads a journal into memory.
func collect(t require.TestingT, path string) ([]Entry, End) {
	var got []Entry
	end, err := Read(path, func(e Entry) error {
		e.Body = append([]byte{}, e.Body...)
		got = append(got, e)
		return nil
	})
	require.NoError(t, err)
	return got, end
}

// write makes a journal of the entries given, whose Seq it fills in.
func write(t require.TestingT, path string, entries []Entry) {
	w, err := Create(path)
	require.NoError(t, err)
	for i, e := range entries {
		entries[i].Seq, err = w.Append(e.At, e.Kind, e.Body)
		require.NoError(t, err)
	}
	require.NoError(t, w.Close())
}

// encode makes the bytes of a journal, without a disk.
func encode(entries []Entry) []byte {
	b, chain := fileHeader(), sha256.Sum256(fileHeader())
	for i := range entries {
		entries[i].Seq = uint64(i + 1)
		b, chain = appendFrame(b, chain, entries[i])
	}
	return b
}

// decode reads the bytes of a journal.
func decode(t require.TestingT, b []byte) (got []Entry, end End, err error) {
	r, err := newReader("j", bytes.NewReader(b), int64(len(b)))
	if err != nil {
		return nil, End{}, err
	}
	for e := range r.Entries() {
		e.Body = append([]byte{}, e.Body...)
		got = append(got, e)
	}
	end, err = r.End()
	require.NoError(t, err)
	return got, end, nil
}

var entryGen = rapid.Custom(func(t *rapid.T) Entry {
	return Entry{
		At:   time.Duration(rapid.Int64Min(0).Draw(t, "at")),
		Kind: Kind(rapid.StringMatching(`[a-z]{1,12}`).Draw(t, "kind")),
		Body: append([]byte{}, rapid.SliceOfN(rapid.Byte(), 0, 200).Draw(t, "body")...),
	}
})

func TestWhatIsAppendedIsReadBack(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		want := rapid.SliceOfN(entryGen, 1, 20).Draw(t, "entries")
		got, end, err := decode(t, encode(want))
		require.NoError(t, err)
		require.Equal(t, want, got)
		require.Equal(t, Whole, end.Ending)
		require.EqualValues(t, len(want), end.Entries)
		require.Equal(t, end.Size, end.Offset)
	})
}

func TestACutAtAnyByteYieldsAPrefix(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		want := rapid.SliceOfN(entryGen, 1, 8).Draw(t, "entries")
		b := encode(want)
		b = b[:rapid.IntRange(0, len(b)-1).Draw(t, "cut")]
		cut := len(b)
		if rapid.Bool().Draw(t, "grown without its data") {
			b = append(b, make([]byte, rapid.IntRange(1, 300).Draw(t, "zeros"))...)
		}
		got, end, err := decode(t, b)
		if cut < headerLen && len(b) > cut {
			return // only zeros where the header should be: not a journal, or one without entries
		}
		require.NoError(t, err)
		require.NotEqual(t, Tampered, end.Ending, end.Detail)
		require.Equal(t, append([]Entry{}, want[:len(got)]...), append([]Entry{}, got...))
	})
}

func TestAnyFlippedBitIsDetected(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		want := rapid.SliceOfN(entryGen, 1, 8).Draw(t, "entries")
		b := encode(want)
		at := rapid.IntRange(0, len(b)-1).Draw(t, "byte")
		b[at] ^= 1 << rapid.IntRange(0, 7).Draw(t, "bit")
		got, end, err := decode(t, b)
		if at < headerLen {
			require.ErrorIs(t, err, ErrNotJournal)
			return
		}
		require.NotEqual(t, Whole, end.Ending)
		require.Equal(t, append([]Entry{}, want[:len(got)]...), append([]Entry{}, got...))
		require.Contains(t, end.Detail, fmt.Sprintf("entry %d, at byte %d", len(got)+1, end.Offset))
		if len(got) < len(want)-1 {
			require.Equal(t, Tampered, end.Ending, "only the last entry can be torn")
		}
	})
}

func TestRemovedAndSwappedEntriesAreDetected(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "j")
	write(t, path, []Entry{{Kind: "a"}, {Kind: "b"}, {Kind: "c"}})
	whole, err := os.ReadFile(path)
	require.NoError(t, err)
	frame := (len(whole) - headerLen) / 3
	at := func(i int) []byte { return whole[headerLen+i*frame : headerLen+(i+1)*frame] }
	for name, frames := range map[string][][]byte{
		"removed": {at(0), at(2)}, "swapped": {at(0), at(2), at(1)}, "repeated": {at(0), at(0), at(1), at(2)},
	} {
		t.Run(name, func(t *testing.T) {
			b := append([]byte{}, whole[:headerLen]...)
			for _, f := range frames {
				b = append(b, f...)
			}
			require.NoError(t, os.WriteFile(path, b, 0o600))
			got, end := collect(t, path)
			require.Len(t, got, 1)
			require.Equal(t, Tampered, end.Ending)
		})
	}
}

func TestCreateNeverOverwritesAndIsPrivate(t *testing.T) {
	path := filepath.Join(t.TempDir(), "j")
	w, err := Create(path)
	require.NoError(t, err)
	info, err := os.Stat(path)
	require.NoError(t, err)
	require.EqualValues(t, 0o600, info.Mode().Perm())
	_, err = Create(path)
	require.ErrorIs(t, err, os.ErrExist)
	_, _, err = OpenAppend(path)
	require.ErrorIs(t, err, ErrInUse, "a run that is going on cannot be recovered")
	require.NoError(t, w.Close())
	require.NoError(t, w.Close(), "a second close does nothing")
	_, err = w.Append(0, "a", nil)
	require.ErrorIs(t, err, ErrClosed)
	found, err := filepath.Glob(path + "*")
	require.NoError(t, err)
	require.Equal(t, []string{path}, found, "the reserve is gone")
}

func TestNoJournal(t *testing.T) {
	path := filepath.Join(t.TempDir(), "j")
	_, err := Open(path)
	require.ErrorIs(t, err, os.ErrNotExist)
	require.NoError(t, os.WriteFile(path, []byte("PK\x03\x04 something else entirely"), 0o600))
	_, err = Open(path)
	require.ErrorIs(t, err, ErrNotJournal)
	require.NoError(t, os.WriteFile(path, nil, 0o600))
	_, end := collect(t, path)
	require.Equal(t, Torn, end.Ending)
	newer := fileHeader()
	newer[len(magic)] = 9
	require.NoError(t, os.WriteFile(path, newer, 0o600))
	_, err = Open(path)
	require.ErrorContains(t, err, "version 9")
}

func TestSyncedEntriesAreInTheFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "j")
	w, err := Create(path)
	require.NoError(t, err)
	defer func() { require.NoError(t, w.Close()) }()
	var group sync.WaitGroup
	for range 8 {
		group.Go(func() {
			for range 20 {
				_, err := w.AppendSync(time.Second, FaultPrepared, []byte("{}"))
				require.NoError(t, err)
			}
		})
	}
	group.Wait()
	got, end := collect(t, path)
	require.Len(t, got, 160)
	require.Equal(t, w.Head(), end.Head)
	require.Equal(t, Whole, end.Ending)
}

func TestTooLargeIsRefusedAndTheJournalGoesOn(t *testing.T) {
	path := filepath.Join(t.TempDir(), "j")
	w, err := Create(path)
	require.NoError(t, err)
	_, err = w.Append(0, "a", make([]byte, MaxPayload))
	require.ErrorIs(t, err, ErrTooLarge)
	_, err = w.Append(0, Kind(strings.Repeat("k", 256)), nil)
	require.ErrorIs(t, err, ErrTooLarge)
	_, err = w.Append(0, "a", make([]byte, 1<<20))
	require.NoError(t, err)
	_, err = w.Append(0, "b", []byte("small"))
	require.NoError(t, err)
	require.NoError(t, w.Close())
	got, end := collect(t, path)
	require.Equal(t, Whole, end.Ending)
	require.Len(t, got, 2)
	require.Len(t, got[0].Body, 1<<20)
}

func TestBlockBody(t *testing.T) {
	addr, block, ok := DecodeBlock(EncodeBlock("probe.http.checkout", []byte{0, 1, 0}))
	require.True(t, ok)
	require.Equal(t, "probe.http.checkout", addr)
	require.Equal(t, []byte{0, 1, 0}, block)
	_, _, ok = DecodeBlock([]byte("no end"))
	require.False(t, ok)
}

func FuzzReader(f *testing.F) {
	path := filepath.Join(f.TempDir(), "seed")
	write(f, path, []Entry{{Kind: "a", Body: []byte("{}")}, {At: 1, Kind: "b"}})
	b, err := os.ReadFile(path)
	require.NoError(f, err)
	f.Add(b)
	f.Add(b[:len(b)-5])
	f.Fuzz(func(t *testing.T, b []byte) {
		r, err := newReader("fuzz", strings.NewReader(string(b)), int64(len(b)))
		if err != nil {
			return
		}
		n := uint64(0)
		for e := range r.Entries() {
			n++
			require.Equal(t, n, e.Seq)
		}
		end, err := r.End()
		require.NoError(t, err)
		require.Equal(t, n, end.Entries)
		require.LessOrEqual(t, end.Offset, int64(len(b)))
		require.Equal(t, end.Ending == Whole, end.Offset == int64(len(b)) && n > 0 || len(b) == headerLen)
	})
}

func BenchmarkAppendBlocks(b *testing.B) {
	w, err := Create(filepath.Join(b.TempDir(), "j"))
	require.NoError(b, err)
	body := make([]byte, 4500) // 500 samples: a twentieth of a second at 10,000 a second
	b.SetBytes(int64(len(body)))
	for b.Loop() {
		_, err := w.Append(0, SampleBlock, body)
		require.NoError(b, err)
	}
	require.NoError(b, w.Close())
}
