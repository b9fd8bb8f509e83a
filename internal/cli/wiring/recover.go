package wiring

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/gameday-toolkit/gameday/internal/history"
	"github.com/gameday-toolkit/gameday/internal/journal"
	"github.com/gameday-toolkit/gameday/internal/plan"
	"github.com/gameday-toolkit/gameday/internal/pluginhost"
	"github.com/gameday-toolkit/gameday/internal/undo"
	"github.com/gameday-toolkit/gameday/plugins/sdk"
)

// Recovery puts back what a run has left, from its journal alone.
type Recovery struct {
	Dir     journal.RunDir
	Dirs    []string // where plugins are; nil for the usual places
	Options undo.Options
	// AnyVersion lets a plugin of another version try to undo what it did not do.
	AnyVersion bool
	// Tampered goes on with a journal that has been tampered with.
	Tampered bool
	// Secrets finds the sensitive values of the run again; it is asked only where they are needed.
	Secrets func(*plan.Plan) (map[string]string, error)
	// Say is told of each step.
	Say func(journal.Kind, journal.StepBody)
}

// Run undoes everything that is outstanding, newest first, faults before actions, and returns what is still not proven to
// be gone. Every step is in the journal.
func (c *Recovery) Run(ctx context.Context) (left []undo.Item, err error) {
	w, _, err := c.open()
	if errors.Is(err, journal.ErrEmpty) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, w.Close()) }()
	run, err := history.Load(c.Dir.Journal()) // the journal is locked by now: nobody else writes it
	if err != nil {
		return nil, err
	}
	open := run.Outstanding()
	if len(open) == 0 {
		return nil, nil
	}
	if run.Plan == nil {
		return nil, errors.New("the journal ends before the plan")
	}
	rec := &recorder{journal: w, clock: clockOf(run), say: c.Say}
	p := &putter{Recovery: c, plan: run.Plan, run: run.Started.Run, procs: map[string]*pluginhost.Plugin{}}
	defer func() { err = errors.Join(err, p.close(ctx)) }()
	all := p.items(open)
	if p.plan.Secrets, err = c.secrets(run.Plan, open); err != nil {
		return all, err
	}
	items, hopeless, openErr := openable(ctx, all, keysOf(open))
	left = append(undo.All(ctx, items, rec.record, c.Options), hopeless...)
	names := []string{}
	for _, it := range left {
		names = append(names, it.Addr)
	}
	_, err = w.AppendSync(rec.clock(), journal.Recovered, journal.Encode(journal.EndedBody{Reason: "gameday recover", Outstanding: names}))
	return left, errors.Join(openErr, err, rec.err)
}

// keysOf tells which configuration of which plugin undoes what is at an address. Two of one plugin may reach different
// worlds, and only one of them may be gone.
func keysOf(open []history.Outstanding) map[string]string {
	keys := map[string]string{}
	for _, o := range open {
		keys[o.Addr] = o.Plugin
	}
	return keys
}

// openable sets apart what cannot be undone because its plugin cannot be had: to try for minutes would not help.
func openable(ctx context.Context, all []undo.Item, keys map[string]string) (items, hopeless []undo.Item, err error) {
	tried := map[string]error{}
	for _, it := range all {
		key := keys[it.Addr]
		if _, done := tried[key]; !done && key != "" {
			_, tried[key] = it.Open(ctx)
		}
		if tried[key] != nil {
			hopeless = append(hopeless, it)
			continue
		}
		items = append(items, it)
	}
	for _, name := range slices.Sorted(maps.Keys(tried)) {
		err = errors.Join(err, tried[name])
	}
	return items, hopeless, err
}

func (c *Recovery) open() (*journal.Writer, journal.End, error) {
	if c.Tampered {
		return journal.OpenTampered(c.Dir.Journal())
	}
	return journal.OpenAppend(c.Dir.Journal())
}

// clockOf continues the run's clock. Its monotonic base is gone with the process, so the wall clock has to do; it never
// goes back behind what is in the journal.
func clockOf(run *history.Run) func() time.Duration {
	return func() time.Duration { return max(run.LastAt, time.Since(run.Started.Wall)) }
}

// secrets gives the sensitive values, where what is outstanding or its plugin needs any.
func (c *Recovery) secrets(p *plan.Plan, open []history.Outstanding) (map[string]string, error) {
	var needed strings.Builder
	for _, o := range open {
		needed.Write(o.HandleBody.Handle.Undo)
		for _, pl := range p.Plugins {
			if pl.Key() == o.Plugin {
				needed.Write(pl.Config)
			}
		}
	}
	if !plan.HasSecret(json.RawMessage(needed.String())) {
		return nil, nil
	}
	return c.Secrets(p)
}

// recorder writes the steps of an undo into the journal.
type recorder struct {
	journal *journal.Writer
	clock   func() time.Duration
	say     func(journal.Kind, journal.StepBody)
	err     error
}

// record syncs each step: a recovery may be killed too. A step that cannot be recorded is done all the same.
func (r *recorder) record(kind journal.Kind, body journal.StepBody) {
	if _, err := r.journal.AppendSync(r.clock(), kind, journal.Encode(body)); err != nil && r.err == nil {
		r.err = fmt.Errorf("recording the recovery: %w", err)
	}
	r.say(kind, body)
}

// putter opens what undoes.
type putter struct {
	*Recovery
	plan  *plan.Plan
	run   string
	host  *pluginhost.Host
	procs map[string]*pluginhost.Plugin
}

func (p *putter) items(open []history.Outstanding) (items []undo.Item) {
	p.host = pluginhost.New(pluginhost.Options{Dirs: p.Dirs, StateDir: filepath.Join(p.Dir.Path, "plugins")})
	slices.SortStableFunc(open, func(a, b history.Outstanding) int { return rank(a) - rank(b) })
	for _, o := range open {
		it := undo.Item{Addr: o.Addr, Handle: o.HandleBody.Handle, Action: o.Action, Reason: "gameday recover"}
		it.Open = func(ctx context.Context) (undo.Reverter, error) { return p.plugin(ctx, o.Plugin, o.HandleBody.Handle) }
		if o.Action {
			r := &undo.ActionUndo{Run: func(ctx context.Context, h sdk.Handle) (string, error) { return p.undoAction(ctx, o, h) }}
			it.Open = func(context.Context) (undo.Reverter, error) { return r, nil }
		}
		items = append(items, it)
	}
	return items
}

// rank puts faults before actions: the undo of an action needs the world that a fault has taken away.
func rank(o history.Outstanding) int {
	if o.Action {
		return 1
	}
	return 0
}

func (p *putter) undoAction(ctx context.Context, o history.Outstanding, h sdk.Handle) (string, error) {
	i := slices.IndexFunc(p.plan.Actions, func(a plan.Action) bool { return a.Addr == o.Addr })
	if i < 0 {
		return "", fmt.Errorf("%s is not in the plan", o.Addr)
	}
	a := p.plan.Actions[i]
	config := plan.Reveal(h.Undo, p.plan.Secrets)
	if a.Plugin == "" {
		said, err := act(p.plan, p.run, nil)(ctx, a, config)
		return said.What, err
	}
	c, err := p.plugin(ctx, a.Plugin, h)
	if err != nil {
		return "", err
	}
	return c.Run(ctx, a.Type, sdk.Request{Run: p.run, ID: a.Addr, Config: config, Targets: h.Targets, Seed: p.plan.Seed})
}

// plugin gives a plugin at work, started again where it has died. It has no lease: it can undo, and inject nothing.
func (p *putter) plugin(ctx context.Context, key string, h sdk.Handle) (*pluginhost.Plugin, error) {
	if proc := p.procs[key]; proc != nil {
		select {
		case <-proc.Exited():
		default:
			return proc, nil
		}
	}
	i := slices.IndexFunc(p.plan.Plugins, func(pl plan.Plugin) bool { return pl.Key() == key })
	if i < 0 {
		return nil, fmt.Errorf("plugin %q is not in the plan", key)
	}
	pl := p.plan.Plugins[i]
	proc, err := p.host.Launch(ctx, pl.Name, key)
	if err != nil {
		return nil, err
	}
	if err := p.ready(ctx, pl, proc, h.Version); err != nil {
		stop, cancel := context.WithTimeout(context.WithoutCancel(ctx), stopLost)
		defer cancel()
		return nil, errors.Join(err, proc.Stop(stop))
	}
	p.procs[key] = proc
	return proc, nil
}

// ready checks that a plugin is the one that can undo, and configures it.
func (p *putter) ready(ctx context.Context, pl plan.Plugin, proc *pluginhost.Plugin, did string) error {
	if did != "" && proc.Info.Version != did && !p.AnyVersion {
		return fmt.Errorf("plugin %s here has version %s, and version %s did what is to be undone: install that one, or try with -any-version", pl.Key(), proc.Info.Version, did)
	}
	_, problems, err := proc.Configure(ctx, sdk.Settings{Config: plan.Reveal(pl.Config, p.plan.Secrets), StateDir: proc.StateDir})
	for _, pr := range problems {
		if err == nil && pr.Severity == sdk.Error {
			err = fmt.Errorf("%s: %s", pr.Summary, pr.Detail)
		}
	}
	if err != nil {
		return fmt.Errorf("configuring plugin %s: %w", pl.Key(), err)
	}
	return nil
}

func (p *putter) close(ctx context.Context) error {
	if p.host == nil {
		return nil
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), stopLost)
	defer cancel()
	return p.host.Stop(ctx)
}
