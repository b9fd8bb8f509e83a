package cli

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/gameday-toolkit/gameday/internal/archive"
	"github.com/gameday-toolkit/gameday/internal/cli/view"
	"github.com/gameday-toolkit/gameday/internal/lang"
)

// runsFlags are the filters of runs.
type runsFlags struct {
	archive.Filter
	since, verdict string
	asJSON         bool
}

func (a *app) runsCmd() *cobra.Command {
	var o runsFlags
	cmd := &cobra.Command{
		Use:   "runs [-scenario NAME] [-service NAME] [-tag TAG] [-since 90d|2026-10-01] [-verdict VERDICT] [-json]",
		Short: "List the runs in the archive",
		Long: `Runs lists what the archive holds, the newest first. Every run is archived at its end: in a file in your state directory
or, for a team, where the project file says (archive { url = "postgres://..." }).

Exit code: 0, also when there are none.`,
		Example: "  gameday runs -scenario az-loss -since 90d\n  gameday runs -verdict fail -json",
		Args:    usage(0, 0, ""),
		RunE: func(cmd *cobra.Command, _ []string) error {
			var err error
			if o.Since, err = sinceWhen(o.since, time.Now()); err != nil {
				return err
			}
			if o.Want, err = wordFilter(o.verdict); err != nil {
				return err
			}
			if o.Newest < 0 {
				return hint(fmt.Errorf("-newest %d is no number of runs", o.Newest), "0 is all of them")
			}
			return a.readArchive(cmd.Context(), func(arch *archive.Archive) error { return a.runs(cmd.Context(), arch, &o) })
		},
	}
	f := cmd.Flags()
	f.StringVar(&o.Scenario, "scenario", "", "only runs of this scenario, by `name`")
	f.StringVar(&o.Service, "service", "", "only runs of scenarios of this service, by `name`")
	f.StringVar(&o.Environment, "environment", "", "only runs in this environment, by `name`")
	f.StringVar(&o.Tag, "tag", "", "only runs of scenarios with this `tag`")
	f.StringVar(&o.since, "since", "", "only runs that began since then: a `time` ago (90d, 13w, 36h) or a day (2026-10-01)")
	f.StringVar(&o.verdict, "verdict", "", "only runs with this `verdict`, as the list shows it: "+strings.Join(verdicts(), ", "))
	f.IntVar(&o.Newest, "newest", 0, "only so many, the newest; `N` is 0 for all")
	f.BoolVar(&o.asJSON, "json", false, "print the records as JSON")
	return cmd
}

// verdicts are the words of the list's column, which is more than the journal's verdicts: who looks for runs that were aborted
// has seen that word there.
func verdicts() []string {
	return []string{"pass", "fail", "inconclusive", "aborted", "not-run", "leaked"}
}

// wordFilter wants the runs with that word in the column; all of them without one.
func wordFilter(word string) (func(archive.Run) bool, error) {
	if word == "" {
		return nil, nil
	}
	plain := func(s string) string { return strings.ReplaceAll(strings.ToLower(s), " ", "-") }
	if !slices.Contains(verdicts(), plain(word)) {
		return nil, hint(fmt.Errorf("there is no verdict %q", word), "there are "+strings.Join(verdicts(), ", "))
	}
	return func(r archive.Run) bool { return plain(view.RunWord(r)) == plain(word) }, nil
}

// sinceWhen reads a length of time before now, or a day.
func sinceWhen(text string, now time.Time) (time.Time, error) {
	if text == "" {
		return time.Time{}, nil
	}
	if day, err := time.ParseInLocation(time.DateOnly, text, now.Location()); err == nil {
		return day, nil
	}
	d, err := lang.ParseDays(text)
	if err != nil {
		return time.Time{}, hint(fmt.Errorf("%q is neither a length of time nor a day", text), "such as 90d, 13w, 36h or 2026-10-01")
	}
	return now.Add(-d), nil
}

func (a *app) runs(ctx context.Context, arch *archive.Archive, o *runsFlags) error {
	found, err := arch.Runs(ctx, o.Filter)
	if err != nil {
		return err
	}
	if o.asJSON {
		return printJSON(a.out, found)
	}
	view.Runs(a.out, found, a.paint)
	if len(found) == 0 {
		fmt.Fprintf(a.out, "There are no such runs in %s.\n", relative(arch.Where()))
	}
	return nil
}

// archiveCmd is for runs that were made elsewhere, or while the archive was not there.
func (a *app) archiveCmd() *cobra.Command {
	cmd := &cobra.Command{Use: "archive", Short: "Put runs into the archive that are not there yet"}
	add := &cobra.Command{
		Use:   "add RUN...",
		Short: "Put runs into the archive, by their directories",
		Long: `Add judges runs again, from their journals, and puts what was found into the archive. A run that is there already is
brought up to date: after "gameday recover", for instance. Doing it twice changes nothing.`,
		Args: usage(1, -1, "the directory of a run"),
		RunE: func(cmd *cobra.Command, dirs []string) error {
			return a.withArchive(cmd.Context(), func(arch *archive.Archive) error {
				for _, dir := range dirs {
					j, err := a.judge(dir)
					if err != nil {
						return err
					}
					rec, err := addRun(cmd.Context(), arch, j, "")
					if err != nil {
						return err
					}
					fmt.Fprintf(a.out, "%s  %s  %s\n", rec.ID, rec.Scenario, rec.Verdict)
				}
				return nil
			})
		},
	}
	cmd.AddCommand(add)
	return cmd
}
