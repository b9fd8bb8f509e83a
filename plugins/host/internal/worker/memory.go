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

	"github.com/gameday-toolkit/gameday/plugins/sdk/pressure"
)

// watch is how often the floor is looked at.
const watch = 100 * time.Millisecond

// fillMemory takes memory and keeps watching: what others need is given back, so that the floor is never undercut for
// longer than a moment. When the kernel has to kill a process, it takes this one first.
func fillMemory(ctx context.Context, s Spec, ready func() error) error {
	if err := pressure.First(); err != nil {
		return err
	}
	var held pressure.Memory
	var told bool
	tick := time.NewTicker(watch)
	defer tick.Stop()
	for {
		if err := adjust(ctx, s, &held); err != nil {
			return err
		}
		if !told {
			told = true
			if err := enough(held.Bytes(), s); err != nil {
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

func enough(got int64, s Spec) error {
	if got < s.Bytes {
		return fmt.Errorf("only %d of %d bytes could be taken: %d have to stay available", got, s.Bytes, s.Floor)
	}
	return nil
}

// adjust takes or gives back until the amount is right.
func adjust(ctx context.Context, s Spec, held *pressure.Memory) error {
	for ctx.Err() == nil {
		available, err := Available()
		if err != nil {
			return err
		}
		switch {
		case available < s.Floor && held.Bytes() > 0:
			err = held.Give()
		case held.Bytes() < s.Bytes && available-2*pressure.Chunk >= s.Floor:
			err = held.Take()
		default:
			return nil
		}
		if err != nil {
			return err
		}
	}
	return nil
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
