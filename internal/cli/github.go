package cli

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/gameday-toolkit/gameday/internal/cli/wiring"
	"github.com/gameday-toolkit/gameday/reports"
)

// tellGitHub adds the run to the summary of the step where there is one, and annotates the lines of the scenario where
// GitHub Actions reads along. It is for commands that end with a verdict.
func (a *app) tellGitHub(js ...*wiring.Judged) error {
	if os.Getenv("GITHUB_ACTIONS") == "true" {
		for _, j := range js {
			if err := reports.Annotations(a.out, j.Model()); err != nil {
				return err
			}
		}
	}
	path := os.Getenv("GITHUB_STEP_SUMMARY")
	if path == "" {
		return nil
	}
	var b bytes.Buffer
	for _, j := range js {
		if err := reports.StepSummary(&b, j.Model()); err != nil {
			return err
		}
	}
	if err := appendTo(path, b.Bytes()); err != nil {
		return fmt.Errorf("adding to the summary of the step: %w", err)
	}
	return nil
}

func appendTo(path string, b []byte) (err error) {
	f, err := os.OpenFile(path, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o644)
	if err != nil {
		return err
	}
	_, err = io.Copy(f, bytes.NewReader(b))
	if closeErr := f.Close(); err == nil {
		err = closeErr
	}
	return err
}

// sourceDir is the directory of a scenario from the top of its repository, with slashes: what tools that show findings at
// lines need. It is empty where there is no repository, and at its top.
func sourceDir(path string) string {
	dir, err := filepath.Abs(path)
	if err != nil {
		return ""
	}
	if info, err := os.Stat(dir); err != nil || !info.IsDir() {
		dir = filepath.Dir(dir)
	}
	for top := dir; ; top = filepath.Dir(top) {
		if exists(filepath.Join(top, ".git")) {
			rel, err := filepath.Rel(top, dir)
			if err != nil || rel == "." {
				return ""
			}
			return filepath.ToSlash(rel)
		}
		if top == filepath.Dir(top) {
			return ""
		}
	}
}
