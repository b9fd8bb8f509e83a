package probe

import (
	"context"
	"math/rand/v2"
	"slices"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/gameday-toolkit/gameday/internal/sample"
)

// asker is a prober made of a function.
type asker func(context.Context) Answer

func (f asker) Probe(ctx context.Context) Answer { return f(ctx) }
func (asker) Close() error                       { return nil }

// taking answers after a time, or when it is cut.
func taking(d func() time.Duration) asker {
	return func(ctx context.Context) Answer {
		t := time.NewTimer(d())
		defer t.Stop()
		select {
		case <-t.C:
			return good()
		case <-ctx.Done():
			return bad(sample.Timeout, "%v", ctx.Err())
		}
	}
}

func always(d time.Duration) asker { return taking(func() time.Duration { return d }) }

type outcome struct {
	samples []sample.Sample
	details []Detail
	took    time.Duration
	err     error
}

// runFor runs in a bubble of its own time, and gives the samples in the order of the schedule.
func runFor(t *testing.T, length time.Duration, o Options, p Prober) (got outcome) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), length)
		defer cancel()
		base := time.Now()
		got.err = Run(ctx, base, o, p, func(s []sample.Sample, d []Detail) {
			for _, x := range s {
				if late := time.Since(base) - x.Ended; late > 50*time.Millisecond {
					t.Errorf("sample %d was emitted %v after it ended", x.Seq, late)
				}
			}
			got.samples, got.details = append(got.samples, s...), append(got.details, d...)
		})
		got.took = time.Since(base)
	})
	slices.SortFunc(got.samples, func(a, b sample.Sample) int { return int(a.Seq) - int(b.Seq) })
	return got
}

func count(samples []sample.Sample, o sample.Outcome) (n int) {
	for _, s := range samples {
		if s.Outcome == o {
			n++
		}
	}
	return n
}

func TestEveryPlaceOfTheScheduleGivesOneSample(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		length := time.Duration(rapid.Int64Range(0, 3e9).Draw(rt, "length"))
		o := Options{
			Schedule: sample.Schedule{Phase: time.Duration(rapid.Int64Range(0, 1e9).Draw(rt, "phase")), Rate: rapid.Float64Range(0.5, 800).Draw(rt, "rate")},
			Timeout:  time.Duration(rapid.Int64Range(1e6, 2e9).Draw(rt, "timeout")),
			Latency:  time.Duration(rapid.Int64Range(0, 1e9).Draw(rt, "latency")),
			Slots:    rapid.IntRange(0, 20).Draw(rt, "slots"),
		}
		slowest := rapid.Int64Range(1, int64(2*o.Timeout)).Draw(rt, "slowest")
		got := runFor(t, length, o, taking(func() time.Duration { return time.Duration(rand.Int64N(slowest)) }))
		require.NoError(rt, got.err)
		// a sample intended at the very instant of the end may be in or out
		scheduled := int(o.Schedule.Seq(length))
		require.Contains(rt, []int{scheduled, scheduled + 1}, len(got.samples))
		for k, s := range got.samples {
			require.EqualValues(rt, k, s.Seq)
			require.Equal(rt, o.Schedule.Intended(s.Seq), s.Intended)
			require.Contains(rt, []sample.Outcome{sample.Good, sample.Bad, sample.Unsent}, s.Outcome)
			require.LessOrEqual(rt, s.Intended, s.Started)
			require.LessOrEqual(rt, s.Started, s.Ended)
			require.LessOrEqual(rt, s.Latency(), o.Timeout, "cut at the timeout")
		}
	})
}

func TestAHangingTargetNeverStarvesTheProber(t *testing.T) {
	o := Options{Schedule: sample.Schedule{Rate: 200}, Timeout: time.Second}
	got := runFor(t, 10*time.Second, o, always(time.Hour))
	require.GreaterOrEqual(t, len(got.samples), 2000)
	for _, s := range got.samples {
		require.Equal(t, sample.Bad, s.Outcome)
		require.Equal(t, sample.Timeout, s.Class)
		require.Equal(t, time.Second, s.Latency())
	}
	require.LessOrEqual(t, got.took, 11*time.Second+time.Millisecond, "those in flight are cut at their timeout")
}

func TestTooFewSlotsAreCountedAsUnsent(t *testing.T) {
	var asked atomic.Int64
	p := asker(func(ctx context.Context) Answer {
		asked.Add(1)
		return always(time.Second)(ctx)
	})
	o := Options{Schedule: sample.Schedule{Rate: 100}, Timeout: 2 * time.Second, Slots: 2}
	got := runFor(t, 10*time.Second, o, p)
	require.GreaterOrEqual(t, len(got.samples), 1000, "the pace did not slow down")
	require.EqualValues(t, asked.Load(), count(got.samples, sample.Good), "what is unsent was never asked")
	require.InDelta(t, 20, asked.Load(), 2)
	for _, s := range got.samples {
		if s.Outcome == sample.Unsent {
			require.Equal(t, sample.NoSlot, s.Class)
		}
	}
}

func TestAPacerThatWakesTooLateCountsWhatItMissed(t *testing.T) {
	var got []sample.Sample
	synctest.Test(t, func(t *testing.T) {
		base := time.Now()
		time.Sleep(time.Second) // the run begins a second after its schedule
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		o := Options{Schedule: sample.Schedule{Rate: 100}, Timeout: time.Second}
		require.NoError(t, Run(ctx, base, o, always(0), func(s []sample.Sample, _ []Detail) { got = append(got, s...) }))
	})
	require.InDelta(t, 95, count(got, sample.Unsent), 1, "later than 50 ms")
	require.InDelta(t, 105, count(got, sample.Good), 2)
}

func TestLatencyCountsFromTheIntendedStart(t *testing.T) {
	// One slot and answers after 30 ms, 25 ms apart: the line grows until samples start more than 50 ms late.
	o := Options{Schedule: sample.Schedule{Rate: 40}, Timeout: time.Second, Slots: 1, Latency: 70 * time.Millisecond}
	got := runFor(t, 5*time.Second, o, always(30*time.Millisecond))
	slow := 0
	for _, s := range got.samples {
		if s.Class == sample.Slow {
			require.Greater(t, s.Latency(), o.Latency)
			slow++
		}
	}
	require.Positive(t, slow, "an answer in 30 ms is slow if it had to wait for the one before")
	require.Positive(t, count(got.samples, sample.Unsent))
	require.Equal(t, []Detail{{sample.Slow, "answered in time, but later than expect.latency"}}, got.details)
}

func TestAPanicOfTheProberEndsTheRun(t *testing.T) {
	o := Options{Schedule: sample.Schedule{Rate: 100}, Timeout: time.Second}
	got := runFor(t, time.Hour, o, asker(func(context.Context) Answer { panic("oh dear") }))
	require.ErrorContains(t, got.err, "oh dear")
	require.Less(t, got.took, time.Second)
	require.NotEmpty(t, got.samples, "what was asked is not forgotten")
}

func TestAConsumerThatStallsStarvesTheProberAndIsBounded(t *testing.T) {
	var got int
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), 9*time.Second)
		defer cancel()
		o := Options{Schedule: sample.Schedule{Rate: 10000}, Timeout: 100 * time.Millisecond}
		first := true
		require.NoError(t, Run(ctx, time.Now(), o, always(0), func(s []sample.Sample, _ []Detail) {
			if got += len(s); first {
				first = false
				time.Sleep(8 * time.Second)
			}
			require.LessOrEqual(t, len(s), maxPending)
		}))
	})
	require.InDelta(t, 90_000, got, 2)
}

func TestOneDetailForEachClass(t *testing.T) {
	var n atomic.Int64
	p := asker(func(context.Context) Answer {
		if n.Add(1)%2 == 0 {
			return bad(sample.Status, "status 503\nService Unavailable")
		}
		return bad(sample.Refused, "connection refused")
	})
	got := runFor(t, time.Second, Options{Schedule: sample.Schedule{Rate: 50}, Timeout: time.Second}, p)
	require.ElementsMatch(t, []Detail{{sample.Status, "status 503 Service Unavailable"}, {sample.Refused, "connection refused"}}, got.details)
}

func TestAMachineWithNothingLeftToAskWithBlamesItself(t *testing.T) {
	p := asker(func(context.Context) Answer { return bad(sample.NoSlot, "socket: too many open files") })
	got := runFor(t, time.Second, Options{Schedule: sample.Schedule{Rate: 50}, Timeout: time.Second}, p)
	require.Len(t, got.samples, count(got.samples, sample.Unsent))
	require.Equal(t, []Detail{{sample.NoSlot, "socket: too many open files"}}, got.details)
}

func TestImpossibleOptions(t *testing.T) {
	for _, o := range []Options{{Timeout: time.Second}, {Schedule: sample.Schedule{Rate: -1}, Timeout: time.Second}, {Schedule: sample.Schedule{Rate: 1}}} {
		require.Error(t, Run(t.Context(), time.Now(), o, always(0), nil))
	}
}

func TestASlotContextBehavesAsOneWithADeadline(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSlot(&run{base: time.Now()})
		ctx := s.arm(time.Second, 0)
		require.False(t, s.disarm())
		require.Same(t, ctx, s.arm(2*time.Second, 0), "used again, because it was not cut")
		deadline, ok := ctx.Deadline()
		require.True(t, ok)
		require.Equal(t, 2*time.Second, deadline.Sub(s.run.base))
		child, cancel := context.WithCancel(ctx)
		defer cancel()
		<-child.Done()
		require.Equal(t, 2*time.Second, time.Since(s.run.base))
		require.ErrorIs(t, ctx.Err(), context.DeadlineExceeded)
		require.ErrorIs(t, context.Cause(child), context.DeadlineExceeded)
		require.True(t, s.disarm())
		require.NoError(t, s.arm(time.Hour, 0).Err(), "a fresh one after a cut")
		require.False(t, s.disarm())
	})
}
