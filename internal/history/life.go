package history

import (
	"cmp"
	"encoding/json"
	"slices"

	"github.com/gameday-toolkit/gameday/internal/journal"
)

// handle is one undo on disk and whether it is still needed.
type handle struct {
	Prepared
	action bool
	begun  uint64 // the entry that says that the change is about to be made; 0 where there is none
	done   bool   // proven gone
	stuck  *Step
}

// Outstanding is a change that may still be there.
type Outstanding struct {
	Prepared      // the handle, and where it stands in the journal
	Action   bool // an action with an undo, and not a fault
	// Begun says that the change was about to be made. Without it the run was killed just after the handle was written,
	// and the change may or may not be there: the entry that says so may have been lost with the last second.
	Begun bool
	// Stuck is the last attempt to undo it, where one has failed.
	Stuck *Step
}

// Outstanding lists what is not proven to be gone, newest first: the order in which to undo it.
//
// A handle counts from the moment it is on disk, because the change may follow before the next entry is. Once the run has
// ended its journal is complete, and a handle that was prepared and never begun is then nothing to undo.
func (r *Run) Outstanding() []Outstanding {
	var open []*handle
	for _, h := range r.handles {
		if !h.done && (h.begun != 0 || r.Ended == nil) {
			open = append(open, h)
		}
	}
	slices.SortStableFunc(open, func(a, b *handle) int {
		return cmp.Compare(max(b.Seq, b.begun), max(a.Seq, a.begun))
	})
	out := make([]Outstanding, 0, len(open))
	for _, h := range open {
		out = append(out, Outstanding{Prepared: h.Prepared, Action: h.action, Begun: h.begun != 0, Stuck: h.stuck})
	}
	return out
}

func (f *Fold) faultAt(addr string) *Fault {
	return get(f.faults, &f.run.Faults, addr, func() *Fault { return &Fault{Addr: addr} })
}

func (f *Fold) actionAt(addr string) *Action {
	return get(f.actions, &f.run.Actions, addr, func() *Action { return &Action{Addr: addr} })
}

// life takes an entry in the life of a fault or an action.
func (f *Fold) life(m Mark, e journal.Entry) error {
	switch e.Kind {
	case journal.FaultPrepared, journal.ActionPrepared:
		var b journal.HandleBody
		if err := json.Unmarshal(e.Body, &b); err != nil {
			return err
		}
		f.prepared(Prepared{m, b}, e.Kind == journal.ActionPrepared)
		return nil
	case journal.FaultInjecting, journal.FaultInjected, journal.FaultActive, journal.FaultUnproven, journal.FaultSkipped,
		journal.FaultReverting, journal.FaultReverted, journal.FaultStuck, journal.FaultStillThere,
		journal.ActionStarted, journal.ActionEnded, journal.ActionUndoing, journal.ActionUndone, journal.ActionStuck:
		s := Step{Mark: m}
		if err := json.Unmarshal(e.Body, &s.StepBody); err != nil {
			return err
		}
		f.faultStep(e.Kind, &s)
		f.actionStep(e.Kind, &s)
	}
	return nil
}

func (f *Fold) prepared(p Prepared, action bool) {
	f.run.handles = append(f.run.handles, &handle{Prepared: p, action: action})
	if action {
		f.actionAt(p.Addr).Prepared = &p
	} else {
		f.faultAt(p.Addr).Prepared = &p
	}
}

func (f *Fold) faultStep(kind journal.Kind, s *Step) {
	switch kind {
	case journal.FaultInjecting:
		first(&f.faultAt(s.Addr).Injecting, s)
		f.each(s, false, func(h *handle) { h.begun, h.done = s.Seq, false })
	case journal.FaultInjected:
		f.faultAt(s.Addr).Injected = s
	case journal.FaultActive:
		first(&f.faultAt(s.Addr).Active, s)
	case journal.FaultUnproven:
		f.faultAt(s.Addr).Unproven = s
	case journal.FaultSkipped:
		f.faultAt(s.Addr).Skipped = s
	case journal.FaultStillThere:
		x := f.faultAt(s.Addr)
		x.Inspections = append(x.Inspections, *s)
	case journal.FaultReverting:
		first(&f.faultAt(s.Addr).Reverting, s)
	case journal.FaultReverted:
		f.faultAt(s.Addr).Reverted = s
		f.each(s, false, func(h *handle) { h.done = true })
	case journal.FaultStuck:
		f.faultAt(s.Addr).Stuck = s
		f.each(s, false, func(h *handle) { h.stuck = s })
	}
}

func (f *Fold) actionStep(kind journal.Kind, s *Step) {
	switch kind {
	case journal.ActionStarted:
		first(&f.actionAt(s.Addr).Started, s)
		f.each(s, true, func(h *handle) { h.begun, h.done = s.Seq, false })
	case journal.ActionEnded:
		f.actionAt(s.Addr).Ended = s
	case journal.ActionUndoing:
		first(&f.actionAt(s.Addr).Undoing, s)
	case journal.ActionUndone:
		f.actionAt(s.Addr).Undone = s
		f.each(s, true, func(h *handle) { h.done = true })
	case journal.ActionStuck:
		f.actionAt(s.Addr).Stuck = s
		f.each(s, true, func(h *handle) { h.stuck = s })
	}
}

func first(at **Step, s *Step) {
	if *at == nil {
		*at = s
	}
}

// each calls fn for the handles that a step is about: the one that it names, or all of its address.
func (f *Fold) each(s *Step, action bool, fn func(*handle)) {
	for _, h := range f.run.handles {
		if h.action == action && h.Addr == s.Addr && (s.StepBody.Handle == "" || s.StepBody.Handle == h.HandleBody.Handle.ID) {
			fn(h)
		}
	}
}
