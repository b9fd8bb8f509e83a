package history

import (
	"slices"
	"time"

	"github.com/gameday-toolkit/gameday/internal/journal"
	"github.com/gameday-toolkit/gameday/internal/plan"
)

// Ending says how the record of a run came to its end.
type Ending string

// The endings. Only after Complete is it known that nothing else happened.
const (
	Complete  Ending = "complete"  // the run ended, and said so
	Killed    Ending = "killed"    // the journal is sound, and stops before the run ended
	Truncated Ending = "truncated" // the same, in the middle of an entry
	Tampered  Ending = "tampered"  // an entry is not what was written
)

// Ending of the run's record.
func (r *Run) Ending() Ending {
	switch {
	case r.File.Ending == journal.Tampered:
		return Tampered
	case r.Ended != nil:
		return Complete
	case r.File.Ending == journal.Torn:
		return Truncated
	default:
		return Killed
	}
}

// Damaged says whether a part of the record could not be read, now or before it was recovered. What the run did there is
// not known, so that nothing outstanding does not mean that nothing is left.
func (r *Run) Damaged() bool {
	return r.Ending() == Tampered || slices.ContainsFunc(r.Troubles, func(t Trouble) bool { return t.Lost })
}

// Fault finds a fault by its address; nil where there is none.
func (r *Run) Fault(addr string) *Fault {
	return find(r.Faults, func(f *Fault) bool { return f.Addr == addr })
}

// Action finds an action by its address.
func (r *Run) Action(addr string) *Action {
	return find(r.Actions, func(a *Action) bool { return a.Addr == addr })
}

// Probe finds a probe by its address; nil for one that never started.
func (r *Run) Probe(addr string) *Probe {
	return find(r.Probes, func(p *Probe) bool { return p.Addr == addr })
}

// Ratio finds the polls of an SLO.
func (r *Run) Ratio(addr string) *Ratio {
	return find(r.Ratios, func(x *Ratio) bool { return x.Addr == addr })
}

// Ledger finds a ledger by its address.
func (r *Run) Ledger(addr string) *Ledger {
	return find(r.Ledgers, func(l *Ledger) bool { return l.Addr == addr })
}

// Alert finds an alert by its address.
func (r *Run) Alert(addr string) *Alert {
	return find(r.Alerts, func(a *Alert) bool { return a.Addr == addr })
}

// SLO finds an SLO of the plan.
func (r *Run) SLO(addr string) *plan.SLO {
	for i := range r.Plan.SLOs {
		if r.Plan.SLOs[i].Addr == addr {
			return &r.Plan.SLOs[i]
		}
	}
	return nil
}

// Phase finds a phase that the run came to.
func (r *Run) Phase(name journal.PhaseName) (Phase, bool) {
	for _, p := range r.Phases {
		if p.Name == name {
			return p, true
		}
	}
	return Phase{}, false
}

// FirstFault is the fault that was injected first; nil where none was.
func (r *Run) FirstFault() *Fault {
	var first *Fault
	for _, f := range r.Faults {
		if f.Injecting != nil && (first == nil || f.Injecting.Seq < first.Injecting.Seq) {
			first = f
		}
	}
	return first
}

// Touched says whether anything may have been changed: a handle was on disk.
func (r *Run) Touched() bool {
	for _, h := range r.handles {
		if h.begun != 0 || r.Ended == nil {
			return true
		}
	}
	for _, a := range r.Actions {
		if a.Started != nil {
			return true
		}
	}
	return false
}

// RevertBegan is when the first fault began to be taken away; false where none was.
func (r *Run) RevertBegan() (time.Duration, bool) {
	at, ok := time.Duration(0), false
	for _, f := range r.Faults {
		if f.Reverting != nil && (!ok || f.Reverting.At < at) {
			at, ok = f.Reverting.At, true
		}
	}
	return at, ok
}

func find[T any](list []*T, is func(*T) bool) *T {
	for _, v := range list {
		if is(v) {
			return v
		}
	}
	return nil
}
