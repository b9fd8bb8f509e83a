package wiring

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/gameday-toolkit/gameday/internal/engine"
	"github.com/gameday-toolkit/gameday/internal/journal"
	"github.com/gameday-toolkit/gameday/internal/ledger"
	"github.com/gameday-toolkit/gameday/internal/plan"
	"github.com/gameday-toolkit/gameday/internal/record"
	"github.com/gameday-toolkit/gameday/internal/sample"
)

// writing is one ledger of a run. It is written by one store and read back by another, which has no connection left from
// before: what counts is where a client would read now.
type writing struct {
	src   *sources
	plan  plan.Ledger
	sched sample.Schedule

	mu      sync.Mutex
	promise ledger.Promiser // the store that is written to, where it says what its word is worth
}

func (s *sources) ledgers() (out []engine.Ledger, err error) {
	for _, l := range s.plan.Ledgers {
		w := &writing{src: s, plan: l, sched: sample.Schedule{Rate: l.Rate}}
		store, err := w.store(time.Now()) // opens no connection: a mistake shows before anything starts
		if err != nil {
			return nil, err
		}
		if err := store.Close(); err != nil {
			return nil, fmt.Errorf("%s: %w", l.Addr, err)
		}
		out = append(out, engine.Ledger{Addr: l.Addr, Run: w.run, ReadBack: w.readBack})
	}
	return out, nil
}

func (w *writing) store(base time.Time) (ledger.Store, error) {
	if w.plan.Plugin != "" {
		return w.src.pluginStore(w.plan), nil
	}
	k, ok := ledger.Kinds()[w.plan.Type]
	if !ok {
		return nil, fmt.Errorf("%s: there is no ledger of type %q in this gameday", w.plan.Addr, w.plan.Type)
	}
	s, err := k.New(w.src.reveal(w.plan.Config), ledger.Env{Run: w.src.run, Base: base})
	if err != nil {
		return nil, fmt.Errorf("%s: %w", w.plan.Addr, err)
	}
	return s, nil
}

func (w *writing) run(ctx context.Context, base time.Time, emit func([]byte)) (err error) {
	store, err := w.store(base)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, store.Close()) }()
	if p, ok := store.(ledger.Promiser); ok {
		w.mu.Lock()
		w.promise = p
		w.mu.Unlock()
	}
	sched := w.sched
	sched.Phase = time.Since(base) + time.Millisecond
	o := ledger.Options{Schedule: sched, Timeout: time.Duration(w.plan.Timeout)}
	return ledger.Run(ctx, w.src.run, base, o, store, func(rs []record.Record, _ []string) {
		emit(record.AppendBlock(nil, rs))
	})
}

// ahead is how far beyond now records may be found by a read-back while writing goes on: as long as one may take.
const ahead = 2 * time.Minute

func (w *writing) readBack(ctx context.Context, base time.Time) (b journal.ReadBackBody) {
	store, err := w.store(base)
	if err != nil {
		return journal.ReadBackBody{Err: err.Error()}
	}
	// The schedule begins later than offset zero, so this is more than was ever attempted.
	n := w.sched.Seq(time.Since(base)+ahead) + 1
	got, err := ledger.Read(ctx, store, ledger.ReadBackOptions{Run: w.src.run, Attempted: n})
	if err = errors.Join(err, store.Close()); err != nil {
		b.Err = err.Error()
	}
	if got == nil {
		return b
	}
	b.Present, b.Duplicated = record.AppendSeqs(nil, n, got.Has), record.AppendSeqs(nil, n, got.Duplicated)
	b.Unexpected, b.UnexpectedCount, b.Promise = got.Unexpected, got.UnexpectedCount, w.promised()
	return b
}

// promised is what the store said that its acknowledgements mean, when it was written to.
func (w *writing) promised() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.promise == nil {
		return ""
	}
	return w.promise.Promise()
}
