package backlog

import (
	"slices"
	"strings"
	"time"

	"github.com/gameday-toolkit/gameday/internal/history"
	"github.com/gameday-toolkit/gameday/internal/measure"
	"github.com/gameday-toolkit/gameday/internal/plan"
)

// Evidence is what one run says about the backlog: what it found, and what it could have found and did not. What was found
// is there, whatever the run's verdict. That something was not found proves only then that it is gone when the run was
// able to find it.
type Evidence struct {
	Run        string     `json:"run"`
	Scenario   string     `json:"scenario"`
	At         time.Time  `json:"at"` // its beginning: what was decided later was decided about something newer
	Findings   []Finding  `json:"findings,omitempty"`
	Conclusive bool       `json:"conclusive"` // it passed or failed, and was not aborted
	Sound      bool       `json:"sound"`      // that, and every assumption held
	Judged     []Judgment `json:"judged,omitempty"`
	Subjects   []string   `json:"subjects,omitempty"` // what else its plan held, and could be looked at
}

// Judgment is the verdict on one objective.
type Judgment struct {
	Objective string          `json:"objective"`
	Verdict   measure.Verdict `json:"verdict"`
	Limit     float64         `json:"limit"`   // in seconds, or percent for max_budget
	Allowed   string          `json:"allowed"` // the limit, for people
}

// EvidenceOf gathers the evidence of a judged run.
func EvidenceOf(run *history.Run, result *measure.Result, findings []Finding) Evidence {
	e := Evidence{Run: run.Started.Run, At: run.Started.Wall.UTC(), Findings: findings}
	if run.Plan == nil {
		return e
	}
	e.Scenario = run.Plan.Scenario.Name
	for i, o := range result.Objectives {
		e.Judged = append(e.Judged, Judgment{o.Addr, o.Verdict, Limit(run.Plan.Objectives[i]), o.Limit})
	}
	e.Conclusive = result.Exit == measure.ExitPass || result.Exit == measure.ExitFail
	e.Sound = e.Conclusive && !slices.ContainsFunc(result.Assumption, func(a measure.Assumption) bool { return !a.OK })
	unread := func(addr string) bool {
		return slices.ContainsFunc(result.Ledgers, func(l measure.LedgerResult) bool { return l.Addr == addr && l.Err != "" })
	}
	e.Subjects = slices.DeleteFunc(subjects(run.Plan), unread)
	return e
}

// Limit is the figure of an objective: seconds, or percent.
func Limit(o plan.Objective) float64 {
	for _, d := range []*plan.Duration{o.RTO, o.RPO, o.Within, o.MaxDowntime} {
		if d != nil {
			return time.Duration(*d).Seconds()
		}
	}
	if o.MaxBudget != nil {
		return *o.MaxBudget
	}
	return 0
}

// subjects are the addresses of a plan that a finding may be about, besides the objectives.
func subjects(p *plan.Plan) (out []string) {
	for _, b := range p.Probes {
		out = append(out, b.Addr)
	}
	for _, b := range p.SLOs {
		out = append(out, b.Addr)
	}
	for _, b := range p.Ledgers {
		out = append(out, b.Addr)
	}
	for _, b := range p.Alerts {
		out = append(out, b.Addr)
	}
	for _, b := range p.Faults {
		out = append(out, b.Addr)
	}
	for _, b := range p.Actions {
		out = append(out, b.Addr)
	}
	for _, b := range p.Guards {
		out = append(out, b.Addr)
	}
	return out
}

// found gives the finding with a fingerprint; nil where the run did not show it.
func (e Evidence) found(fingerprint string) *Finding {
	for i := range e.Findings {
		if e.Findings[i].Fingerprint == fingerprint {
			return &e.Findings[i]
		}
	}
	return nil
}

// judged gives the verdict on an objective; nil where the run had none of that name.
func (e Evidence) judged(objective string) *Judgment {
	for i := range e.Judged {
		if e.Judged[i].Objective == objective {
			return &e.Judged[i]
		}
	}
	return nil
}

// gone says whether the run proves that what was once found is there no more; one that is not conclusive proves nothing.
// What is about an objective is gone when that objective passed; that it could not be judged is gone when it was. All else
// needs a run whose assumptions held and that had the same subject, or one whose subject the system itself had named.
func (e Evidence) gone(f Finding) bool {
	if !e.Conclusive || e.found(f.Fingerprint) != nil || e.Scenario != f.Scenario {
		return false
	}
	if isObjective(f.Subject) {
		j := e.judged(f.Subject)
		switch {
		case j == nil:
			return false
		case f.Rule == ruleUnjudged:
			return j.Verdict == measure.Pass || j.Verdict == measure.Fail
		}
		return j.Verdict == measure.Pass
	}
	return e.Sound && (slices.Contains(e.Subjects, f.Subject) || f.Rule == ruleNoticed)
}

// The rules whose findings are gone by rules of their own.
const (
	ruleUnjudged = "GD021" // its subject is an objective that could not be judged
	ruleNoticed  = "GD015" // its subject is in no plan: the system named it
)

// isObjective looks at an address: objective.NAME, or that within experiments.
func isObjective(addr string) bool {
	return strings.HasPrefix(addr, "objective.") || strings.Contains(addr, ".objective.")
}
