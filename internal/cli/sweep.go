package cli

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"github.com/gameday-toolkit/gameday/internal/cli/wiring"
	"github.com/gameday-toolkit/gameday/internal/environment"
	"github.com/gameday-toolkit/gameday/internal/plan"
	"github.com/gameday-toolkit/gameday/internal/undo"
	"github.com/gameday-toolkit/gameday/plugins/sdk"
)

// sweepFlags are the options of sweep.
type sweepFlags struct {
	vars        varFlags
	scenario    string
	revert, yes bool
}

func (a *app) sweepCmd() *cobra.Command {
	var o sweepFlags
	cmd := &cobra.Command{
		Use:   "sweep [-revert] [-scenario PATH] [PLUGIN...]",
		Short: "Find whatever carries gameday's mark, journal or none",
		Long: `Sweep asks each plugin to find everything in its targets that carries gameday's mark, whether a journal knows of it or
not: what a run left whose directory is lost, or that was started on another machine. With -revert it undoes what it
found, after asking. What belongs to a run that is going on now is left alone.

Plugins that need a configuration get it from a scenario's plugin blocks with -scenario.

Exit code: 0 when nothing is left, 5 when something is.`,
		RunE: func(cmd *cobra.Command, names []string) error {
			return withReaders(cmd.Context(), func(r *wiring.Readers) error { return a.sweep(cmd.Context(), r, names, &o) })
		},
	}
	o.vars.add(cmd)
	cmd.Flags().StringVar(&o.scenario, "scenario", "", "configure the plugins as the scenario at `path` does")
	cmd.Flags().BoolVar(&o.revert, "revert", false, "undo what was found")
	cmd.Flags().BoolVar(&o.yes, "yes", false, "do not ask before undoing")
	return cmd
}

func (a *app) sweep(ctx context.Context, r *wiring.Readers, names []string, o *sweepFlags) error {
	plugins, secrets, err := a.swept(ctx, r, names, o)
	if err != nil {
		return err
	}
	deaf := a.configured(ctx, r, plugins, secrets)
	busy, err := busyRuns()
	if err != nil {
		return err
	}
	var found []undo.Item
	for _, p := range plugins {
		if deaf[p.Key()] != nil {
			continue
		}
		items, err := a.found(ctx, r, p.Key(), busy)
		if err != nil {
			deaf[p.Key()] = err
		}
		found = append(found, items...)
	}
	// One that cannot answer does not keep what others found from being undone.
	return a.both(inOrder(plugins, deaf), a.revertFound(ctx, found, o))
}

// both returns the outcome with the higher claim, and prints the other.
func (a *app) both(deaf, outcome error) error {
	var code exitError
	if deaf != nil && errors.As(outcome, &code) {
		a.complain(deaf)
		return outcome
	}
	return errors.Join(deaf, outcome)
}

// configured configures each plugin and says which of them could not be, and why.
func (a *app) configured(ctx context.Context, r *wiring.Readers, plugins []plan.Plugin, secrets map[string]string) map[string]error {
	deaf := map[string]error{}
	for _, p := range plugins {
		_, notices, err := r.Configure(ctx, []plan.Plugin{p}, secrets)
		for _, n := range notices {
			if n.Problem.Severity == sdk.Error {
				cure := cmp.Or(n.Problem.Detail, "configure it as a scenario does: -scenario PATH")
				err = errors.Join(err, hint(fmt.Errorf("%s: %s", n.Addr, n.Problem.Summary), cure))
			}
		}
		if err != nil {
			deaf[p.Key()] = err
		}
	}
	return deaf
}

func inOrder(plugins []plan.Plugin, deaf map[string]error) (err error) {
	for _, p := range plugins {
		err = errors.Join(err, deaf[p.Key()])
	}
	return err
}

// swept are the plugins to ask: those of the scenario, or those named, or all that can be found.
func (a *app) swept(ctx context.Context, r *wiring.Readers, names []string, o *sweepFlags) (plugins []plan.Plugin, secrets map[string]string, err error) {
	if o.scenario == "" {
		if len(names) == 0 {
			names = r.Host.Names()
		}
		for _, n := range names {
			plugins = append(plugins, plan.Plugin{Name: n})
		}
		return plugins, nil, nil
	}
	src, err := o.vars.source(o.scenario)
	if err != nil {
		return nil, nil, err
	}
	m, mistakes := wiring.Validate(ctx, r, src)
	if err := a.refuse(mistakes); err != nil {
		return nil, nil, err
	}
	for _, p := range m.Plugins() {
		if len(names) == 0 || slices.Contains(names, p.Name) {
			plugins = append(plugins, p)
		}
	}
	return plugins, m.Secrets(), nil
}

// busyRuns are the runs that are going on now.
func busyRuns() ([]string, error) {
	state, err := environment.Default()
	if err != nil {
		return nil, err
	}
	holders, err := state.Holders()
	var runs []string
	for _, h := range holders {
		runs = append(runs, h.Run)
	}
	return runs, err
}

func (a *app) found(ctx context.Context, r *wiring.Readers, key string, busy []string) (items []undo.Item, err error) {
	c, err := r.Client(key)
	if err != nil {
		return nil, err
	}
	handles, err := c.Sweep(ctx)
	if errors.Is(err, sdk.ErrNotOffered) {
		fmt.Fprintf(a.out, "%s: this plugin leaves nothing that could be swept\n", key)
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("sweeping with plugin %s: %w", key, err)
	}
	for _, h := range handles {
		if h.Run != "" && slices.Contains(busy, h.Run) {
			fmt.Fprintf(a.out, "%s: %s belongs to run %s, which is going on; left alone\n", key, h.ID, h.Run)
			continue
		}
		fmt.Fprintf(a.out, "%s: %s %s\n", key, a.paint(yellow, "found"), h.ID)
		for _, s := range h.Steps {
			fmt.Fprintf(a.out, "    undo: %s\n", s)
		}
		items = append(items, undo.Item{Addr: h.ID, Handle: h, Reason: "gameday sweep", Open: func(context.Context) (undo.Reverter, error) { return c, nil }})
	}
	if len(handles) == 0 {
		fmt.Fprintf(a.out, "%s: nothing found\n", key)
	}
	return items, nil
}

func (a *app) revertFound(ctx context.Context, found []undo.Item, o *sweepFlags) error {
	if len(found) == 0 {
		return nil
	}
	if !o.revert {
		a.complain(hint(fmt.Errorf("%s found", plural(len(found), "leftover")), "gameday sweep -revert undoes what was found"))
		return exitError{ExitBroken}
	}
	if !o.yes {
		if err := a.confirm(ctx, fmt.Sprintf("Undo %s?", plural(len(found), "leftover"))); err != nil {
			return err
		}
	}
	if left := undo.All(ctx, found, a.undone, undo.Options{Total: time.Minute}); len(left) > 0 {
		a.complain(a.byHand(left))
		return exitError{ExitBroken}
	}
	return nil
}
