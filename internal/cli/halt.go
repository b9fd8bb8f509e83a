package cli

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/gameday-toolkit/gameday/internal/engine"
	"github.com/gameday-toolkit/gameday/internal/environment"
)

// haltFlags are the options of halt and resume.
type haltFlags struct {
	reason string
	all    bool
	wait   time.Duration
}

// which is the environment that was named; empty for every one.
func (o *haltFlags) which(args []string) (string, error) {
	switch {
	case o.all && len(args) > 0:
		return "", errors.New("-all and the name of an environment exclude each other")
	case o.all:
		return "", nil
	case len(args) == 1 && args[0] != "":
		return args[0], nil
	}
	return "", hint(errors.New("which environment?"), "name it as scenarios do, or say -all; a scenario that names none runs in \"default\"")
}

func (a *app) haltCmd() *cobra.Command {
	var o haltFlags
	cmd := &cobra.Command{
		Use:   "halt -reason TEXT ENVIRONMENT|-all",
		Short: "Abort what runs in an environment, and let nothing start there until resume",
		Long: `Halt aborts the run that is at work in an environment, as Ctrl-C would: everything is put back, measured and reported, exit
4. Then it lets no run start there until "gameday resume". Recover and sweep go on working. It returns when the environment
is at rest.

A halt holds for everybody who shares the state directory: $XDG_STATE_HOME/gameday, or ~/.local/state/gameday.

Exit code: 0 when nothing is at work any more; 1 when something still is after -wait (the halt holds all the same); 2 when
the halt could not be written, and nothing is halted.`,
		Example: "  gameday halt -reason \"incident 4711\" staging\n  gameday halt -reason \"all hands\" -all",
		Args:    usage(0, 1, "the environment"),
		RunE:    func(cmd *cobra.Command, args []string) error { return a.halt(cmd.Context(), args, &o) },
	}
	cmd.Flags().StringVar(&o.reason, "reason", "", "why, for everybody who meets it")
	cmd.Flags().BoolVar(&o.all, "all", false, "every environment")
	cmd.Flags().DurationVar(&o.wait, "wait", 2*time.Minute, "how long to wait for what is at work")
	return cmd
}

func (a *app) halt(ctx context.Context, args []string, o *haltFlags) error {
	name, err := o.which(args)
	if err != nil {
		return err
	}
	if strings.TrimSpace(o.reason) == "" {
		return hint(errors.New("a halt needs a reason"), "say why with -reason TEXT: whoever meets it will ask")
	}
	state, err := environment.Default()
	if err != nil {
		return err
	}
	h := environment.Halt{Environment: name, Reason: o.reason, By: cmp.Or(userName(), "somebody"), Since: time.Now()}
	if err := state.Halt(h); err != nil {
		return a.notWritten(state, name, err)
	}
	fmt.Fprintf(a.out, "Now %s. Lift it with: %s\n", h, resumeWith(name))
	if err := a.strange(state, name); err != nil {
		return err
	}
	return a.atRest(ctx, state, name, o.wait)
}

// notWritten says how to stop what is at work when the halt could not be written: the disk may be full.
func (a *app) notWritten(state environment.State, name string, err error) error {
	at, readErr := state.AtWork(name)
	if readErr != nil || len(at) == 0 {
		return hint(errors.Join(err, readErr), "nothing is halted; make it possible to write there, and say it again")
	}
	var by []string
	for _, h := range at {
		by = append(by, fmt.Sprintf("kill -INT %d", h.Pid))
	}
	return hint(err, "nothing is halted; abort what is at work on its machine, once: "+strings.Join(by, "; "))
}

// strange warns of an environment that no run has ever been in: most likely it is called otherwise, and goes on.
func (a *app) strange(state environment.State, name string) error {
	known, err := state.Known()
	if err != nil || name == "" || slices.Contains(known, name) {
		return err
	}
	were := "in none"
	if len(known) > 0 {
		were = "in " + strings.Join(known, ", ")
	}
	fmt.Fprintf(a.err, "gameday: %sno run of this state directory has ever been in %q, but %s\n", a.paint(yellow, "warning: "), name, were)
	return nil
}

func resumeWith(name string) string {
	if name == "" {
		return "gameday resume -all"
	}
	return "gameday resume " + shellWord(name)
}

// atRest waits until nobody is at work there.
func (a *app) atRest(ctx context.Context, state environment.State, name string, wait time.Duration) error {
	ctx, cancel := context.WithTimeout(ctx, wait)
	defer cancel()
	for told := false; ; {
		at, err := state.AtWork(name)
		if err != nil {
			return err
		}
		if len(at) == 0 {
			fmt.Fprintln(a.out, "Nothing is at work there.")
			return nil
		}
		if !told {
			told = true
			for _, h := range at {
				fmt.Fprintf(a.out, "Waiting for %s\n", h)
			}
		}
		select {
		case <-ctx.Done():
			fmt.Fprintf(a.err, "gameday: %s%s is still at work\n", a.paint(red, "error: "), at[0])
			return exitError{ExitFailed}
		case <-time.After(haltPoll):
		}
	}
}

func (a *app) resumeCmd() *cobra.Command {
	var o haltFlags
	cmd := &cobra.Command{
		Use:   "resume ENVIRONMENT|-all",
		Short: "Let runs start again where they were halted",
		Args:  usage(0, 1, "the environment"),
		RunE:  func(_ *cobra.Command, args []string) error { return a.resume(args, &o) },
	}
	cmd.Flags().BoolVar(&o.all, "all", false, "lift the halt of every environment; one that was halted by name stays so")
	return cmd
}

func (a *app) resume(args []string, o *haltFlags) error {
	name, err := o.which(args)
	if err != nil {
		return err
	}
	state, err := environment.Default()
	if err != nil {
		return err
	}
	h, err := state.Resume(name)
	if err != nil {
		return err
	}
	if h == nil {
		fmt.Fprintln(a.out, "It was not halted.")
	} else {
		fmt.Fprintf(a.out, "Runs may start again: %s.\n", h)
	}
	still, err := state.Halted(name)
	var damaged *environment.DamagedError
	if errors.As(err, &damaged) {
		return hint(fmt.Errorf("%w, and counts as a halt", err), "lift that one too: "+resumeWith(damaged.Environment))
	}
	if err != nil {
		return err
	}
	if still != nil {
		return hint(fmt.Errorf("%s", still), "lift that one too: "+resumeWith(still.Environment))
	}
	return nil
}

// haltPoll is how soon a halt is noticed.
const haltPoll = 200 * time.Millisecond

// notHalted refuses to start where somebody has halted.
func (r *runner) notHalted(name string) error {
	h, err := r.state.Halted(name)
	var damaged *environment.DamagedError
	if errors.As(err, &damaged) {
		return hint(fmt.Errorf("%w, and counts as a halt; nothing was touched", err), "when it is known to be over: "+resumeWith(damaged.Environment))
	}
	if err != nil || h == nil {
		return err
	}
	return hint(fmt.Errorf("%s; nothing was touched", h), "when it is over: "+resumeWith(h.Environment))
}

// endIfHalted aborts the run where its environment is halted. Where somebody has aborted it already, that is enough: a halt is
// never the second Ctrl-C, which stops the waiting for recovery.
func (r *runner) endIfHalted() bool {
	h, err := r.state.Halted(r.plan.Scenario.Environment)
	switch {
	case err != nil: // What cannot be read is no reason to let a run go on that somebody may have wanted to end.
		r.signals.once(engine.Stop{By: "person", Reason: err.Error()})
	case h != nil:
		r.signals.once(engine.Stop{By: "person", Reason: h.String()})
	}
	return h != nil || err != nil
}

// watchHalts aborts the run when its environment is halted, until end is called. One that was halted since it was planned, while
// somebody was asked whether to go ahead, is aborted before it has begun.
func (r *runner) watchHalts(ctx context.Context) (end func()) {
	halted := r.endIfHalted()
	ctx, cancel := context.WithCancel(ctx)
	done := make(chan struct{})
	go func() {
		defer close(done)
		if halted {
			return
		}
		tick := time.NewTicker(haltPoll)
		defer tick.Stop()
		for !r.endIfHalted() {
			select {
			case <-ctx.Done():
				return
			case <-tick.C:
			}
		}
	}()
	return func() {
		cancel()
		<-done
	}
}
