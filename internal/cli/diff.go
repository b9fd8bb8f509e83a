package cli

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/gameday-toolkit/gameday/internal/archive"
	"github.com/gameday-toolkit/gameday/internal/cli/view"
)

// difference is what diff says, as JSON.
type difference struct {
	Old     string           `json:"old"`
	New     string           `json:"new"`
	Figures []archive.Change `json:"figures"`
	Fixed   []string         `json:"findings_gone"` // fingerprints
	Found   []string         `json:"findings_new"`
	Plan    []string         `json:"plan"`
	NoPlan  bool             `json:"plan_unknown,omitempty"` // of one of them at least
}

func (a *app) diffCmd() *cobra.Command {
	var asJSON bool
	var tolerance float64
	cmd := &cobra.Command{
		Use:   "diff [-json] RUN RUN",
		Short: "Compare two runs: figures, findings and plans",
		Long: `Diff compares an earlier run with a later one. A figure has changed only if the two intervals that hold the truth do not
overlap; anything else is measurement error. What was planned differently is listed too.

RUN is an ID, the beginning of one, its last four letters, or a directory.

Exit code: 0, whatever is different. To fail on a regression, see "gameday gate -against".`,
		Example: "  gameday diff 9f3c 4b1e",
		Args:    usage(2, 2, "the run to compare with"),
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.lookArchive(cmd.Context(), args, func(arch *archive.Archive) error {
				var pair [2]*archive.Run
				for i, ref := range args {
					r, err := a.lookUp(cmd.Context(), arch, ref)
					if err != nil {
						return err
					}
					pair[i] = r
				}
				d, err := differenceOf(cmd.Context(), arch, pair[0], pair[1], tolerance)
				if err != nil {
					return err
				}
				if asJSON {
					return printJSON(a.out, d)
				}
				a.showDifference(pair[0], pair[1], d)
				return nil
			})
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print the differences as JSON")
	cmd.Flags().Float64Var(&tolerance, "tolerance", 0, "how many `percent` more than the error are no change")
	return cmd
}

// differenceOf compares two runs of the archive.
func differenceOf(ctx context.Context, arch *archive.Archive, old, now *archive.Run, tolerance float64) (*difference, error) {
	d := &difference{Old: old.ID, New: now.ID, Figures: archive.Compare(old, now, tolerance), Fixed: []string{}, Found: []string{}, Plan: []string{}}
	had := map[string]bool{}
	for _, f := range old.Evidence.Findings {
		had[f.Fingerprint] = true
	}
	for _, f := range now.Evidence.Findings {
		if !had[f.Fingerprint] {
			d.Found = append(d.Found, f.Fingerprint)
		}
		delete(had, f.Fingerprint)
	}
	d.Fixed = append(d.Fixed, sortedKeys(had)...)
	if old.PlanHash == now.PlanHash {
		return d, nil
	}
	before, err := arch.Plan(ctx, old.PlanHash)
	if err != nil {
		return nil, err
	}
	after, err := arch.Plan(ctx, now.PlanHash)
	if err != nil {
		return nil, err
	}
	if d.NoPlan = before == nil || after == nil; !d.NoPlan {
		d.Plan = append(d.Plan, changes(before, after)...)
	}
	return d, nil
}

func (a *app) showDifference(old, now *archive.Run, d *difference) {
	view.Changes(a.out, old, now, d.Figures, a.paint)
	titles := map[string]string{}
	for _, r := range []*archive.Run{old, now} {
		for _, f := range r.Evidence.Findings {
			titles[f.Fingerprint] = f.Severity + " " + f.Rule + " " + f.Title
		}
	}
	var found []string
	for _, f := range d.Found {
		found = append(found, a.paint(red, "new   ")+titles[f])
	}
	for _, f := range d.Fixed {
		found = append(found, a.paint(green, "gone  ")+titles[f])
	}
	a.listed("Findings", found, "the same")
	same := "the same"
	if d.NoPlan {
		same = "not the same; one of them is not in the archive"
	}
	a.listed("Plan", d.Plan, same)
}

// listed prints lines under a title, or one word where there are none.
func (a *app) listed(title string, lines []string, none string) {
	fmt.Fprintf(a.out, "\n%s\n", a.paint(bold, title))
	if len(lines) == 0 {
		fmt.Fprintf(a.out, "  %s\n", none)
	}
	for _, l := range lines {
		fmt.Fprintf(a.out, "  %s\n", l)
	}
}
