package cli

import (
	"context"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/gameday-toolkit/gameday/internal/archive"
	"github.com/gameday-toolkit/gameday/internal/cli/view"
	"github.com/gameday-toolkit/gameday/internal/cli/wiring"
	"github.com/gameday-toolkit/gameday/internal/lang"
)

// scorecardFlags are the options of scorecard.
type scorecardFlags struct {
	vars           varFlags
	every, service string
	asJSON, strict bool
}

func (a *app) scorecardCmd() *cobra.Command {
	var o scorecardFlags
	cmd := &cobra.Command{
		Use:   "scorecard [-every 90d] [-service NAME] [-json] [PATH...]",
		Short: "Show per service what was tried, and what is overdue",
		Long: `Scorecard shows for each service and tier which scenarios passed when they were last tried, which have findings that are
open, and which are overdue. How often a scenario has to be tried is said by its tier in the project file
(tier "gold" { every = "90d" }), or by -every where that says nothing. A run that was inconclusive or aborted does not count.

The scenarios are those of the archive and those at PATH, so that one that was never run is seen too.

Exit code: 0; with -strict, 1 when anything is overdue.`,
		Example: "  gameday scorecard scenarios/*\n  gameday scorecard -every 90d -strict",
		Args:    usage(0, -1, ""),
		RunE: func(cmd *cobra.Command, paths []string) error {
			return a.readArchive(cmd.Context(), func(arch *archive.Archive) error { return a.scorecard(cmd.Context(), arch, &o, paths) })
		},
	}
	o.vars.add(cmd)
	cmd.Flags().StringVar(&o.every, "every", "", "how often a scenario has to be tried whose tier does not say, such as 90d; a `time` of 0 is never")
	cmd.Flags().StringVar(&o.service, "service", "", "only this service, by `name`")
	cmd.Flags().BoolVar(&o.strict, "strict", false, "exit with 1 when anything is overdue")
	cmd.Flags().BoolVar(&o.asJSON, "json", false, "print the cards as JSON")
	return cmd
}

func (a *app) scorecard(ctx context.Context, arch *archive.Archive, o *scorecardFlags, paths []string) error {
	every, err := a.cadence(o.every)
	if err != nil {
		return err
	}
	known, err := a.known(ctx, &o.vars, paths)
	if err != nil {
		return err
	}
	runs, err := arch.Runs(ctx, archive.Filter{})
	if err != nil {
		return err
	}
	items, err := arch.Backlog(ctx, time.Now)
	if err != nil {
		return err
	}
	cards, overdue, free := []archive.Card{}, 0, 0
	for _, c := range archive.Scorecard(runs, known, items, every, time.Now()) {
		if o.service == "" || c.Service == o.service {
			cards = append(cards, c)
			if c.Overdue {
				overdue++
			} else if c.Due.IsZero() {
				free++
			}
		}
	}
	if o.asJSON {
		err = printJSON(a.out, cards)
	} else {
		view.Scorecard(a.out, cards, a.paint)
		a.rhythm(overdue, free, len(cards), o.every != "")
	}
	if err == nil && o.strict && overdue > 0 {
		err = exitError{ExitFailed}
	}
	return err
}

// rhythm says how many scenarios are overdue. One that nothing says about how often it has to be tried never is, which would
// read as if all were well.
func (a *app) rhythm(overdue, free, all int, said bool) {
	if free < all || free == 0 || said {
		fmt.Fprintf(a.out, "\n%s overdue, of %d\n", plural(overdue, "scenario"), all)
	}
	if free == 0 || said {
		return
	}
	fmt.Fprintf(a.out, "\nNothing says how often %d of %s must be tried, and so nothing can be overdue there. Set it for the tier in the\n"+
		"project file (tier \"gold\" { every = \"90d\" }), or by -every 90d.\n", free, plural(all, "scenario"))
}

// cadence takes what the tiers of the project file say, and otherwise for those that say nothing.
func (a *app) cadence(otherwise string) (archive.Cadence, error) {
	var standard time.Duration
	if otherwise != "" && otherwise != "0" {
		var err error
		if standard, err = lang.ParseDays(otherwise); err != nil {
			return nil, fmt.Errorf("-every %s: %w", otherwise, err)
		}
	}
	s, err := a.shared(".")
	if err != nil {
		return nil, err
	}
	return func(tier string) time.Duration {
		if d, ok := s.Every[tier]; ok {
			return d
		}
		return standard
	}, nil
}

// known reads what scenarios say about themselves. One with mistakes is shown with them, and not left out.
func (a *app) known(ctx context.Context, vars *varFlags, paths []string) (out []archive.Known, err error) {
	if len(paths) == 0 {
		return nil, nil
	}
	err = withReaders(ctx, func(r *wiring.Readers) error {
		for _, path := range paths {
			src, err := vars.source(path)
			if err != nil {
				return err
			}
			s, mistakes := wiring.Scenario(ctx, r, src)
			if s.Name == "" {
				return a.refuse(mistakes)
			}
			out = append(out, archive.Known{Name: s.Name, Service: s.Service, Tier: s.Tier, Environment: s.Environment})
		}
		return nil
	})
	return out, err
}
