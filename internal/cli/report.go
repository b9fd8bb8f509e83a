package cli

import (
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/gameday-toolkit/gameday/internal/cli/view"
	"github.com/gameday-toolkit/gameday/internal/cli/wiring"
	"github.com/gameday-toolkit/gameday/internal/history"
	"github.com/gameday-toolkit/gameday/internal/journal"
	"github.com/gameday-toolkit/gameday/internal/replay"
)

// judge opens a run by the path of its directory or journal, and warns where its record has a flaw.
func (a *app) judge(path string) (*wiring.Judged, error) {
	dir, err := journal.OpenRunDir(path)
	if err != nil {
		return nil, hint(err, "name the directory of a run, such as gameday-runs/20261123-120000-000-0000")
	}
	j, err := wiring.Judge(dir)
	if err != nil {
		return nil, err
	}
	if e := j.Run.Ending(); e == history.Tampered || e == history.Truncated {
		fmt.Fprintf(a.err, "gameday: %s%s\n", a.paint(yellow, "warning: "), placeOf(dir).Named(j.Run.File.Detail))
	}
	return j, nil
}

func (a *app) reportCmd() *cobra.Command {
	var out string
	var formats []string
	cmd := &cobra.Command{
		Use:   "report [-out DIR] [-format html,md,...] RUN",
		Short: "Make the reports of a run again, from its journal",
		Long: `Report reads the journal of a run and makes its reports again: the same bytes, whenever and wherever. It needs neither
plugins nor the scenario. Formats:

  html       report.html, for people: one file that opens offline
  executive  executive.html, for those who have a minute: one side of A4
  md         report.md, for pull requests and wikis
  json       report.json, for programs
  junit      junit.xml, for CI
  sarif      report.sarif, for code hosts and editors: findings at the lines of the scenario
  csv        backlog.csv, for spreadsheets and trackers: a row for each finding
  samples    samples.csv and records.csv, for notebooks: a row for each sample and each record; only when asked for
  chaostoolkit  chaostoolkit.journal.json, for the report tools of the Chaos Toolkit; only when asked for

Exit code: 0 when the reports are written; for the verdict see "gameday check".`,
		Args: usage(1, 1, "the directory of a run"),
		RunE: func(_ *cobra.Command, args []string) error {
			for _, f := range formats {
				if !slices.Contains(wiring.Formats(), f) {
					return hint(fmt.Errorf("there is no report format %q", f), "there are "+strings.Join(wiring.Formats(), ", "))
				}
			}
			j, err := a.judge(args[0])
			if err != nil {
				return err
			}
			dir := out
			if dir == "" {
				dir = j.Dir.Path
			}
			if err := j.Write(dir, formats); err != nil {
				return hint(err, "write elsewhere with -out DIR")
			}
			_, err = fmt.Fprintf(a.out, "The reports are in %s\n", relative(dir))
			return err
		},
	}
	cmd.Flags().StringVar(&out, "out", "", "write to this `directory` instead of the run's own")
	cmd.Flags().StringSliceVar(&formats, "format", nil, "write only these `formats`")
	return cmd
}

func (a *app) checkCmd() *cobra.Command {
	return &cobra.Command{
		Use:   "check RUN",
		Short: "Judge a run again, from its journal",
		Long: `Check reads the journal of a run, judges it, and ends with the exit code that the verdict has: see "gameday run". In GitHub
Actions it adds to the summary of the step and annotates the lines of the scenario, as run does.`,
		Args: usage(1, 1, "the directory of a run"),
		RunE: func(_ *cobra.Command, args []string) error {
			j, err := a.judge(args[0])
			if err != nil {
				return err
			}
			view.Result(a.out, j.Run, j.Result, j.Findings, placeOf(j.Dir), a.paint)
			view.Replay(a.out, replay.Compare(j.Run, j.Result), a.paint)
			if err := a.tellGitHub(j); err != nil {
				return err
			}
			return exitError{codeOfRun(j, nil)}
		},
	}
}
