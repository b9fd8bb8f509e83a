package cli

import (
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"github.com/gameday-toolkit/gameday/internal/cli/wiring"
)

//go:embed scaffold
var scaffold embed.FS

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
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return fmt.Errorf("making %s: %w", dir, err)
	}
	files, err := scaffold.ReadDir("scaffold")
	if err != nil {
		return err
	}
	for _, f := range files {
		b, err := scaffold.ReadFile("scaffold/" + f.Name())
		if err != nil {
			return err
		}
		path := filepath.Join(dir, strings.TrimSuffix(f.Name(), ".tmpl"))
		if err := create(path, b); err != nil {
			return err
		}
		fmt.Fprintln(a.out, path)
	}
	_, err = fmt.Fprintf(a.out, "\nNext:\n  gameday lab up\n  gameday validate %[1]s\n  gameday plan %[1]s\n  gameday run %[1]s\n", dir)
	return err
}

// create writes a file that must not be there.
func create(path string, b []byte) error {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o644)
	if errors.Is(err, fs.ErrExist) {
		return hint(fmt.Errorf("%s is there already, and was left as it is", path), "choose an empty directory")
	}
	if err != nil {
		return err
	}
	_, err = f.Write(b)
	return errors.Join(err, f.Close())
}
