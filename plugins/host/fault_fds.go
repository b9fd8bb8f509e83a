package host

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"

	"golang.org/x/sys/unix"

	"github.com/gameday-toolkit/gameday/plugins/host/internal/proc"
	"github.com/gameday-toolkit/gameday/plugins/sdk"
)

// lowered is the limit of open files of one process. The kernel keeps no clock for it: when every process of ours dies at
// once the limit stays low until gameday recover, gameday sweep, prlimit, or the end of the process.
type lowered struct {
	Process proc.ID `json:"process"`
	// Limit is the soft limit that the fault sets; Soft and Hard are what was there. The hard limit is left alone, so
	// that no privilege is needed to raise the soft one again.
	Limit uint64 `json:"limit"`
	Soft  uint64 `json:"soft"`
	Hard  uint64 `json:"hard"`
}

type fdConfig struct {
	Headroom int `json:"headroom"`
}

func fdExhaustion() kind[lowered] {
	return kind[lowered]{
		name: "host_fd_exhaustion", targets: []string{"host_process"}, exclusive: true,
		schema: sdk.Schema{
			Doc: "The processes run out of file descriptors: their soft limit is lowered to what they have open. What is open stays " +
				"open; the next file, socket or accepted connection fails (EMFILE). A process may raise its own limit again, and the fault is then over. " +
				"If every process of gameday dies at once the limit stays, until gameday recover.",
			Attributes: []sdk.Attribute{{Name: "headroom", Type: sdk.Number, Default: 0, Doc: "How many more descriptors the process may open."}},
		},
		plan: planFDs, inject: injectFDs, inspect: inspectFDs, revert: revertFDs,
	}
}

func planFDs(_ context.Context, _ *provider, req sdk.Request, t sdk.Target) (plan[lowered], []sdk.Problem, error) {
	var c fdConfig
	if err := req.Decode(&c); err != nil {
		return plan[lowered]{}, nil, err
	}
	info, problems := takeProcess(t)
	if len(problems) > 0 {
		return plan[lowered]{}, problems, nil
	}
	if c.Headroom < 0 {
		return plan[lowered]{}, []sdk.Problem{problem("headroom", "The headroom is negative", "Use 0 for none.")}, nil
	}
	if missing := mayLimit(info.PID); missing != nil {
		return plan[lowered]{}, []sdk.Problem{*missing}, nil
	}
	open, err := proc.FDs(info.PID)
	if err != nil {
		return plan[lowered]{}, nil, err
	}
	was, err := noFile(info.PID, nil)
	if err != nil {
		return plan[lowered]{}, nil, err
	}
	l := lowered{Process: info.ID(), Limit: limitFor(open, c.Headroom), Soft: was.Cur, Hard: was.Max}
	if l.Limit >= l.Soft {
		problems = append(problems, problem("headroom", fmt.Sprintf("%s may open no more than that already", t.Name),
			fmt.Sprintf("Its limit is %d, and %d descriptors are open.", l.Soft, len(open))))
	}
	return plan[lowered]{
		undo: l,
		effects: []string{fmt.Sprintf("lower the soft limit of open files of %s (pid %d) from %d to %d: it has %d open and may open %d more",
			t.Name, info.PID, l.Soft, l.Limit, len(open), c.Headroom)},
		steps: []string{fmt.Sprintf("prlimit --pid %d --nofile=%d:%d   (%s)", info.PID, l.Soft, l.Hard, t.Name)},
	}, problems, nil
}

// mayLimit says what keeps this process from changing the limits of another and from counting its files.
func mayLimit(pid int) *sdk.Problem {
	uid, err := proc.UID(pid)
	if err != nil || uid == os.Geteuid() {
		return nil
	}
	for _, c := range []capability{capResource, capPtrace} {
		if !c.has() {
			p := lacking("host_fd_exhaustion", c.name, fmt.Sprintf("Process %d belongs to user %d, and this is user %d. Run gameday as that user or as root.", pid, uid, os.Geteuid()))
			return &p
		}
	}
	return nil
}

// limitFor is the limit below which that many numbers are free: the kernel gives out the lowest free number, and none that
// is not below the limit.
func limitFor(open []int, headroom int) uint64 {
	n := 0
	for free := 0; ; n++ {
		if !slices.Contains(open, n) {
			if free == headroom {
				return uint64(n)
			}
			free++
		}
	}
}

// noFile sets the limits of open files, if they are given, and returns those that were there.
func noFile(pid int, set *unix.Rlimit) (unix.Rlimit, error) {
	var was unix.Rlimit
	err := unix.Prlimit(pid, unix.RLIMIT_NOFILE, set, &was)
	if errors.Is(err, unix.ESRCH) {
		return was, proc.ErrGone
	}
	if err != nil {
		return was, fmt.Errorf("prlimit on process %d: %w", pid, err)
	}
	return was, nil
}

func injectFDs(_ context.Context, _ *provider, _ sdk.Handle, l lowered) error {
	if _, err := l.Process.Look(); err != nil {
		return fmt.Errorf("lowering its limit: %w", err)
	}
	now, err := noFile(l.Process.PID, nil)
	if err != nil {
		return err
	}
	if now.Cur != l.Soft && now.Cur != l.Limit {
		return fmt.Errorf("its limit was %d when the plan was made, and is %d: somebody else changed it", l.Soft, now.Cur)
	}
	_, err = noFile(l.Process.PID, &unix.Rlimit{Cur: l.Limit, Max: now.Max})
	return err
}

func inspectFDs(_ context.Context, _ *provider, _ sdk.Handle, l lowered) (sdk.State, error) {
	_, err := l.Process.Look()
	now := unix.Rlimit{}
	if err == nil {
		now, err = noFile(l.Process.PID, nil)
	}
	if errors.Is(err, proc.ErrGone) {
		return inactive("process %d has ended, and its limit with it", l.Process.PID), nil
	}
	if err != nil {
		return sdk.State{}, err
	}
	if now.Cur != l.Limit {
		return inactive("process %d may open %d files", l.Process.PID, now.Cur), nil
	}
	open, err := proc.FDs(l.Process.PID)
	if err != nil {
		return active("process %d may open %d files", l.Process.PID, now.Cur), nil
	}
	return active("process %d may open %d files, and has %d open", l.Process.PID, now.Cur, len(open)), nil
}

// revertFDs raises the limit if it is the one that this fault has set. Any other is somebody else's.
func revertFDs(_ context.Context, _ *provider, _ sdk.Handle, l lowered) error {
	_, err := l.Process.Look()
	now := unix.Rlimit{}
	if err == nil {
		now, err = noFile(l.Process.PID, nil)
	}
	if err == nil && now.Cur == l.Limit {
		_, err = noFile(l.Process.PID, &unix.Rlimit{Cur: min(l.Soft, now.Max), Max: now.Max})
	}
	if errors.Is(err, proc.ErrGone) {
		return nil
	}
	return err
}
