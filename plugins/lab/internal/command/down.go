package command

import (
	"context"
	"errors"
	"fmt"
	"os"
	"syscall"
	"time"

	"github.com/gameday-toolkit/gameday/plugins/lab/internal/labdir"
	"github.com/gameday-toolkit/gameday/plugins/lab/internal/proc"
)

const (
	downTimeout  = 10 * time.Second
	politeFor    = 5 * time.Second
	deathPollGap = 5 * time.Millisecond
)

func (c cli) down(ctx context.Context, args []string) error {
	fs, dirFlag := c.flags("down")
	dir, err := c.parse(fs, dirFlag, args, 0)
	if err != nil {
		return err
	}
	if _, err := os.Stat(string(dir)); errors.Is(err, os.ErrNotExist) {
		fmt.Fprintln(c.out, "No lab is running.")
		return nil
	}
	unlock, err := dir.Lock()
	if err != nil {
		return err
	}
	defer unlock()
	_, was := running(dir)
	if err := clear(ctx, dir); err != nil {
		return err
	}
	if err := dir.Remove(); err != nil {
		return err
	}
	if was {
		fmt.Fprintln(c.out, "The lab is down.")
	} else {
		fmt.Fprintln(c.out, "No lab is running.")
	}
	return nil
}

// clear ends every process of a directory's lab, by pid and start time, and removes what they kept.
func clear(ctx context.Context, dir labdir.Dir) error {
	ps, err := dir.LoadProcesses()
	if err != nil {
		return err
	}
	if err := end(ctx, ps.Supervisor, true); err != nil {
		return err
	}
	// The supervisor may have changed the list as it went.
	if ps, err = dir.LoadProcesses(); err != nil {
		return err
	}
	for name, id := range ps.Children {
		if err := end(ctx, id, false); err != nil {
			return fmt.Errorf("stopping %s: %w", name, err)
		}
	}
	return dir.Empty()
}

// end stops a process: politely first where it may have something to tidy up.
func end(ctx context.Context, id proc.ID, politely bool) error {
	if politely && id.Alive() {
		// A supervisor that somebody has stopped cannot hear a polite word.
		if err := errors.Join(id.Signal(syscall.SIGTERM), id.Signal(syscall.SIGCONT)); err != nil {
			return err
		}
		polite, cancel := context.WithTimeout(ctx, politeFor)
		defer cancel()
		if awaitDeath(polite, id) {
			return nil
		}
	}
	if err := id.Signal(syscall.SIGKILL); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, politeFor)
	defer cancel()
	if !awaitDeath(ctx, id) {
		return fmt.Errorf("process %d does not die", id.PID)
	}
	return nil
}

func awaitDeath(ctx context.Context, id proc.ID) bool {
	tick := time.NewTicker(deathPollGap)
	defer tick.Stop()
	for id.Alive() {
		select {
		case <-tick.C:
		case <-ctx.Done():
			return !id.Alive()
		}
	}
	return true
}
