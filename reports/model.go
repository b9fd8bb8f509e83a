package reports

import (
	"time"

	"github.com/gameday-toolkit/gameday/internal/backlog"
	"github.com/gameday-toolkit/gameday/internal/journal"
	"github.com/gameday-toolkit/gameday/internal/measure"
	"github.com/gameday-toolkit/gameday/internal/plan"
	"github.com/gameday-toolkit/gameday/internal/replay"
)

// Model is all that a report says. It is plain data; nothing in it is computed from the clock or the machine that
// renders it.
type Model struct {
	Run      Run
	Plan     *plan.Plan // nil where the journal ended before it
	Result   *measure.Result
	Findings []backlog.Finding
	Phases   []Stretch
	Actions  []Stretch
	Injected []Stretch // faults from the injection to the proof that they are gone
	ByHand   []ByHand  // what is outstanding, newest first
	Entries  []Entry   // who did what when, in the order of the journal
	Journal  Journal
	Replay   *replay.Comparison // nil for a scenario that replays no incident
}

// Run is what the first entry of the journal says, and how long it went on.
type Run struct {
	ID       string        `json:"id"`
	Tool     string        `json:"tool"`
	Started  time.Time     `json:"started"` // the wall-clock time of offset zero
	Length   time.Duration `json:"length"`  // the offset of the last entry
	Seed     int64         `json:"seed"`
	PlanHash string        `json:"plan_hash"`
	Host     string        `json:"host,omitempty"`
	User     string        `json:"user,omitempty"`
	// Source is the directory of the scenario from the top of its repository, where it has one.
	Source   string             `json:"source,omitempty"`
	Approved []journal.Approval `json:"approvals,omitempty"`
}

// Journal says how far the evidence can be trusted.
type Journal struct {
	Entries uint64 `json:"entries"`
	Hash    string `json:"hash"` // of the last entry of the chain
	// End says how the journal ended: "complete", "cut" (no entry says that the run ended) or "damaged".
	End    string `json:"end"`
	Detail string `json:"detail,omitempty"`
}

// How a journal can end.
const (
	Complete = "complete"
	Cut      = "cut"
	Damaged  = "damaged"
)

// Stretch is a phase or an action on the run's clock.
type Stretch struct {
	Addr string        `json:"addr"` // the name of the phase, or the address of the action
	From time.Duration `json:"from"`
	To   time.Duration `json:"to"`
	Open bool          `json:"open,omitempty"` // nothing says that it ended; To is then the end of the journal
	By   string        `json:"by,omitempty"`
	What string        `json:"what,omitempty"` // one line about what it did
	Err  string        `json:"err,omitempty"`
	Seq  uint64        `json:"seq,omitempty"`
}

// ByHand says how a person undoes a change that is not proven to be gone.
type ByHand struct {
	Addr    string   `json:"addr"`
	Targets []string `json:"targets"`
	Err     string   `json:"err,omitempty"`
	Steps   []string `json:"steps"`
}

// Entry is one line of the chronology.
type Entry struct {
	At   time.Duration `json:"at"`
	Seq  uint64        `json:"seq"`
	Kind EntryKind     `json:"kind"`
	Addr string        `json:"addr,omitempty"`
	Who  string        `json:"who"`
	Text string        `json:"text"`
	Bad  bool          `json:"bad,omitempty"` // something went wrong here
	Key  bool          `json:"key,omitempty"` // an event in which the system itself detected the failure, or recovered
}

// EntryKind sorts the chronology.
type EntryKind string

// The kinds of chronology entries.
const (
	KindRun     EntryKind = "run"
	KindPhase   EntryKind = "phase"
	KindCheck   EntryKind = "check"
	KindFault   EntryKind = "fault"
	KindAction  EntryKind = "action"
	KindAlert   EntryKind = "alert"
	KindLedger  EntryKind = "ledger"
	KindEvent   EntryKind = "event"
	KindNote    EntryKind = "note"
	KindGuard   EntryKind = "guard"
	KindAbort   EntryKind = "abort"
	KindTrouble EntryKind = "trouble"
	KindClock   EntryKind = "clock"
)

func (m *Model) plan() *plan.Plan {
	if m.Plan == nil {
		return &plan.Plan{}
	}
	return m.Plan
}

func (m *Model) result() *measure.Result {
	if m.Result == nil {
		return &measure.Result{Verdict: measure.Inconclusive, Exit: 3, Why: "The run was not judged."}
	}
	return m.Result
}

// title is what people call the scenario.
func (m *Model) title() string {
	s := m.plan().Scenario
	switch {
	case s.Title != "":
		return s.Title
	case s.Name != "":
		return s.Name
	}
	return "Run " + m.Run.ID
}

// objective finds the planned block behind a result.
func (m *Model) objective(addr string) plan.Objective {
	for _, o := range m.plan().Objectives {
		if o.Addr == addr {
			return o
		}
	}
	return plan.Objective{Addr: addr}
}

func (m *Model) slo(addr string) (plan.SLO, bool) {
	for _, s := range m.plan().SLOs {
		if s.Addr == addr {
			return s, true
		}
	}
	return plan.SLO{}, false
}
