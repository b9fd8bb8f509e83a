package cli

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"sync"
	"syscall"

	"github.com/gameday-toolkit/gameday/internal/engine"
)

// Signals mean different things at different times. Before and after a run they end the command. During a run the first
// one aborts it and the second stops the waiting for recovery; neither ever skips a revert, and so nothing here exits.
// A terminal that goes away (SIGHUP, SIGPIPE) is no reason to leave anything behind either: SIGPIPE is caught so that a
// write to it is an error like any other.
type signals struct {
	ctx    context.Context // ends with the first signal outside of a run
	cancel context.CancelFunc
	in     chan os.Signal
	done   sync.WaitGroup

	mu  sync.Mutex
	run *runSignals
}

// runSignals is where signals go during a run.
type runSignals struct {
	stop chan<- engine.Stop
	said func(nth int)
	n    int
}

func watchSignals() *signals {
	s := &signals{in: make(chan os.Signal, 16)}
	s.ctx, s.cancel = context.WithCancel(context.Background())
	signal.Notify(s.in, syscall.SIGINT, syscall.SIGTERM, syscall.SIGHUP, syscall.SIGPIPE)
	s.done.Go(func() {
		for sig := range s.in {
			if sig != syscall.SIGPIPE {
				s.take(sig)
			}
		}
	})
	return s
}

func (s *signals) close() {
	signal.Stop(s.in)
	close(s.in)
	s.done.Wait()
	s.cancel()
}

func (s *signals) take(sig os.Signal) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.run == nil {
		s.cancel()
		return
	}
	s.run.want(engine.Stop{By: "person", Reason: fmt.Sprintf("interrupted by a person (%v)", sig)})
}

// once ends the run as a signal does, for somebody who is not at this terminal and must not be taken for a second wish. It says
// whether there is a run to end.
func (s *signals) once(stop engine.Stop) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.run == nil || s.run.n > 0 {
		return false
	}
	s.run.want(stop)
	return true
}

func (r *runSignals) want(stop engine.Stop) {
	r.n++
	r.said(r.n)
	select {
	case r.stop <- stop:
	default: // the engine has been told twice already
	}
}

// during sends signals to a run until end is called. said is told at once, before the engine has got round to it.
func (s *signals) during(said func(nth int)) (stop <-chan engine.Stop, end func()) {
	c := make(chan engine.Stop, 2)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.run = &runSignals{stop: c, said: said}
	return c, func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.run = nil
	}
}
