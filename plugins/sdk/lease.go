package sdk

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// How the plugin undoes its faults by itself, when the lease has expired. The rounds go over everything that is still
// there, newest first, so that one fault that will not go does not keep the others in place.
const (
	leaseBudget   = 5 * time.Minute  // for all rounds together
	attemptBudget = 30 * time.Second // for one Revert or Inspect
	injectGrace   = 10 * time.Second // for a cancelled Inject to return
	firstBackoff  = 100 * time.Millisecond
	lastBackoff   = 5 * time.Second
)

// renew extends the lease by its full length.
func (s *Session) renew() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.deadline.IsZero() {
		return outOfOrder("there is no lease to renew: Configure was called without one")
	}
	if s.over() {
		return ErrLeaseExpired
	}
	s.extend(s.settings.Lease)
	s.timer.Reset(s.settings.Lease)
	return nil
}

// extend moves the end of the lease, and tells the plugin. Needs the lock, so that the plugin hears of the ends in order.
func (s *Session) extend(lease time.Duration) {
	s.deadline = time.Now().Add(lease)
	if s.plugin.Leased == nil {
		return
	}
	if err := s.guard("Leased", func() error { s.plugin.Leased(s.deadline); return nil }); err != nil {
		s.log.Printf("telling the plugin of its lease: %v", err)
	}
}

// expire is what the timer calls.
func (s *Session) expire() {
	s.mu.Lock()
	left := time.Until(s.deadline)
	lease := s.settings.Lease
	if left > 0 { // a renewal came in while the timer fired
		s.timer.Reset(left)
	}
	s.mu.Unlock()
	if left <= 0 {
		s.end(context.Background(), fmt.Sprintf("no renewal within %v", lease), ErrLeaseExpired)
	}
}

// end reverts everything that is held, and closes Done. Only the first caller does it.
func (s *Session) end(ctx context.Context, reason string, cause error) {
	if !s.finish(cause) {
		return
	}
	defer close(s.done)
	left := s.outstanding(cause)
	if len(left) == 0 && !errors.Is(cause, ErrLeaseExpired) {
		return // an ordinary stop leaves no record
	}
	rec := s.newRecord()
	defer rec.close()
	rec.add("", fmt.Sprintf("ending with %d faults held: %s", len(left), reason), nil)
	ctx, cancel := context.WithTimeout(ctx, leaseBudget)
	defer cancel()
	left = s.revertRounds(ctx, left, rec)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.left = len(left)
}

// revertRounds tries until nothing is left or the time is out, and returns what is left.
func (s *Session) revertRounds(ctx context.Context, left []*held, rec *record) []*held {
	for backoff := firstBackoff; len(left) > 0; backoff = min(2*backoff, lastBackoff) {
		var still []*held
		for _, e := range left {
			if !s.revertOne(ctx, e, rec) {
				still = append(still, e)
			}
		}
		if left = still; len(left) == 0 {
			break
		}
		select {
		case <-ctx.Done():
			for _, e := range left {
				rec.add(e.handle.ID, "gave up", fmt.Errorf("not proven gone: %w", ctx.Err()))
			}
			return left
		case <-time.After(backoff):
		}
	}
	return nil
}

// revertOne reverts one handle and proves it gone.
func (s *Session) revertOne(ctx context.Context, e *held, rec *record) bool {
	leave := s.enterOrForce(ctx, e, rec)
	defer leave()
	fault, ok := s.plugin.Faults[e.handle.Fault]
	if !ok { // Inject refuses such a handle, so it cannot be held
		return true
	}
	one, cancel := context.WithTimeout(ctx, attemptBudget)
	defer cancel()
	err := s.guard("Revert", func() error { return fault.Revert(one, e.handle) })
	rec.add(e.handle.ID, "revert", err)
	if err != nil {
		return false
	}
	state := State{Status: Unknown}
	err = s.guard("Inspect", func() (err error) { state, err = fault.Inspect(one, e.handle); return err })
	if err == nil && state.Status != Inactive {
		err = fmt.Errorf("still %s: %s", state.Status, state.Evidence)
	}
	rec.add(e.handle.ID, "inspect", err)
	return err == nil
}

// enterOrForce waits for the handle's turn: its Inject was cancelled and gets a moment to return. An Inject that
// ignores that must not keep the fault in place; it dies with the process right after.
func (s *Session) enterOrForce(ctx context.Context, e *held, rec *record) func() {
	wait, cancel := context.WithTimeout(ctx, injectGrace)
	defer cancel()
	_, leave, err := s.enter(wait, e.handle)
	if err != nil {
		rec.add(e.handle.ID, "wait for the call in progress", err)
		return func() {}
	}
	return leave
}

// finish refuses renewals and injections from now on. It says whether this call was the one that ended the session.
func (s *Session) finish(cause error) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.ended {
		return false
	}
	s.ended, s.cause = true, cause
	if s.timer != nil {
		s.timer.Stop()
	}
	return true
}
