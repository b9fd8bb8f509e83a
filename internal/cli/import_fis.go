package cli

import (
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/gameday-toolkit/gameday/internal/cli/view"
	"github.com/gameday-toolkit/gameday/internal/fis"
	"github.com/gameday-toolkit/gameday/internal/replay/safehcl"
	foreign "github.com/gameday-toolkit/gameday/internal/replay/tree"
)

func (a *app) importFISCmd() *cobra.Command {
	var out string
	var whole bool
	cmd := &cobra.Command{
		Use:   "fis [-whole] [-out DIR] FILE",
		Short: "Make a scenario of an experiment template of the AWS Fault Injection Service, in JSON or YAML",
		Long: `Fis reads an experiment template as "aws fis get-experiment-template" prints it, or as "create-experiment-template" takes
it, and writes a scenario: targets become targets, actions the faults of the plugins aws and kubernetes, startAfter their
order, and an alarm that is a stop condition a guard and an objective. An action without a counterpart becomes a todo block,
with which "gameday validate" refuses to run anything.

With -whole there is one fault instead, which starts the template itself: FIS injects, and gameday watches, measures, and
stops it. That is possible for every template that exists in AWS.

It warns where the template has no stop condition, and where it would leave something behind.

Exit code: 0 when the scenario is written, 2 otherwise.`,
		Example: "  aws fis get-experiment-template --id EXT1a2b3c > template.json\n  gameday import fis template.json && gameday validate az-power",
		Args:    usage(1, 1, "the template"),
		RunE: func(_ *cobra.Command, args []string) error {
			b, err := readBounded(args[0], foreign.ReadAll)
			if err != nil {
				return err
			}
			made, err := fis.Import(safehcl.OneLine(filepath.Base(args[0])), b, fis.Options{Whole: whole})
			if err != nil {
				return err
			}
			dir := out
			if dir == "" {
				dir = made.Name
			}
			if err := writeScenario(dir, map[string][]byte{fis.MainFile: made.Source}); err != nil {
				return err
			}
			view.Experiment{Title: made.Title, Warnings: made.Warnings, Assumed: made.Assumed, LeftOut: made.Unsupported, ToDo: made.Left, Needed: made.Needed}.Print(a.out, a.paint)
			return a.next(dir, len(made.Left) > 0, "gameday", made.Needed...)
		},
	}
	cmd.Flags().StringVar(&out, "out", "", "the `directory` to make; named after the template where it is not given")
	cmd.Flags().BoolVar(&whole, "whole", false, "make one fault that starts the template itself")
	return cmd
}
