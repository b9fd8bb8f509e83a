package engine

import (
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/sync/errgroup"

	"github.com/gameday-toolkit/gameday/internal/history"
	"github.com/gameday-toolkit/gameday/internal/journal"
	"github.com/gameday-toolkit/gameday/internal/measure"
	"github.com/gameday-toolkit/gameday/internal/plan"
	"github.com/gameday-toolkit/gameday/internal/probe"
	"github.com/gameday-toolkit/gameday/internal/sample"
	"github.com/gameday-toolkit/gameday/plugins/sdk"
)

// liar is a server that is down from a moment that it knows, for as long as it was told: the truth that a measured
// recovery time has to contain.
type liar struct {
	*world
	*httptest.Server
	outage     time.Duration
	began, end atomic.Int64 // monotonic, since zero
	zero       time.Time
}

func newLiar(outage time.Duration) *liar {
	l := &liar{world: newWorld(), outage: outage, zero: time.Now()}
	l.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		now := int64(time.Since(l.zero))
		if b := l.began.Load(); b != 0 && now >= b && now < l.end.Load() {
			w.WriteHeader(http.StatusServiceUnavailable)
		}
	}))
	return l
}

// Inject takes the server down. That it comes up again by itself is what the run is to measure.
func (l *liar) Inject(ctx context.Context, h sdk.Handle) error {
	now := int64(time.Since(l.zero))
	l.end.Store(now + int64(l.outage))
	l.began.Store(now)
	return l.world.Inject(ctx, h)
}

func (l *liar) truth() time.Duration { return time.Duration(l.end.Load() - l.began.Load()) }

const liarRate = 50

// measureLiar runs a whole game day against a liar, with the real prober over real sockets, and returns the measured
// recovery time.
func measureLiar(ctx context.Context, l *liar) (measure.ObjectiveResult, error) {
	p := aPlan(fault("a", "0s", "20s"))
	p.Faults[0].Release = "recovered"
	p.Scenario.Baseline = dur("1s")
	p.SLOs[0].Period = dur("720h")
	p.Probes[0].Rate = liarRate
	p.Objectives = []plan.Objective{objective("", "10s", "1s")}
	cfg, err := json.Marshal(map[string]any{"url": l.URL, "method": "GET", "keepalive": true})
	if err != nil {
		return measure.ObjectiveResult{}, err
	}
	j := &log{}
	err = Run(ctx, Config{
		Plan: p, Journal: j, Observer: silent{}, Started: journal.Started{Run: "r", PlanHash: p.Hash()}, Undo: fastUndo(),
		Open: func(context.Context, string) (Plugin, error) { return l, nil },
		Probes: []Probe{{Addr: "probe.http.x", Rate: liarRate, Timeout: time.Second, Run: func(ctx context.Context, base time.Time, s sample.Schedule, emit func([]sample.Sample, []probe.Detail)) error {
			pr, err := probe.Kinds()["http"].New(cfg, probe.Env{Base: base})
			if err != nil {
				return err
			}
			defer pr.Close()
			return probe.Run(ctx, base, probe.Options{Schedule: s, Timeout: time.Second}, pr, emit)
		}}},
	})
	if err != nil {
		return measure.ObjectiveResult{}, err
	}
	f := history.NewFold()
	for i, e := range j.entries {
		e.Seq = uint64(i + 1)
		f.Apply(e)
	}
	res := measure.Evaluate(f.Finish(journal.End{}))
	if len(res.Objectives) != 1 || res.Objectives[0].Time == nil {
		return measure.ObjectiveResult{}, fmt.Errorf("nothing was measured: %s", res.Why)
	}
	return res.Objectives[0], nil
}

// outages measures n random outages, some at a time, and returns the widths of the intervals.
func outages(tb testing.TB, n int) (widths []time.Duration) {
	var (
		g  errgroup.Group
		mu sync.Mutex
	)
	g.SetLimit(10)
	rng := rand.New(rand.NewPCG(1, 2))
	for range n {
		outage := 100*time.Millisecond + time.Duration(rng.Int64N(int64(2*time.Second)))
		g.Go(func() error {
			l := newLiar(outage)
			defer l.Close()
			o, err := measureLiar(context.Background(), l)
			if err != nil {
				return err
			}
			truth := l.truth()
			if truth < o.Time.Lo || truth > o.Time.Hi {
				return fmt.Errorf("the outage lasted %v, and %v to %v was reported", truth, o.Time.Lo, o.Time.Hi)
			}
			mu.Lock()
			defer mu.Unlock()
			widths = append(widths, o.Time.Hi-o.Time.Lo)
			return nil
		})
	}
	require.NoError(tb, g.Wait())
	slices.Sort(widths)
	return widths
}

func TestTheTruthLiesInsideTheReportedInterval(t *testing.T) {
	if testing.Short() {
		t.Skip("takes some seconds of real time")
	}
	outages(t, 10)
}

// BenchmarkOutagesOfKnownLength measures 200 outages of known length and prints how wide the reported intervals are, next
// to the bar: two probe intervals and 10 ms.
func BenchmarkOutagesOfKnownLength(b *testing.B) {
	const n = 200
	bar := 2*time.Second/liarRate + 10*time.Millisecond
	for b.Loop() {
		w := outages(b, n)
		over := 0
		for _, x := range w {
			if x > bar {
				over++
			}
		}
		fmt.Printf("outages of known length: the truth was inside the interval in %d of %d; width median %v, max %v, bar %v, %d above it\n",
			len(w), n, w[n/2].Round(time.Microsecond), w[n-1].Round(time.Microsecond), bar, over)
		b.ReportMetric(float64(w[n/2].Microseconds())/1000, "median-width-ms")
		b.ReportMetric(float64(over), "above-bar")
	}
	b.ReportMetric(0, "ns/op")
}

// BenchmarkGuardToRevert measures, in real time, how long after a guard's condition became true the first revert began.
func BenchmarkGuardToRevert(b *testing.B) {
	const n = 10
	var lags []time.Duration
	for b.Loop() {
		for range n {
			lags = append(lags, guardLag(b))
		}
	}
	slices.Sort(lags)
	fmt.Printf("guard to revert: median %v, max %v of %d, bar 250ms\n", lags[len(lags)/2].Round(time.Millisecond), lags[len(lags)-1].Round(time.Millisecond), len(lags))
	b.ReportMetric(float64(lags[len(lags)-1].Milliseconds()), "max-ms")
	b.ReportMetric(0, "ns/op")
}

// guardLag runs a game day whose guard trips when the first bad answer is seen. The condition is true from the moment the
// service is down.
func guardLag(b *testing.B) time.Duration {
	w := newWorld()
	p := aPlan(fault("a", "0s", "20s"))
	p.Scenario.Baseline, p.Scenario.Recovery = dur("1s"), dur("1s")
	j := &log{}
	err := Run(context.Background(), Config{
		Plan: p, Journal: j, Observer: silent{}, Undo: fastUndo(),
		Open:   func(context.Context, string) (Plugin, error) { return w, nil },
		Probes: []Probe{{Addr: "probe.http.x", Rate: 100, Run: w.ask}},
		Guards: []Guard{{Addr: "guard.g", Eval: func(v Live) (bool, bool, map[string]float64, error) {
			sli, known := v("slo.x", "sli")
			return known && sli.(float64) < 1, known, nil, nil
		}}},
	})
	require.NoError(b, err)
	broke := w.brokeAt.Sub(j.started(b))
	return j.find(b, journal.FaultReverting, nil) - broke
}
