package cli

import (
	"fmt"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"github.com/gameday-toolkit/gameday/internal/cli/wiring"
	"github.com/gameday-toolkit/gameday/internal/lang"
)

func (a *app) initCmd() *cobra.Command {
	return &cobra.Command{
		Use:   "init DIR",
		Short: "Make a working scenario to begin with",
		Long: `Init makes a scenario that works against the embedded lab, with a comment on every block. In a directory that has a
scenario already it changes no file of it, and only locks the plugins that it uses (see "gameday plugin lock").`,
		Example: "  gameday init my-first && gameday validate my-first",
		Args:    usage(1, 1, "the directory"),
		RunE: func(cmd *cobra.Command, args []string) error {
			dir := args[0]
			found, err := filepath.Glob(filepath.Join(dir, "*.gameday.hcl*"))
			if err != nil {
				return err
			}
			if len(found) > 0 {
				return withReaders(cmd.Context(), func(r *wiring.Readers) error {
					return a.lockPlugins(cmd.Context(), r, wiring.Source{Path: dir})
				})
			}
			return a.scaffold(dir)
		},
	}
}

func (a *app) scaffold(dir string) error {
	abs, err := filepath.Abs(dir)
	if err != nil {
		return err
	}
	files, err := lang.Scaffold(dir, name(filepath.Base(abs)))
	if err != nil {
		return err
	}
	for _, f := range files {
		fmt.Fprintln(a.out, f)
	}
	_, err = fmt.Fprintf(a.out, "\nNext:\n  gameday lab up\n  gameday validate %[1]s\n  gameday plan %[1]s\n  gameday run %[1]s\n", shellWord(dir))
	return err
}

// name makes a scenario's name of a directory's.
func name(dir string) string {
	out := strings.Map(func(r rune) rune {
		if r == '-' || r == '_' || r >= '0' && r <= '9' || r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' {
			return r
		}
		return '-'
	}, dir)
	if out == "" || !(out[0] >= 'a' && out[0] <= 'z' || out[0] >= 'A' && out[0] <= 'Z') {
		return "scenario-" + strings.Trim(out, "-")
	}
	return out
}
