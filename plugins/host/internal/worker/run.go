package worker

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
)

// What a worker says to its plugin, in one line, when it has done what it was started for.
const (
	Ready  = "ready"
	failed = "failed: "
)

// Run is the worker. It returns when in is closed, which is when the plugin ends.
func Run(args []string, in io.Reader, out io.Writer) int {
	ctx, cancel := context.WithCancel(context.Background())
	go func() {
		_, _ = io.Copy(io.Discard, in)
		cancel()
	}()
	err := press(ctx, args, func() error {
		_, err := fmt.Fprintln(out, Ready)
		return err
	})
	if err != nil && ctx.Err() == nil {
		_, _ = fmt.Fprintln(out, failed+err.Error())
		return 1
	}
	return 0
}

func press(ctx context.Context, args []string, ready func() error) error {
	var s Spec
	if len(args) != 2 {
		return errors.New("a worker is started by its plugin only")
	}
	if err := json.Unmarshal([]byte(args[1]), &s); err != nil {
		return fmt.Errorf("reading the order: %w", err)
	}
	switch s.Kind {
	case CPU:
		return burn(ctx, s, ready)
	case Memory:
		return fillMemory(ctx, s, ready)
	case Disk:
		return fillDisk(ctx, s, ready)
	case IO:
		return writeDisk(ctx, s, ready)
	case Connections:
		return holdConnections(ctx, s, ready)
	}
	return fmt.Errorf("there is no pressure %q", s.Kind)
}
