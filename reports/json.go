package reports

import (
	_ "embed"
	"encoding/json"
	"fmt"
	"io"
	"math"

	"github.com/gameday-toolkit/gameday/internal/backlog"
	"github.com/gameday-toolkit/gameday/internal/measure"
	"github.com/gameday-toolkit/gameday/internal/plan"
	"github.com/gameday-toolkit/gameday/internal/replay"
)

// SchemaID names the published schema, and the version of the format.
const SchemaID = "https://github.com/gameday-toolkit/gameday/reports/report.schema.json"

// FormatVersion is raised when a reader of report.json would have to change.
const FormatVersion = 1

//go:embed report.schema.json
var schema []byte

// Schema is the JSON schema (draft 2020-12) that every report.json meets.
func Schema() []byte { return append([]byte(nil), schema...) }

// document is report.json. All times are nanoseconds on the run's clock.
type document struct {
	Schema   string             `json:"$schema"`
	Format   int                `json:"format"`
	Run      Run                `json:"run"`
	Journal  Journal            `json:"journal"`
	Scenario plan.Scenario      `json:"scenario"`
	Plugins  []pluginFact       `json:"plugins"`
	Files    []plan.File        `json:"files"`
	Warnings []plan.Notice      `json:"warnings"`
	Headline string             `json:"headline"` // the verdict in a word: passed, failed, inconclusive, aborted, leaked, not run, skipped
	Result   measure.Result     `json:"result"`
	ByHand   []ByHand           `json:"by_hand"`
	Findings []backlog.Finding  `json:"findings"`
	Timeline timelineDoc        `json:"timeline"`
	Replay   *replay.Comparison `json:"replay,omitempty"`
}

type pluginFact struct {
	Name    string `json:"name"`
	Version string `json:"version,omitempty"`
	SHA256  string `json:"sha256,omitempty"`
}

type timelineDoc struct {
	Phases  []Stretch `json:"phases"`
	Faults  []Stretch `json:"faults"`
	Actions []Stretch `json:"actions"`
	Entries []Entry   `json:"entries"`
}

// JSON writes everything that the report knows, for programs. It meets the published schema.
func JSON(w io.Writer, m *Model) error {
	p := m.plan()
	doc := document{
		Schema: SchemaID, Format: FormatVersion, Run: m.Run, Journal: m.Journal, Scenario: p.Scenario, Plugins: []pluginFact{}, Files: list(p.Files),
		Warnings: list(p.Warnings), Headline: headlineKey(m.headline()), Result: presentable(m.result()), ByHand: list(m.ByHand), Findings: make([]backlog.Finding, 0, len(m.Findings)),
		Timeline: timelineDoc{Phases: list(m.Phases), Faults: list(m.Injected), Actions: list(m.Actions), Entries: list(m.Entries)}, Replay: m.Replay,
	}
	for _, f := range m.Findings {
		f.Entries = list(f.Entries)
		doc.Findings = append(doc.Findings, f)
	}
	for _, x := range p.Plugins {
		doc.Plugins = append(doc.Plugins, pluginFact{x.Key(), x.Found, x.SHA256})
	}
	e := json.NewEncoder(w)
	e.SetIndent("", " ")
	if err := e.Encode(doc); err != nil {
		return fmt.Errorf("writing the report as JSON: %w", err)
	}
	return nil
}

// presentable makes a copy in which no list is null and every number is one that JSON can say.
func presentable(in *measure.Result) measure.Result {
	r := *in
	r.Assumption, r.SLOs, r.Probes = list(r.Assumption), append([]measure.SLOResult{}, r.SLOs...), list(r.Probes)
	r.Objectives, r.Faults = append([]measure.ObjectiveResult{}, r.Objectives...), append([]measure.FaultResult{}, r.Faults...)
	for i := range r.SLOs {
		r.SLOs[i].BudgetSpent = finite(r.SLOs[i].BudgetSpent)
	}
	for i := range r.Objectives {
		o := &r.Objectives[i]
		o.Entries = list(o.Entries)
		if o.Percent != nil {
			v := finite(*o.Percent)
			o.Percent = &v
		}
	}
	for i := range r.Faults {
		r.Faults[i].Entries, r.Faults[i].Targets = list(r.Faults[i].Entries), list(r.Faults[i].Targets)
	}
	return r
}

// finite replaces what JSON has no word for: a budget of nothing is overspent without bound.
func finite(v float64) float64 {
	switch {
	case math.IsNaN(v):
		return 0
	case math.IsInf(v, 0):
		return math.Copysign(math.MaxFloat64, v)
	}
	return v
}

func list[T any](in []T) []T {
	if in == nil {
		return []T{}
	}
	return in
}
