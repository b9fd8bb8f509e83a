package engine

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/gameday-toolkit/gameday/internal/journal"
	"github.com/gameday-toolkit/gameday/internal/plan"
	"github.com/gameday-toolkit/gameday/plugins/sdk"
)

// The limits of one call. A fault that needs longer to take effect than this is not one that a game day can time.
const (
	prepareTimeout = 30 * time.Second
	injectTimeout  = 2 * time.Minute
	proveTimeout   = 15 * time.Second
)

// prepare captures what is there now, in the plugin; nothing is changed yet.
func (l *loop) prepare(s *step) {
	s.state = preparing
	l.work("preparing "+s.addr, &s.calls, func() func() {
		ctx, cancel := context.WithTimeout(l.steps, prepareTimeout)
		defer cancel()
		h, err := l.prepareCall(ctx, s)
		return func() { l.prepared(s, h, err) }
	})
}

func (l *loop) prepareCall(ctx context.Context, s *step) (sdk.Handle, error) {
	p, err := l.Open(ctx, s.fault.Plugin)
	if err != nil {
		return sdk.Handle{}, err
	}
	h, problems, err := p.Prepare(ctx, s.fault.Type, l.request(s.addr, s.fault.Config, s.fault.Members))
	for _, pr := range problems {
		if err == nil && pr.Severity == sdk.Error {
			err = fmt.Errorf("%s: %s", pr.Summary, pr.Detail)
		}
	}
	return h, err
}

// errSecretUndo: the journal holds no secret, and without its undo on disk nothing is injected.
var errSecretUndo = errors.New("its undo holds the value of a sensitive variable, and the journal must not; do not mark as sensitive what names a target")

// prepared writes the undo to the disk, and only then has the fault injected.
func (l *loop) prepared(s *step, h sdk.Handle, err error) {
	if err != nil {
		l.neverWas(s, fmt.Errorf("preparing %s: %w", s.addr, err))
		return
	}
	if l.abort != nil {
		s.state = failed
		return
	}
	if plan.Mentions(h.Undo, l.Plan.Secrets) {
		l.neverWas(s, fmt.Errorf("preparing %s: %w", s.addr, errSecretUndo))
		return
	}
	if l.recordSync(journal.FaultPrepared, journal.HandleBody{Addr: s.addr, Plugin: s.fault.Plugin, Handle: h}) != nil {
		s.state = failed // the journal has failed, which has ended the run; nothing was touched
		return
	}
	s.handle, s.state = &h, injecting
	l.record(journal.FaultInjecting, journal.StepBody{Addr: s.addr, Handle: h.ID})
	l.inject(s, h)
	l.failed(l.Journal.Sync()) // while the injection is under way: it must not widen the interval of t0
}

func (l *loop) neverWas(s *step, err error) {
	s.state = failed
	l.record(journal.FaultUnproven, journal.StepBody{Addr: s.addr, Err: err.Error()})
	l.end("engine", err.Error())
}

func (l *loop) inject(s *step, h sdk.Handle) {
	l.work("injecting "+s.addr, &s.calls, func() func() {
		ctx, cancel := context.WithTimeout(l.steps, injectTimeout)
		defer cancel()
		p, err := l.Open(ctx, s.fault.Plugin)
		if err == nil {
			err = p.Inject(ctx, h)
		}
		l.step(journal.FaultInjected, journal.StepBody{Addr: s.addr, Handle: h.ID, Err: text(err)})
		if err != nil {
			return func() { l.unproven(s, fmt.Errorf("injecting %s: %w", s.addr, err), "") }
		}
		st, at, err := l.prove(ctx, p, h)
		return func() { l.proven(s, st, at, err) }
	})
}

// prove asks the target, at growing intervals, until it shows the fault. The time is that of the answer.
func (l *loop) prove(ctx context.Context, p Plugin, h sdk.Handle) (st sdk.State, at time.Duration, err error) {
	ctx, cancel := context.WithTimeout(ctx, proveTimeout)
	defer cancel()
	for pause := 2 * time.Millisecond; ; pause = min(2*pause, 250*time.Millisecond) {
		st, err = p.Inspect(ctx, h)
		at = l.now()
		if err == nil && st.Status == sdk.Active {
			return st, at, nil
		}
		t := time.NewTimer(pause)
		select {
		case <-t.C:
		case <-ctx.Done():
			t.Stop()
			if err == nil {
				err = fmt.Errorf("the target does not show the fault (%s: %s)", st.Status, st.Evidence)
			}
			return st, at, err
		}
	}
}

func (l *loop) proven(s *step, st sdk.State, at time.Duration, err error) {
	if err != nil {
		l.unproven(s, fmt.Errorf("proving that %s is active: %w", s.addr, err), st.Evidence)
		return
	}
	s.state, s.activeAt = active, at
	l.recordAt(at, journal.FaultActive, journal.StepBody{Addr: s.addr, Handle: s.handle.ID, Evidence: st.Evidence})
	s.holdEnd = l.base.Add(at + time.Duration(s.fault.Hold))
	s.timer = time.AfterFunc(time.Until(s.holdEnd), func() { l.post(func() { l.release(s, "hold is over") }) })
	l.happen(s)
}

// unproven ends the run: a fault that cannot be proven proves nothing about the service. What it may have done is undone
// with everything else.
func (l *loop) unproven(s *step, err error, evidence string) {
	if s.state != injecting {
		return
	}
	l.record(journal.FaultUnproven, journal.StepBody{Addr: s.addr, Handle: s.handle.ID, Err: err.Error(), Evidence: evidence})
	l.end("engine", err.Error())
}

func text(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}
