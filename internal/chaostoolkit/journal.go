package chaostoolkit

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"github.com/gameday-toolkit/gameday/internal/history"
	"github.com/gameday-toolkit/gameday/internal/journal"
	"github.com/gameday-toolkit/gameday/internal/measure"
	"github.com/gameday-toolkit/gameday/internal/plan"
)

// JournalFile is the name that the Chaos Toolkit gives its journal.
const JournalFile = "chaostoolkit.journal.json"

// libVersion is the version of chaostoolkit-lib whose journal has this shape. Its report tools choose a template by it.
const libVersion = "1.42.0"

type (
	record struct {
		Version      string       `json:"chaoslib-version"`
		Platform     string       `json:"platform"`
		Node         string       `json:"node"`
		Experiment   experiment   `json:"experiment"`
		Start        string       `json:"start"`
		Status       string       `json:"status"`
		Deviated     bool         `json:"deviated"`
		SteadyStates steadyStates `json:"steady_states"`
		Run          []activity   `json:"run"`
		Rollbacks    []activity   `json:"rollbacks"`
		End          string       `json:"end"`
		Duration     float64      `json:"duration"`
	}
	experiment struct {
		Version     string     `json:"version"`
		Title       string     `json:"title"`
		Description string     `json:"description"`
		Tags        []string   `json:"tags"`
		Hypothesis  hypothesis `json:"steady-state-hypothesis"`
		Method      []declared `json:"method"`
		Rollbacks   []declared `json:"rollbacks"`
	}
	hypothesis struct {
		Title  string     `json:"title"`
		Probes []declared `json:"probes"`
	}
	declared struct {
		Type      string   `json:"type"`
		Name      string   `json:"name"`
		Tolerance any      `json:"tolerance,omitempty"`
		Provider  provider `json:"provider"`
	}
	provider struct {
		Type      string         `json:"type"`
		Module    string         `json:"module"`
		Func      string         `json:"func"`
		Arguments map[string]any `json:"arguments"`
	}
	steadyStates struct {
		Before *steadyState  `json:"before"`
		After  *steadyState  `json:"after"`
		During []steadyState `json:"during"`
	}
	steadyState struct {
		Met    bool       `json:"steady_state_met"`
		Probes []activity `json:"probes"`
	}
	activity struct {
		Activity  declared `json:"activity"`
		Start     string   `json:"start"`
		Status    string   `json:"status"`
		Output    any      `json:"output"`
		Exception []string `json:"exception,omitempty"`
		End       string   `json:"end"`
		Duration  float64  `json:"duration"`
		Met       *bool    `json:"tolerance_met,omitempty"`
	}
)

// WriteJournal writes a run in the form of the journal of chaostoolkit-lib 1.x, for its report tools. It follows from the
// run alone. Where the Chaos Toolkit asks once, the output of a probe is what it saw over a whole phase.
func WriteJournal(w io.Writer, run *history.Run, res *measure.Result) error {
	x := &exporter{run: run, res: res, plan: run.Plan}
	if x.plan == nil {
		x.plan = &plan.Plan{}
	}
	x.end = run.LastAt
	if run.Ended != nil {
		x.end = run.Ended.At
	}
	e := json.NewEncoder(w)
	e.SetIndent("", "  ")
	if err := e.Encode(x.record()); err != nil {
		return fmt.Errorf("writing the journal of the Chaos Toolkit: %w", err)
	}
	return nil
}

// WriteJournalIn writes the journal into a directory, which it makes where it is missing.
func WriteJournalIn(dir string, run *history.Run, res *measure.Result) (err error) {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return fmt.Errorf("making the folder of the reports: %w", err)
	}
	f, err := os.Create(filepath.Join(dir, JournalFile))
	if err != nil {
		return fmt.Errorf("writing the journal of the Chaos Toolkit: %w", err)
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	return WriteJournal(f, run, res)
}

type exporter struct {
	run  *history.Run
	res  *measure.Result
	plan *plan.Plan
	end  time.Duration
}

func (x *exporter) record() record {
	s := x.plan.Scenario
	title := s.Title
	if title == "" {
		title = s.Name
	}
	r := record{
		Version: libVersion, Platform: x.run.Started.Tool, Node: x.run.Started.Host, Start: x.clock(0), End: x.clock(x.end), Duration: x.end.Seconds(),
		Status: x.status(), Deviated: x.res.Verdict != measure.Pass && x.res.Verdict != measure.Skip,
		Experiment: experiment{Version: "1.0.0", Title: title, Description: s.Hypothesis, Tags: append([]string{}, s.Tags...),
			Hypothesis: hypothesis{Title: s.Hypothesis, Probes: []declared{}}, Method: []declared{}, Rollbacks: []declared{}},
		SteadyStates: steadyStates{During: []steadyState{}}, Run: []activity{}, Rollbacks: []activity{},
	}
	for _, slo := range x.res.SLOs {
		r.Experiment.Hypothesis.Probes = append(r.Experiment.Hypothesis.Probes, x.probe(slo))
	}
	for _, f := range x.run.Faults {
		x.fault(&r, f)
	}
	for _, a := range x.run.Actions {
		x.action(&r, a)
	}
	r.SteadyStates.Before = x.steady(journal.Baseline, measure.Baseline)
	r.SteadyStates.After = x.steady(journal.Recovery, measure.After)
	return r
}

// clock is a moment as Python writes one without a zone, in UTC.
func (x *exporter) clock(at time.Duration) string {
	return x.run.Started.Wall.Add(at).UTC().Format("2006-01-02T15:04:05.000000")
}

// status is one of the four words that the Chaos Toolkit knows.
func (x *exporter) status() string {
	switch {
	case len(x.run.Aborts) > 0 && x.run.Aborts[0].By == "person":
		return "interrupted"
	case len(x.run.Aborts) > 0 || x.run.Ended == nil:
		return "aborted"
	case x.res.Verdict == measure.Leaked || x.res.Exit == measure.ExitUntouched:
		return "failed"
	}
	return "completed"
}

func (x *exporter) probe(s measure.SLOResult) declared {
	return declared{Type: "probe", Name: s.Addr, Tolerance: map[string]any{"type": "range", "range": []float64{s.Target, 100}, "target": "percent"},
		Provider: provider{"python", "gameday", "slo", map[string]any{"slo": s.Addr}}}
}

// steady is what all SLOs saw in a phase; nil for one that the run did not come to.
func (x *exporter) steady(name journal.PhaseName, stretch string) *steadyState {
	ph, ok := x.run.Phase(name)
	if !ok {
		return nil
	}
	st := &steadyState{Met: true, Probes: []activity{}}
	for _, s := range x.res.SLOs {
		p := s.Phases[stretch]
		n := p.Good + p.Bad
		percent := 0.0
		if n > 0 {
			percent = 100 * float64(p.Good) / float64(n)
		}
		met := n > 0 && percent >= s.Target
		st.Met = st.Met && met
		st.Probes = append(st.Probes, activity{Activity: x.probe(s), Start: x.clock(ph.From), End: x.clock(ph.To), Duration: (ph.To - ph.From).Seconds(), Status: "succeeded",
			Output: map[string]any{"percent": percent, "good": p.Good, "bad": p.Bad, "unsent": p.Unsent}, Met: &met})
	}
	return st
}

// fault is an action of the method, and its revert a rollback.
func (x *exporter) fault(r *record, f *history.Fault) {
	d := declared{Type: "action", Name: f.Addr, Provider: provider{"python", "gameday", "fault", map[string]any{}}}
	if f.Plan != nil {
		d.Provider.Module, d.Provider.Func = "gameday."+f.Plan.Plugin, f.Plan.Type
		var targets []string
		for _, t := range f.Plan.Members {
			targets = append(targets, t.Name)
		}
		d.Provider.Arguments["targets"] = targets
	}
	r.Experiment.Method = append(r.Experiment.Method, d)
	if f.Injecting != nil {
		a := x.step(d, f.Injecting, f.Active)
		if f.Active == nil {
			a.Status, a.Exception = "failed", []string{"the fault was not proven active"}
		}
		r.Run = append(r.Run, a)
	}
	back := d
	back.Provider.Func += "_revert"
	r.Experiment.Rollbacks = append(r.Experiment.Rollbacks, back)
	if f.Reverting != nil {
		a := x.step(back, f.Reverting, f.Reverted)
		if f.Reverted == nil {
			a.Status, a.Exception = "failed", []string{"the fault is not proven to be gone"}
		}
		r.Rollbacks = append(r.Rollbacks, a)
	}
}

func (x *exporter) action(r *record, a *history.Action) {
	d := declared{Type: "action", Name: a.Addr, Provider: provider{"python", "gameday", "action", map[string]any{}}}
	if a.Plan != nil {
		d.Provider.Func = a.Plan.Type
	}
	r.Experiment.Method = append(r.Experiment.Method, d)
	if a.Started != nil {
		r.Run = append(r.Run, x.step(d, a.Started, a.Ended))
	}
	if a.Undoing != nil {
		back := d
		back.Provider.Func += "_undo"
		r.Experiment.Rollbacks = append(r.Experiment.Rollbacks, back)
		r.Rollbacks = append(r.Rollbacks, x.step(back, a.Undoing, a.Undone))
	}
}

func (x *exporter) step(d declared, from, to *history.Step) activity {
	a := activity{Activity: d, Start: x.clock(from.At), End: x.clock(x.end), Duration: (x.end - from.At).Seconds(), Status: "failed"}
	if to == nil {
		return a
	}
	a.End, a.Duration, a.Output = x.clock(to.At), (to.At - from.At).Seconds(), to.Evidence
	if to.Err != "" {
		a.Exception = []string{to.Err}
		return a
	}
	a.Status = "succeeded"
	return a
}
