package cli

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/gameday-toolkit/gameday/internal/cli/view"
	"github.com/gameday-toolkit/gameday/internal/plan"
)

const aboutReplay = `After an incident review the question is: would it hurt us again?

  gameday replay import incident.md       a scenario of what happened, with the original times as objectives
  gameday replay plan -speed 10 DIR       what would happen, with the original times beside those of the replay
  gameday replay run -speed 10 DIR        do it, and say whether it would recur

See docs/replay.md for a worked example.`

func (a *app) replayCmd() *cobra.Command {
	cmd := &cobra.Command{
		Use: "replay", Short: "Replay an incident, and say whether it would recur", Long: aboutReplay,
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) > 0 {
				return hint(fmt.Errorf("there is no command %q", "replay "+args[0]), "there are import, plan and run")
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(a.replayImportCmd(), a.replayPlanCmd(), a.replayRunCmd())
	return cmd
}

// paceFlags are what a replay may change about a scenario: how fast its steps follow each other, and what has been done
// since. Never what is measured.
type paceFlags struct {
	speed    float64
	remedies []string
}

func (p *paceFlags) add(cmd *cobra.Command) {
	cmd.Flags().Float64Var(&p.speed, "speed", 1, "let the steps follow each other `N` times as fast as in the incident; what is measured keeps its time")
	cmd.Flags().StringArrayVar(&p.remedies, "remedy", nil, "the `name` of a remedy of the incident that is in place where this runs; may be repeated")
}

// shape applies them to a draft.
func (p *paceFlags) shape(d *plan.Draft) error {
	if d.Incident == nil {
		return hint(errors.New("the scenario replays no incident: it has no incident block"), "gameday run, or make one: gameday replay import FILE")
	}
	if p.speed <= 0 || p.speed > 1e6 {
		return errors.New("-speed must be above zero, and a million at most")
	}
	in := *d.Incident
	in.Remedies = slices.Clone(in.Remedies)
	var names []string
	for i := range in.Remedies {
		r := &in.Remedies[i]
		names = append(names, r.Name)
		r.InPlace = r.InPlace || slices.Contains(p.remedies, r.Name)
	}
	for _, name := range p.remedies {
		if !slices.Contains(names, name) {
			return hint(fmt.Errorf("the incident has no remedy %q", name), "it has: "+strings.Join(names, ", "))
		}
	}
	d.Incident = &in
	d.Pace(p.speed)
	return nil
}

func (a *app) replayPlanCmd() *cobra.Command {
	var vars varFlags
	var pace paceFlags
	cmd := &cobra.Command{
		Use:     "plan [-speed N] [-remedy NAME]... [-var NAME=VALUE]... DIR",
		Short:   "Show what a replay would do, with the original times beside its own",
		Long:    "Plan shows what \"gameday replay run\" with the same options would do. Nothing is changed.\n\nExit code: 0 with a plan, 2 without one.",
		Example: "  gameday replay plan -speed 10 checkout-down",
		Args:    usage(1, 1, "the scenario"),
		RunE: func(cmd *cobra.Command, args []string) error {
			src, err := vars.source(args[0])
			if err != nil {
				return err
			}
			p, err := a.makePlan(cmd.Context(), src, newSeed(), pace.shape)
			if err == nil {
				view.Plan(a.out, p, a.paint)
			}
			return err
		},
	}
	vars.add(cmd)
	pace.add(cmd)
	return cmd
}

func (a *app) replayRunCmd() *cobra.Command {
	var pace paceFlags
	cmd := a.runCmdOf(&runFlags{shape: pace.shape})
	cmd.Use = "run [-speed N] [-remedy NAME]... [-yes] [-var NAME=VALUE]... DIR"
	cmd.Short = "Replay an incident, put everything back, and say whether it would recur"
	cmd.Long = `Run carries out a scenario with an incident block, as "gameday run" does, and sets the incident and the replay side by
side: onset, detection, decision, recovery and what customers had of it.

With -speed the steps follow each other as many times as fast as they did. What is measured keeps its time: no objective
changes, and a fault stays for as long as its recovery may take to be seen.

Exit code: that of "gameday run". 1 where it would recur, since then an objective failed.`
	cmd.Example = "  gameday replay run -speed 10 checkout-down\n  gameday replay run -speed 10 -remedy more_capacity -var recover_within=20s checkout-down"
	pace.add(cmd)
	return cmd
}
