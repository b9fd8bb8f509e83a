package shop

import (
	"context"
	"net/http"
	"time"

	"github.com/gameday-toolkit/gameday/plugins/lab/internal/orders"
)

// The canary: when nobody has written for canaryAfter, the shop writes a message of its own, so that /healthz knows
// whether it can. A write that failed since the last that worked means that it cannot.
const (
	canaryEvery = 250 * time.Millisecond
	canaryAfter = time.Second
	freshFor    = 3 * time.Second
)

// Watch writes canaries until the context ends.
func (s *Shop) Watch(ctx context.Context) {
	tick := time.NewTicker(canaryEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		if s.writable() && time.Since(time.Unix(0, s.written.Load())) < canaryAfter {
			continue
		}
		s.canary(ctx)
	}
}

func (s *Shop) canary(ctx context.Context) {
	s.gate.RLock()
	defer s.gate.RUnlock()
	if active := s.active.Load(); active == nil || *active != s.cfg.Region {
		return
	}
	_, _ = s.write(ctx, orders.Canary, nil) // the outcome is kept by write
}

func (s *Shop) writable() bool {
	written := s.written.Load()
	return written > s.failed.Load() && time.Since(time.Unix(0, written)) < freshFor
}

// healthz says whether an order would be taken now: the region is active and the store took the last write.
func (s *Shop) healthz(w http.ResponseWriter, _ *http.Request) {
	if !s.takesOrders(w) {
		return
	}
	if !s.writable() {
		fail(w, http.StatusServiceUnavailable, "unwritable", "the store did not take the last write")
		return
	}
	answer(w, http.StatusOK, map[string]any{"writable": true, "instance": s.cfg.Instance})
}

// readyz says whether this instance, by itself, does its part: it runs and reaches its node. It does not ask whether
// the region can write, because then one election would take every instance out of the load balancer at once.
func (s *Shop) readyz(w http.ResponseWriter, _ *http.Request) {
	if !s.store.Connected() {
		fail(w, http.StatusServiceUnavailable, "disconnected", "the instance has no connection to the store")
		return
	}
	if s.active.Load() == nil {
		fail(w, http.StatusServiceUnavailable, "starting", "the instance does not know yet which region takes orders")
		return
	}
	answer(w, http.StatusOK, map[string]any{"ready": true, "instance": s.cfg.Instance})
}

// currentz says whether the zone's node holds all that the region has agreed on.
func (s *Shop) currentz(w http.ResponseWriter, r *http.Request) {
	if s.cfg.Current != nil {
		if err := s.cfg.Current(); err != nil {
			fail(w, http.StatusServiceUnavailable, "behind", err.Error())
			return
		}
	}
	s.readyz(w, r)
}
