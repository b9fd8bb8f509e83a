package probe

import (
	"context"
	"sync/atomic"
	"time"

	"github.com/gameday-toolkit/gameday/internal/sample"
)

// A slot is a goroutine that asks one question at a time. Its context and its timer serve one question after the other,
// and are made anew only after a question was cut: at ten thousand a second, a context with a deadline for each would be
// a good part of what a question costs.
type slot struct {
	run   *run
	work  chan uint64
	ctx   *slotContext
	timer *time.Timer
}

func newSlot(r *run) *slot { return &slot{run: r, work: make(chan uint64, 1)} }

func (s *slot) serve() {
	for k := range s.work {
		for ok := true; ok; k, ok = s.run.next(s) {
			s.run.collect.add(s.ask(k))
		}
	}
}

// ask asks the question of sample k, and judges the answer.
func (s *slot) ask(k uint64) (sample.Sample, string) {
	r := s.run
	x := sample.Sample{Seq: k, Intended: r.o.Schedule.Intended(k), Started: r.now()}
	if x.Started-x.Intended > r.o.Tolerance {
		x.Ended, x.Outcome, x.Class = x.Started, sample.Unsent, sample.Late
		return x, ""
	}
	ctx := s.arm(x.Intended+r.o.Timeout, x.Started)
	a := s.probe(ctx)
	x.Ended = r.now()
	cut := s.disarm()
	return r.judge(x, a, cut)
}

func (s *slot) probe(ctx context.Context) (a Answer) {
	a = Answer{Class: sample.Other, Detail: "the prober panicked"}
	defer s.run.guard()
	return s.run.prober.Probe(ctx)
}

func (r *run) judge(x sample.Sample, a Answer, cut bool) (sample.Sample, string) {
	x.Outcome, x.Class = sample.Bad, a.Class
	switch {
	case !a.Good && a.Class == sample.NoSlot: // this machine had nothing left to ask with
		x.Outcome = sample.Unsent
	case !a.Good && a.Class == sample.NoClass:
		x.Class = sample.Other
	case !a.Good:
	case cut || x.Latency() > r.o.Timeout:
		x.Class, a.Detail = sample.Timeout, "answered after the timeout"
	case r.o.Latency > 0 && x.Latency() > r.o.Latency:
		x.Class, a.Detail = sample.Slow, "answered in time, but later than expect.latency"
	default:
		x.Outcome, x.Class = sample.Good, sample.NoClass
	}
	return x, a.Detail
}

// arm readies the context for a question that is cut at the offset deadline.
func (s *slot) arm(deadline, now time.Duration) context.Context {
	if s.ctx == nil {
		parent, cancel := context.WithCancelCause(context.Background())
		s.ctx = &slotContext{Context: parent, base: s.run.base}
		s.timer = time.AfterFunc(deadline-now, func() { cancel(context.DeadlineExceeded) })
	} else {
		s.timer.Reset(deadline - now)
	}
	s.ctx.deadline.Store(int64(deadline))
	return s.ctx
}

// disarm reports whether the question was cut; the context is then spent.
func (s *slot) disarm() (cut bool) {
	if cut = !s.timer.Stop(); cut {
		s.ctx = nil
	}
	return cut
}

// slotContext is a context whose deadline moves with each question. Its Done channel is that of the context inside, which
// package context recognises: what derives from it needs no goroutine.
type slotContext struct {
	context.Context
	base     time.Time
	deadline atomic.Int64
}

func (c *slotContext) Deadline() (time.Time, bool) {
	return c.base.Add(time.Duration(c.deadline.Load())), true
}

// Err tells what happened as a deadline does: the context inside was cancelled by our timer.
func (c *slotContext) Err() error {
	if c.Context.Err() == nil {
		return nil
	}
	return context.Cause(c.Context)
}
