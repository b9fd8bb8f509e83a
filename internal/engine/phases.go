package engine

import (
	"context"
	"fmt"
	"time"

	"github.com/gameday-toolkit/gameday/internal/journal"
	"github.com/gameday-toolkit/gameday/internal/plan"
)

const (
	checkTimeout = 15 * time.Second
	checksAtOnce = 16
)

// preflight proves that what the run will rely on answers. Nothing has been touched when it fails.
func (l *loop) preflight() error {
	l.enter(journal.Preflight)
	left, failures := 0, 0
	gate := make(chan struct{}, checksAtOnce)
	for _, c := range l.Checks {
		l.work(c.Name, &left, func() func() {
			gate <- struct{}{}
			defer func() { <-gate }()
			ctx, cancel := context.WithTimeout(l.steps, checkTimeout)
			defer cancel()
			err := c.Run(ctx)
			return func() {
				if err != nil {
					failures++
				}
				l.record(journal.Check, journal.CheckBody{Name: c.Name, Addr: c.Addr, OK: err == nil, Detail: text(err)})
			}
		})
	}
	l.pump(func() bool { return left == 0 }, time.Time{})
	switch {
	case l.abort != nil:
		return fmt.Errorf("%w: %s", ErrNotStarted, l.abort.Reason)
	case failures > 0:
		return fmt.Errorf("%w: %d of %d checks; nothing was touched", ErrNotStarted, failures, len(l.Checks))
	}
	return nil
}

// baseline lets the probes run alone. Where the steady state does not hold, nothing will be injected.
func (l *loop) baseline() {
	l.enter(journal.Baseline)
	l.startSources()
	l.pump(never, time.Now().Add(time.Duration(l.Plan.Scenario.Baseline)))
	if l.abort != nil {
		return
	}
	if !l.steady() {
		l.end("engine", "the steady state does not hold in the baseline; nothing was injected")
	}
}

// minSamples is how many answers a steady state needs at least.
const minSamples = 20

func (l *loop) steady() bool {
	all := true
	for _, s := range l.watch.slos {
		ok, detail := s.steady()
		l.record(journal.Check, journal.CheckBody{Name: "steady state", Addr: s.Addr, OK: ok, Detail: detail})
		all = all && ok
	}
	return all
}

func (s *sloState) steady() (bool, string) {
	if s.source == nil {
		sli, known := ratio(s.sums.good, s.sums.total)
		return known && sli >= s.target, fmt.Sprintf("%.3f %% of %.0f requests were good; the target is %g %%", 100*sli, s.sums.total, s.Target)
	}
	c := s.source.total
	n := c.good + c.bad
	if n < minSamples {
		return false, fmt.Sprintf("only %d samples were answered, and %d are needed: lengthen the baseline or raise the probe's rate", n, minSamples)
	}
	sli := float64(c.good) / float64(n)
	return sli >= s.target, fmt.Sprintf("%.3f %% of %d samples were good; the target is %g %%", 100*sli, n, s.Target)
}

// observe injects and watches until every step has had its time.
func (l *loop) observe() {
	if l.abort != nil {
		return
	}
	l.enter(journal.Observe)
	l.watch.reset()
	l.startTimeline()
	l.pump(l.timelineDone, time.Time{})
}

// recovery waits until the steady state holds again, and reads the ledgers back.
func (l *loop) recovery() {
	if !l.touched() {
		return
	}
	l.enter(journal.Recovery)
	began := l.now()
	end := time.Now().Add(time.Duration(l.Plan.Scenario.Recovery))
	l.pumpThrough(func() bool { return l.hurry || l.stable(began) }, end)
	l.stopLedgers()
	l.pumpThrough(func() bool { return l.ledgerWorkers == 0 && l.readBacks == 0 }, time.Now().Add(2*readBackTimeout))
	l.readBack("failback")
	l.pumpThrough(func() bool { return l.readBacks == 0 }, time.Now().Add(2*readBackTimeout))
}

func (l *loop) touched() bool {
	for _, s := range l.timeline {
		if s.handle != nil || s.action != nil && s.state != waiting {
			return true
		}
	}
	return len(l.timeline) == 0 && l.abort == nil
}

// stable says that every SLO has held for as long as its objectives ask, counted from the end of the reverts at the earliest.
func (l *loop) stable(since time.Duration) bool {
	now := l.now()
	for _, s := range l.watch.slos {
		if !s.known || s.violated || now-max(since, s.last) < stableFor(l.Plan, s.Addr) {
			return false
		}
	}
	return true
}

// stableFor is the longest stable_for among the objectives on the SLO; 10 s where there is none (MEASURES).
func stableFor(p *plan.Plan, slo string) (d time.Duration) {
	for _, o := range p.Objectives {
		if o.SLO == slo {
			d = max(d, time.Duration(o.StableFor))
		}
	}
	if d == 0 {
		d = 10 * time.Second
	}
	return d
}
