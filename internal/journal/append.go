package journal

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
)

// ErrTampered: the journal has an entry that is not what was written.
var ErrTampered = errors.New("the journal has been tampered with")

// ErrEmpty: the run was killed before its first entry. It has touched nothing.
var ErrEmpty = errors.New("the journal has no entries: nothing was touched by this run")

// OpenAppend continues a journal, for recovery. Every entry is verified first. A torn write at the end is cut off, after
// its bytes have been saved beside the journal. A journal that has been tampered with is refused with ErrTampered.
func OpenAppend(path string) (*Writer, End, error) { return openAppend(path, false) }

// OpenTampered is OpenAppend for a person who has decided to go on with a journal that has been tampered with: all from the
// first bad entry on is saved beside the journal, and a trouble entry in its place says so for ever.
func OpenTampered(path string) (*Writer, End, error) { return openAppend(path, true) }

func openAppend(path string, force bool) (*Writer, End, error) {
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		return nil, End{}, fmt.Errorf("opening the journal: %w", err)
	}
	w, end, err := resume(path, f, force)
	if err != nil {
		return nil, end, errors.Join(fmt.Errorf("continuing %s: %w", path, err), f.Close())
	}
	return w, end, nil
}

func resume(path string, f *os.File, force bool) (*Writer, End, error) {
	if err := lock(f); err != nil {
		return nil, End{}, err
	}
	last, end, err := verify(path)
	switch {
	case err != nil:
		return nil, end, err
	case end.Ending == Tampered && (!force || end.Entries == 0): // with no entry left to go on from, nothing can be done
		return nil, end, fmt.Errorf("%w: %s", ErrTampered, end.Detail)
	case end.Entries == 0:
		return nil, end, errors.Join(ErrEmpty, removeReserve(path)) // the reserve is of no use any more
	}
	err = saveTail(path, f, end)
	if err != nil && noSpace(err) { // the reserve that the run left behind is for this
		if err = removeReserve(path); err == nil {
			err = saveTail(path, f, end)
		}
	}
	if err != nil {
		return nil, end, err
	}
	w := &Writer{f: f, chain: end.Head, seq: end.Entries, synced: end.Entries, off: end.Offset}
	if w.release, err = reserve(path + reserveName); err != nil {
		w.full = true // a full disk is a reason to recover, not a reason not to
	}
	if end.Ending == Tampered {
		_, err = w.AppendSync(last.At, Trouble, Encode(TroubleBody{What: end.Detail, Lost: true}))
		return w, end, err
	}
	return w, end, nil
}

func verify(path string) (last Entry, end End, err error) {
	end, err = Read(path, func(e Entry) error {
		last = Entry{Seq: e.Seq, At: e.At, Kind: e.Kind}
		return nil
	})
	return last, end, err
}

// saveTail copies what stands after the last sound entry into a file of its own, and only then cuts it off.
func saveTail(path string, f *os.File, end End) error {
	info, err := f.Stat()
	if err != nil {
		return err
	}
	if info.Size() > end.Offset {
		if err := copyTail(fmt.Sprintf("%s.%s-%d", path, end.Ending, end.Offset), f, end.Offset, info.Size()); err != nil {
			return fmt.Errorf("saving the damaged end of the journal before cutting it off: %w", err)
		}
		if err := f.Truncate(end.Offset); err != nil {
			return fmt.Errorf("cutting off the damaged end: %w", err)
		}
	}
	_, err = f.Seek(end.Offset, io.SeekStart)
	return errors.Join(err, f.Sync())
}

// copyTail never overwrites what was saved before. What it could only save in part it takes away again.
func copyTail(name string, f *os.File, from, to int64) error {
	out, err := os.OpenFile(name, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	for i := 2; errors.Is(err, os.ErrExist) && i < 100; i++ {
		out, err = os.OpenFile(fmt.Sprintf("%s-%d", name, i), os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	}
	if err != nil {
		return err
	}
	_, err = io.Copy(out, io.NewSectionReader(f, from, to-from))
	if err = errors.Join(err, out.Sync(), out.Close()); err != nil {
		return errors.Join(err, os.Remove(out.Name()))
	}
	return syncDir(filepath.Dir(name))
}
