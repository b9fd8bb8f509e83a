package worker

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// chunk is the unit in which memory is taken and given back.
const chunk = 4 << 20

// watch is how often the floor is looked at.
const watch = 100 * time.Millisecond

// fillMemory takes memory and keeps watching: what others need is given back, so that the floor is never undercut for
// longer than a moment. When the kernel has to kill a process, it takes this one first.
func fillMemory(ctx context.Context, s Spec, ready func() error) error {
	if err := os.WriteFile("/proc/self/oom_score_adj", []byte("1000"), 0); err != nil {
		return fmt.Errorf("becoming the first that the kernel would kill: %w", err)
	}
	var held [][]byte
	var told bool
	tick := time.NewTicker(watch)
	defer tick.Stop()
	for {
		var err error
		if held, err = adjust(ctx, s, held); err != nil {
			return err
		}
		if !told {
			if told, err = true, enough(held, s); err != nil {
				return err
			}
			if err := ready(); err != nil {
				return err
			}
		}
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
	}
}

func enough(held [][]byte, s Spec) error {
	if got := int64(len(held)) * chunk; got < s.Bytes {
		return fmt.Errorf("only %d of %d bytes could be taken: %d have to stay available", got, s.Bytes, s.Floor)
	}
	return nil
}

// adjust takes or gives back until the amount is right.
func adjust(ctx context.Context, s Spec, held [][]byte) ([][]byte, error) {
	for ctx.Err() == nil {
		available, err := Available()
		if err != nil {
			return held, err
		}
		switch {
		case available < s.Floor && len(held) > 0:
			last := len(held) - 1
			if err := unix.Munmap(held[last]); err != nil {
				return held, fmt.Errorf("giving memory back: %w", err)
			}
			held = held[:last]
		case int64(len(held))*chunk < s.Bytes && available-2*chunk >= s.Floor:
			b, err := take()
			if err != nil {
				return held, err
			}
			held = append(held, b)
		default:
			return held, nil
		}
	}
	return held, nil
}

// take maps a chunk and touches every page of it.
func take() ([]byte, error) {
	b, err := unix.Mmap(-1, 0, chunk, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_PRIVATE|unix.MAP_ANONYMOUS)
	if err != nil {
		return nil, fmt.Errorf("taking memory: %w", err)
	}
	// Where it may be locked it cannot be swapped out, which would turn the pressure into disk traffic.
	_ = unix.Mlock(b)
	for i := 0; i < len(b); i += os.Getpagesize() {
		b[i] = 1
	}
	return b, nil
}

// Available is the kernel's estimate of the memory that can be had without swapping, in bytes.
func Available() (int64, error) { return meminfo("MemAvailable:") }

// Total is the memory of the machine, in bytes.
func Total() (int64, error) { return meminfo("MemTotal:") }

func meminfo(name string) (int64, error) {
	f, err := os.Open("/proc/meminfo")
	if err != nil {
		return 0, fmt.Errorf("reading the memory: %w", err)
	}
	defer func() { _ = f.Close() }()
	for lines := bufio.NewScanner(f); lines.Scan(); {
		if field := strings.Fields(lines.Text()); len(field) >= 2 && field[0] == name {
			kib, err := strconv.ParseInt(field[1], 10, 64)
			return kib << 10, err
		}
	}
	return 0, errors.New("/proc/meminfo has no " + name)
}
