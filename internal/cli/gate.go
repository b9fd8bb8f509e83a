package cli

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"

	"github.com/gameday-toolkit/gameday/internal/archive"
	"github.com/gameday-toolkit/gameday/internal/journal"
)

// gateFlags are the options of gate.
type gateFlags struct {
	vars       varFlags
	tags, skip []string
	parallel   int
	budget     time.Duration
	retries    int
	allowFlaky bool
	against    string
	tolerance  float64
	label      string
	runs, out  string
	approvals  []string
	approvedBy []string
}

func (a *app) gateCmd() *cobra.Command {
	var o gateFlags
	cmd := &cobra.Command{
		Use:   "gate [-tags TAG,...] [-budget 20m] [-against REF] [-retries N] DIR...",
		Short: "Run many scenarios before a release, and say whether it may go out",
		Long: `Gate runs the scenarios at DIR, or below it, that have one of the tags. Those whose environments and targets do not
overlap run at the same time. It never asks: who wrote it into a pipeline has decided.

With -budget, a scenario that would not be over in time is not started; it is named, and inconclusive. With -retries, one
that failed or was inconclusive is run again: one that failed and then passed is flaky, which is inconclusive (-allow-flaky
lets it pass, and says so). With -against, the figures are compared with those of the last good run in the archive: "last",
a label, a run, or a git revision, of which it is the last good run at that commit or before. An objective that became
worse by more than the error of the two measurements fails the gate, even within its limit.

Exit code, of the whole and the worst of all scenarios, in the order 5, 4, 1, 3:
  0  everything passed, and everything is back as it was
  1  at least one objective failed, or became worse than it was
  2  nothing was run: usage, no such scenario, or each of them could not be started
  3  inconclusive: a scenario was, did not start, could not be started, was flaky, or has nothing to be compared with
  4  aborted by a guard or a person; everything is back as it was
  5  something may still be broken: a revert is unproven`,
		Example: "  gameday gate -tags ci -budget 20m -against last scenarios\n  gameday gate -label release-1.4 scenarios/az-loss scenarios/dns-failure",
		Args:    usage(1, -1, "the directory of scenarios"),
		RunE: func(cmd *cobra.Command, dirs []string) error {
			if o.parallel < 1 || o.retries < 0 || o.budget < 0 || o.tolerance < 0 {
				return errors.New("-parallel must be at least 1, and -retries, -budget and -tolerance not below zero")
			}
			return a.gate(cmd.Context(), &o, dirs)
		},
	}
	o.vars.add(cmd)
	f := cmd.Flags()
	f.StringSliceVar(&o.tags, "tags", nil, "only scenarios with one of these `tags`")
	f.StringSliceVar(&o.skip, "skip-tags", nil, "not those with one of these `tags`")
	f.IntVar(&o.parallel, "parallel", 4, "how many run at once at most; `N` is 1 for one after the other")
	f.DurationVar(&o.budget, "budget", 0, "how long all of it may take; 0 is without a limit")
	f.IntVar(&o.retries, "retries", 0, "run a scenario that failed or was inconclusive again, `N` times at most")
	f.BoolVar(&o.allowFlaky, "allow-flaky", false, "let pass what failed first and passed on a retry")
	f.StringVar(&o.against, "against", "", "fail on what became worse since the last good run: `REF` is last, a label, a run or a git revision")
	f.Float64Var(&o.tolerance, "tolerance", 0, "how many `percent` worse than the error of the measurements is no regression")
	f.StringVar(&o.label, "label", "", "a `word` by which the archive can find these runs again, such as a release")
	f.StringVar(&o.runs, "runs", "gameday-runs", "where the `directory` of the runs is made")
	f.StringVar(&o.out, "out", "gameday-gate", "where gate.md, gate.json, junit.xml and gate.sarif are written: a `directory`")
	f.StringArrayVar(&o.approvals, "approval", nil, "a `file` that gameday approve wrote; may be repeated")
	f.StringArrayVar(&o.approvedBy, "approved-by", nil, "the `name` of somebody who has approved these runs; may be repeated")
	return cmd
}

func (a *app) gate(ctx context.Context, o *gateFlags, dirs []string) error {
	g := &gate{app: a, flags: o, start: time.Now()}
	g.root = filepath.Join(o.runs, "gate-"+journal.NewRunID(g.start))
	if err := g.collect(ctx, dirs); err != nil {
		return err
	}
	if o.against != "" {
		if err := a.withArchive(ctx, func(arch *archive.Archive) error { return g.baselines(ctx, arch) }); err != nil {
			return err
		}
	}
	stop, end := g.signals.during(func(int) {
		fmt.Fprintln(a.err, "Aborting: no more is started, and what runs puts everything back now.")
	})
	defer end()
	g.schedule(stop)
	for _, it := range g.items {
		it.conclude(o)
	}
	written := g.report()
	a.complain(written)
	code := g.code()
	if code == ExitOK && written != nil {
		code = ExitInconclusive // a verdict that nobody can read is none
	}
	return exitError{code}
}
