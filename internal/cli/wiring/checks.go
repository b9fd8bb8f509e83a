package wiring

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/gameday-toolkit/gameday/internal/alert"
	"github.com/gameday-toolkit/gameday/internal/engine"
	"github.com/gameday-toolkit/gameday/internal/ledger"
	"github.com/gameday-toolkit/gameday/internal/plan"
	"github.com/gameday-toolkit/gameday/internal/probe/promql"
	"github.com/gameday-toolkit/gameday/internal/sample"
)

// checks are what preflight proves: everything that the run will rely on is there.
func (s *sources) checks(guards []engine.Guard) (out []engine.Check) {
	for _, p := range s.plan.Probes {
		out = append(out, engine.Check{Name: "the probe reaches its endpoint", Addr: p.Addr, Run: func(ctx context.Context) error { return s.reaches(ctx, p) }})
	}
	for _, slo := range s.plan.SLOs {
		if slo.Ratio != nil {
			out = append(out, engine.Check{Name: "Prometheus answers", Addr: slo.Addr, Run: func(ctx context.Context) error { return s.counts(ctx, slo) }})
		}
	}
	for _, l := range s.plan.Ledgers {
		w := &writing{src: s, plan: l, sched: sample.Schedule{Rate: l.Rate}}
		out = append(out, engine.Check{Name: "the ledger can be read back", Addr: l.Addr, Run: w.readable})
	}
	for _, a := range s.plan.Alerts {
		out = append(out, engine.Check{Name: "the alert can be watched", Addr: a.Addr, Run: func(ctx context.Context) error { return s.watchable(ctx, a) }})
	}
	for _, g := range guards {
		out = append(out, engine.Check{Name: "the guard can be evaluated", Addr: g.Addr, Run: func(context.Context) error {
			_, _, _, err := g.Eval(func(string, string) (any, bool) { return nil, false })
			return err
		}})
	}
	return out
}

// reaches asks once. A wrong answer is an answer; what must not be is that nobody is there.
func (s *sources) reaches(ctx context.Context, p plan.Probe) (err error) {
	prober, err := s.prober(p, time.Now())
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, prober.Close()) }()
	ctx, cancel := context.WithTimeout(ctx, time.Duration(p.Timeout))
	defer cancel()
	a := prober.Probe(ctx)
	if a.Good || a.Class == sample.Status || a.Class == sample.Body || a.Class == sample.Slow {
		return nil
	}
	return fmt.Errorf("%s: %s", a.Class, strings.TrimSpace(a.Detail))
}

func (s *sources) counts(ctx context.Context, slo plan.SLO) error {
	c, err := s.ratioConfig(slo)
	if err != nil {
		return err
	}
	q, err := promql.New(promql.Config{URL: c.URL, Headers: c.Headers})
	if err != nil {
		return err
	}
	defer q.Close()
	for _, expr := range []string{c.Total, c.Good} {
		if _, err := q.Query(ctx, expr, time.Now()); err != nil {
			return fmt.Errorf("evaluating %s: %w", expr, err)
		}
	}
	return nil
}

func (w *writing) readable(ctx context.Context) error {
	store, err := w.store(time.Now())
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	_, err = ledger.Read(ctx, store, ledger.ReadBackOptions{Run: w.src.run, Attempted: 0})
	return errors.Join(err, store.Close())
}

// watchable watches until the first state is there.
func (s *sources) watchable(ctx context.Context, a plan.Alert) error {
	w, err := s.watcher(a)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	var first *alert.State
	err = w.Watch(ctx, time.Now(), func(st alert.State) {
		if first == nil {
			first = &st
			cancel()
		}
	})
	switch {
	case err != nil:
		return err
	case first == nil:
		return errors.New("it did not answer in time")
	}
	return first.Err
}
