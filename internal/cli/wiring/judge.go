package wiring

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/gameday-toolkit/gameday/internal/backlog"
	"github.com/gameday-toolkit/gameday/internal/history"
	"github.com/gameday-toolkit/gameday/internal/journal"
	"github.com/gameday-toolkit/gameday/internal/measure"
	"github.com/gameday-toolkit/gameday/reports"
)

// Judged is a run with all that follows from its journal. The same journal is judged the same, whoever asks and whenever.
type Judged struct {
	Dir      journal.RunDir
	Run      *history.Run
	Result   *measure.Result
	Findings []backlog.Finding
}

// Read reads a run's journal.
func Read(dir journal.RunDir) (*Judged, error) {
	run, err := history.Load(dir.Journal())
	if err != nil {
		return nil, err
	}
	return &Judged{Dir: dir, Run: run}, nil
}

// Judge reads a run's journal and judges it.
func Judge(dir journal.RunDir) (*Judged, error) {
	j, err := Read(dir)
	if err != nil {
		return nil, err
	}
	j.Result = measure.Evaluate(j.Run)
	j.Findings = backlog.Find(j.Run, j.Result)
	return j, nil
}

// Clean says whether the journal shows that nothing is left. One of which a part could not be read shows nothing.
func Clean(j *Judged) bool {
	return len(j.Run.Outstanding()) == 0 && !j.Run.Damaged()
}

// Write makes the reports in dir; no formats means all of them.
func (j *Judged) Write(dir string, formats []string) error {
	m := reports.Build(j.Run, j.Result, j.Findings)
	if len(formats) == 0 {
		return reports.WriteAll(dir, m)
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return fmt.Errorf("making the folder of the reports: %w", err)
	}
	var errs []error
	for _, r := range reports.Renderers() {
		if slices.Contains(formats, format(r.Name)) {
			errs = append(errs, writeOne(dir, r, m))
		}
	}
	return errors.Join(errs...)
}

// Formats are the names of all report formats: html, md, json, junit, csv.
func Formats() (names []string) {
	for _, r := range reports.Renderers() {
		names = append(names, format(r.Name))
	}
	return names
}

// format is what people call a report: by its extension, or junit, which is one kind of XML among many.
func format(file string) string {
	if name, ok := strings.CutSuffix(file, ".xml"); ok {
		return name
	}
	return strings.TrimPrefix(filepath.Ext(file), ".")
}

func writeOne(dir string, r reports.Renderer, m *reports.Model) error {
	var b bytes.Buffer
	err := r.Render(&b, m)
	if err == nil {
		err = os.WriteFile(filepath.Join(dir, r.Name), b.Bytes(), 0o644)
	}
	if err != nil {
		return fmt.Errorf("writing %s: %w", r.Name, err)
	}
	return nil
}
