package conformance

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/gameday-toolkit/gameday/plugins/sdk"
)

// town is the world outside of the plugin: lamps that burn, unless a fault put them out.
type town struct {
	mu    sync.Mutex
	lamps map[string]string
	next  int
}

func (w *town) get(lamp string) string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.lamps[lamp]
}

func (w *town) set(lamp, state string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.lamps[lamp] = state
}

func (w *town) erect() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.next++
	lamp := fmt.Sprint("lamp ", w.next)
	w.lamps[lamp] = "burns"
	return lamp
}

func (w *town) out() []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	var out []string
	for lamp, state := range w.lamps {
		if strings.HasPrefix(state, "out") {
			out = append(out, lamp)
		}
	}
	return out
}

// dark is the honest fault: each lamp is put out in turn, marked with the handle that did it.
type dark struct{ w *town }

func (dark) Schema() sdk.Schema {
	return sdk.Schema{Attributes: []sdk.Attribute{{Name: "how", Type: sdk.String, Doc: "How.", OneOf: []string{"wind"}, Default: "wind"}}}
}

func (d dark) Prepare(_ context.Context, req sdk.Request) (sdk.Handle, []sdk.Problem, error) {
	was := map[string]string{}
	for _, t := range req.Targets {
		was[t.ID] = d.w.get(t.ID)
	}
	b, err := json.Marshal(was)
	return sdk.Handle{Undo: b, Effects: []string{"a lamp goes out"}, Steps: []string{"light it"}}, nil, err
}

func (d dark) Inject(ctx context.Context, h sdk.Handle) error {
	for _, t := range h.Targets {
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-time.After(3 * time.Millisecond):
		}
		d.w.set(t.ID, "out by "+h.ID)
	}
	return nil
}

func (d dark) Inspect(_ context.Context, h sdk.Handle) (sdk.State, error) {
	for _, t := range h.Targets {
		if d.w.get(t.ID) == "out by "+h.ID {
			return sdk.State{Status: sdk.Active, Evidence: t.ID + " is out"}, nil
		}
	}
	return sdk.State{Status: sdk.Inactive, Evidence: "all burn"}, nil
}

func (d dark) Revert(_ context.Context, h sdk.Handle) error {
	var was map[string]string
	if err := h.DecodeUndo(&was); err != nil {
		return err
	}
	for lamp, state := range was {
		if d.w.get(lamp) == "out by "+h.ID {
			d.w.set(lamp, state)
		}
	}
	return nil
}

// cheat is the honest fault with some of its methods replaced.
type cheat struct {
	dark
	schema  func() sdk.Schema
	prepare func(context.Context, sdk.Request) (sdk.Handle, []sdk.Problem, error)
	inject  func(context.Context, sdk.Handle) error
	inspect func(context.Context, sdk.Handle) (sdk.State, error)
	revert  func(context.Context, sdk.Handle) error
}

func (c cheat) Schema() sdk.Schema {
	if c.schema != nil {
		return c.schema()
	}
	return c.dark.Schema()
}

func (c cheat) Prepare(ctx context.Context, r sdk.Request) (sdk.Handle, []sdk.Problem, error) {
	if c.prepare != nil {
		return c.prepare(ctx, r)
	}
	return c.dark.Prepare(ctx, r)
}

func (c cheat) Inject(ctx context.Context, h sdk.Handle) error {
	if c.inject != nil {
		return c.inject(ctx, h)
	}
	return c.dark.Inject(ctx, h)
}

func (c cheat) Inspect(ctx context.Context, h sdk.Handle) (sdk.State, error) {
	if c.inspect != nil {
		return c.inspect(ctx, h)
	}
	return c.dark.Inspect(ctx, h)
}

func (c cheat) Revert(ctx context.Context, h sdk.Handle) error {
	if c.revert != nil {
		return c.revert(ctx, h)
	}
	return c.dark.Revert(ctx, h)
}

func subject(fault func(*town) sdk.Fault) Subject {
	w := &town{lamps: map[string]string{}}
	return Subject{
		Settle: 60 * time.Millisecond,
		New: func() *sdk.Plugin {
			return &sdk.Plugin{Name: "town", Version: "0.1.0", Faults: map[string]sdk.Fault{"town_dark": fault(w)}}
		},
		Faults: []Case{{
			Fault: "town_dark",
			Setup: func(context.Context) (sdk.Request, error) {
				var req sdk.Request
				for range 3 {
					lamp := w.erect()
					req.Targets = append(req.Targets, sdk.Target{Type: "town_lamp", ID: lamp, Name: lamp})
				}
				return req, nil
			},
			Look: func(_ context.Context, h sdk.Handle) (bool, error) {
				return slices.ContainsFunc(h.Targets, func(t sdk.Target) bool { return strings.HasPrefix(w.get(t.ID), "out") }), nil
			},
			Snapshot: func(_ context.Context, req sdk.Request) (string, error) {
				var states []string
				for _, t := range req.Targets {
					states = append(states, w.get(t.ID))
				}
				return strings.Join(states, ","), nil
			},
		}},
	}
}

func TestAnHonestFaultPasses(t *testing.T) {
	Run(t, subject(func(w *town) sdk.Fault { return dark{w} }))
}

func TestCheatsAreCaught(t *testing.T) {
	revert := func(d dark, h sdk.Handle) error { return d.Revert(context.Background(), h) }
	for name, c := range map[string]struct {
		fault  func(*town) sdk.Fault
		caught []string // by these checks at least
	}{
		"Prepare puts the lamp out": {
			func(w *town) sdk.Fault {
				d := dark{w}
				return cheat{dark: d, prepare: func(ctx context.Context, r sdk.Request) (sdk.Handle, []sdk.Problem, error) {
					h, p, err := d.Prepare(ctx, r)
					w.set(r.Targets[0].ID, "out by eager Prepare")
					return h, p, err
				}}
			}, []string{"Prepare changes nothing"},
		},
		"Prepare changes something else": {
			func(w *town) sdk.Fault {
				d := dark{w}
				return cheat{dark: d, prepare: func(ctx context.Context, r sdk.Request) (sdk.Handle, []sdk.Problem, error) {
					h, p, err := d.Prepare(ctx, r)
					w.set(r.Targets[0].ID, w.get(r.Targets[0].ID)+" brightly")
					return h, p, err
				}}
			}, []string{"Prepare changes nothing"},
		},
		"Inject does nothing": {
			func(w *town) sdk.Fault {
				return cheat{
					dark: dark{w}, inject: func(context.Context, sdk.Handle) error { return nil },
				}
			}, []string{"Inject and Inspect agree"},
		},
		"Inject does nothing and Inspect says Active": {
			func(w *town) sdk.Fault {
				injected := false
				return cheat{
					dark: dark{w}, inject: func(context.Context, sdk.Handle) error { injected = true; return nil },
					inspect: func(context.Context, sdk.Handle) (sdk.State, error) {
						if injected {
							return sdk.State{Status: sdk.Active, Evidence: "trust me"}, nil
						}
						return sdk.State{Status: sdk.Inactive, Evidence: "trust me"}, nil
					},
				}
			}, []string{"Inject and Inspect agree"},
		},
		"Inject returns and goes on in the background": {
			func(w *town) sdk.Fault {
				d := dark{w}
				return cheat{dark: d, inject: func(ctx context.Context, h sdk.Handle) error {
					go func() {
						<-time.After(20 * time.Millisecond)
						_ = d.Inject(context.Background(), h)
					}()
					return d.Inject(ctx, h)
				}}
			}, []string{"Revert after a lost answer"},
		},
		"Revert does nothing": {
			func(w *town) sdk.Fault {
				return cheat{dark: dark{w}, revert: func(context.Context, sdk.Handle) error { return nil }}
			}, []string{
				"Revert puts everything back", "Revert twice", "Revert in a fresh process", "Revert after part of an Inject",
				"Revert after a lost answer", "Revert leaves other faults alone",
			},
		},
		"Revert does nothing and Inspect says Inactive": {
			func(w *town) sdk.Fault {
				reverted := false
				d := dark{w}
				return cheat{
					dark: d, revert: func(context.Context, sdk.Handle) error { reverted = true; return nil },
					inspect: func(ctx context.Context, h sdk.Handle) (sdk.State, error) {
						if reverted {
							return sdk.State{Status: sdk.Inactive, Evidence: "trust me"}, nil
						}
						return d.Inspect(ctx, h)
					},
				}
			}, []string{"Revert puts everything back", "Revert in a fresh process", "the lease reverts"},
		},
		"Revert puts back something else": {
			func(w *town) sdk.Fault {
				d := dark{w}
				return cheat{dark: d, revert: func(_ context.Context, h sdk.Handle) error {
					err := revert(d, h)
					w.set(h.Targets[0].ID, "smoulders")
					return err
				}}
			}, []string{"Revert puts everything back", "Revert before Inject"},
		},
		"Revert forgets all but the first": {
			func(w *town) sdk.Fault {
				return cheat{dark: dark{w}, revert: func(_ context.Context, h sdk.Handle) error {
					w.set(h.Targets[0].ID, "burns")
					return nil
				}}
			}, []string{"Revert puts everything back", "the lease reverts"},
		},
		"Revert fails the second time": {
			func(w *town) sdk.Fault {
				d := dark{w}
				return cheat{dark: d, revert: func(_ context.Context, h sdk.Handle) error {
					if w.get(h.Targets[0].ID) == "burns" {
						return errors.New("there is nothing to revert")
					}
					return revert(d, h)
				}}
			}, []string{"Revert twice", "Revert before Inject"},
		},
		"Revert toggles": {
			func(w *town) sdk.Fault {
				d := dark{w}
				return cheat{dark: d, revert: func(ctx context.Context, h sdk.Handle) error {
					if w.get(h.Targets[0].ID) == "burns" {
						return d.Inject(ctx, h)
					}
					return revert(d, h)
				}}
			}, []string{"Revert twice", "Revert before Inject"},
		},
		"Revert needs the memory of Inject": {
			func(w *town) sdk.Fault {
				d := dark{w}
				memory := &sync.Map{}
				return cheat{
					dark: d,
					inject: func(ctx context.Context, h sdk.Handle) error {
						memory.Store(h.ID, true)
						return d.Inject(ctx, h)
					},
					revert: func(_ context.Context, h sdk.Handle) error {
						if _, ok := memory.Load(h.ID); !ok {
							return nil
						}
						return revert(d, h)
					},
				}
			}, []string{"Revert in a fresh process", "Revert after part of an Inject"},
		},
		"Revert lights every lamp in town": {
			func(w *town) sdk.Fault {
				return cheat{dark: dark{w}, revert: func(context.Context, sdk.Handle) error {
					for _, lamp := range w.out() {
						w.set(lamp, "burns")
					}
					return nil
				}}
			}, []string{"Revert leaves other faults alone"},
		},
		"Revert panics after part of an Inject": {
			func(w *town) sdk.Fault {
				d := dark{w}
				return cheat{dark: d, revert: func(_ context.Context, h sdk.Handle) error {
					if w.get(h.Targets[0].ID) != w.get(h.Targets[2].ID) {
						panic("half")
					}
					return revert(d, h)
				}}
			}, []string{"Revert after part of an Inject", "Revert after a lost answer"},
		},
		"Inject remembers what it finds as what was there": {
			func(w *town) sdk.Fault {
				d := dark{w}
				var mu sync.Mutex
				found := map[string]string{}
				return cheat{
					dark: d,
					inject: func(ctx context.Context, h sdk.Handle) error {
						mu.Lock()
						found[h.ID] = w.get(h.Targets[0].ID)
						mu.Unlock()
						return d.Inject(ctx, h)
					},
					revert: func(_ context.Context, h sdk.Handle) error {
						mu.Lock()
						defer mu.Unlock()
						for _, t := range h.Targets {
							if was := found[h.ID]; was != "" {
								w.set(t.ID, was)
							}
						}
						return nil
					},
				}
			}, []string{"two faults on one target"},
		},
		"Revert has done its part when it has begun": {
			func(w *town) sdk.Fault {
				d := dark{w}
				var mu sync.Mutex
				begun := map[string]bool{}
				return cheat{
					dark: d,
					revert: func(ctx context.Context, h sdk.Handle) error {
						mu.Lock()
						done := begun[h.ID]
						begun[h.ID] = true
						mu.Unlock()
						if done {
							return nil
						}
						select {
						case <-ctx.Done():
							return context.Cause(ctx)
						case <-time.After(5 * time.Millisecond):
						}
						return revert(d, h)
					},
				}
			}, []string{"Revert after one that was given up"},
		},
		"Revert passes over a handle of another version": {
			func(w *town) sdk.Fault {
				d := dark{w}
				return cheat{dark: d, revert: func(_ context.Context, h sdk.Handle) error {
					if h.Version != "0.1.0" {
						return nil
					}
					return revert(d, h)
				}}
			}, []string{"a handle of another version"},
		},
		"Inspect says always Active": {
			inspectSays(sdk.Active), []string{"Prepare changes nothing", "Revert puts everything back"},
		},
		"Inspect says always Inactive": {inspectSays(sdk.Inactive), []string{"Inject and Inspect agree"}},
		"Inspect says always Unknown": {
			inspectSays(sdk.Unknown), []string{"Prepare changes nothing", "Inject and Inspect agree"},
		},
		"Inspect asks its memory": {
			func(w *town) sdk.Fault {
				d := dark{w}
				memory := &sync.Map{}
				return cheat{
					dark: d,
					inject: func(ctx context.Context, h sdk.Handle) error {
						memory.Store(h.ID, true)
						return d.Inject(ctx, h)
					},
					inspect: func(_ context.Context, h sdk.Handle) (sdk.State, error) {
						if _, ok := memory.Load(h.ID); ok {
							return sdk.State{Status: sdk.Active, Evidence: "I did it"}, nil
						}
						return sdk.State{Status: sdk.Inactive, Evidence: "I did nothing"}, nil
					},
					revert: func(_ context.Context, h sdk.Handle) error {
						memory.Delete(h.ID)
						return revert(d, h)
					},
				}
			}, []string{"Revert in a fresh process"},
		},
		"the handle tells people nothing": {
			func(w *town) sdk.Fault {
				d := dark{w}
				return cheat{dark: d, prepare: func(ctx context.Context, r sdk.Request) (sdk.Handle, []sdk.Problem, error) {
					h, p, err := d.Prepare(ctx, r)
					h.Steps, h.Effects = nil, nil
					return h, p, err
				}}
			}, []string{"the handle carries all"},
		},
		"every handle has one ID": {
			func(w *town) sdk.Fault {
				d := dark{w}
				return cheat{dark: d, prepare: func(ctx context.Context, r sdk.Request) (sdk.Handle, []sdk.Problem, error) {
					h, p, err := d.Prepare(ctx, r)
					h.ID = "dark"
					return h, p, err
				}}
			}, []string{"the handle carries all"},
		},
		"the schema makes no sense": {
			func(w *town) sdk.Fault {
				return cheat{dark: dark{w}, schema: func() sdk.Schema {
					return sdk.Schema{
						Attributes: []sdk.Attribute{
							{Name: "Wait", Type: "time", Doc: "x"}, {Name: "n", Type: sdk.Number, Default: "3", Doc: "x"},
							{Name: "n", Type: sdk.Bool, Required: true, Default: true, Doc: "x"}, {Name: "d", Type: sdk.Duration, Default: "soon", Doc: "x"},
							{Name: "o", Type: sdk.String, OneOf: []string{"a"}, Default: "b"},
						},
						Blocks: []sdk.Block{{Name: "b", Min: 2, Max: 1}},
					}
				}}
			}, []string{"Describe"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			failed := map[string]error{}
			s := subject(c.fault)
			s.Timeout = 2 * time.Second
			for _, r := range Verify(t.Context(), s) {
				if r.Err != nil {
					failed[r.Check] = r.Err
				}
			}
			require.Subset(t, slices.Collect(maps.Keys(failed)), c.caught, "%v", failed)
			t.Log(failed)
		})
	}
}

func inspectSays(status sdk.Status) func(*town) sdk.Fault {
	return func(w *town) sdk.Fault {
		return cheat{dark: dark{w}, inspect: func(context.Context, sdk.Handle) (sdk.State, error) {
			return sdk.State{Status: status, Evidence: "trust me"}, nil
		}}
	}
}

func TestSchemaMistakesAreAllNamed(t *testing.T) {
	err := checkSchema("fault x", sdk.Schema{
		Attributes: []sdk.Attribute{
			{Name: "Wait", Type: "time"}, {Name: "n", Type: sdk.Number, Default: "3"}, {Name: "n", Type: sdk.Bool, Required: true, Default: true},
			{Name: "l", Type: sdk.StringList, Default: []any{"a", 1.0}}, {Name: "o", Type: sdk.Number, OneOf: []string{"a"}},
		},
		Blocks: []sdk.Block{{Name: "b", Min: 2, Max: 1}},
	})
	for _, want := range []string{
		`the name "Wait"`, `the type "time"`, "no Doc", "the default 3 is not a number", `the name "n" is there twice`,
		"required attribute", "is not a list(string)", "OneOf is for strings", "at least 2 and at most 1",
	} {
		require.ErrorContains(t, err, want)
	}
}

func TestAWordOfTheLanguageIsNoAttribute(t *testing.T) {
	s := sdk.Schema{Attributes: []sdk.Attribute{{Name: "after"}, {Name: "size"}}, Blocks: []sdk.Block{{Name: "limit"}}}
	err := reachable("fault", "fault x", s)
	require.ErrorContains(t, err, `fault x: "after" is a word of the language in a fault block`)
	require.ErrorContains(t, err, `"limit"`)
	require.NotContains(t, err.Error(), "size")
	require.NoError(t, reachable("ledger", "ledger x", s))
}

func TestAFaultWithoutACaseIsNamed(t *testing.T) {
	s := subject(func(w *town) sdk.Fault { return dark{w} })
	s.Faults = nil
	require.ErrorContains(t, Verify(t.Context(), s)[0].Err, "fault town_dark is in no Case")
}

type fickle struct{}

func (fickle) Schema() sdk.Schema { return sdk.Schema{} }

func (fickle) Resolve(context.Context, sdk.Request) (sdk.Selection, []sdk.Problem, error) {
	return sdk.Selection{Targets: []sdk.Target{{ID: time.Now().String(), Type: "other"}}}, nil, nil
}

func TestAFickleTargetIsCaught(t *testing.T) {
	s := Subject{
		New: func() *sdk.Plugin {
			return &sdk.Plugin{Name: "town", Version: "0.1.0", Targets: map[string]sdk.TargetType{"town_lamp": fickle{}}}
		},
		Targets: []TargetCase{{Type: "town_lamp", Names: []string{"first"}}},
	}
	err := Verify(t.Context(), s)[1].Err
	for _, want := range []string{"differently the second time", "the type town_lamp", "population of 0", "should find"} {
		require.ErrorContains(t, err, want)
	}
}
