package journal

import (
	"crypto/sha256"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"
	"pgregory.net/rapid"
)

// smallDisk is a file on a disk that has room for so many bytes, and writes what fits before it fails.
type smallDisk struct {
	*os.File
	room    int
	syncErr error
}

func (d *smallDisk) Write(b []byte) (int, error) {
	if len(b) <= d.room {
		d.room -= len(b)
		return d.File.Write(b)
	}
	n, err := d.File.Write(b[:d.room])
	d.room = 0
	if err == nil {
		err = &os.PathError{Op: "write", Path: d.Name(), Err: unix.ENOSPC}
	}
	return n, err
}

func (d *smallDisk) Truncate(size int64) error {
	info, err := d.Stat()
	if err != nil {
		return err
	}
	d.room += int(info.Size() - size)
	return d.File.Truncate(size)
}

func (d *smallDisk) Sync() error { return d.syncErr }

// onDisk is a writer on a small disk whose reserve is worth so many bytes.
func onDisk(t require.TestingT, path string, room, reserve int) (*Writer, *smallDisk) {
	f, err := os.Create(path)
	require.NoError(t, err)
	d := &smallDisk{File: f, room: headerLen}
	_, err = d.Write(fileHeader())
	require.NoError(t, err)
	d.room = room
	w := &Writer{f: d, chain: sha256.Sum256(fileHeader()), off: int64(headerLen)}
	w.release = func() error { d.room += reserve; return nil }
	return w, d
}

func TestAFullDiskStillTakesTheReverts(t *testing.T) {
	path := filepath.Join(t.TempDir(), "j")
	w, _ := onDisk(t, path, 1<<20, reserveSize)
	block := make([]byte, 4000)
	var err error
	for i := 0; i < 1000 && err == nil; i++ {
		_, err = w.Append(time.Second, SampleBlock, block)
	}
	require.ErrorIs(t, err, ErrFull, "whoever records samples is told that the disk is full")
	require.True(t, w.Full())
	before := w.seq
	for range 100 {
		_, err = w.AppendSync(time.Second, FaultReverted, Encode(StepBody{Addr: "fault.x.y", Evidence: strings.Repeat("e", 500)}))
		require.NoError(t, err)
	}
	_, err = w.Append(time.Second, LedgerReadBack, make([]byte, 2<<20))
	require.ErrorIs(t, err, ErrFull, "what is too big for the reserve is refused by itself")
	_, err = w.AppendSync(time.Second, RunEnded, Encode(EndedBody{}))
	require.NoError(t, err)
	require.NoError(t, w.Close())
	got, end := collect(t, path)
	require.Equal(t, Whole, end.Ending)
	require.Len(t, got, int(before)+101)
	require.Equal(t, RunEnded, got[len(got)-1].Kind)
}

func TestABrokenWriterSaysWhyAndLeavesAPrefix(t *testing.T) {
	dir := t.TempDir()
	rapid.Check(t, func(t *rapid.T) {
		path := filepath.Join(dir, "j")
		w, _ := onDisk(t, path, rapid.IntRange(0, 300000).Draw(t, "room"), rapid.IntRange(0, 200).Draw(t, "reserve"))
		var cause error
		size := rapid.IntRange(0, 5000).Draw(t, "size")
		for i := 0; i < 100000 && cause == nil; i++ {
			_, cause = w.Append(0, FaultInjecting, make([]byte, size))
		}
		require.ErrorIs(t, cause, ErrFull)
		require.ErrorIs(t, cause, unix.ENOSPC)
		_, err := w.Append(0, Abort, nil)
		require.Equal(t, cause, err, "every later call returns the cause")
		require.Equal(t, cause, w.Sync())
		require.ErrorIs(t, w.Close(), ErrFull)
		_, end := collect(t, path)
		require.Equal(t, Whole, end.Ending)
		require.Equal(t, end.Size, end.Offset)
	})
}

func TestAFailedSyncIsFinal(t *testing.T) {
	w, d := onDisk(t, filepath.Join(t.TempDir(), "j"), 1<<20, 0)
	d.syncErr = unix.EIO
	_, err := w.AppendSync(0, FaultPrepared, nil)
	require.ErrorIs(t, err, unix.EIO)
	d.syncErr = nil
	_, err = w.AppendSync(0, FaultPrepared, nil)
	require.ErrorIs(t, err, unix.EIO, "a second sync proves nothing about the pages of the first")
}

func TestOpenAppendContinuesTheChain(t *testing.T) {
	path := filepath.Join(t.TempDir(), "j")
	write(t, path, []Entry{{Kind: RunStarted}, {Kind: PlanKind}})
	w, end, err := OpenAppend(path)
	require.NoError(t, err)
	require.Equal(t, Whole, end.Ending)
	seq, err := w.AppendSync(time.Second, Recovered, []byte("{}"))
	require.NoError(t, err)
	require.EqualValues(t, 3, seq)
	require.NoError(t, w.Close())
	got, end := collect(t, path)
	require.Equal(t, Whole, end.Ending)
	require.Equal(t, Recovered, got[2].Kind)
}

func TestOpenAppendSavesATornTail(t *testing.T) {
	path := filepath.Join(t.TempDir(), "j")
	write(t, path, []Entry{{Kind: RunStarted}, {Kind: PlanKind, Body: []byte("0123456789")}})
	whole, err := os.ReadFile(path)
	require.NoError(t, err)
	require.NoError(t, os.Truncate(path, int64(len(whole)-3)))
	w, end, err := OpenAppend(path)
	require.NoError(t, err)
	require.Equal(t, Torn, end.Ending)
	_, err = w.AppendSync(0, Recovered, nil)
	require.NoError(t, err)
	require.NoError(t, w.Close())
	got, end2 := collect(t, path)
	require.Equal(t, Whole, end2.Ending)
	require.Equal(t, []Kind{RunStarted, Recovered}, []Kind{got[0].Kind, got[1].Kind})
	saved, err := filepath.Glob(path + ".torn-*")
	require.NoError(t, err)
	require.Len(t, saved, 1)
	tail, err := os.ReadFile(saved[0])
	require.NoError(t, err)
	require.Equal(t, whole[end.Offset:len(whole)-3], tail)
}

func TestAnEarlierTailIsNeverOverwritten(t *testing.T) {
	path := filepath.Join(t.TempDir(), "j")
	write(t, path, []Entry{{Kind: RunStarted}})
	for range 3 { // each crash tears the same entry
		f, err := os.OpenFile(path, os.O_APPEND|os.O_WRONLY, 0)
		require.NoError(t, err)
		_, err = f.WriteString("torn")
		require.NoError(t, err)
		require.NoError(t, f.Close())
		w, _, err := OpenAppend(path)
		require.NoError(t, err)
		require.NoError(t, w.Close())
	}
	saved, err := filepath.Glob(path + ".torn-*")
	require.NoError(t, err)
	require.Len(t, saved, 3)
}

func TestOpenAppendRefusesATamperedJournal(t *testing.T) {
	path := filepath.Join(t.TempDir(), "j")
	write(t, path, []Entry{{Kind: RunStarted}, {Kind: PlanKind}, {Kind: Note, Body: []byte("abc")}})
	b, err := os.ReadFile(path)
	require.NoError(t, err)
	b[len(b)-chainLen-1] = 'x'
	require.NoError(t, os.WriteFile(path, b, 0o600))
	_, _, err = OpenAppend(path)
	require.ErrorIs(t, err, ErrTampered)
	require.ErrorContains(t, err, "entry 3")
	same, err := os.ReadFile(path)
	require.NoError(t, err)
	require.Equal(t, b, same, "a refusal changes nothing")

	w, end, err := OpenTampered(path)
	require.NoError(t, err)
	require.Equal(t, Tampered, end.Ending)
	require.NoError(t, w.Close())
	got, end := collect(t, path)
	require.Equal(t, Whole, end.Ending)
	require.Equal(t, Trouble, got[2].Kind)
	require.Contains(t, string(got[2].Body), "not what was written", "the journal says for ever that it was tampered with")
}

func TestOpenAppendOfAnEmptyJournal(t *testing.T) {
	path := filepath.Join(t.TempDir(), "j")
	require.NoError(t, os.WriteFile(path, fileHeader(), 0o600))
	_, _, err := OpenAppend(path)
	require.ErrorContains(t, err, "nothing was touched")
}

func TestRunDirs(t *testing.T) {
	root := filepath.Join(t.TempDir(), "runs")
	none, err := ListRuns(root)
	require.NoError(t, err)
	require.Empty(t, none)
	at := time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)
	later, err := CreateRunDir(root, NewRunID(at.Add(7*time.Millisecond)))
	require.NoError(t, err)
	first, err := CreateRunDir(root, NewRunID(at))
	require.NoError(t, err)
	runs, err := ListRuns(root)
	require.NoError(t, err)
	require.Equal(t, []RunDir{first, later}, runs)
	_, err = CreateRunDir(root, first.ID())
	require.ErrorIs(t, err, os.ErrExist)
	_, err = OpenRunDir(first.Path)
	require.ErrorIs(t, err, os.ErrNotExist)
	write(t, first.Journal(), []Entry{{Kind: RunStarted}})
	for _, path := range []string{first.Path, first.Journal()} {
		got, err := OpenRunDir(path)
		require.NoError(t, err)
		require.Equal(t, first, got)
	}
}
