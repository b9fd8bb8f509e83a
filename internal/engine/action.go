package engine

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/gameday-toolkit/gameday/internal/journal"
	"github.com/gameday-toolkit/gameday/internal/plan"
	"github.com/gameday-toolkit/gameday/internal/undo"
	"github.com/gameday-toolkit/gameday/plugins/sdk"
)

// act starts an action. One that has an undo has it on disk first, as a fault has.
func (l *loop) act(s *step) {
	a := s.action
	if len(a.Undo) > 0 {
		h := sdk.Handle{
			ID: a.Addr, Run: l.Started.Run, Plugin: a.Plugin, Fault: a.Type, Targets: a.Members, Undo: a.Undo,
			Steps: []string{fmt.Sprintf("run the %s action by hand with %s", a.Type, a.Undo)},
		}
		if l.recordSync(journal.ActionPrepared, journal.HandleBody{Addr: s.addr, Plugin: a.Plugin, Handle: h}) != nil {
			s.state = failed
			return
		}
		s.handle = &h
	}
	s.state = running
	l.record(journal.ActionStarted, journal.StepBody{Addr: s.addr})
	l.work(s.addr, &s.calls, func() func() {
		ctx, cancel := context.WithTimeout(l.steps, time.Duration(a.Timeout))
		defer cancel()
		said, err := l.carryOut(ctx, *a, a.Config)
		at := l.now()
		return func() { l.acted(s, said, at, err) }
	})
}

// carryOut runs an action of the core or of a plugin with a given configuration: its own, or that of its undo.
func (l *loop) carryOut(ctx context.Context, a plan.Action, config json.RawMessage) (Said, error) {
	if a.Plugin == "" {
		return l.Act(ctx, a, plan.Reveal(config, l.Plan.Secrets))
	}
	p, err := l.Open(ctx, a.Plugin)
	if err != nil {
		return Said{}, err
	}
	what, err := p.Run(ctx, a.Type, l.request(a.Addr, config, a.Members))
	return Said{What: what}, err
}

// acted notes the end of an action. A runbook step that fails is part of the truth that the run is after: the run goes
// on, and what waited for the step is not started.
func (l *loop) acted(s *step, said Said, at time.Duration, err error) {
	l.recordAt(at, journal.ActionEnded, journal.StepBody{Addr: s.addr, Evidence: said.What, By: said.By, Err: text(err)})
	if err != nil {
		s.state = failed
		l.strand(s)
		return
	}
	s.state = ended
	l.happen(s)
}

// undoItem is what takes a step back.
func (l *loop) undoItem(s *step, reason string) undo.Item {
	it := undo.Item{Addr: s.addr, Handle: *s.handle, Reason: reason, Action: s.action != nil}
	if s.action == nil {
		it.Open = func(ctx context.Context) (undo.Reverter, error) { return l.Open(ctx, s.fault.Plugin) }
		return it
	}
	a := *s.action
	r := &undo.ActionUndo{Run: func(ctx context.Context, h sdk.Handle) (string, error) {
		said, err := l.carryOut(ctx, a, h.Undo)
		return said.What, err
	}}
	it.Open = func(context.Context) (undo.Reverter, error) { return r, nil }
	return it
}
