package journal

import (
	"errors"
	"fmt"
	"time"
)

// AppendSync adds an entry and returns when it, and all before it, are on disk. Calls made at the same time share one
// sync of the disk.
func (w *Writer) AppendSync(at time.Duration, kind Kind, body []byte) (uint64, error) {
	seq, err := w.Append(at, kind, body)
	if err != nil {
		return 0, err
	}
	return seq, w.syncTo(seq)
}

// Sync returns when every entry appended so far is on disk.
func (w *Writer) Sync() error {
	w.mu.Lock()
	seq, err := w.seq, w.err
	w.mu.Unlock()
	if err != nil {
		return err
	}
	return w.syncTo(seq)
}

func (w *Writer) syncTo(seq uint64) error {
	w.syncing.Lock()
	defer w.syncing.Unlock()
	if w.synced >= seq {
		return nil
	}
	w.mu.Lock()
	err, upTo := w.flush(), w.seq
	w.mu.Unlock()
	if err != nil {
		return err
	}
	if err := w.f.Sync(); err != nil {
		return w.breakDown(err)
	}
	w.synced = upTo
	return nil
}

// breakDown is for a disk that could not sync: the kernel may have dropped the pages, so that a second sync would
// succeed without them. Nothing that is written afterwards could be believed.
func (w *Writer) breakDown(cause error) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if noSpace(cause) {
		cause = fmt.Errorf("%w: %w", ErrFull, cause)
	}
	if w.err == nil {
		w.err = fmt.Errorf("syncing the journal: %w", cause)
	}
	return w.err
}

// Close syncs and closes the file and gives the reserve back. A second Close does nothing.
func (w *Writer) Close() error {
	w.mu.Lock()
	closed := errors.Is(w.err, ErrClosed)
	w.mu.Unlock()
	if closed {
		return nil
	}
	err := w.Sync()
	w.mu.Lock()
	defer w.mu.Unlock()
	w.err = ErrClosed
	return errors.Join(err, w.f.Close(), w.giveBack())
}

// Head is the chain after the last entry appended: it identifies the journal up to there.
func (w *Writer) Head() [chainLen]byte {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.chain
}

// Full says that the disk was full and the reserve is in use: only entries that are not in bulk are still taken.
func (w *Writer) Full() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.full
}
