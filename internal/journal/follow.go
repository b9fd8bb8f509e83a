package journal

import (
	"bufio"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"os"

	"golang.org/x/sys/unix"
)

// Follower reads a journal while it is written: each Next goes on where the last one came to, and checks as Reader does.
type Follower struct {
	path string
	f    *os.File
	in   *bufio.Reader
	at   End // the sound entries so far
	size int64
}

// Follow begins to follow a journal from its first entry.
func Follow(path string) (*Follower, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("opening the journal: %w", err)
	}
	return &Follower{path: path, f: f, in: bufio.NewReaderSize(nil, 1<<16)}, nil
}

// Next calls visit for every entry that has been added since the last call. An end that is Torn is the usual one: the next
// entry is half written. After Tampered there is nothing to go on with, and Next says the same again. The Body of an entry
// is valid during the call.
func (w *Follower) Next(visit func(Entry)) (End, error) {
	info, err := w.f.Stat()
	if err != nil {
		return w.at, fmt.Errorf("following %s: %w", w.path, err)
	}
	switch size := info.Size(); {
	case w.at.Ending == Tampered || size == w.size:
		return w.at, nil
	case size < w.at.Offset:
		w.at.Ending = Tampered
		w.at.Detail = fmt.Sprintf("%s: became shorter than what had been read of it, at byte %d", w.path, size)
		return w.at, nil
	default:
		w.size = size
	}
	r, err := w.resume()
	if err != nil {
		return w.at, err
	}
	for e := range r.Entries() {
		visit(e)
	}
	w.at, err = r.End()
	return w.at, err
}

// resume makes a Reader of what has not been read yet.
func (w *Follower) resume() (*Reader, error) {
	w.in.Reset(io.NewSectionReader(w.f, w.at.Offset, w.size-w.at.Offset))
	r := &Reader{name: w.path, in: w.in, chain: w.at.Head, off: w.at.Offset, seq: w.at.Entries, end: End{Size: w.size}}
	if w.at.Offset > 0 {
		return r, nil
	}
	head := make([]byte, headerLen)
	if n, err := io.ReadFull(w.in, head); err != nil { // not even the header is written
		r.stop(Torn, "")
		return r, notJournal(w.path, head[:n])
	}
	if err := notJournal(w.path, head); err != nil {
		return nil, err
	}
	r.chain, r.off = sha256.Sum256(head), int64(headerLen)
	return r, nil
}

func notJournal(path string, head []byte) error {
	if want := fileHeader(); string(head) != string(want[:len(head)]) {
		return fmt.Errorf("following %s: %w of version %d", path, ErrNotJournal, version)
	}
	return nil
}

// Close closes the file.
func (w *Follower) Close() error { return w.f.Close() }

// Writing says whether some process holds the journal to write it: a run that goes on, or a recovery.
func Writing(path string) (writing bool, err error) {
	f, err := os.Open(path)
	if err != nil {
		return false, fmt.Errorf("opening the journal: %w", err)
	}
	defer func() { err = errors.Join(err, f.Close()) }() // which lets go of the lock
	err = unix.Flock(int(f.Fd()), unix.LOCK_SH|unix.LOCK_NB)
	if errors.Is(err, unix.EWOULDBLOCK) {
		return true, nil
	}
	return false, err
}
