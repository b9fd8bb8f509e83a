package engine

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/gameday-toolkit/gameday/internal/journal"
	"github.com/gameday-toolkit/gameday/internal/undo"
)

// ErrNotStarted wraps the reason why nothing was touched: a failed preflight.
var ErrNotStarted = errors.New("preflight failed")

// Run carries out the plan and returns when everything that was started has ended and everything that was changed has
// been put back, or is listed as outstanding in the journal. What came of it is in the journal; the error is for a journal
// that could not be written, or wraps ErrNotStarted. Cancelling the context does not skip a revert: use Config.Stop.
func Run(ctx context.Context, c Config) error {
	l := newLoop(context.WithoutCancel(ctx), c)
	defer close(l.closed)
	if err := l.start(); err != nil {
		return err
	}
	err := l.preflight()
	if err == nil {
		l.baseline()
		l.observe()
		l.putBack()
		l.recovery()
	}
	l.finish()
	return errors.Join(err, l.broken)
}

func newLoop(ctx context.Context, c Config) *loop {
	l := &loop{
		Config: c, base: time.Now(), events: make(chan func(), 256), closed: make(chan struct{}),
		watch: newWatch(c.Plan), timeline: timeline(c.Plan), readStage: map[string]bool{},
	}
	l.clock.wall = l.base.Round(0)
	l.sources, l.stopSources = context.WithCancel(ctx)
	l.ledgers, l.stopLedgers = context.WithCancel(ctx)
	l.steps, l.stopNow = context.WithCancel(ctx)
	for _, g := range c.Guards {
		l.guards = append(l.guards, &guardState{Guard: g})
	}
	return l
}

// start writes the two entries that everything else refers to. Until they are on disk nothing else happens.
func (l *loop) start() error {
	l.Started.Wall = l.base.Round(0)
	for _, e := range []struct {
		kind journal.Kind
		body any
	}{{journal.RunStarted, l.Started}, {journal.PlanKind, l.Plan}} {
		if err := l.recordSync(e.kind, e.body); err != nil {
			return fmt.Errorf("starting the journal: %w", err)
		}
	}
	return nil
}

func (l *loop) enter(p journal.PhaseName) {
	l.phase = p
	l.record(journal.Phase, journal.PhaseBody{Name: p})
}

// putBack reverts whatever is not reverted yet: first the faults, then the actions, each newest first. Actions come last
// because a runbook's undo (a failback) needs the world that the faults have taken away.
func (l *loop) putBack() {
	l.stopTimers()
	l.settle()
	items := l.outstanding(false)
	items = append(items, l.outstanding(true)...)
	if len(items) == 0 {
		return
	}
	l.enter(journal.Reverting)
	reverts := 0
	l.work("reverting", &reverts, func() func() {
		left := undo.All(l.steps, items, l.step, l.Undo)
		return func() { l.reverted(items, left) }
	})
	l.pumpThrough(func() bool { return reverts == 0 }, time.Time{})
}

// settle waits for calls in progress, which the abort has cancelled; a revert that is under way is waited for however
// long its limits allow. A call that does not return is left behind: the revert comes next in any case.
func (l *loop) settle() {
	l.pumpThrough(func() bool { return !l.some(func(s *step) bool { return s.calls > 0 }) }, time.Now().Add(settleTime))
	l.pumpThrough(func() bool { return !l.some(func(s *step) bool { return s.state == reverting }) }, time.Time{})
}

// settleTime is what a cancelled call has to return.
const settleTime = 5 * time.Second

func (l *loop) some(is func(*step) bool) bool { return slices.ContainsFunc(l.timeline, is) }

// outstanding lists faults or actions that may have left something, newest first.
func (l *loop) outstanding(actions bool) (items []undo.Item) {
	reason := "the run is over"
	if l.abort != nil {
		reason = "aborted: " + l.abort.Reason
	}
	for i := len(l.timeline) - 1; i >= 0; i-- {
		s := l.timeline[i]
		if s.handle != nil && s.state != reverted && s.state != stuck && (s.action != nil) == actions {
			items = append(items, l.undoItem(s, reason))
		}
	}
	return items
}

// finish ends every source, waits for all workers and closes the run.
func (l *loop) finish() {
	l.stopLedgers()
	l.stopSources()
	l.stopNow()
	l.pumpThrough(func() bool { return l.workers == 0 }, time.Now().Add(30*time.Second))
	var left []string
	for _, s := range l.timeline {
		if s.handle != nil && s.state != reverted {
			left = append(left, s.addr)
		}
	}
	l.enter(journal.Reporting)
	reason := "the plan was carried out"
	if l.abort != nil {
		reason = "aborted: " + l.abort.Reason
	}
	_ = l.recordSync(journal.RunEnded, journal.EndedBody{Reason: reason, Outstanding: left}) // a failure is in l.broken
}
