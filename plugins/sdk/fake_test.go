package sdk

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// world is the target of the tests: the set of faults that are there, and every act in order.
type world struct {
	mu    sync.Mutex
	there map[string]bool
	acts  []string

	onInject  func(context.Context, Handle) error
	onRevert  func(n int, h Handle) error // n counts the reverts of this handle
	onInspect func(Handle) (State, error)
	reverts   map[string]int
}

func newWorld() *world { return &world{there: map[string]bool{}, reverts: map[string]int{}} }

func (w *world) act(format string, args ...any) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.acts = append(w.acts, fmt.Sprintf(format, args...))
}

func (w *world) did() []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return slices.Clone(w.acts)
}

func (w *world) set(id string, there bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.there[id] = there
}

func (w *world) has(id string) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.there[id]
}

type fakeFault struct{ w *world }

func (fakeFault) Schema() Schema {
	return Schema{
		Doc:        "Sets a mark.",
		Attributes: []Attribute{{Name: "depth", Type: Number, Default: 3.5, OneOf: nil}, {Name: "wait", Type: Duration, Default: "1s"}},
		Blocks:     []Block{{Name: "inner", Max: 1, Schema: Schema{Attributes: []Attribute{{Name: "tags", Type: StringMap}}}}},
	}
}

func (f fakeFault) Prepare(_ context.Context, req Request) (Handle, []Problem, error) {
	if len(req.Targets) == 0 {
		return Handle{}, []Problem{{Severity: Error, Path: []string{"targets"}, Summary: "Nothing to break", Permission: "break:things"}}, nil
	}
	return Handle{Undo: json.RawMessage(`{"mark":"` + req.ID + `"}`), Steps: []string{"rub it out"}, Effects: []string{"a mark"}}, nil, nil
}

func (f fakeFault) Inject(ctx context.Context, h Handle) error {
	f.w.act("inject %s", h.ID)
	f.w.set(h.ID, true)
	if f.w.onInject != nil {
		return f.w.onInject(ctx, h)
	}
	return nil
}

func (f fakeFault) Inspect(_ context.Context, h Handle) (State, error) {
	if f.w.onInspect != nil {
		return f.w.onInspect(h)
	}
	if f.w.has(h.ID) {
		return State{Status: Active, Evidence: "the mark is there"}, nil
	}
	return State{Status: Inactive, Evidence: "no mark"}, nil
}

func (f fakeFault) Revert(_ context.Context, h Handle) error {
	f.w.mu.Lock()
	f.w.reverts[h.ID]++
	n := f.w.reverts[h.ID]
	f.w.mu.Unlock()
	f.w.act("revert %s", h.ID)
	if f.w.onRevert != nil {
		if err := f.w.onRevert(n, h); err != nil {
			return err
		}
	}
	f.w.set(h.ID, false)
	return nil
}

type fakeTarget struct{}

func (fakeTarget) Schema() Schema { return Schema{Doc: "Things."} }

func (fakeTarget) Resolve(_ context.Context, req Request) (Selection, []Problem, error) {
	var cfg struct{ Count int }
	if err := req.Decode(&cfg); err != nil {
		return Selection{}, nil, err
	}
	sel := Selection{Population: cfg.Count}
	for i := range cfg.Count {
		sel.Targets = append(sel.Targets, Target{Type: "fake_thing", ID: fmt.Sprint(i), Name: fmt.Sprint("thing ", i), Attrs: map[string]string{"n": fmt.Sprint(i)}})
	}
	return sel, []Problem{{Severity: Warning, Path: []string{"count"}, Summary: "So many"}}, nil
}

type fakeAction struct{}

func (fakeAction) Schema() Schema { return Schema{} }

func (fakeAction) Check(context.Context, Request) ([]Problem, error) {
	return []Problem{{Severity: Error, Summary: "Not now", Detail: "Come back later."}}, nil
}

func (fakeAction) Run(ctx context.Context, req Request) (string, error) {
	if req.ID == "slow" {
		<-ctx.Done()
		return "", ctx.Err()
	}
	return "moved " + req.ID, nil
}

type fakeProber struct{ err error }

func (fakeProber) Schema() Schema { return Schema{} }

func (p fakeProber) Probe(context.Context, Request) (Observation, error) {
	return Observation{Class: "status", Detail: "503"}, p.err
}

// fakeLedger acknowledges, and holds one record of its own making.
type fakeLedger struct{}

func (fakeLedger) Schema() Schema { return Schema{Doc: "Records."} }

func (fakeLedger) Write(_ context.Context, req Request, e LedgerEntry) (LedgerAnswer, error) {
	if e.Seq == 13 {
		return LedgerAnswer{}, Final(errors.New("unlucky")) // whatever Final says, a write has one kind of error
	}
	return LedgerAnswer{Outcome: LedgerInfo, Detail: fmt.Sprint(req.ID, " ", e.Seq), Promise: "on two replicas"}, nil
}

func (fakeLedger) Read(_ context.Context, req Request, cursor string) (LedgerPage, error) {
	switch cursor {
	case "":
		return LedgerPage{Entries: []LedgerEntry{{Run: req.Run, Seq: 7, Worker: 2, Time: time.Unix(1, 5).UTC()}}, Strange: []string{"a hat"}, Next: "1"}, nil
	case "1":
		return LedgerPage{}, errors.New("busy")
	}
	return LedgerPage{}, fmt.Errorf("reading: %w", Final(errors.New("no such cursor")))
}

type fakeAlert struct{ err error }

func (fakeAlert) Schema() Schema { return Schema{Doc: "Alarms."} }

func (a fakeAlert) Poll(_ context.Context, req Request) (AlertState, error) {
	return AlertState{Firing: true, Summary: "fire in " + req.ID}, a.err
}

func fakePlugin(w *world) *Plugin {
	return &Plugin{
		Name: "fake", Version: "1.2.3", Doc: "For tests.",
		Config:  Schema{Attributes: []Attribute{{Name: "endpoint", Type: String, Required: true, Sensitive: true}}},
		Outputs: []Attribute{{Name: "dns", Type: String}},
		Configure: func(_ context.Context, s Settings) (map[string]any, []Problem, error) {
			var cfg struct{ Endpoint string }
			if err := s.Decode(&cfg); err != nil {
				return nil, nil, err
			}
			if cfg.Endpoint == "bad" {
				return nil, []Problem{{Severity: Error, Path: []string{"endpoint"}, Summary: "Bad endpoint"}}, nil
			}
			return map[string]any{"dns": "127.0.0.1:53", "count": 2.0}, nil, nil
		},
		Targets: map[string]TargetType{"fake_thing": fakeTarget{}},
		Faults:  map[string]Fault{"fake_mark": fakeFault{w}},
		Actions: map[string]Action{"fake_move": fakeAction{}},
		Probers: map[string]Prober{"fake_probe": fakeProber{}, "fake_sick": fakeProber{errors.New("cannot ask")}},
		Ledgers: map[string]Ledger{"fake_log": fakeLedger{}},
		Alerts:  map[string]Alert{"fake_alarm": fakeAlert{}, "fake_mute": fakeAlert{errors.New("no answer")}},
		Documents: map[string]Document{"rights": {Doc: "What it may do.", Write: func(_ context.Context, req DocumentRequest) (string, error) {
			if req.Scenario == "wrong" {
				return "", errors.New("there is no such right")
			}
			return fmt.Sprintln(req.Scenario, len(req.Plugins), len(req.Blocks)), nil
		}}},
		Sweep: func(context.Context) ([]Handle, error) {
			return []Handle{{ID: "left", Plugin: "fake", Fault: "fake_mark", Undo: json.RawMessage(`{}`)}}, nil
		},
		Observe: func(ctx context.Context, emit func(Event)) error {
			var wg sync.WaitGroup
			for i := range 10 {
				wg.Go(func() { emit(Event{Kind: Noticed, Source: "fake", Summary: fmt.Sprint(i)}) })
			}
			wg.Wait()
			<-ctx.Done()
			emit(Event{Summary: "too late"})
			return nil
		},
	}
}

func fakeHandle(id string) Handle {
	return Handle{ID: id, Plugin: "fake", Version: "1.2.3", Fault: "fake_mark", Undo: json.RawMessage(`{"mark":1}`)}
}

func local(t *testing.T, p *Plugin) *Local {
	t.Helper()
	l, err := ServeLocal(p, t.Output())
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, l.Close()) })
	return l
}
