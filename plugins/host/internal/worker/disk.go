package worker

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"golang.org/x/sys/unix"
)

// step is the unit in which space is taken, so that the floor is looked at in between.
const step = 8 << 20

// Name is the file of a mark. It has this name for an instant only: it is unlinked before it has any content, so that the
// kernel frees the space when the worker ends, however it ends. /proc/PID/fd and lsof go on showing the name.
func Name(dir, mark string) string { return filepath.Join(dir, "."+mark) }

func create(s Spec) (*os.File, error) {
	f, err := os.OpenFile(Name(s.Dir, s.Mark), os.O_CREATE|os.O_EXCL|os.O_RDWR, 0o600)
	if err != nil {
		return nil, fmt.Errorf("making the file: %w", err)
	}
	if err := os.Remove(f.Name()); err != nil {
		return nil, fmt.Errorf("unlinking the file: %w", errors.Join(err, f.Close()))
	}
	return f, nil
}

// Space is what is free on a file system for everybody, and its size, in bytes.
func Space(dir string) (free, size int64, err error) {
	var st unix.Statfs_t
	if err := unix.Statfs(dir, &st); err != nil {
		return 0, 0, fmt.Errorf("reading the free space of %s: %w", dir, err)
	}
	return int64(st.Bavail) * st.Bsize, int64(st.Blocks) * st.Bsize, nil
}

// fillDisk takes space and gives it back when others push the file system below the floor.
func fillDisk(ctx context.Context, s Spec, ready func() error) error {
	f, err := create(s)
	if err != nil {
		return err
	}
	defer func() { _ = f.Close() }()
	if err := grow(ctx, f, s, 0); err != nil {
		return err
	}
	if err := ready(); err != nil {
		return err
	}
	tick := time.NewTicker(watch)
	defer tick.Stop()
	for size := s.Bytes; ; {
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
		free, _, err := Space(s.Dir)
		if err != nil || free >= s.Floor || size == 0 {
			continue
		}
		size = max(0, size-(s.Floor-free))
		if err := f.Truncate(size); err != nil {
			return fmt.Errorf("giving space back: %w", err)
		}
	}
}

func grow(ctx context.Context, f *os.File, s Spec, from int64) error {
	for at := from; at < s.Bytes; {
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		n := min(step, s.Bytes-at)
		free, _, err := Space(s.Dir)
		if err != nil {
			return err
		}
		if free-n < s.Floor {
			return fmt.Errorf("only %d of %d bytes could be taken: %d have to stay free", at, s.Bytes, s.Floor)
		}
		if err := allocate(f, at, n); err != nil {
			return fmt.Errorf("taking space: %w", err)
		}
		at += n
	}
	return nil
}

// allocate takes space with fallocate, or by writing where the file system has no such thing.
func allocate(f *os.File, at, n int64) error {
	err := unix.Fallocate(int(f.Fd()), 0, at, n)
	if errors.Is(err, unix.EOPNOTSUPP) || errors.Is(err, unix.ENOSYS) {
		_, err = f.WriteAt(make([]byte, n), at)
	}
	return err
}

// block is what is written at a time and waited for.
const block = 256 << 10

// writeDisk writes to its file again and again, and waits each time until the disk has it.
func writeDisk(ctx context.Context, s Spec, ready func() error) error {
	f, err := create(s)
	if err != nil {
		return err
	}
	defer func() { _ = f.Close() }()
	if err := grow(ctx, f, s, 0); err != nil {
		return err
	}
	if err := ready(); err != nil {
		return err
	}
	data := make([]byte, block)
	began, written := time.Now(), int64(0)
	for at := int64(0); ctx.Err() == nil; at = (at + block) % max(block, s.Bytes-s.Bytes%block) {
		data[0]++
		if _, err := f.WriteAt(data[:min(block, s.Bytes)], at); err != nil {
			return fmt.Errorf("writing: %w", err)
		}
		if err := unix.Fdatasync(int(f.Fd())); err != nil {
			return fmt.Errorf("writing to the disk: %w", err)
		}
		written += block
		if s.Rate > 0 {
			rest(ctx, began.Add(time.Duration(float64(written)/float64(s.Rate)*float64(time.Second))))
		}
	}
	return nil
}

func rest(ctx context.Context, until time.Time) {
	t := time.NewTimer(time.Until(until))
	defer t.Stop()
	select {
	case <-ctx.Done():
	case <-t.C:
	}
}
