package engine

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/gameday-toolkit/gameday/internal/journal"
	"github.com/gameday-toolkit/gameday/internal/plan"
	"github.com/gameday-toolkit/gameday/internal/probe"
	"github.com/gameday-toolkit/gameday/internal/sample"
	"github.com/gameday-toolkit/gameday/internal/undo"
	"github.com/gameday-toolkit/gameday/plugins/sdk"
)

// world is a target system that faults break, and everything that a test wants to go wrong with it.
type world struct {
	mu      sync.Mutex
	broken  map[string]bool // by fault address: what the target itself would show
	reverts []string
	acts    []string

	prepareErr, injectErr, revertErr map[string]error
	injectHangs, revertLies          map[string]bool
	neverShows                       map[string]bool
	panics                           map[string]bool
	heals                            time.Duration // the service recovers this long after it broke, by itself
	brokeAt                          time.Time
	actErr                           map[string]error
	undo                             json.RawMessage
	bad                              func() bool // overrides what users see
}

func newWorld() *world {
	return &world{
		broken: map[string]bool{}, prepareErr: map[string]error{}, injectErr: map[string]error{}, revertErr: map[string]error{},
		injectHangs: map[string]bool{}, revertLies: map[string]bool{}, neverShows: map[string]bool{}, panics: map[string]bool{}, actErr: map[string]error{},
	}
}

func (w *world) Prepare(_ context.Context, fault string, r sdk.Request) (sdk.Handle, []sdk.Problem, error) {
	return sdk.Handle{ID: r.ID, Run: r.Run, Plugin: "p", Fault: fault, Undo: w.undo, Steps: []string{"mend " + r.ID}}, nil, w.prepareErr[r.ID]
}

func (w *world) Inject(ctx context.Context, h sdk.Handle) error {
	if w.panics[h.ID] {
		panic("boom")
	}
	w.mu.Lock()
	w.broken[h.ID] = true // even an injection that fails has done something
	w.brokeAt = time.Now()
	w.mu.Unlock()
	if w.injectHangs[h.ID] {
		<-ctx.Done()
		return ctx.Err()
	}
	return w.injectErr[h.ID]
}

func (w *world) Inspect(_ context.Context, h sdk.Handle) (sdk.State, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.broken[h.ID] && !w.neverShows[h.ID] {
		return sdk.State{Status: sdk.Active, Evidence: "looked: broken"}, nil
	}
	return sdk.State{Status: sdk.Inactive, Evidence: "looked: whole"}, nil
}

func (w *world) Revert(_ context.Context, h sdk.Handle) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.reverts = append(w.reverts, h.ID)
	if err := w.revertErr[h.ID]; err != nil {
		return err
	}
	if !w.revertLies[h.ID] {
		delete(w.broken, h.ID)
	}
	return nil
}

func (w *world) Run(_ context.Context, action string, r sdk.Request) (string, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.acts = append(w.acts, fmt.Sprint(action, string(r.Config)))
	return "did " + action, w.actErr[r.ID+string(r.Config)]
}

// outage says whether users see errors now.
func (w *world) outage() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.bad != nil {
		return w.bad()
	}
	return len(w.broken) > 0 && (w.heals == 0 || time.Since(w.brokeAt) < w.heals)
}

// ask is a prober at 100 a second, flushed every 50 ms as the real one is.
func (w *world) ask(ctx context.Context, base time.Time, s sample.Schedule, emit func([]sample.Sample, []probe.Detail)) error {
	var batch []sample.Sample
	for k := uint64(0); ; k++ {
		at := s.Intended(k)
		if !sleep(ctx, time.Until(base.Add(at))) {
			emit(batch, nil)
			return nil
		}
		x := sample.Sample{Seq: k, Intended: at, Started: at, Ended: at, Outcome: sample.Good}
		if w.outage() {
			x.Outcome, x.Class = sample.Bad, sample.Refused
		}
		if batch = append(batch, x); len(batch) == 5 {
			emit(batch, nil)
			batch = nil
		}
	}
}

func sleep(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-ctx.Done():
		return false
	}
}

// log is a journal in memory that can fill up.
type log struct {
	entries []journal.Entry
	full    func(k journal.Kind) bool
}

var errFull = errors.New("no space left on device")

func (l *log) Append(at time.Duration, k journal.Kind, body []byte) (uint64, error) {
	if l.full != nil && l.full(k) {
		return 0, errFull
	}
	l.entries = append(l.entries, journal.Entry{Seq: uint64(len(l.entries)), At: at, Kind: k, Body: body})
	return uint64(len(l.entries) - 1), nil
}

func (l *log) AppendSync(at time.Duration, k journal.Kind, body []byte) (uint64, error) {
	return l.Append(at, k, body)
}
func (l *log) Sync() error { return nil }

// steps lists what happened to the steps, in order: "fault.active fault.a".
func (l *log) steps() (out []string) {
	for _, e := range l.entries {
		var b struct{ Addr string }
		switch e.Kind {
		case journal.SampleBlock, journal.ProbeStarted, journal.Check, journal.PlanKind, journal.RunStarted, journal.Phase:
			continue
		}
		_ = json.Unmarshal(e.Body, &b)
		out = append(out, string(e.Kind)+" "+b.Addr)
	}
	return out
}

func (l *log) find(t require.TestingT, k journal.Kind, into any) time.Duration {
	for _, e := range l.entries {
		if e.Kind == k {
			if into != nil {
				require.NoError(t, json.Unmarshal(e.Body, into))
			}
			return e.At
		}
	}
	require.Failf(t, "not in the journal", "%s", k)
	return 0
}

func (l *log) has(k journal.Kind) bool {
	for _, e := range l.entries {
		if e.Kind == k {
			return true
		}
	}
	return false
}

type silent struct{}

func (silent) Entry(time.Duration, journal.Kind, any) {}
func (silent) Live(Snapshot)                          {}

func dur(s string) plan.Duration {
	d, err := time.ParseDuration(s)
	if err != nil {
		panic(err)
	}
	return plan.Duration(d)
}

func fault(name, at, hold string, after ...string) plan.Fault {
	return plan.Fault{Addr: "fault." + name, Type: "f", Plugin: "p", When: plan.When{At: dur(at), After: after}, Hold: dur(hold), Release: "hold"}
}

// aPlan watches one SLO and has the given faults.
func aPlan(faults ...plan.Fault) *plan.Plan {
	return &plan.Plan{Draft: plan.Draft{
		Scenario: plan.Scenario{Name: "s", Baseline: dur("5s"), Recovery: dur("60s")},
		Probes:   []plan.Probe{{Addr: "probe.http.x", Rate: 100}},
		SLOs:     []plan.SLO{{Addr: "slo.x", Probe: "probe.http.x", Target: 99, Window: dur("1s")}},
		Faults:   faults,
	}}
}

func objective(fault, rto, stable string) plan.Objective {
	d := dur(rto)
	return plan.Objective{Addr: "objective.x", SLO: "slo.x", Fault: fault, RTO: &d, StableFor: dur(stable)}
}

// play runs a plan in a bubble of fake time and returns what was written.
func play(t *testing.T, p *plan.Plan, w *world, change func(*Config)) (*log, error) {
	t.Helper()
	j := &log{}
	c := Config{
		Plan: p, Journal: j, Observer: silent{}, Started: journal.Started{Run: "r1"},
		Open: func(context.Context, string) (Plugin, error) { return w, nil },
		Act: func(_ context.Context, a plan.Action, config json.RawMessage) (Said, error) {
			what, err := w.Run(context.Background(), a.Type, sdk.Request{ID: a.Addr, Config: config})
			return Said{What: what, By: "ada"}, err
		},
		Probes: []Probe{{Addr: "probe.http.x", Rate: 100, Run: w.ask}},
		Undo:   undo.Options{Total: time.Minute},
	}
	var err error
	synctest.Test(t, func(*testing.T) { // channels made outside of the bubble would stop its clock
		if change != nil {
			change(&c)
		}
		err = Run(context.Background(), c)
	})
	return j, err
}

func fastUndo() undo.Options {
	return undo.Options{Attempt: 2 * time.Second, Total: 10 * time.Second, Pause: 100 * time.Millisecond}
}

// started is the wall-clock time of offset zero.
func (l *log) started(t require.TestingT) time.Time {
	var s journal.Started
	l.find(t, journal.RunStarted, &s)
	return s.Wall
}
