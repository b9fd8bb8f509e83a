package cli

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/gameday-toolkit/gameday/internal/archive"
	"github.com/gameday-toolkit/gameday/internal/backlog"
	"github.com/gameday-toolkit/gameday/internal/backlog/tracker"
	"github.com/gameday-toolkit/gameday/internal/cli/view"
	"github.com/gameday-toolkit/gameday/internal/lang"
)

func (a *app) backlogSyncCmd() *cobra.Command {
	var apply bool
	cmd := &cobra.Command{
		Use:   "sync [-apply] [TRACKER]",
		Short: "Bring the issues of a tracker in step with the backlog",
		Long: `Sync compares the backlog with the issues of a tracker of the project file (tracker "github" "ours" { ... }) and says
what it would do: make an issue for what is open, close what a run has proven fixed, reopen what came back. With -apply it
does so. An issue is found again by a label or correlation ID that is made of the finding's fingerprint, so that nothing
is made twice, however often and from wherever sync runs.

Tokens are read from the environment only: GITHUB_TOKEN, JIRA_TOKEN, SERVICENOW_TOKEN, or what token_env names.

Exit code: 0 when all is in step, or would be; 3 when something could not be done.`,
		Example: "  gameday backlog sync\n  gameday backlog sync -apply ours",
		Args:    usage(0, 1, ""),
		RunE: func(cmd *cobra.Command, args []string) error {
			s, err := a.shared(".")
			if err != nil {
				return err
			}
			chosen, err := chooseTracker(s, args)
			if err != nil {
				return err
			}
			t, err := tracker.New(tracker.Config{Name: chosen.Name, Type: chosen.Type, Raw: chosen.Config, Env: tokens})
			if err != nil {
				return err
			}
			return a.readArchive(cmd.Context(), func(arch *archive.Archive) error { return a.sync(cmd.Context(), arch, t, trackerName(chosen), apply) })
		},
	}
	cmd.Flags().BoolVar(&apply, "apply", false, "do it, instead of saying what would be done")
	return cmd
}

// trackerName is what links are kept under: two trackers of one name are of different types.
func trackerName(t lang.Tracker) string { return t.Type + "." + t.Name }

func chooseTracker(s lang.Shared, args []string) (lang.Tracker, error) {
	var names []string
	for _, t := range s.Trackers {
		names = append(names, t.Name)
		if len(args) == 1 && (args[0] == t.Name || args[0] == trackerName(t)) {
			return t, nil
		}
	}
	switch {
	case len(names) == 0:
		return lang.Tracker{}, hint(fmt.Errorf("there is no tracker"), `declare one in gameday.hcl: tracker "github" "ours" { repository = "OWNER/NAME" }`)
	case len(args) == 1:
		return lang.Tracker{}, hint(fmt.Errorf("there is no tracker %q", args[0]), "there are "+strings.Join(names, ", "))
	case len(names) > 1:
		return lang.Tracker{}, hint(fmt.Errorf("there are %d trackers", len(names)), "name one of "+strings.Join(names, ", "))
	}
	return s.Trackers[0], nil
}

func (a *app) sync(ctx context.Context, arch *archive.Archive, t tracker.Tracker, name string, apply bool) error {
	items, err := arch.Backlog(ctx, time.Now)
	if err != nil {
		return err
	}
	known := map[string]string{}
	for _, it := range items {
		for _, l := range it.Links {
			if l.Tracker == name {
				known[it.Fingerprint] = l.Issue
			}
		}
	}
	steps, err := tracker.Plan(ctx, t, items, known)
	if err != nil {
		return fmt.Errorf("asking the tracker %s: %w", name, err)
	}
	if !apply {
		a.wouldSync(steps)
		return nil
	}
	remember := func(s tracker.Step) error {
		return arch.Link(ctx, backlog.Link{Fingerprint: s.Item.Fingerprint, Tracker: name, Issue: s.Issue.ID, URL: s.Issue.URL})
	}
	done := 0
	err = tracker.Apply(ctx, t, steps, remember, func(s tracker.Step, err error) {
		if err == nil && s.Changes() {
			done++
		}
		if err != nil || s.Do != tracker.Keep {
			view.SyncStep(a.out, s, err, a.paint)
		}
	})
	fmt.Fprintf(a.out, "%s made in %s\n", plural(done, "change"), name)
	if err != nil {
		a.complain(hint(err, "run it again: what is done is not done twice"))
		return exitError{ExitInconclusive}
	}
	return nil
}

func (a *app) wouldSync(steps []tracker.Step) {
	n := 0
	for _, s := range steps {
		if s.Do != tracker.Keep {
			view.SyncStep(a.out, s, nil, a.paint)
		}
		if s.Changes() {
			n++
		}
	}
	if n == 0 {
		fmt.Fprintln(a.out, "Everything is in step.")
		return
	}
	fmt.Fprintf(a.out, "%s would be made. Nothing has been sent; to do it: gameday backlog sync -apply\n", plural(n, "change"))
}
