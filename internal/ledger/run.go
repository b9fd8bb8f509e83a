package ledger

import (
	"context"
	"fmt"
	"math"
	"runtime/debug"
	"sync"
	"time"

	"github.com/gameday-toolkit/gameday/internal/record"
	"github.com/gameday-toolkit/gameday/internal/sample"
)

// The rate is open: record k is attempted at its place in the schedule, whatever became of those before. A place that no
// worker is free for within the tolerance is left out: it was never attempted, and is in no count.

const (
	tolerance  = 50 * time.Millisecond
	flushEvery = 25 * time.Millisecond
	maxPending = 1 << 14 // results not yet emitted; above it the workers wait
)

// Options say when to write.
type Options struct {
	Schedule sample.Schedule
	Timeout  time.Duration // of one attempt
	Workers  int           // 0: Store.Workers, or else ceil(rate × timeout) + 1
}

func (o Options) withDefaults(s Store) (Options, error) {
	if !(o.Schedule.Rate > 0) || math.IsInf(o.Schedule.Rate, 0) {
		return o, fmt.Errorf("rate must be above zero, not %v", o.Schedule.Rate)
	}
	if o.Timeout <= 0 {
		return o, fmt.Errorf("timeout must be above zero, not %v", o.Timeout)
	}
	if o.Workers <= 0 {
		o.Workers = s.Workers()
	}
	if o.Workers <= 0 {
		o.Workers = int(math.Ceil(o.Schedule.Rate*o.Timeout.Seconds())) + 1
	}
	o.Workers = min(o.Workers, math.MaxUint16)
	return o, nil
}

// Run writes until ctx ends, and then waits for the attempts under way, which takes Timeout at the most. emit is called by
// one goroutine at a time with attempts in the order of their end and the first detail of each outcome; the slices are its
// own only during the call. The error is that of a panic of the store, or of impossible options.
func Run(ctx context.Context, run string, base time.Time, o Options, s Store, emit func(records []record.Record, details []string)) error {
	o, err := o.withDefaults(s)
	if err != nil {
		return err
	}
	w := &writer{o: o, run: run, base: base, store: s, broken: make(chan struct{}), done: make(chan struct{})}
	w.jobs = make(chan uint64, int(math.Ceil(o.Schedule.Rate*tolerance.Seconds()))+1)
	w.room.L = &w.mu
	var flusher sync.WaitGroup
	flusher.Go(func() { w.emitAll(emit) })
	w.pace(ctx)
	close(w.jobs)
	w.workers.Wait()
	close(w.done)
	flusher.Wait()
	return w.err
}

type writer struct {
	o     Options
	run   string
	base  time.Time
	store Store
	jobs  chan uint64
	done  chan struct{}

	workers sync.WaitGroup
	started int

	mu      sync.Mutex
	room    sync.Cond
	busy    int
	records []record.Record
	details []string
	seen    [4]bool

	breakOnce sync.Once
	broken    chan struct{}
	err       error
}

func (w *writer) now() time.Duration { return time.Since(w.base) }

func (w *writer) pace(ctx context.Context) {
	timer := time.NewTimer(time.Hour)
	defer timer.Stop()
	for k := uint64(0); ; k++ {
		timer.Reset(w.o.Schedule.Intended(k) - w.now())
		select {
		case <-timer.C:
		case <-ctx.Done():
			return
		case <-w.broken:
			return
		}
		w.dispatch(k)
	}
}

// dispatch hands record k on, with one more worker if all are busy. A full line means that nobody can be in time.
func (w *writer) dispatch(k uint64) {
	w.mu.Lock()
	w.busy++
	more := w.busy > w.started && w.started < w.o.Workers
	w.mu.Unlock()
	if more {
		number := uint16(w.started)
		w.started++
		w.workers.Go(func() { w.work(number) })
	}
	select {
	case w.jobs <- k:
	default:
		w.free()
	}
}

func (w *writer) free() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.busy--
}

func (w *writer) work(number uint16) {
	for k := range w.jobs {
		if w.now()-w.o.Schedule.Intended(k) <= tolerance {
			w.attempt(k, number)
		}
		w.free()
	}
}

func (w *writer) attempt(k uint64, worker uint16) {
	defer w.guard()
	ctx, cancel := context.WithTimeout(context.Background(), w.o.Timeout)
	defer cancel()
	r := record.Record{Seq: k, Worker: worker, Attempt: w.now()}
	var detail string
	r.Outcome, detail = w.store.Write(ctx, Entry{Run: w.run, Seq: k, Worker: worker, Time: w.base.Add(r.Attempt).Round(0)})
	r.Acked = w.now()
	w.add(r, detail)
}

// guard turns a panic of the store into the error of the run. The record in hand may have been applied.
func (w *writer) guard() {
	if v := recover(); v != nil {
		w.breakOnce.Do(func() {
			w.err = fmt.Errorf("writing the ledger: panic: %v\n%s", v, debug.Stack())
			close(w.broken)
		})
	}
}

func (w *writer) add(r record.Record, detail string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for len(w.records) >= maxPending {
		w.room.Wait()
	}
	w.records = append(w.records, r)
	if detail != "" && !w.seen[r.Outcome&3] {
		w.seen[r.Outcome&3] = true
		w.details = append(w.details, r.Outcome.String()+": "+detail)
	}
}

func (w *writer) emitAll(emit func([]record.Record, []string)) {
	tick := time.NewTicker(flushEvery)
	defer tick.Stop()
	var spare []record.Record
	for open := true; open; {
		select {
		case <-tick.C:
		case <-w.done:
			open = false
		}
		w.mu.Lock()
		records, details := w.records, w.details
		w.records, w.details = spare[:0], nil
		w.room.Broadcast()
		w.mu.Unlock()
		if len(records) > 0 {
			emit(records, details)
		}
		spare = records
	}
}
