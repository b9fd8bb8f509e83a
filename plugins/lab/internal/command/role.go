package command

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"runtime/debug"
	"time"

	"github.com/gameday-toolkit/gameday/plugins/lab/internal/labdir"
	"github.com/gameday-toolkit/gameday/plugins/lab/internal/roles"
	"github.com/gameday-toolkit/gameday/plugins/lab/internal/supervisor"
)

// Six nodes and their company share one machine with what observes them: memory is worth more than speed here.
const gcPercent = 50

// role is what the lab's own processes run; it is not for people.
func (c cli) role(ctx context.Context, args []string) error {
	if len(args) == 0 {
		return c.misuse("role: which one?")
	}
	fs, dirFlag := c.flags("role")
	dir, err := c.parse(fs, dirFlag, args[1:], 2)
	if err != nil {
		return err
	}
	debug.SetGCPercent(gcPercent)
	switch args[0] {
	case "supervisor":
		return runSupervisor(ctx, dir)
	case "zone":
		return roles.Zone(ctx, dir, fs.Arg(0))
	case "shop":
		return roles.Shop(ctx, dir, fs.Arg(0), fs.Arg(1))
	case "edge":
		return roles.Edge(ctx, dir, fs.Arg(0))
	}
	return c.misuse(fmt.Sprintf("role: no role %q", args[0]))
}

// The files that `up` hands to the supervisor.
const (
	controlFD = 3
	readyFD   = 4
)

func runSupervisor(ctx context.Context, dir labdir.Dir) error {
	word := os.NewFile(readyFD, "ready")
	file := os.NewFile(controlFD, "control")
	if word == nil || file == nil {
		return errors.New("the supervisor is started by `gameday lab up` only")
	}
	ln, err := net.FileListener(file)
	if err != nil {
		return fmt.Errorf("taking over the control port: %w", err)
	}
	if err := file.Close(); err != nil {
		return fmt.Errorf("taking over the control port: %w", err)
	}
	began := time.Now()
	return supervisor.Run(ctx, dir, ln, func() {
		fmt.Fprintf(os.Stderr, "ready after %v\n", time.Since(began))
		// Whoever started us may be gone; the lab is up all the same.
		_, _ = fmt.Fprintln(word, readyWord)
		_ = word.Close()
	})
}
