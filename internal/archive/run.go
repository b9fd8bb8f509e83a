package archive

import (
	"cmp"
	"encoding/hex"
	"slices"
	"time"

	"github.com/gameday-toolkit/gameday/internal/backlog"
	"github.com/gameday-toolkit/gameday/internal/history"
	"github.com/gameday-toolkit/gameday/internal/measure"
)

// Run is what is kept of one run: what it was judged to be, and where its journal is. The samples stay in the journal.
type Run struct {
	ID          string           `json:"id"`
	Scenario    string           `json:"scenario"`
	Title       string           `json:"title,omitempty"`
	Service     string           `json:"service,omitempty"`
	Tier        string           `json:"tier,omitempty"`
	Owner       string           `json:"owner,omitempty"`
	Environment string           `json:"environment"`
	Tags        []string         `json:"tags,omitempty"`
	Started     time.Time        `json:"started"`
	Took        time.Duration    `json:"took"`
	Verdict     measure.Verdict  `json:"verdict"`
	Exit        int              `json:"exit"`
	Why         string           `json:"why"`
	Figures     []Figure         `json:"figures"`
	Evidence    backlog.Evidence `json:"evidence"`
	PlanHash    string           `json:"plan_hash"`
	JournalHash string           `json:"journal_hash,omitempty"`
	Tool        string           `json:"tool,omitempty"`
	Host        string           `json:"host,omitempty"`
	User        string           `json:"user,omitempty"`
	Dir         string           `json:"dir,omitempty"`    // of the run, on that host
	Commit      string           `json:"commit,omitempty"` // of the scenario's repository
	Label       string           `json:"label,omitempty"`  // what the gate was told to call it
}

// Figure is one measured figure with its error. The truth lies in [Lo, Hi]; of one that is Censored only Lo is known. Less is
// better for all of them.
type Figure struct {
	Name     string  `json:"name"` // the address of the objective, SLO or ledger
	Kind     string  `json:"kind"` // rto, rpo, within, max_downtime, max_budget; downtime, budget, failback, loss
	Unit     string  `json:"unit"` // "s" or "%"
	Lo       float64 `json:"lo"`
	Hi       float64 `json:"hi"`
	Censored bool    `json:"censored,omitempty"`
	Value    string  `json:"value"` // for people, with its error
	// Of an objective.
	Limit   float64         `json:"limit,omitempty"`
	Allowed string          `json:"allowed,omitempty"` // the limit, for people
	Verdict measure.Verdict `json:"verdict"`
}

// The kinds of figures that are not those of an objective.
const (
	KindDowntime = "downtime" // of an SLO
	KindBudget   = "budget"   // of an SLO
	KindFailback = "failback" // of an SLO
	KindLoss     = "loss"     // of a ledger
)

// IsObjective says whether the figure is that of an objective, which has a limit.
func (f Figure) IsObjective() bool { return f.Allowed != "" }

// Of makes the record of a judged run.
func Of(run *history.Run, result *measure.Result, findings []backlog.Finding, dir string) Run {
	s := run.Started
	r := Run{
		ID: s.Run, Started: s.Wall.UTC(), Took: run.LastAt, Verdict: result.Verdict, Exit: result.Exit, Why: result.Why,
		PlanHash: s.PlanHash, JournalHash: hex.EncodeToString(run.File.Head[:]), Tool: s.Tool, Host: s.Host, User: s.User, Dir: dir,
		Figures: []Figure{}, Evidence: backlog.EvidenceOf(run, result, findings),
	}
	if run.Plan == nil {
		return r
	}
	sc := run.Plan.Scenario
	r.Scenario, r.Title, r.Service, r.Tier, r.Owner, r.Environment, r.Tags = sc.Name, sc.Title, sc.Service, sc.Tier, sc.Owner, sc.Environment, sc.Tags
	r.Figures = figures(run, result)
	return r
}

func figures(run *history.Run, result *measure.Result) []Figure {
	out := []Figure{}
	for i, o := range result.Objectives {
		if f, ok := ofObjective(o, backlog.Limit(run.Plan.Objectives[i])); ok {
			out = append(out, f)
		}
	}
	if run.FirstFault() == nil {
		return out // zero downtime without a fault says nothing
	}
	for _, s := range result.SLOs {
		out = append(out, timed(s.Addr, KindDowntime, s.Downtime))
		out = append(out, share(s.Addr, KindBudget, s.BudgetSpent, s.Downtime))
		if s.Failback != nil {
			out = append(out, timed(s.Addr, KindFailback, *s.Failback))
		}
	}
	for _, l := range result.Ledgers {
		if l.Err == "" {
			out = append(out, timed(l.Addr, KindLoss, l.RPO))
		}
	}
	return out
}

// ofObjective gives the figure of an objective; false where nothing was measured.
func ofObjective(o measure.ObjectiveResult, limit float64) (Figure, bool) {
	if o.Time == nil {
		return Figure{}, false
	}
	f := timed(o.Addr, o.Kind, *o.Time)
	if o.Percent != nil {
		f = share(o.Addr, o.Kind, *o.Percent, *o.Time)
	}
	f.Value, f.Allowed, f.Limit, f.Verdict = cmp.Or(o.Value, f.Value), o.Limit, limit, o.Verdict
	return f, true
}

func timed(name, kind string, i measure.Interval) Figure {
	return Figure{Name: name, Kind: kind, Unit: "s", Lo: i.Lo.Seconds(), Hi: i.Hi.Seconds(), Censored: i.Censored, Value: i.String()}
}

// share is a percentage of the error budget. It is in proportion to the downtime, and so is its error.
func share(name, kind string, percent float64, down measure.Interval) Figure {
	f := Figure{Name: name, Kind: kind, Unit: "%", Hi: percent, Censored: down.Censored, Value: measure.Percent(percent)}
	if down.Hi > 0 {
		f.Lo = percent * float64(down.Lo) / float64(down.Hi)
	}
	if down.Censored {
		f.Lo = percent
	}
	return f
}

// Figure finds a figure; nil where it was not measured.
func (r *Run) Figure(name, kind string) *Figure {
	i := slices.IndexFunc(r.Figures, func(f Figure) bool { return f.Name == name && f.Kind == kind })
	if i < 0 {
		return nil
	}
	return &r.Figures[i]
}
