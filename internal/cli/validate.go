package cli

import (
	"fmt"

	"github.com/spf13/cobra"

	"github.com/gameday-toolkit/gameday/internal/cli/wiring"
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
				all := make([]*wiring.Mistakes, len(paths))
				for i, path := range paths {
					src, err := vars.source(path)
					if err != nil {
						return err
					}
					_, all[i] = wiring.Validate(cmd.Context(), r, src)
				}
				if asJSON {
					return a.validJSON(paths, all)
				}
				return a.valid(paths, all)
			})
		},
	}
	vars.add(cmd)
	cmd.Flags().BoolVar(&asJSON, "json", false, "print the diagnostics as JSON, for editors and CI")
	return cmd
}

func (a *app) validJSON(paths []string, all []*wiring.Mistakes) error {
	d := diagnose(paths, all)
	if err := printJSON(a.out, d); err != nil {
		return err
	}
	if !d.Valid {
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
