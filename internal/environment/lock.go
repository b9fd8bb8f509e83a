package environment

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"golang.org/x/sys/unix"
)

// Holder is who holds a lock.
type Holder struct {
	Pid   int       `json:"pid"`
	What  string    `json:"what"`          // "run" or "recover"
	Run   string    `json:"run,omitempty"` // the run's ID
	Dir   string    `json:"dir,omitempty"` // the run's directory
	User  string    `json:"user,omitempty"`
	Since time.Time `json:"since"`
}

func (h Holder) String() string {
	if h.Pid == 0 {
		return "somebody"
	}
	s := fmt.Sprintf("gameday %s, pid %d, since %s", h.What, h.Pid, h.Since.Local().Format("15:04:05"))
	if h.Dir != "" {
		s += ", in " + h.Dir
	}
	return s
}

// HeldError says who is at work in the environment.
type HeldError struct {
	Environment string
	Holder      Holder
}

func (e *HeldError) Error() string {
	return fmt.Sprintf("the environment %q is in use by %s", e.Environment, e.Holder)
}

// Lock is held on an environment. The kernel lets go of it when the process dies, however it dies.
type Lock struct{ f *os.File }

// retry is how often a lock is tried while waiting for it.
const retry = 50 * time.Millisecond

// Acquire takes the lock, or returns a *HeldError once ctx ends.
func (s State) Acquire(ctx context.Context, name string, by Holder) (*Lock, error) {
	dir := s.dir(name)
	if err := makeDirs(dir); err != nil {
		return nil, fmt.Errorf("locking the environment %q: %w", name, err)
	}
	f, err := os.OpenFile(filepath.Join(dir, "lock"), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, fmt.Errorf("locking the environment %q: %w", name, err)
	}
	if err := flock(ctx, f); err != nil {
		held := &HeldError{Environment: name, Holder: holder(f)}
		if !errors.Is(err, unix.EWOULDBLOCK) {
			err = fmt.Errorf("locking the environment %q: %w", name, err)
			return nil, errors.Join(err, f.Close())
		}
		return nil, errors.Join(held, f.Close())
	}
	if err := sign(f, by); err != nil {
		return nil, errors.Join(fmt.Errorf("locking the environment %q: %w", name, err), f.Close())
	}
	return &Lock{f: f}, nil
}

func flock(ctx context.Context, f *os.File) error {
	for {
		err := unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB)
		if err == nil || !errors.Is(err, unix.EWOULDBLOCK) {
			return err
		}
		select {
		case <-ctx.Done():
			return err
		case <-time.After(retry):
		}
	}
}

// sign leaves word of who holds the lock, for others to read.
func sign(f *os.File, by Holder) error {
	by.Pid = os.Getpid()
	b, err := json.Marshal(by)
	if err != nil {
		return err
	}
	if err := f.Truncate(0); err != nil {
		return err
	}
	_, err = f.WriteAt(b, 0)
	return err
}

func holder(f *os.File) (h Holder) {
	b := make([]byte, 4096)
	n, _ := f.ReadAt(b, 0)
	_ = json.Unmarshal(b[:n], &h) // a holder that has not signed yet is somebody
	return h
}

// Release lets go of the lock. The file stays: to remove it would let two hold locks on two files of one name.
func (l *Lock) Release() error {
	return errors.Join(l.f.Truncate(0), l.f.Close())
}

// Holders lists who is at work in any environment now.
func (s State) Holders() ([]Holder, error) { return s.AtWork("") }

// AtWork lists who is at work in an environment now, or with an empty name in any.
func (s State) AtWork(name string) (out []Holder, err error) {
	dirs := []string{s.dir(name)}
	if name == "" {
		dirs, err = s.dirs()
	}
	for _, dir := range dirs {
		f, openErr := os.Open(filepath.Join(dir, "lock"))
		if errors.Is(openErr, os.ErrNotExist) {
			continue // never locked
		}
		if openErr != nil {
			return out, fmt.Errorf("reading who is at work: %w", openErr) // somebody may be
		}
		if unix.Flock(int(f.Fd()), unix.LOCK_SH|unix.LOCK_NB) != nil {
			out = append(out, holder(f))
		}
		_ = f.Close() // only read
	}
	return out, err
}
