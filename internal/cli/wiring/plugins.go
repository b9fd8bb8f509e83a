package wiring

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"

	"github.com/gameday-toolkit/gameday/internal/action"
	"github.com/gameday-toolkit/gameday/internal/alert"
	"github.com/gameday-toolkit/gameday/internal/lang"
	"github.com/gameday-toolkit/gameday/internal/ledger"
	"github.com/gameday-toolkit/gameday/internal/notify"
	"github.com/gameday-toolkit/gameday/internal/plan"
	"github.com/gameday-toolkit/gameday/internal/pluginhost"
	"github.com/gameday-toolkit/gameday/internal/pluginhost/lockfile"
	"github.com/gameday-toolkit/gameday/internal/probe"
	"github.com/gameday-toolkit/gameday/plugins/sdk"
)

// Readers are plugins at work for validate, plan and recover. They are configured without a lease: the SDK refuses to
// inject anything in such a session.
type Readers struct {
	Host *pluginhost.Host

	mu     sync.Mutex
	known  map[string]*known             // by name
	spare  map[string]*pluginhost.Plugin // launched to be described, and not configured
	active map[string]*pluginhost.Plugin // configured, by key

	kinds func() lang.Catalog // the core's own kinds, with the decoders made for them so far
}

// known is what one plugin's file said about itself, once for all scenarios of this process.
type known struct {
	path, sha256 string
	info         sdk.Info
	err          error
}

// NewReaders returns readers that have launched nothing yet.
func NewReaders(host *pluginhost.Host) *Readers {
	return &Readers{
		Host: host, known: map[string]*known{}, spare: map[string]*pluginhost.Plugin{}, active: map[string]*pluginhost.Plugin{},
		kinds: sync.OnceValue(func() lang.Catalog { return catalog(host.Names()).Cached() }),
	}
}

// Close stops every plugin that was launched.
func (r *Readers) Close(ctx context.Context) error { return r.Host.Stop(ctx) }

// Catalog describes all kinds of blocks: the core's own, and those of plugins, which must be the ones that are locked.
func (r *Readers) Catalog(ctx context.Context, lock *lockfile.Lock) lang.Catalog {
	c := r.kinds()
	c.Plugin = func(name string) (sdk.Info, error) { return r.describe(ctx, name, lock) }
	return c
}

// Types are the core's own kinds of blocks.
func Types() lang.Catalog { return catalog(nil) }

func catalog(names []string) lang.Catalog {
	c := lang.Catalog{
		Probes: map[string]sdk.Schema{}, Ledgers: map[string]sdk.Schema{}, Alerts: map[string]sdk.Schema{}, Actions: map[string]sdk.Schema{},
		Notifies: map[string]sdk.Schema{}, Names: names,
	}
	for name, k := range probe.Kinds() {
		c.Probes[name] = k.Schema
	}
	for name, k := range ledger.Kinds() {
		c.Ledgers[name] = k.Schema
	}
	for name, k := range alert.Kinds() {
		c.Alerts[name] = k.Schema
	}
	for name, k := range action.Kinds() {
		c.Actions[name] = k.Schema
	}
	for name, k := range notify.Kinds() {
		c.Notifies[name] = k.Schema
	}
	return c
}

// describe launches a plugin once for each process of ours. A file that is not the locked one is not even started.
func (r *Readers) describe(ctx context.Context, name string, lock *lockfile.Lock) (sdk.Info, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	k := r.known[name]
	if k == nil {
		k = &known{}
		if k.path, k.err = r.Host.Find(name); k.err == nil {
			k.sha256, k.err = pluginhost.Checksum(k.path)
		}
		r.known[name] = k
	}
	if k.err != nil {
		return sdk.Info{}, k.err
	}
	if err := checkLocked(name, k, lock); err != nil {
		return sdk.Info{}, err
	}
	if k.info.Name == "" {
		p, err := r.Host.Launch(ctx, name, "")
		if err != nil {
			k.err = err
			return sdk.Info{}, err
		}
		k.info, r.spare[name] = p.Info, p
	}
	return k.info, nil
}

func checkLocked(name string, k *known, lock *lockfile.Lock) error {
	want, locked := lock.Checksums()[name]
	if locked && !strings.EqualFold(want, k.sha256) {
		return &pluginhost.ChecksumError{Name: name, Path: k.path, Want: want, Got: k.sha256}
	}
	return nil
}

// launch gives a process that has not been configured yet.
func (r *Readers) launch(ctx context.Context, name, key string) (*pluginhost.Plugin, error) {
	r.mu.Lock()
	p := r.spare[name]
	delete(r.spare, name)
	r.mu.Unlock()
	if p != nil {
		return p, nil
	}
	return r.Host.Launch(ctx, name, key)
}

// Configure launches and configures plugins, all at the same time, and gives their outputs by key. Problems are bound to
// the plugins' blocks; with any error among them there are no outputs of that plugin.
func (r *Readers) Configure(ctx context.Context, plugins []plan.Plugin, secrets map[string]string) (map[string]map[string]any, []plan.Notice, error) {
	type answer struct {
		out      map[string]any
		problems []sdk.Problem
		err      error
	}
	answers := make([]answer, len(plugins))
	var wg sync.WaitGroup
	for i, p := range plugins {
		wg.Go(func() {
			a := &answers[i]
			a.out, a.problems, a.err = r.configure(ctx, p, secrets)
		})
	}
	wg.Wait()
	outputs := map[string]map[string]any{}
	var notices []plan.Notice
	var errs []error
	for i, p := range plugins {
		outputs[p.Key()] = answers[i].out
		errs = append(errs, answers[i].err)
		for _, pr := range answers[i].problems {
			notices = append(notices, plan.Notice{Addr: "plugin." + p.Key(), Problem: pr, Pos: p.Pos})
		}
	}
	return outputs, notices, errors.Join(errs...)
}

func (r *Readers) configure(ctx context.Context, p plan.Plugin, secrets map[string]string) (map[string]any, []sdk.Problem, error) {
	proc, err := r.launch(ctx, p.Name, p.Key())
	if err != nil {
		return nil, nil, err
	}
	out, problems, err := proc.Configure(ctx, sdk.Settings{Config: plan.Reveal(p.Config, secrets), StateDir: proc.StateDir})
	if err != nil {
		return nil, problems, fmt.Errorf("configuring plugin %s: %w", p.Key(), err)
	}
	r.mu.Lock()
	r.active[p.Key()] = proc
	r.mu.Unlock()
	return out, problems, nil
}

// Client gives a configured plugin.
func (r *Readers) Client(key string) (*pluginhost.Plugin, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	p := r.active[key]
	if p == nil {
		return nil, fmt.Errorf("plugin %q is not configured", key)
	}
	return p, nil
}

// Resolve, Prepare and Check make the plugins a plan.World.
func (r *Readers) Resolve(ctx context.Context, key, targetType string, req sdk.Request) (sdk.Selection, []sdk.Problem, error) {
	p, err := r.Client(key)
	if err != nil {
		return sdk.Selection{}, nil, err
	}
	return p.Resolve(ctx, targetType, req)
}

// Prepare previews a fault.
func (r *Readers) Prepare(ctx context.Context, key, fault string, req sdk.Request) (sdk.Handle, []sdk.Problem, error) {
	p, err := r.Client(key)
	if err != nil {
		return sdk.Handle{}, nil, err
	}
	return p.Prepare(ctx, fault, req)
}

// Check asks what would stop an action.
func (r *Readers) Check(ctx context.Context, key, action string, req sdk.Request) ([]sdk.Problem, error) {
	p, err := r.Client(key)
	if err != nil {
		return nil, err
	}
	return p.Check(ctx, action, req)
}
