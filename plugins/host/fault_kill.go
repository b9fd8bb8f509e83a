package host

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"golang.org/x/sys/unix"

	"github.com/gameday-toolkit/gameday/plugins/host/internal/proc"
	"github.com/gameday-toolkit/gameday/plugins/sdk"
)

// killed is one process that is ended. Nothing can bring it back but whoever supervises it, so reverting means waiting for
// its successor, and failing loudly if there is none. When every process of ours dies at once nothing changes: the process
// is dead, and its supervisor is nobody of ours.
type killed struct {
	Process  proc.ID       `json:"process"`
	Identity proc.Identity `json:"identity"`
	// Siblings ran the same program before, and are not the successor.
	Siblings []proc.ID `json:"siblings,omitempty"`
	Signal   string    `json:"signal"`
	// Respawn is how long a successor may take. Zero: nobody waits for one.
	Respawn sdk.Span `json:"respawn"`
}

type killConfig struct {
	Signal        string   `json:"signal"`
	Respawn       bool     `json:"respawn"`
	RespawnWithin sdk.Span `json:"respawn_within"`
}

func processKill() kind[killed] {
	return kind[killed]{
		name: "host_process_kill", targets: []string{"host_process"}, exclusive: true,
		schema: sdk.Schema{
			Doc: "Ends the processes. Only their supervisor can start them again: the revert waits for a successor (same program, user and " +
				"arguments) and fails by name if there is none in time. If every process of gameday dies at once, nothing is different.",
			Attributes: []sdk.Attribute{
				{Name: "signal", Type: sdk.String, Default: "SIGKILL", OneOf: []string{"SIGKILL", "SIGTERM"}, Doc: "SIGKILL is a crash. SIGTERM asks the process to end, and the fault waits until it has."},
				{Name: "respawn", Type: sdk.Bool, Default: true, Doc: "Check that something starts the process again. false: it stays dead, and nobody complains."},
				{Name: "respawn_within", Type: sdk.Duration, Default: "30s", Doc: "How long a successor may take once the fault is to be undone."},
			},
		},
		plan: planKill, inject: injectKill, inspect: inspectKill, revert: revertKill,
	}
}

func planKill(_ context.Context, _ *provider, req sdk.Request, t sdk.Target) (plan[killed], []sdk.Problem, error) {
	c := killConfig{Signal: "SIGKILL", Respawn: true, RespawnWithin: sdk.Span(30 * time.Second)}
	if err := req.Decode(&c); err != nil {
		return plan[killed]{}, nil, err
	}
	info, problems := takeProcess(t)
	if len(problems) > 0 {
		return plan[killed]{}, problems, nil
	}
	identity, err := proc.IdentityOf(info.PID)
	if err != nil {
		return plan[killed]{}, nil, err
	}
	k := killed{Process: info.ID(), Identity: identity, Signal: c.Signal}
	restart := "nothing starts it again, as the block asks; by hand: start " + t.Name
	if c.Respawn {
		k.Respawn = c.RespawnWithin
		restart = fmt.Sprintf("its supervisor starts %s again; if it did not, start it: %s (user %d)", t.Name, identity.Exe, identity.UID)
		if c.RespawnWithin <= 0 {
			problems = append(problems, problem("respawn_within", "A successor cannot come in no time", "Say how long it may take, such as 30s."))
		}
		if k.Siblings, err = alike(identity, killed{}); err != nil {
			return plan[killed]{}, nil, err
		}
	}
	return plan[killed]{
		undo: k, effects: []string{fmt.Sprintf("%s to %s (pid %d)", c.Signal, t.Name, info.PID)}, steps: []string{restart},
	}, append(problems, maySignal("host_process_kill", info.PID)...), nil
}

func injectKill(ctx context.Context, _ *provider, _ sdk.Handle, k killed) error {
	sig := unix.SIGKILL
	if k.Signal == "SIGTERM" {
		sig = unix.SIGTERM
	}
	if err := k.Process.Signal(sig); err != nil {
		return fmt.Errorf("ending it: %w", err)
	}
	if err := proc.Await(ctx, func() (bool, error) { return !k.Process.Alive(), nil }); err != nil {
		return fmt.Errorf("waiting for its end after %s: %w", k.Signal, err)
	}
	return nil
}

// inspectKill says whether the process is dead by this fault. Dead it stays, so once the fault is reverted its mark, which
// Revert takes away, is what tells the one from the other.
func inspectKill(_ context.Context, p *provider, h sdk.Handle, k killed) (sdk.State, error) {
	if k.Process.Alive() {
		return inactive("process %d runs", k.Process.PID), nil
	}
	marked, err := p.marks.Has(h.ID)
	if err != nil {
		return sdk.State{}, err
	}
	next, err := alike(k.Identity, k)
	if err != nil {
		return sdk.State{}, err
	}
	successor := "and nothing has taken its place"
	if len(next) > 0 {
		successor = fmt.Sprintf("and process %d has taken its place", next[0].PID)
	}
	if marked {
		return active("process %d is dead, %s", k.Process.PID, successor), nil
	}
	return inactive("process %d is dead, %s; the fault is over", k.Process.PID, successor), nil
}

var errNoSuccessor = errors.New("nothing has taken the place of the process that was killed: start it again by hand")

// revertKill waits for a successor. A process that was sent its signal by an Inject that was cut short may still be about to
// die, so one that is marked and lives gets a moment to do so.
func revertKill(ctx context.Context, p *provider, h sdk.Handle, k killed) error {
	marked, err := p.marks.Has(h.ID)
	if err != nil || !marked || k.Respawn == 0 || k.survives(ctx) {
		return err
	}
	ctx, cancel := context.WithTimeoutCause(ctx, time.Duration(k.Respawn), errNoSuccessor)
	defer cancel()
	return proc.Await(ctx, func() (bool, error) {
		next, err := alike(k.Identity, k)
		return len(next) > 0, err
	})
}

// survives says whether the process still lives after the time that its signal may need.
func (k killed) survives(ctx context.Context) bool {
	patience := time.Second
	if k.Signal == "SIGTERM" {
		patience = 5 * time.Second
	}
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	return proc.Await(ctx, func() (bool, error) { return !k.Process.Alive(), nil }) != nil
}

// alike finds the processes of the same program, user and arguments that were not there before the kill.
func alike(want proc.Identity, k killed) ([]proc.ID, error) {
	all, err := proc.List()
	if err != nil {
		return nil, err
	}
	var out []proc.ID
	for _, info := range all {
		id := info.ID()
		if info.Comm != want.Comm || id == k.Process || info.Start < k.Process.Start || slices.Contains(k.Siblings, id) {
			continue
		}
		if got, err := proc.IdentityOf(info.PID); err == nil && got == want {
			out = append(out, id)
		}
	}
	return out, nil
}
