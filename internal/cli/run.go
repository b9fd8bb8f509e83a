package cli

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"github.com/gameday-toolkit/gameday/internal/cli/view"
	"github.com/gameday-toolkit/gameday/internal/plan"
)

// runFlags are the options of run.
type runFlags struct {
	vars       varFlags
	runs       string
	yes, quiet bool
	plainText  bool
	seed       int64
	seeded     bool
	lease      time.Duration
	revert     time.Duration
	manualBy   string
	approvedBy []string
}

func (a *app) runCmd() *cobra.Command {
	var o runFlags
	cmd := &cobra.Command{
		Use:   "run [-yes] [-var NAME=VALUE]... PATH|PLANFILE",
		Short: "Carry a game day out, put everything back, and leave a report",
		Long: `Run plans the scenario, or takes a plan that was saved, and carries it out: preflight, baseline, faults, reverts,
recovery, report. A saved plan is refused if the world has changed since.

Ctrl-C once aborts: everything is reverted, measured and reported. A second Ctrl-C only stops the waiting for recovery;
no revert is ever skipped. After a crash, "gameday recover" puts back what is left.

Exit code:
  0  every objective passed, and everything is back as it was
  1  at least one objective failed
  2  nothing was touched: usage, a mistake in the files, or a failed preflight
  3  inconclusive
  4  aborted by a guard or a person; everything is back as it was
  5  something may still be broken: a revert is unproven. Overrides every other code`,
		Example: "  gameday run scenarios/az-loss\n  gameday run -yes -var zone=east-b scenarios/az-loss\n  gameday plan -out az.plan scenarios/az-loss && gameday run az.plan",
		Args:    usage(1, 1, "the scenario"),
		RunE: func(cmd *cobra.Command, args []string) error {
			o.seeded = cmd.Flags().Changed("seed")
			if o.plainText {
				a.noColour()
			}
			return a.run(cmd.Context(), args[0], &o)
		},
	}
	o.vars.add(cmd)
	f := cmd.Flags()
	f.StringVar(&o.runs, "runs", "gameday-runs", "where the run's `directory` is made")
	f.BoolVar(&o.yes, "yes", false, "do not ask whether to go ahead")
	f.BoolVar(&o.quiet, "quiet", false, "show only what somebody should look at, and the result")
	f.BoolVar(&o.plainText, "no-color", false, "no colours (also: NO_COLOR)")
	f.Int64Var(&o.seed, "seed", 0, "repeat the random choices of another run; `N` is shown by it")
	f.DurationVar(&o.lease, "lease", 5*time.Second, "how long faults outlive gameday when it is killed")
	f.DurationVar(&o.revert, "revert-timeout", 5*time.Minute, "how long to go on trying to put something back")
	f.StringVar(&o.manualBy, "manual-by", "", "the `name` of the person who answers manual steps on standard input, without a terminal")
	f.StringArrayVar(&o.approvedBy, "approved-by", nil, "the `name` of somebody who has approved this run; may be repeated")
	return cmd
}

func (a *app) run(ctx context.Context, path string, o *runFlags) error {
	if o.lease < 100*time.Millisecond || o.revert <= 0 {
		return errors.New("-lease must be at least 100ms, and -revert-timeout above zero")
	}
	p, saved, err := a.planned(ctx, path, o)
	if err != nil {
		return err
	}
	if err := a.allowed(p, o, time.Now()); err != nil {
		return err
	}
	// Without a terminal there is nobody to ask: who wrote the command into a pipeline has decided.
	if !o.yes && !saved && term.IsTerminal(int(a.in.Fd())) {
		view.Plan(a.out, p, a.paint)
		if err := a.confirm(ctx, "Do this now?"); err != nil {
			return err
		}
	}
	runs, err := filepath.Abs(o.runs)
	if err != nil {
		return err
	}
	r := &runner{app: a, plan: p, flags: o, root: runs}
	return r.carryOut(ctx)
}

// planned makes the plan, or makes a saved one again and compares.
func (a *app) planned(ctx context.Context, path string, o *runFlags) (p *plan.Plan, saved bool, err error) {
	f, err := openPlan(path)
	if err != nil {
		return nil, false, err
	}
	if f == nil {
		src, err := o.vars.source(path)
		if err != nil {
			return nil, false, err
		}
		if !o.seeded {
			o.seed = newSeed()
		}
		p, err := a.makePlan(ctx, src, o.seed)
		return p, false, err
	}
	if o.seeded {
		return nil, true, errors.New("a saved plan has its own seed; plan again with -seed")
	}
	src, clean, err := f.source(&o.vars)
	if err != nil {
		return nil, true, err
	}
	p, err = a.makePlan(ctx, src, f.Plan.Seed)
	if err = errors.Join(err, clean()); err != nil {
		return nil, true, err
	}
	if p.Hash() != f.Hash {
		return nil, true, a.changed(path, f, p)
	}
	return p, true, nil
}

func (a *app) changed(path string, f *planFile, now *plan.Plan) error {
	fmt.Fprintf(a.err, "What is different from the plan in %s:\n", path)
	for _, line := range changes(f.Plan, now) {
		fmt.Fprintf(a.err, "  %s\n", line)
	}
	return hint(errors.New("the world or the scenario has changed since the plan was saved; nothing was touched"),
		"look at it, and plan again: gameday plan -out "+path+" "+f.Path)
}
