package cli

import (
	"context"
	"fmt"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/gameday-toolkit/gameday/internal/archive"
	"github.com/gameday-toolkit/gameday/internal/backlog"
	"github.com/gameday-toolkit/gameday/internal/cli/view"
)

func (a *app) backlogCmd() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "backlog",
		Short: "What the runs have shown that somebody has to work on",
		Long: `Backlog keeps every finding of every archived run as one item, from quarter to quarter. An item is open until somebody
claims that it is fixed; it is verified when a later run proves it, and reopened when one shows it again. What is accepted
until a day is open again after that day, by itself. A run that is inconclusive proves nothing.`,
	}
	cmd.AddCommand(a.backlogListCmd(), a.backlogShowCmd(), a.backlogClaimCmd(), a.backlogAcceptCmd(), a.backlogExportCmd(), a.backlogSyncCmd())
	return cmd
}

// backlogFilter says which items are wanted.
type backlogFilter struct {
	all                          bool
	state, scenario, service, by string
}

func (f *backlogFilter) add(cmd *cobra.Command) {
	cmd.Flags().BoolVar(&f.all, "all", false, "also what is verified")
	cmd.Flags().StringVar(&f.state, "state", "", "only items in this `state`: open, reopened, fixed, accepted, verified")
	cmd.Flags().StringVar(&f.scenario, "scenario", "", "only items of this scenario, by `name`")
	cmd.Flags().StringVar(&f.service, "service", "", "only items of this service, by `name`")
	cmd.Flags().StringVar(&f.by, "owner", "", "only items of this owner, by `name`")
}

var states = []string{"open", "reopened", "fixed", "accepted", "verified"}

func (f *backlogFilter) check() error {
	if f.state != "" && !slices.Contains(states, f.state) {
		return hint(fmt.Errorf("there is no state %q", f.state), "there are "+strings.Join(states, ", "))
	}
	return nil
}

func (f *backlogFilter) items(ctx context.Context, arch *archive.Archive) ([]backlog.Item, error) {
	if err := f.check(); err != nil {
		return nil, err
	}
	all, err := arch.Backlog(ctx, time.Now)
	unwanted := func(it backlog.Item) bool {
		return !f.all && f.state == "" && it.State == backlog.Verified || f.state != "" && f.state != string(it.State) ||
			f.scenario != "" && f.scenario != it.Scenario || f.service != "" && f.service != it.Service || f.by != "" && f.by != it.Owner
	}
	return slices.DeleteFunc(all, unwanted), err
}

func (a *app) backlogListCmd() *cobra.Command {
	var f backlogFilter
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "list [-all] [-state STATE] [-scenario NAME] [-service NAME] [-owner NAME] [-json]",
		Short: "List the items that are not verified",
		Args:  usage(0, 0, ""),
		RunE: func(cmd *cobra.Command, _ []string) error {
			return a.readArchive(cmd.Context(), func(arch *archive.Archive) error {
				items, err := f.items(cmd.Context(), arch)
				if err != nil {
					return err
				}
				if asJSON {
					return printJSON(a.out, items)
				}
				view.Backlog(a.out, items, a.paint)
				return nil
			})
		},
	}
	f.add(cmd)
	cmd.Flags().BoolVar(&asJSON, "json", false, "print the items as JSON")
	return cmd
}

func (a *app) backlogShowCmd() *cobra.Command {
	return &cobra.Command{
		Use:   "show ITEM",
		Short: "Show one item with its whole life",
		Args:  usage(1, 1, "the item, by the beginning of its fingerprint"),
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.readArchive(cmd.Context(), func(arch *archive.Archive) error {
				it, err := item(cmd.Context(), arch, args[0])
				if err == nil {
					view.Item(a.out, it, a.paint)
				}
				return err
			})
		},
	}
}

// item finds one item by the beginning of its fingerprint.
func item(ctx context.Context, arch *archive.Archive, ref string) (*backlog.Item, error) {
	all, err := arch.Backlog(ctx, time.Now)
	if err != nil {
		return nil, err
	}
	const least = 4
	const named = "name it by the beginning of its fingerprint, four letters at least: gameday backlog list -all"
	if len(ref) < least {
		return nil, hint(fmt.Errorf("%q is too short to name an item of the backlog", ref), named)
	}
	matches := slices.DeleteFunc(all, func(it backlog.Item) bool {
		return !strings.HasPrefix(it.Fingerprint, strings.ToLower(ref))
	})
	switch len(matches) {
	case 0:
		return nil, hint(fmt.Errorf("there is no item %q in the backlog", ref), named)
	case 1:
		return &matches[0], nil
	}
	return nil, hint(fmt.Errorf("%q may be any of %s", ref, plural(len(matches), "item")), "give more letters of the fingerprint")
}

// decision are the options of claim and accept.
type decision struct{ by, because, until string }

func (d *decision) add(cmd *cobra.Command) {
	cmd.Flags().StringVar(&d.by, "by", "", "the `name` of who decides; otherwise your own")
	cmd.Flags().StringVar(&d.because, "because", "", "the reason, as a `text`")
}

func (a *app) backlogClaimCmd() *cobra.Command {
	var d decision
	cmd := &cobra.Command{
		Use:     "claim [-because TEXT] ITEM...",
		Short:   "Say that items are fixed; a later run has to prove it",
		Example: "  gameday backlog claim -because 'health check every 2 s' 87891656",
		Args:    usage(1, -1, "the item, by the beginning of its fingerprint"),
		RunE:    func(cmd *cobra.Command, refs []string) error { return a.decide(cmd.Context(), backlog.Claim, &d, refs) },
	}
	d.add(cmd)
	return cmd
}

func (a *app) backlogAcceptCmd() *cobra.Command {
	var d decision
	cmd := &cobra.Command{
		Use:     "accept -until DATE -because TEXT ITEM...",
		Short:   "Leave items as they are until a day; after it they are open again",
		Example: "  gameday backlog accept -until 2027-03-31 -because 'replaced by the new platform then' 87891656",
		Args:    usage(1, -1, "the item, by the beginning of its fingerprint"),
		RunE: func(cmd *cobra.Command, refs []string) error {
			if d.until == "" || strings.TrimSpace(d.because) == "" {
				return hint(fmt.Errorf("-until and -because are needed"), "nothing is accepted for ever, or without a reason that others can read")
			}
			return a.decide(cmd.Context(), backlog.Accept, &d, refs)
		},
	}
	d.add(cmd)
	cmd.Flags().StringVar(&d.until, "until", "", "the last `day` on which it is accepted, such as 2027-03-31")
	return cmd
}

func (a *app) decide(ctx context.Context, what string, d *decision, refs []string) error {
	now := time.Now()
	until, err := d.end(now)
	if err != nil {
		return err
	}
	by := d.by
	if by == "" {
		by = userName()
	}
	return a.readArchive(ctx, func(arch *archive.Archive) error {
		var items []*backlog.Item
		for _, ref := range refs {
			it, err := item(ctx, arch, ref)
			if err != nil {
				return err
			}
			if it.State == backlog.Verified {
				return hint(fmt.Errorf("%s is verified: %s", it.Title, it.Note), "there is nothing left to decide about it")
			}
			items = append(items, it)
		}
		for _, it := range items {
			if err := arch.Decide(ctx, backlog.Decision{Fingerprint: it.Fingerprint, What: what, By: by, At: now.UTC(), Because: strings.TrimSpace(d.because), Until: until}); err != nil {
				return err
			}
			after, err := item(ctx, arch, it.Fingerprint)
			if err != nil {
				return err
			}
			fmt.Fprintf(a.out, "%s: %s\n", after.Title, after.Note)
		}
		return nil
	})
}

// end is the first moment after the last day of an acceptance, by UTC.
func (d *decision) end(now time.Time) (time.Time, error) {
	if d.until == "" {
		return time.Time{}, nil
	}
	day, err := time.Parse(time.DateOnly, d.until)
	if err != nil {
		return day, hint(fmt.Errorf("%q is not a day", d.until), "such as -until 2027-03-31")
	}
	if day = day.AddDate(0, 0, 1); !day.After(now) {
		return day, fmt.Errorf("%s is in the past", d.until)
	}
	return day, nil
}

func (a *app) backlogExportCmd() *cobra.Command {
	var f backlogFilter
	var format, file string
	var names []string
	for _, x := range backlog.Formats() {
		names = append(names, x.Name)
	}
	cmd := &cobra.Command{
		Use:   "export -format " + strings.Join(names, "|") + " [-out FILE]",
		Short: "Write the items for a spreadsheet, a page or a tracker's import",
		Args:  usage(0, 0, ""),
		RunE: func(cmd *cobra.Command, _ []string) error {
			i := slices.Index(names, format)
			if i < 0 {
				return hint(fmt.Errorf("there is no format %q", format), "there are "+strings.Join(names, ", "))
			}
			return a.readArchive(cmd.Context(), func(arch *archive.Archive) error {
				items, err := f.items(cmd.Context(), arch)
				if err != nil {
					return err
				}
				return a.export(file, backlog.Formats()[i], items)
			})
		},
	}
	f.add(cmd)
	cmd.Flags().StringVar(&format, "format", "csv", "the `format`: "+strings.Join(names, ", "))
	cmd.Flags().StringVar(&file, "out", "", "write to this `file` instead of standard output")
	return cmd
}

func (a *app) export(file string, format backlog.Format, items []backlog.Item) error {
	if file == "" {
		return format.Write(a.out, items)
	}
	var b strings.Builder
	if err := format.Write(&b, items); err != nil {
		return err
	}
	if err := replaceFile(file, []byte(b.String())); err != nil {
		return err
	}
	fmt.Fprintf(a.out, "%s in %s\n", plural(len(items), "item"), relative(file))
	return nil
}

// tokens reads the environment.
func tokens(name string) string { return os.Getenv(name) }
