package sdk

import (
	"context"
	"slices"
)

// maxHeld bounds the faults that one plugin answers for at a time.
const maxHeld = 10_000

// held is one handle that this process answers for, or whose call is under way.
type held struct {
	handle Handle
	// turn holds one token: calls for one handle never run concurrently, even after an answer was lost.
	turn chan struct{}
	// users counts the calls that have this entry, waiting or running.
	users int
	// order is when the handle was first injected; zero if this process never did.
	order uint64
	// reverted is set by a successful Revert, and ends the holding once Inspect has seen the fault gone.
	reverted bool
	// cancel stops the injection in progress, if any.
	cancel context.CancelCauseFunc
}

// enter takes the handle's turn. The returned function gives it back. Both are safe after the session has ended.
func (s *Session) enter(ctx context.Context, h Handle) (*held, func(), error) {
	s.mu.Lock()
	e := s.held[h.ID]
	if e == nil {
		e = &held{handle: h, turn: make(chan struct{}, 1)}
		s.held[h.ID] = e
	}
	e.users++
	s.mu.Unlock()

	select {
	case e.turn <- struct{}{}:
		if ctx.Err() != nil { // both were ready: a call that was given up must not begin after the revert that followed it
			<-e.turn
			s.drop(e)
			return nil, nil, context.Cause(ctx)
		}
		return e, func() { <-e.turn; s.drop(e) }, nil
	case <-ctx.Done():
		s.drop(e)
		return nil, nil, context.Cause(ctx)
	}
}

// drop forgets an entry that nobody uses and that holds no fault.
func (s *Session) drop(e *held) {
	s.mu.Lock()
	defer s.mu.Unlock()
	e.users--
	if e.users == 0 && e.order == 0 {
		delete(s.held, e.handle.ID)
	}
}

// hold makes the session answer for the handle, from before the injection begins.
func (s *Session) hold(e *held, cancel context.CancelCauseFunc) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.over():
		return ErrLeaseExpired
	case s.settings.Lease <= 0:
		return outOfOrder("Inject needs a lease, and Configure was called without one")
	case len(s.held) > maxHeld:
		return outOfOrder("this plugin already holds %d faults, which is the most it may", maxHeld)
	}
	s.order++
	e.order, e.reverted, e.cancel = s.order, false, cancel
	return nil
}

// interrupt cancels the injection of the handle, if one is in progress, so that a Revert need not wait for it.
func (s *Session) interrupt(id string, cause error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if e := s.held[id]; e != nil && e.cancel != nil {
		e.cancel(cause)
	}
}

// injected notes that no injection is in progress any more.
func (s *Session) injected(e *held) {
	s.mu.Lock()
	defer s.mu.Unlock()
	e.cancel = nil
}

// reverted notes a successful Revert. The handle is held until Inspect agrees.
func (s *Session) reverted(e *held) {
	s.mu.Lock()
	defer s.mu.Unlock()
	e.reverted = true
}

// inspected lets go of a handle that was reverted and is proven gone.
func (s *Session) inspected(e *held, status Status) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if e.reverted && status == Inactive {
		e.order, e.reverted = 0, false
	}
}

// outstanding lists what is held, newest first, and stops whatever injection is in progress.
func (s *Session) outstanding(cause error) []*held {
	s.mu.Lock()
	defer s.mu.Unlock()
	var out []*held
	for _, e := range s.held {
		if e.order == 0 {
			continue
		}
		if e.cancel != nil {
			e.cancel(cause)
		}
		out = append(out, e)
	}
	slices.SortFunc(out, func(a, b *held) int { return int(b.order) - int(a.order) })
	return out
}
