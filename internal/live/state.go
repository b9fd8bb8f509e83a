package live

import (
	"encoding/json"
	"strings"
	"time"

	"github.com/gameday-toolkit/gameday/internal/history"
	"github.com/gameday-toolkit/gameday/internal/journal"
	"github.com/gameday-toolkit/gameday/internal/plan"
)

// state is what the page shows besides its charts and its chronology: all of it from the journal. Times are milliseconds
// on the run's clock.
type state struct {
	Run      runState    `json:"run"`
	Scenario scenario    `json:"scenario"`
	Phases   []phase     `json:"phases"`
	SLOs     []slo       `json:"slos"`
	Faults   []fault     `json:"faults"`
	Steps    []step      `json:"steps"`
	Guards   []guardRule `json:"guards"`
	Alerts   []alert     `json:"alerts"`
}

// How a run can be.
const (
	running  = "running"
	over     = "over"
	stopped  = "stopped" // its journal ends before the run did, and nobody writes it
	damaged  = "damaged"
	awaiting = "awaiting" // its first entries are not there yet
)

type runState struct {
	ID          string    `json:"id"`
	State       string    `json:"state"`
	Started     time.Time `json:"started"`
	Elapsed     int64     `json:"elapsed"`
	User        string    `json:"user,omitempty"`
	Host        string    `json:"host,omitempty"`
	Abort       string    `json:"abort,omitempty"`   // why it was aborted
	AbortBy     string    `json:"abortBy,omitempty"` // person, guard or engine
	Outstanding []string  `json:"outstanding,omitempty"`
	Detail      string    `json:"detail,omitempty"` // what is wrong with the journal
}

type scenario struct {
	Title       string `json:"title"`
	Name        string `json:"name"`
	Hypothesis  string `json:"hypothesis,omitempty"`
	Service     string `json:"service,omitempty"`
	Owner       string `json:"owner,omitempty"`
	Environment string `json:"environment,omitempty"`
}

// phase is one phase that the run came to; Planned is how long it lasts at most, where that is known.
type phase struct {
	Name    journal.PhaseName `json:"name"`
	From    int64             `json:"from"`
	Planned int64             `json:"planned,omitempty"`
}

type slo struct {
	Addr        string  `json:"addr"`
	Name        string  `json:"name"`
	Description string  `json:"description,omitempty"`
	Target      float64 `json:"target"` // percent
	Window      int64   `json:"window"`
}

type fault struct {
	Addr     string   `json:"addr"`
	Name     string   `json:"name"`
	State    string   `json:"state"`
	Targets  []string `json:"targets,omitempty"`
	From     int64    `json:"from,omitempty"`
	Active   int64    `json:"active,omitempty"`
	Until    int64    `json:"until,omitempty"` // the end of its hold, at the latest
	To       int64    `json:"to,omitempty"`
	Release  string   `json:"release,omitempty"`
	Evidence string   `json:"evidence,omitempty"`
	Err      string   `json:"err,omitempty"`
	ByHand   []string `json:"byHand,omitempty"`
}

// step is one action of the runbook; a manual one that runs waits for a person.
type step struct {
	Addr        string `json:"addr"`
	Name        string `json:"name"`
	Type        string `json:"type"`
	State       string `json:"state"`
	Title       string `json:"title,omitempty"`
	Instruction string `json:"instruction,omitempty"`
	From        int64  `json:"from,omitempty"`
	Until       int64  `json:"until,omitempty"` // when its time is out
	To          int64  `json:"to,omitempty"`
	By          string `json:"by,omitempty"`
	Answer      string `json:"answer,omitempty"`
	Err         string `json:"err,omitempty"`
}

type guardRule struct {
	Addr string `json:"addr"`
	Name string `json:"name"`
	Expr string `json:"expr"`
	For  int64  `json:"for"`
	// Tripped is when it stopped the run.
	Tripped int64 `json:"tripped,omitempty"`
}

type alert struct {
	Addr    string `json:"addr"`
	Name    string `json:"name"`
	Known   bool   `json:"known"`
	Firing  bool   `json:"firing"`
	Since   int64  `json:"since,omitempty"`
	Summary string `json:"summary,omitempty"`
	Err     string `json:"err,omitempty"`
}

func ms(d time.Duration) int64 { return d.Milliseconds() }

// name is an address without its kind and type.
func name(addr string) string { return addr[strings.LastIndex(addr, ".")+1:] }

// newState reads a run as it is now.
func newState(r *history.Run, how string) state {
	s := state{Run: runOf(r, how), Phases: []phase{}, SLOs: []slo{}, Faults: []fault{}, Steps: []step{}, Guards: []guardRule{}, Alerts: []alert{}}
	p := r.Plan
	if p == nil {
		return s
	}
	c := p.Scenario
	s.Scenario = scenario{Title: c.Title, Name: c.Name, Hypothesis: c.Hypothesis, Service: c.Service, Owner: c.Owner, Environment: c.Environment}
	for _, x := range r.Phases {
		s.Phases = append(s.Phases, phase{x.Name, ms(x.From), ms(planned(p, x.Name))})
	}
	for _, x := range p.SLOs {
		s.SLOs = append(s.SLOs, slo{x.Addr, name(x.Addr), x.Description, x.Target, ms(time.Duration(x.Window))})
	}
	for _, x := range r.Faults {
		s.Faults = append(s.Faults, faultOf(x))
	}
	for _, x := range r.Actions {
		s.Steps = append(s.Steps, stepOf(x))
	}
	for _, x := range p.Guards {
		g := guardRule{Addr: x.Addr, Name: name(x.Addr), Expr: x.Expr, For: ms(time.Duration(x.For))}
		for _, t := range r.Guards {
			if t.Addr == x.Addr {
				g.Tripped = ms(t.At)
			}
		}
		s.Guards = append(s.Guards, g)
	}
	for _, x := range r.Alerts {
		s.Alerts = append(s.Alerts, alertOf(x))
	}
	return s
}

func runOf(r *history.Run, how string) runState {
	s := runState{ID: r.Started.Run, State: how, Started: r.Started.Wall, User: r.Started.User, Host: r.Started.Host, Detail: r.File.Detail}
	if len(r.Aborts) > 0 {
		s.Abort, s.AbortBy = r.Aborts[0].Reason, r.Aborts[0].By
	}
	if how != running {
		s.Elapsed = ms(r.LastAt)
		for _, o := range r.Outstanding() {
			s.Outstanding = append(s.Outstanding, o.Addr)
		}
	}
	if r.Ended != nil {
		s.Elapsed = ms(r.Ended.At) // a recovery may have come days later
	}
	return s
}

func planned(p *plan.Plan, name journal.PhaseName) time.Duration {
	switch name {
	case journal.Baseline:
		return time.Duration(p.Scenario.Baseline)
	case journal.Recovery:
		return time.Duration(p.Scenario.Recovery)
	}
	return 0
}

func faultOf(x *history.Fault) fault {
	f := fault{Addr: x.Addr, Name: name(x.Addr), State: "planned"}
	if x.Plan != nil {
		f.Release = x.Plan.Release
		for _, t := range x.Plan.Members {
			f.Targets = append(f.Targets, t.Name)
		}
	}
	if x.Skipped != nil {
		f.State, f.Err = "skipped", x.Skipped.Reason
	}
	if x.Injecting != nil {
		f.State, f.From = "injecting", ms(x.Injecting.At)
	}
	if x.Unproven != nil {
		f.State, f.Err = "not proven", x.Unproven.Err
	}
	if x.Active != nil {
		f.State, f.Active, f.Evidence = "active", ms(x.Active.At), x.Active.Evidence
		if x.Plan != nil {
			f.Until = ms(x.Active.At + time.Duration(x.Plan.Hold))
		}
	}
	if x.Reverting != nil {
		f.State = "reverting"
	}
	if x.Stuck != nil {
		f.State, f.Err, f.ByHand = "stuck", x.Stuck.Err, x.Stuck.Steps
	}
	if x.Reverted != nil {
		f.State, f.To, f.Evidence, f.Err, f.ByHand = "reverted", ms(x.Reverted.At), x.Reverted.Evidence, "", nil
	}
	return f
}

func stepOf(x *history.Action) step {
	s := step{Addr: x.Addr, Name: name(x.Addr), State: "planned"}
	if x.Plan != nil {
		s.Type = x.Plan.Type
		s.Title, s.Instruction = manual(x.Plan)
	}
	if x.Started != nil {
		s.State, s.From = "running", ms(x.Started.At)
		if x.Plan != nil {
			s.Until = ms(x.Started.At + time.Duration(x.Plan.Timeout))
		}
	}
	if x.Ended != nil {
		s.State, s.To, s.By, s.Answer = "done", ms(x.Ended.At), x.Ended.By, x.Ended.Evidence
		if x.Ended.Err != "" {
			s.State, s.Err = "failed", x.Ended.Err
		}
	}
	if x.Undone != nil {
		s.State = "undone"
	}
	if x.Stuck != nil && x.Undone == nil {
		s.State, s.Err = "stuck", x.Stuck.Err
	}
	return s
}

// manual reads what a person is to do. A sensitive value in it is a reference in the journal, and stays hidden.
func manual(a *plan.Action) (title, instruction string) {
	if a.Plugin != "" || a.Type != "manual" {
		return "", ""
	}
	var c struct{ Title, Instruction string }
	if err := json.Unmarshal(a.Config, &c); err != nil {
		return "", ""
	}
	return shown(c.Title), shown(c.Instruction)
}

func shown(s string) string {
	if strings.HasPrefix(s, "\x00") {
		return "(sensitive)"
	}
	return s
}

func alertOf(x *history.Alert) alert {
	a := alert{Addr: x.Addr, Name: name(x.Addr)}
	if n := len(x.States); n > 0 {
		last := x.States[n-1]
		a.Known, a.Firing, a.Since, a.Summary, a.Err = last.Err == "", last.Firing, ms(last.At), last.Summary, last.Err
	}
	return a
}
