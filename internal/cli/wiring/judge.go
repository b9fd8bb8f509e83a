package wiring

import (
	"errors"
	"fmt"
	"os"
	"slices"

	"github.com/gameday-toolkit/gameday/internal/backlog"
	"github.com/gameday-toolkit/gameday/internal/chaostoolkit"
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

// Headline is the verdict in a word: passed, failed, inconclusive, aborted, leaked, not run, skipped.
func (j *Judged) Headline() string { return reports.Build(j.Run, j.Result, j.Findings).Headline() }

// Clean says whether the journal shows that nothing is left. One of which a part could not be read shows nothing.
func Clean(j *Judged) bool {
	return len(j.Run.Outstanding()) == 0 && !j.Run.Damaged()
}

// Model is what every report says.
func (j *Judged) Model() *reports.Model { return reports.Build(j.Run, j.Result, j.Findings) }

// samplesFormat is written only when it is asked for: it is as large as the run was long.
const samplesFormat = "samples"

// chaosToolkitFormat is for the report tools of the Chaos Toolkit, and so only for those who ask.
const chaosToolkitFormat = "chaostoolkit"

// Write makes the reports in dir; no formats means all of them but the samples.
func (j *Judged) Write(dir string, formats []string) error {
	m := j.Model()
	if len(formats) == 0 {
		return reports.WriteAll(dir, m)
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return fmt.Errorf("making the folder of the reports: %w", err)
	}
	var errs []error
	for _, r := range reports.Renderers() {
		if slices.Contains(formats, r.Format) {
			errs = append(errs, r.WriteTo(dir, m))
		}
	}
	if slices.Contains(formats, samplesFormat) {
		errs = append(errs, reports.WriteSamples(dir, j.Run))
	}
	if slices.Contains(formats, chaosToolkitFormat) {
		errs = append(errs, chaostoolkit.WriteJournalIn(dir, j.Run, j.Result))
	}
	return errors.Join(errs...)
}

// Formats are the names of all report formats.
func Formats() (names []string) {
	for _, r := range reports.Renderers() {
		names = append(names, r.Format)
	}
	return append(names, samplesFormat, chaosToolkitFormat)
}
