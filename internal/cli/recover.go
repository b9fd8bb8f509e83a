package cli

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/gameday-toolkit/gameday/internal/cli/wiring"
	"github.com/gameday-toolkit/gameday/internal/environment"
	"github.com/gameday-toolkit/gameday/internal/journal"
	"github.com/gameday-toolkit/gameday/internal/plan"
	"github.com/gameday-toolkit/gameday/internal/pluginhost"
	"github.com/gameday-toolkit/gameday/internal/undo"
)

// recoverFlags are the options of recover.
type recoverFlags struct {
	vars                         varFlags
	anyVersion, tampered, forget bool
	yes                          bool
	revert, wait                 time.Duration
}

func (a *app) recoverCmd() *cobra.Command {
	var o recoverFlags
	cmd := &cobra.Command{
		Use:   "recover [RUN...]",
		Short: "Put back whatever runs have left, from their journals",
		Long: `Recover undoes everything that the journals of runs show as not proven to be gone, and proves it by reading the target
back. Without arguments it does so for every run that this machine's register knows as unrecovered, from whatever
directory it is started in. It needs the run's directory and the plugins, and can be repeated.

Exit code: 0 when nothing is left, 5 when something is; it then says by name what, and how to undo it by hand. With a journal
of which a part could not be read it is always 5: -tampered undoes what the sound part shows, and only -forget takes the run
off the register.`,
		Example: "  gameday recover\n  gameday recover gameday-runs/20261123-120000-000-0000",
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.recover(cmd.Context(), args, &o)
		},
	}
	o.vars.add(cmd)
	f := cmd.Flags()
	f.BoolVar(&o.anyVersion, "any-version", false, "let a plugin of another version undo what it did not do")
	f.BoolVar(&o.tampered, "tampered", false, "go on with a journal that has been tampered with, as far as it is sound")
	f.BoolVar(&o.forget, "forget", false, "take the runs off the register without undoing anything, when all has been undone by hand")
	f.BoolVar(&o.yes, "yes", false, "do not ask before -forget")
	f.DurationVar(&o.revert, "revert-timeout", 5*time.Minute, "how long to go on trying to put something back")
	f.DurationVar(&o.wait, "wait", 10*time.Second, "how long to wait for whoever is at work in the environment")
	return cmd
}

func (a *app) recover(ctx context.Context, args []string, o *recoverFlags) error {
	pluginhost.Tidy()
	state, err := environment.Default()
	if err != nil {
		return err
	}
	entries, err := unrecovered(state, args)
	if err != nil {
		return err
	}
	if o.forget {
		return a.forget(ctx, state, entries, o)
	}
	if len(entries) == 0 {
		_, err := fmt.Fprintln(a.out, "There is nothing to recover.")
		return err
	}
	broken := false
	for _, e := range entries {
		if err := a.recoverOne(ctx, state, e, o); err != nil {
			a.complain(err)
			broken = true
		}
	}
	if broken {
		return exitError{ExitBroken}
	}
	return nil
}

// unrecovered are the runs that are named, or all that are registered. A run that is named need not be registered: it may
// come from another machine's register.
func unrecovered(state environment.State, args []string) (out []environment.Entry, err error) {
	all, err := state.All()
	if err != nil || len(args) == 0 {
		return all, err
	}
	for _, arg := range args {
		e, err := entryOf(all, arg)
		if err != nil {
			return nil, err
		}
		out = append(out, e)
	}
	return out, nil
}

func entryOf(all []environment.Entry, arg string) (environment.Entry, error) {
	abs, err := filepath.Abs(arg)
	if err != nil {
		return environment.Entry{}, err
	}
	for _, e := range all {
		if e.Run == arg || e.Dir == abs || filepath.Join(e.Dir, "journal") == abs {
			return e, nil
		}
	}
	dir, err := journal.OpenRunDir(abs)
	if err != nil {
		return environment.Entry{}, err
	}
	j, err := wiring.Read(dir)
	if err != nil {
		return environment.Entry{}, err
	}
	e := environment.Entry{Run: dir.ID(), Dir: dir.Path, Environment: "default"}
	if j.Run.Plan != nil {
		e.Environment, e.Scenario = j.Run.Plan.Scenario.Environment, j.Run.Plan.Scenario.Name
	}
	return e, nil
}

func (a *app) recoverOne(ctx context.Context, state environment.State, e environment.Entry, o *recoverFlags) (err error) {
	wait, cancel := context.WithTimeout(ctx, o.wait)
	defer cancel()
	lock, err := state.Acquire(wait, e.Environment, environment.Holder{What: "recover", Run: e.Run, Dir: e.Dir, User: userName(), Since: time.Now()})
	if err != nil {
		return fmt.Errorf("recovering %s: %w", e.Dir, err)
	}
	defer func() { err = errors.Join(err, lock.Release()) }()
	dir, err := journal.OpenRunDir(e.Dir)
	if err != nil {
		return hint(fmt.Errorf("recovering %s: %w", e.Run, err),
			byMark(e))
	}
	fmt.Fprintf(a.out, "Recovering %s (%s, environment %s)\n", e.Dir, e.Scenario, e.Environment)
	left, err := a.putBack(ctx, dir, o)
	var notDone error
	if len(left) > 0 {
		notDone = a.byHand(left)
	}
	switch {
	case errors.Is(err, journal.ErrTampered) && !o.tampered:
		err = hint(err, "to undo what its sound part shows: gameday recover -tampered "+shellWord(e.Dir))
	case errors.Is(err, journal.ErrTampered), errors.Is(err, errDamaged):
		err = hint(fmt.Errorf("recovering %s: %w", e.Run, err), byMark(e))
	}
	if err = errors.Join(err, notDone); err != nil {
		return err
	}
	if err := state.Unregister(e.Environment, e.Run); err != nil {
		return err
	}
	fmt.Fprintf(a.out, "  %s\n", a.paint(green, "Nothing is left."))
	return nil
}

// errDamaged: all that the sound part of a journal shows has been undone, and that may not be all that was done.
var errDamaged = errors.New("a part of its journal could not be read, and what the run did after that is not known; the run stays on the register")

// byMark is what to do where no journal tells what is left.
func byMark(e environment.Entry) string {
	return "`gameday sweep` finds what carries gameday's mark; when nothing is left, `gameday recover -forget " + shellWord(e.Dir) + "`"
}

// putBack undoes and makes the reports again, which now tell of the recovery too.
func (a *app) putBack(ctx context.Context, dir journal.RunDir, o *recoverFlags) ([]undo.Item, error) {
	c := &wiring.Recovery{
		Dir: dir, AnyVersion: o.anyVersion, Tampered: o.tampered, Say: a.undone,
		Options: undo.Options{Total: o.revert, Attempt: min(time.Minute, o.revert)},
		Secrets: func(p *plan.Plan) (map[string]string, error) { return a.secretsOf(ctx, p, &o.vars) },
	}
	if a.recovery != nil {
		a.recovery(c)
	}
	left, err := c.Run(ctx)
	if err != nil {
		return left, err
	}
	j, err := wiring.Judge(dir)
	if err != nil {
		return left, err
	}
	if j.Run.Damaged() {
		err = errDamaged
	}
	a.keep(ctx, j, "")
	return left, errors.Join(err, j.Write(dir.Path, nil))
}

// undone says what happens as it happens.
func (a *app) undone(kind journal.Kind, b journal.StepBody) {
	switch kind {
	case journal.FaultReverted, journal.ActionUndone:
		fmt.Fprintf(a.out, "  %s %s: %s\n", a.paint(green, "undone"), b.Addr, b.Evidence)
	case journal.FaultReverting, journal.ActionUndoing:
		fmt.Fprintf(a.out, "  undoing %s\n", b.Addr)
	case journal.FaultStuck, journal.ActionStuck:
		fmt.Fprintf(a.err, "  %s %s: %s\n", a.paint(red, "stuck"), b.Addr, b.Err)
	}
}

// byHand says what is left, and how a person undoes it.
func (a *app) byHand(left []undo.Item) error {
	var names []string
	for _, it := range left {
		names = append(names, it.Addr)
		fmt.Fprintf(a.err, "%s %s is not proven to be gone. By hand:\n", a.paint(red, "LEFT"), it.Addr)
		for _, s := range it.Handle.Steps {
			fmt.Fprintf(a.err, "  %s\n", s)
		}
	}
	return fmt.Errorf("not proven to be gone: %s", strings.Join(names, ", "))
}

// secretsOf evaluates the scenario again with the values that its variables had; the sensitive ones are given again. Those
// of the plugins' own blocks are all that an undo can need, and so no plugin is asked: one that cannot be reached does not
// keep another from undoing.
func (a *app) secretsOf(ctx context.Context, p *plan.Plan, vars *varFlags) (secrets map[string]string, err error) {
	f := &planFile{Path: p.Dir, Plan: p}
	src, clean, err := f.source(vars)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, clean()) }()
	err = withReaders(ctx, func(r *wiring.Readers) error {
		m, mistakes := wiring.Validate(ctx, r, src)
		if err := a.refuse(mistakes); err != nil {
			return hint(fmt.Errorf("finding the sensitive values again: %w", err), "give them with -var, -var-file or GAMEDAY_VAR_name, as for the run")
		}
		secrets = m.Secrets()
		return nil
	})
	return secrets, err
}

// forget takes runs off the register, which is a person's word that nothing is left.
func (a *app) forget(ctx context.Context, state environment.State, entries []environment.Entry, o *recoverFlags) error {
	for _, e := range entries {
		if !o.yes {
			if err := a.confirm(ctx, fmt.Sprintf("Has everything that %s may have left been undone by hand?", e.Run)); err != nil {
				return err
			}
		}
		if err := state.Unregister(e.Environment, e.Run); err != nil {
			return err
		}
		fmt.Fprintf(a.out, "%s is off the register.\n", e.Run)
	}
	return nil
}
