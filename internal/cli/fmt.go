package cli

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/spf13/cobra"

	"github.com/gameday-toolkit/gameday/internal/cli/wiring"
	"github.com/gameday-toolkit/gameday/internal/lang"
)

func (a *app) fmtCmd() *cobra.Command {
	var check, diff bool
	cmd := &cobra.Command{
		Use:   "fmt [-check] [-diff] PATH...",
		Short: "Rewrite files in the canonical style",
		Long: `Fmt rewrites *.gameday.hcl and gameday.hcl files in the canonical style of HCL and prints the names of those that it
changed. A directory means all such files in and below it. With - it reads standard input and writes standard output.

Exit code: 0; with -check 1 if a file is not formatted, and nothing is written; 2 for a file that cannot be parsed.`,
		Args: usage(1, -1, "the file or directory"),
		RunE: func(cmd *cobra.Command, paths []string) error {
			files, err := a.formatted(paths)
			if err != nil {
				return err
			}
			changed := 0
			for _, f := range files {
				differs, err := a.format(f, check, diff)
				if err != nil {
					return err
				}
				if differs {
					changed++
				}
			}
			if check && changed > 0 {
				return exitError{ExitFailed}
			}
			return nil
		},
	}
	cmd.Flags().BoolVar(&check, "check", false, "write nothing; exit with 1 if a file is not formatted")
	cmd.Flags().BoolVar(&diff, "diff", false, "show what is changed")
	return cmd
}

// formatted lists the files that the arguments mean.
func (a *app) formatted(paths []string) (files []string, err error) {
	for _, path := range paths {
		info, err := os.Stat(path)
		if path != "-" && err != nil {
			return nil, err
		}
		if path == "-" || !info.IsDir() {
			files = append(files, path)
			continue
		}
		err = filepath.WalkDir(path, func(p string, d fs.DirEntry, err error) error {
			if err == nil && !d.IsDir() && ours(d.Name()) {
				files = append(files, p)
			}
			return err
		})
		if err != nil {
			return nil, fmt.Errorf("looking for files: %w", err)
		}
	}
	return files, nil
}

func ours(name string) bool { return strings.HasSuffix(name, ".gameday.hcl") || name == "gameday.hcl" }

// format handles one file and says whether it differs from its canonical form.
func (a *app) format(path string, check, diff bool) (bool, error) {
	src, err := a.read(path)
	if err != nil {
		return false, err
	}
	want, diags := lang.Format(src, path)
	if diags.HasErrors() {
		err := a.showMistakes(a.err, &wiring.Mistakes{Diags: diags, Files: map[string]*hcl.File{path: {Bytes: src}}})
		return false, errors.Join(err, fmt.Errorf("%s cannot be parsed; it was left as it is", path))
	}
	differs := !bytes.Equal(src, want)
	if diff && differs {
		a.showDiff(path, src, want)
	}
	switch {
	case path == "-" && !check && !diff:
		_, err = a.out.Write(want)
		return differs, err
	case !differs:
		return false, nil
	case path != "-" && !diff:
		fmt.Fprintln(a.out, path)
	}
	if check || path == "-" {
		return true, nil
	}
	return true, replaceFile(path, want)
}
