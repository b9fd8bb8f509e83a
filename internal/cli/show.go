package cli

import (
	"errors"
	"io/fs"
	"os"

	"github.com/spf13/cobra"

	"github.com/gameday-toolkit/gameday/internal/archive"
	"github.com/gameday-toolkit/gameday/internal/cli/view"
)

func (a *app) showCmd() *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "show [-json] RUN",
		Short: "Show one run of the archive",
		Long: `Show prints what the archive knows of a run: its verdict, its figures with their errors, and its findings. RUN is its ID,
the beginning of it, its last four letters, or its directory; by that, the run is put into the archive if it is not there.

Exit code: 0 when it was found; for the verdict see "gameday check".`,
		Example: "  gameday show 20261123-123336-042-9f3c\n  gameday show 9f3c",
		Args:    usage(1, 1, "the run"),
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.lookArchive(cmd.Context(), args, func(arch *archive.Archive) error {
				r, err := a.lookUp(cmd.Context(), arch, args[0])
				if err != nil {
					return err
				}
				if asJSON {
					return printJSON(a.out, r)
				}
				view.Run(a.out, r, place(r), a.paint)
				return nil
			})
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print the record as JSON")
	return cmd
}

// place is the directory of a run, and whether it is still there. On another host it may well be; nobody here can tell.
func place(r *archive.Run) string {
	if r.Dir == "" {
		return ""
	}
	if here, err := os.Hostname(); err != nil || r.Host != "" && r.Host != here {
		return r.Dir + " on " + r.Host
	}
	if _, err := os.Stat(r.Dir); errors.Is(err, fs.ErrNotExist) {
		return r.Dir + " (it is gone, with the samples and reports; what is shown here is all that is left)"
	}
	return r.Dir
}
