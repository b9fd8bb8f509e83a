package cli

import (
	"bytes"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/gameday-toolkit/gameday/internal/archive"
	"github.com/gameday-toolkit/gameday/internal/archive/page"
	"github.com/gameday-toolkit/gameday/internal/cli/view"
)

func (a *app) trendCmd() *cobra.Command {
	var f archive.Filter
	var since, file string
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "trend [-scenario NAME] [-service NAME] [-since 2y] [-html FILE] [-json]",
		Short: "Show recovery time, data loss and budget over the quarters",
		Long: `Trend shows for each scenario how its recovery time, its data loss and the error budget it spent have developed over the
quarters (of UTC). Each letter of the small curve is one run. Only runs that passed or failed count.

With -html, it writes a page that needs nothing else: the curves with their errors and limits. With -json besides, it does both.

Where a run says only that it took longer than something (> 60 s), so do the worst and, if the run may decide it, the median.

Exit code: 0.`,
		Example: "  gameday trend -scenario az-loss\n  gameday trend -html trend.html",
		Args:    usage(0, 0, ""),
		RunE: func(cmd *cobra.Command, _ []string) error {
			var err error
			if f.Since, err = sinceWhen(since, time.Now()); err != nil {
				return err
			}
			return a.readArchive(cmd.Context(), func(arch *archive.Archive) error {
				runs, err := arch.Runs(cmd.Context(), f)
				if err != nil {
					return err
				}
				all := archive.Trend(runs)
				if file != "" {
					if err := a.trendPage(file, all, asJSON); err != nil {
						return err
					}
				}
				switch {
				case asJSON:
					return printJSON(a.out, all)
				case file == "":
					view.Trend(a.out, all, a.paint)
				}
				return nil
			})
		},
	}
	cmd.Flags().StringVar(&f.Scenario, "scenario", "", "only this scenario, by `name`")
	cmd.Flags().StringVar(&f.Service, "service", "", "only scenarios of this service, by `name`")
	cmd.Flags().StringVar(&f.Environment, "environment", "", "only runs in this environment, by `name`")
	cmd.Flags().StringVar(&since, "since", "", "only runs that began since then: a `time` ago (90d, 104w) or a day (2026-10-01)")
	cmd.Flags().StringVar(&file, "html", "", "write a page to this `file`")
	cmd.Flags().BoolVar(&asJSON, "json", false, "print the series as JSON")
	return cmd
}

// trendPage writes the page, and says so unless standard output is for a program.
func (a *app) trendPage(file string, all []archive.Series, quiet bool) error {
	var b bytes.Buffer
	if err := page.Write(&b, all, time.Now()); err != nil {
		return err
	}
	if err := replaceFile(file, b.Bytes()); err != nil {
		return err
	}
	if quiet {
		return nil
	}
	fmt.Fprintf(a.out, "The page is in %s\n", relative(file))
	return nil
}
