package cli

import (
	"context"
	"errors"
	"fmt"
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
	label      string
	approvedBy []string
	live       liveFlags
	approvals  []string
	shape      func(*plan.Draft) error // what a replay changes; nil for others
}

func (a *app) runCmd() *cobra.Command { return a.runCmdOf(&runFlags{}) }

func (a *app) runCmdOf(o *runFlags) *cobra.Command {
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
			return a.run(cmd.Context(), args[0], o)
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
	f.StringVar(&o.label, "label", "", "a `word` by which the archive can find the run again, such as a release")
	f.StringVar(&o.manualBy, "manual-by", "", "the `name` of the person who answers manual steps on standard input, without a terminal")
	f.StringArrayVar(&o.approvals, "approval", nil, "a `file` that gameday approve wrote, where it does not lie beside the plan; may be repeated")
	f.StringArrayVar(&o.approvedBy, "approved-by", nil, "the `name` of somebody who has approved this run; may be repeated")
	o.live.add(f, "live", "", "serve the live page")
	return cmd
}

func (a *app) run(ctx context.Context, path string, o *runFlags) (err error) {
	if o.lease < 100*time.Millisecond || o.revert <= 0 {
		return errors.New("-lease must be at least 100ms, and -revert-timeout above zero")
	}
	r, err := newRunner(a, o)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, r.leave()) }()
	if err := r.openPage(); err != nil {
		return err
	}
	defer func() { a.complain(r.page.close()) }()
	saved, err := r.planned(ctx, path)
	if err != nil {
		return err
	}
	given, err := givenApprovals(path, saved, o.approvals)
	if err != nil {
		return err
	}
	if r.approvals, err = a.allowed(ctx, r.plan, o, given, time.Now()); err != nil {
		return err
	}
	// Without a terminal there is nobody to ask: who wrote the command into a pipeline has decided.
	if !o.yes && !saved && term.IsTerminal(int(a.in.Fd())) {
		view.Plan(a.out, r.plan, a.paint)
		if err := a.confirm(ctx, "Do this now?"); err != nil {
			return err
		}
		// A window may have closed while somebody thought about it.
		if r.approvals, err = a.allowed(ctx, r.plan, o, given, time.Now()); err != nil {
			return err
		}
	}
	return r.carryOut(ctx)
}

// planned makes the plan, or makes a saved one again and compares.
func (r *runner) planned(ctx context.Context, path string) (saved bool, err error) {
	f, err := openPlan(path)
	if err != nil {
		return false, err
	}
	first := func(d *plan.Draft) error {
		if r.flags.shape != nil {
			if err := r.flags.shape(d); err != nil {
				return err
			}
		}
		return r.enter(ctx, d.Scenario.Environment)
	}
	if f == nil {
		r.source = sourceDir(path)
		src, err := r.flags.vars.source(path)
		if err != nil {
			return false, err
		}
		seed := r.flags.seed
		if !r.flags.seeded {
			seed = newSeed()
		}
		r.plan, err = r.makePlan(ctx, src, seed, first)
		return false, err
	}
	if r.flags.seeded {
		return true, errors.New("a saved plan has its own seed; plan again with -seed")
	}
	r.source = sourceDir(f.Path)
	src, clean, err := f.source(&r.flags.vars)
	if err != nil {
		return true, err
	}
	r.plan, err = r.makePlan(ctx, src, f.Plan.Seed, first)
	if err = errors.Join(err, clean()); err == nil && r.plan.Hash() != f.Hash {
		err = r.changed(path, f, r.plan)
	}
	return true, err
}

func (a *app) changed(path string, f *planFile, now *plan.Plan) error {
	fmt.Fprintf(a.err, "What is different from the plan in %s:\n", path)
	for _, line := range changes(f.Plan, now) {
		fmt.Fprintf(a.err, "  %s\n", line)
	}
	return hint(errors.New("the world or the scenario has changed since the plan was saved; nothing was touched"),
		"look at it, and plan again: gameday plan -out "+path+" "+f.Path)
}
