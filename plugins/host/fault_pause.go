package host

import (
	"context"
	"errors"
	"fmt"

	"golang.org/x/sys/unix"

	"github.com/gameday-toolkit/gameday/plugins/host/internal/proc"
	"github.com/gameday-toolkit/gameday/plugins/sdk"
)

// paused is one process that is stopped. The kernel keeps no clock for that: when every process of ours dies at once it
// stays stopped until gameday recover, gameday sweep, or kill -CONT.
type paused struct {
	Process proc.ID `json:"process"`
}

func processPause() kind[paused] {
	return kind[paused]{
		name: "host_process_pause", targets: []string{"host_process"}, exclusive: true,
		schema: sdk.Schema{Doc: "Stops the processes (SIGSTOP) and lets them go on (SIGCONT). Their connections stay open and hang, as on a " +
			"machine that is frozen. If every process of gameday dies at once they stay stopped, until gameday recover."},
		plan: planPause, inject: injectPause, inspect: inspectPause, revert: revertPause,
	}
}

func planPause(_ context.Context, _ *provider, req sdk.Request, t sdk.Target) (plan[paused], []sdk.Problem, error) {
	if err := req.Decode(&struct{}{}); err != nil {
		return plan[paused]{}, nil, err
	}
	info, problems := takeProcess(t)
	if len(problems) > 0 {
		return plan[paused]{}, problems, nil
	}
	if stopped(info) {
		problems = append(problems, problem("targets", t.Name+" is stopped already", "Somebody else stopped it, and reverting would wake it up."))
	}
	return plan[paused]{
		undo:    paused{info.ID()},
		effects: []string{fmt.Sprintf("SIGSTOP to %s (pid %d)", t.Name, info.PID)},
		steps:   []string{fmt.Sprintf("kill -CONT %d   (%s, if its start time in /proc/%d/stat is still %d)", info.PID, t.Name, info.PID, info.Start)},
	}, append(problems, maySignal("host_process_pause", info.PID)...), nil
}

func stopped(info proc.Info) bool { return info.State == 'T' }

func injectPause(ctx context.Context, _ *provider, _ sdk.Handle, s paused) error {
	if err := s.Process.Signal(unix.SIGSTOP); err != nil {
		return fmt.Errorf("stopping it: %w", err)
	}
	return s.await(ctx, true)
}

func (s paused) await(ctx context.Context, want bool) error {
	return proc.Await(ctx, func() (bool, error) {
		info, err := s.Process.Look()
		if errors.Is(err, proc.ErrGone) && !want {
			return true, nil
		}
		return stopped(info) == want, err
	})
}

func inspectPause(_ context.Context, _ *provider, _ sdk.Handle, s paused) (sdk.State, error) {
	info, err := s.Process.Look()
	switch {
	case errors.Is(err, proc.ErrGone):
		return inactive("process %d has ended; whatever took its place is not stopped by this fault", s.Process.PID), nil
	case err != nil:
		return sdk.State{}, err
	case stopped(info):
		return active("process %d is stopped (state T)", s.Process.PID), nil
	}
	return inactive("process %d runs (state %c)", s.Process.PID, info.State), nil
}

// revertPause wakes the process. A stop that was asked for and is not carried out yet does not show in the process's state,
// so a process on which this fault is marked is woken whatever its state: SIGCONT takes back a stop that is pending. A
// process on which it is not, and that runs, gets no signal.
func revertPause(ctx context.Context, p *provider, h sdk.Handle, s paused) error {
	marked, err := p.marks.Has(h.ID)
	if err != nil {
		return err
	}
	info, err := s.Process.Look()
	if errors.Is(err, proc.ErrGone) || err == nil && !stopped(info) && !marked {
		return nil
	}
	if err == nil {
		err = s.Process.Signal(unix.SIGCONT)
	}
	if errors.Is(err, proc.ErrGone) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("letting it go on: %w", err)
	}
	return s.await(ctx, false)
}
