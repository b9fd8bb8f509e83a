package cli

import (
	"context"
	"crypto/rand"
	"encoding/binary"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/gameday-toolkit/gameday/internal/cli/view"
	"github.com/gameday-toolkit/gameday/internal/cli/wiring"
	"github.com/gameday-toolkit/gameday/internal/plan"
)

func (a *app) planCmd() *cobra.Command {
	var vars varFlags
	var out string
	var asJSON bool
	var seed int64
	cmd := &cobra.Command{
		Use:   "plan [-out FILE] [-json] [-seed N] [-var NAME=VALUE]... PATH",
		Short: "Show what would happen, to what, and how it is undone",
		Long: `Plan asks the world what the scenario's selectors match, checks the limits, asks each plugin what exactly a fault would
do and how it is undone, and lists the permissions that are missing. Nothing is changed.

A plan that was saved with -out is carried out by "gameday run FILE", which refuses if the world has changed since.
It holds no sensitive value; give those again to run.

Exit code: 0 with a plan, 2 without one.`,
		Example: "  gameday plan scenarios/az-loss\n  gameday plan -var zone=east-b -out az.plan scenarios/az-loss && gameday run az.plan",
		Args:    usage(1, 1, "the scenario"),
		RunE: func(cmd *cobra.Command, args []string) error {
			src, err := vars.source(args[0])
			if err != nil {
				return err
			}
			if !cmd.Flags().Changed("seed") {
				seed = newSeed()
			}
			p, err := a.makePlan(cmd.Context(), src, seed, nil)
			if err != nil {
				return err
			}
			if out != "" {
				if err := savePlan(out, args[0], p); err != nil {
					return err
				}
			}
			if asJSON {
				return printJSON(a.out, struct {
					Hash string `json:"hash"`
					*plan.Plan
				}{p.Hash(), p})
			}
			view.Plan(a.out, p, a.paint)
			if out != "" {
				fmt.Fprintf(a.out, "\nSaved. To do it: gameday run %s\n", out)
			}
			return nil
		},
	}
	vars.add(cmd)
	cmd.Flags().StringVar(&out, "out", "", "save the plan to a `file`, for gameday run")
	cmd.Flags().BoolVar(&asJSON, "json", false, "print the plan as JSON")
	cmd.Flags().Int64Var(&seed, "seed", 0, "repeat the random choices of another plan; `N` is shown by it")
	return cmd
}

// makePlan plans with plugins of its own, and shows the mistakes. first may be nil: see wiring.Plan.
func (a *app) makePlan(ctx context.Context, src wiring.Source, seed int64, first func(*plan.Draft) error) (p *plan.Plan, err error) {
	err = withReaders(ctx, func(r *wiring.Readers) error {
		made, mistakes, err := wiring.Plan(ctx, r, src, seed, first)
		if refused := a.refuse(mistakes); err == nil {
			err = refused
		}
		p = made
		return err
	})
	if err != nil {
		return nil, err
	}
	return p, nil
}

// newSeed is small enough to be typed again.
func newSeed() int64 {
	var b [4]byte
	_, _ = rand.Read(b[:]) // never fails: see crypto/rand
	return int64(binary.LittleEndian.Uint32(b[:]) >> 1)
}
