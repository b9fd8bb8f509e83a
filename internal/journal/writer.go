package journal

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"sync"
	"time"

	"golang.org/x/sys/unix"
)

// A full disk must not stop the reverts from being recorded. Beside the journal lies a reserve of disk space, which is
// given back when a write finds the disk full; from then on the entries that come in bulk (samples, records) are refused
// with ErrFull, and only those that say what became of the target are written. The engine aborts on the first error, and
// its reverts fit into the reserve many times over. If even that is used up, the writer is broken: the file is cut back
// to its last whole entry, and every later call returns the cause.

const (
	// flushAt is how much is gathered before it is written. It is a fraction of the reserve, because what has been
	// gathered when the disk fills up must still be written before the reverts.
	flushAt     = 64 << 10
	reserveSize = 512 << 10
	reserveName = ".reserve"
)

var (
	// ErrFull wraps the reason why an entry was refused or the writer is broken: the disk is full.
	ErrFull = errors.New("the disk under the journal is full")
	// ErrInUse: another process is writing this journal.
	ErrInUse = errors.New("the journal is being written by another gameday")
	// ErrTooLarge: an entry above MaxPayload. The journal goes on without it.
	ErrTooLarge = errors.New("the entry is too large for the journal")
	// ErrClosed: the writer has been closed.
	ErrClosed = errors.New("the journal is closed")
)

// file is what a Writer needs of an os.File.
type file interface {
	io.Writer
	io.Closer
	Truncate(size int64) error
	Seek(offset int64, whence int) (int64, error)
	Sync() error
}

// Writer appends entries. Its methods may be called from any goroutine.
type Writer struct {
	mu      sync.Mutex // guards all below
	f       file
	buf     []byte         // whole frames, not yet written
	chain   [chainLen]byte // after the last frame in buf
	seq     uint64
	off     int64 // where buf will go: the end of the last whole frame in the file
	full    bool  // the reserve has been given back
	release func() error
	err     error // why the writer is broken

	syncing sync.Mutex // held while the disk works, so that appending goes on meanwhile
	synced  uint64     // guarded by syncing: the last entry known to be on disk
}

// Create makes a new journal, readable by its owner alone. It fails if the file exists.
func Create(path string) (*Writer, error) {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_RDWR, 0o600)
	if err != nil {
		return nil, fmt.Errorf("creating the journal: %w", err)
	}
	w, err := create(path, f)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("creating the journal: %w", err), f.Close())
	}
	return w, nil
}

func create(path string, f *os.File) (*Writer, error) {
	if err := lock(f); err != nil {
		return nil, err
	}
	head := fileHeader()
	if _, err := f.Write(head); err != nil {
		return nil, err
	}
	release, err := reserve(path + reserveName)
	if err != nil {
		return nil, err
	}
	if err := errors.Join(f.Sync(), syncDir(filepath.Dir(path))); err != nil {
		return nil, errors.Join(err, release())
	}
	return &Writer{f: f, chain: sha256.Sum256(head), off: int64(len(head)), release: release}, nil
}

// lock keeps two processes from writing one journal. The kernel lets go of it when the process dies, however it dies. Who
// only asks whether it is held (see Writing) holds it for a moment.
func lock(f *os.File) error {
	var err error
	for range 5 {
		if err = unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB); !errors.Is(err, unix.EWOULDBLOCK) {
			return err
		}
		time.Sleep(5 * time.Millisecond)
	}
	return ErrInUse
}

// syncDir makes the name of a new file survive a power failure.
func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

// reserve sets disk space aside and returns what gives it back.
func reserve(path string) (release func() error, err error) {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, err
	}
	release = func() error { return removeIfThere(path) }
	err = unix.Fallocate(int(f.Fd()), 0, 0, reserveSize)
	if errors.Is(err, unix.EOPNOTSUPP) || errors.Is(err, unix.ENOSYS) {
		_, err = f.WriteAt(make([]byte, reserveSize), 0)
	}
	if err = errors.Join(err, f.Close()); err != nil {
		return nil, errors.Join(fmt.Errorf("reserving disk space for the reverts: %w", err), release())
	}
	return release, nil
}

func removeReserve(journal string) error { return removeIfThere(journal + reserveName) }

func removeIfThere(path string) error {
	if err := os.Remove(path); !errors.Is(err, os.ErrNotExist) {
		return err
	}
	return nil
}

// Append adds an entry, and returns its sequence number. The entry is on disk after the next Sync.
func (w *Writer) Append(at time.Duration, kind Kind, body []byte) (uint64, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.err != nil {
		return 0, w.err
	}
	if n := payloadHead + len(kind) + len(body); n > MaxPayload || kind == "" || len(kind) > 255 {
		return 0, fmt.Errorf("recording %s: %w: %d bytes of at most %d", kind, ErrTooLarge, n, MaxPayload)
	}
	if w.full && kind.bulk() {
		return 0, fmt.Errorf("recording %s: %w", kind, ErrFull)
	}
	return w.add(Entry{Seq: w.seq + 1, At: at, Kind: kind, Body: body})
}

// add encodes one entry. A large one is written at once and alone, so that it can be refused alone.
func (w *Writer) add(e Entry) (uint64, error) {
	large := len(e.Body) > flushAt
	if large {
		if err := w.flush(); err != nil {
			return 0, err
		}
	}
	chain := w.chain
	w.buf, w.chain = appendFrame(w.buf, w.chain, e)
	w.seq = e.Seq
	if len(w.buf) < flushAt {
		return e.Seq, nil
	}
	err := w.write()
	if large && err != nil && noSpace(err) {
		w.full = true
		w.buf, w.chain, w.seq = w.buf[:0], chain, e.Seq-1
		return 0, errors.Join(fmt.Errorf("recording %s: %w: %w", e.Kind, ErrFull, err), w.giveBack())
	}
	if err != nil {
		err = w.retry(err)
	}
	return e.Seq, err
}

// bulk entries come many times a second, and a run can be put right without them.
func (k Kind) bulk() bool {
	return k == SampleBlock || k == RecordBlock || k == RatioPoint || k == ProbeDetail
}

// flush writes what has been gathered.
func (w *Writer) flush() error {
	if w.err != nil {
		return w.err
	}
	if err := w.write(); err != nil {
		return w.retry(err)
	}
	return nil
}

// write writes the buffer; when that fails, the file is cut back to its last whole frame.
func (w *Writer) write() error {
	if len(w.buf) == 0 {
		return nil
	}
	if _, err := w.f.Write(w.buf); err != nil {
		_, seekErr := w.f.Seek(w.off, io.SeekStart)
		if cutErr := errors.Join(w.f.Truncate(w.off), seekErr); cutErr != nil {
			return fmt.Errorf("%s; cutting off what was half written: %w", err.Error(), cutErr) // not a full disk: beyond help
		}
		return err
	}
	w.off += int64(len(w.buf))
	w.buf = w.buf[:0]
	return nil
}

// retry gives the reserve back if the disk is full and the reserve is still there. Otherwise the writer is broken.
func (w *Writer) retry(cause error) error {
	if noSpace(cause) && !w.full {
		w.full = true
		if cause = w.giveBack(); cause == nil {
			cause = w.write()
		}
		if cause == nil {
			return nil
		}
	}
	if noSpace(cause) {
		cause = fmt.Errorf("%w: %w", ErrFull, cause)
	}
	w.err = fmt.Errorf("writing the journal: %w", cause)
	return w.err
}

func (w *Writer) giveBack() error {
	if w.release == nil {
		return nil
	}
	release := w.release
	w.release = nil
	return release()
}

func noSpace(err error) bool { return errors.Is(err, unix.ENOSPC) || errors.Is(err, unix.EDQUOT) }
