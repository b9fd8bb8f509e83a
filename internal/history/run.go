package history

import (
	"time"

	"github.com/gameday-toolkit/gameday/internal/journal"
	"github.com/gameday-toolkit/gameday/internal/plan"
	"github.com/gameday-toolkit/gameday/internal/record"
	"github.com/gameday-toolkit/gameday/internal/sample"
)

// Run is all that a journal says. Everything that came from an entry carries its sequence number, so that whatever is
// concluded can name its evidence. Lists are in the order of the plan, or of the journal where the plan has none.
type Run struct {
	Started Started
	Plan    *plan.Plan // nil in a journal that ends before its second entry
	PlanSeq uint64

	Phases  []Phase
	Checks  []Check
	Probes  []*Probe
	Ratios  []*Ratio
	Faults  []*Fault
	Actions []*Action
	Ledgers []*Ledger
	Alerts  []*Alert

	Events   []Event
	Notes    []Note
	Guards   []Guard
	Aborts   []Abort
	Clock    []ClockStep
	Troubles []Trouble
	Ended    *Ended // the run.ended entry
	// Recovered is the last recovered entry, of a `gameday recover` that came after the run.
	Recovered *Ended

	LastSeq uint64
	LastAt  time.Duration
	// File says how the journal's file ends. It is whole for a run that is still being folded.
	File journal.End

	handles []*handle
}

// Mark is where in the journal something stands.
type Mark struct {
	Seq uint64
	At  time.Duration
}

// What follows are the bodies of entries with their places.
type (
	// Started is the first entry.
	Started struct {
		Mark
		journal.Started
	}
	// Check is one preflight check.
	Check struct {
		Mark
		journal.CheckBody
	}
	// Event is what the system noticed by itself. Its own time is in At of the body.
	Event struct {
		Mark
		journal.EventBody
	}
	// Note is a remark by a person.
	Note struct {
		Mark
		journal.NoteBody
	}
	// Guard is a guard that tripped.
	Guard struct {
		Mark
		journal.GuardBody
	}
	// Abort is what stopped the run.
	Abort struct {
		Mark
		journal.AbortBody
	}
	// ClockStep is a step of the wall clock.
	ClockStep struct {
		Mark
		journal.ClockBody
	}
	// Trouble is a failure of ours.
	Trouble struct {
		Mark
		journal.TroubleBody
	}
	// Ended closes a run.
	Ended struct {
		Mark
		journal.EndedBody
	}
	// Step is one step in the life of a fault or an action.
	Step struct {
		Mark
		journal.StepBody
	}
	// State is one state of an alert.
	State struct {
		Mark
		journal.AlertBody
	}
	// Poll is one poll of a ratio.
	Poll struct {
		Mark
		journal.PointBody
	}
	// ReadBack is one read-back of a ledger. Present and Duplicated hold encoded sequence numbers: see record.Seqs.
	ReadBack struct {
		Mark
		journal.ReadBackBody
	}
)

// Phase is one phase; To is where the next one begins, or the last entry.
type Phase struct {
	Name     journal.PhaseName
	Seq      uint64
	From, To time.Duration
}

// Probe is what one probe saw.
type Probe struct {
	Mark // of its probe.started
	journal.ProbeBody
	Series  sample.Series
	Details map[string]string // one example of each class of error
	// First and Last are the entries that hold its samples; zero where there are none.
	First, Last uint64
	held        []held
}

// held says which samples an entry holds.
type held struct{ entry, first, last uint64 }

// EntriesOf names the entries that may hold sample k: one, or a few, because samples end in another order than they began.
func (p *Probe) EntriesOf(k uint64) []uint64 {
	var found []uint64
	for _, b := range p.held {
		if b.first <= k && k <= b.last {
			found = append(found, b.entry)
		}
	}
	return found
}

// Ratio is what the polls of one Prometheus pair saw.
type Ratio struct {
	Addr  string // of the SLO
	Polls []Poll
}

// Ledger is what became of the records of one ledger.
type Ledger struct {
	Addr      string
	Records   []record.Record // in the order of the journal
	ReadBacks []ReadBack
	// First and Last are the entries that hold its records; zero where there are none.
	First, Last uint64
}

// Alert is the states that an alert went through.
type Alert struct {
	Addr   string
	States []State
}

// Fault is the life of one fault. A step that was not taken is nil. Injecting, Active and Reverting are the first of
// their kind, and the others the last, so that a revert that was repeated by `gameday recover` counts from when it began
// and by how it ended.
type Fault struct {
	Addr        string
	Plan        *plan.Fault // nil for a fault that is not in the plan
	Prepared    *Prepared
	Injecting   *Step
	Injected    *Step
	Active      *Step
	Unproven    *Step
	Skipped     *Step
	Reverting   *Step
	Reverted    *Step
	Stuck       *Step
	Inspections []Step
}

// Prepared is a handle on disk.
type Prepared struct {
	Mark
	journal.HandleBody
}

// Action is the life of one action.
type Action struct {
	Addr     string
	Plan     *plan.Action // nil for an action that is not in the plan
	Prepared *Prepared
	Started  *Step
	Ended    *Step
	Undoing  *Step
	Undone   *Step
	Stuck    *Step
}
