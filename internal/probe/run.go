package probe

import (
	"context"
	"fmt"
	"runtime/debug"
	"sync"
	"time"

	"github.com/gameday-toolkit/gameday/internal/sample"
)

// A pacer walks the schedule and never waits for an answer. It hands each sample that is due to the slot that was idle
// last (its stack and its connection are warm); with no slot idle, the sample waits in line for at most the tolerance.
// What cannot be asked in time is emitted as unsent, at once, so that every place of the schedule gives one sample.

// grain is the shortest sleep of the pacer. Samples due within it are sent together: a sample is late by one grain at
// the most for it, and the processor is not woken more than 1/grain times a second.
const grain = 100 * time.Microsecond

// Run asks at each place of the schedule, from its first, until ctx ends. Samples intended before that end count: they are
// waited for, which takes Timeout at the most. emit is called by one goroutine at a time with samples in the order of
// completion and the details that go with classes not seen before; both slices are its own only during the call.
// The error is that of a panic of the prober, or of impossible options.
func Run(ctx context.Context, base time.Time, o Options, p Prober, emit func([]sample.Sample, []Detail)) error {
	o, err := o.withDefaults()
	if err != nil {
		return err
	}
	r := &run{o: o, base: base, prober: p, collect: newCollector(emit), broken: make(chan struct{}), waiting: newRing(o.waiting())}
	var flusher sync.WaitGroup
	flusher.Go(r.collect.loop)
	r.pace(ctx)
	r.slots.Wait()
	r.collect.close()
	flusher.Wait()
	return r.err
}

type run struct {
	o       Options
	base    time.Time
	prober  Prober
	collect *collector
	slots   sync.WaitGroup

	mu      sync.Mutex
	idle    []*slot // last in, first out
	started int
	waiting *ring // of samples that no slot was idle for
	ending  bool  // no more samples come: idle slots go home

	breakOnce sync.Once
	broken    chan struct{}
	err       error
}

func (r *run) now() time.Duration { return time.Since(r.base) }

// pace hands out the samples as they fall due.
func (r *run) pace(ctx context.Context) {
	timer := time.NewTimer(time.Hour)
	defer timer.Stop()
	for next := uint64(0); ; {
		now := r.now()
		for intended := r.o.Schedule.Intended(next); intended <= now; intended = r.o.Schedule.Intended(next) {
			r.dispatch(next, now-intended)
			next++
		}
		timer.Reset(max(grain, r.o.Schedule.Intended(next)-now))
		select {
		case <-timer.C:
		case <-r.broken:
			r.finish()
			return
		case <-ctx.Done():
			end := r.now()
			for ; r.o.Schedule.Intended(next) < end; next++ {
				r.dispatch(next, end-r.o.Schedule.Intended(next))
			}
			r.finish()
			return
		}
	}
}

// dispatch gives sample k to a slot, or to the line of those that wait for one.
func (r *run) dispatch(k uint64, late time.Duration) {
	if late > r.o.Tolerance {
		r.unsent(k, sample.Late)
		return
	}
	r.mu.Lock()
	s := r.takeIdle()
	dropped, drop := uint64(0), false
	if s == nil {
		dropped, drop = r.waiting.push(k)
	}
	r.mu.Unlock()
	if s != nil {
		s.work <- k
	}
	if drop {
		r.unsent(dropped, sample.NoSlot)
	}
}

// takeIdle gives an idle slot, or a new one where there may be more. The lock is held.
func (r *run) takeIdle() *slot {
	if n := len(r.idle); n > 0 {
		s := r.idle[n-1]
		r.idle = r.idle[:n-1]
		return s
	}
	if r.started == r.o.Slots {
		return nil
	}
	r.started++
	s := newSlot(r)
	r.slots.Go(s.serve)
	return s
}

// next gives a slot that became free the sample that waits longest, if one may still be asked. ok is false when the slot
// has to wait for work, or to go home.
func (r *run) next(s *slot) (k uint64, ok bool) {
	for {
		r.mu.Lock()
		k, ok = r.waiting.pop()
		if !ok {
			r.rest(s)
		}
		r.mu.Unlock()
		if !ok || r.now()-r.o.Schedule.Intended(k) <= r.o.Tolerance {
			return k, ok
		}
		r.unsent(k, sample.NoSlot)
	}
}

func (r *run) rest(s *slot) {
	if r.ending {
		close(s.work)
		return
	}
	r.idle = append(r.idle, s)
}

// finish sends idle slots home; the others follow when their question is answered and nothing waits any more.
func (r *run) finish() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.ending = true
	for _, s := range r.idle {
		close(s.work)
	}
	r.idle = nil
}

func (r *run) unsent(k uint64, why sample.Class) {
	at := r.o.Schedule.Intended(k)
	now := max(at, r.now())
	r.collect.add(sample.Sample{Seq: k, Intended: at, Started: now, Ended: now, Outcome: sample.Unsent, Class: why}, "")
}

// guard turns a panic of the prober into the error of the run.
func (r *run) guard() {
	if v := recover(); v != nil {
		r.breakOnce.Do(func() {
			r.err = fmt.Errorf("probing: panic: %v\n%s", v, debug.Stack())
			close(r.broken)
		})
	}
}
