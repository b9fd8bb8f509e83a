package cli

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"runtime"

	"github.com/hashicorp/hcl/v2"
	"github.com/spf13/cobra"
	"golang.org/x/sync/errgroup"

	"github.com/gameday-toolkit/gameday/internal/cli/wiring"
	"github.com/gameday-toolkit/gameday/internal/lang"
)

func (a *app) validateCmd() *cobra.Command {
	var vars varFlags
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "validate [-json] PATH...",
		Short: "Report every mistake of every file at once",
		Long: `Validate reads scenarios (directories with *.gameday.hcl files, or single files) and reports every mistake of every
file in one go, each with its line and what to do. Plugins are asked what their blocks look like; no target is.

Exit code: 0 without mistakes (warnings are none), 2 with any.`,
		Example: "  gameday validate scenarios/az-loss\n  gameday validate -json scenarios/*",
		Args:    usage(1, -1, "the scenario"),
		RunE: func(cmd *cobra.Command, paths []string) error {
			return withReaders(cmd.Context(), func(r *wiring.Readers) error {
				all, err := validateAll(cmd.Context(), r, &vars, paths)
				if err != nil {
					return err
				}
				if asJSON {
					return a.validJSON(all)
				}
				return a.valid(paths, all)
			})
		},
	}
	vars.add(cmd)
	cmd.Flags().BoolVar(&asJSON, "json", false, "print the diagnostics as JSON, for editors and CI")
	return cmd
}

// validateAll looks at as many scenarios at once as there are processors.
func validateAll(ctx context.Context, r *wiring.Readers, vars *varFlags, paths []string) ([]*wiring.Mistakes, error) {
	all := make([]*wiring.Mistakes, len(paths))
	var g errgroup.Group
	g.SetLimit(runtime.GOMAXPROCS(0))
	for i, path := range paths {
		src, err := vars.source(path)
		if err != nil {
			return nil, errors.Join(err, g.Wait())
		}
		g.Go(func() error {
			_, all[i] = wiring.Validate(ctx, r, src)
			return nil
		})
	}
	return all, g.Wait()
}

func (a *app) validJSON(all []*wiring.Mistakes) error {
	var diags hcl.Diagnostics
	files := map[string]*hcl.File{}
	for _, m := range all {
		diags = append(diags, m.Diags...)
		maps.Copy(files, m.Files)
	}
	if err := lang.WriteDiagnosticsJSON(a.out, files, diags); err != nil {
		return err
	}
	if diags.HasErrors() {
		return exitError{ExitUntouched}
	}
	return nil
}

func (a *app) valid(paths []string, all []*wiring.Mistakes) error {
	bad, warned := 0, 0
	for i, m := range all {
		if err := a.showMistakes(a.err, m); err != nil {
			return err
		}
		errs, warnings := count(m.Diags)
		bad, warned = bad+errs, warned+warnings
		switch {
		case errs > 0:
			fmt.Fprintf(a.out, "%s: %s\n", paths[i], a.paint(red, plural(errs, "mistake")))
		case warnings > 0:
			fmt.Fprintf(a.out, "%s: %s, with %s\n", paths[i], a.paint(green, "valid"), plural(warnings, "warning"))
		default:
			fmt.Fprintf(a.out, "%s: %s\n", paths[i], a.paint(green, "valid"))
		}
	}
	if bad > 0 {
		return exitError{ExitUntouched}
	}
	return nil
}
