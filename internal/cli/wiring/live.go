package wiring

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/gameday-toolkit/gameday/internal/engine"
	"github.com/gameday-toolkit/gameday/internal/plan"
	"github.com/gameday-toolkit/gameday/internal/pluginhost"
	"github.com/gameday-toolkit/gameday/plugins/sdk"
)

// Live keeps the plugins of one run at work: configured with a lease, kept alive, and started again when one has died, so
// that what it did can be undone by a fresh process.
type Live struct {
	host    *pluginhost.Host
	plan    *plan.Plan
	lease   time.Duration
	trouble chan engine.Trouble
	slots   map[string]*slot

	ctx    context.Context // of the keeping alive
	cancel context.CancelFunc
	jobs   sync.WaitGroup
}

// slot is the place of one plugin. Its process may change.
type slot struct {
	plugin  plan.Plugin
	sources bool // the run is measured with it

	mu      sync.Mutex // held while a process is started
	proc    *pluginhost.Plugin
	watched <-chan struct{} // closed when the end of proc has been told

	state sync.Mutex
	lost  *pluginhost.Plugin // the process that is known to be of no use any more
	held  map[string]bool    // handles that may be injected, by ID
}

// NewLive prepares the plugins of a plan. Their state goes to stateDir, and what they print to logs.
func NewLive(ctx context.Context, p *plan.Plan, dirs []string, lease time.Duration, stateDir string, logs io.Writer) *Live {
	l := &Live{plan: p, lease: lease, trouble: make(chan engine.Trouble, 64), slots: map[string]*slot{}}
	sums := map[string]string{}
	for _, pl := range p.Plugins {
		l.slots[pl.Key()] = &slot{plugin: pl, held: map[string]bool{}}
		sums[pl.Name] = pl.SHA256 // what runs is what was planned
	}
	for _, key := range watching(p) {
		if s := l.slots[key]; s != nil {
			s.sources = true
		}
	}
	l.host = pluginhost.New(pluginhost.Options{Dirs: dirs, Checksums: sums, StateDir: stateDir, Stderr: logs})
	l.ctx, l.cancel = context.WithCancel(context.WithoutCancel(ctx))
	return l
}

// watching are the plugins that a run is measured with.
func watching(p *plan.Plan) (keys []string) {
	for _, pr := range p.Probes {
		keys = append(keys, pr.Plugin)
	}
	for _, lg := range p.Ledgers {
		keys = append(keys, lg.Plugin)
	}
	for _, a := range p.Alerts {
		keys = append(keys, a.Plugin)
	}
	return keys
}

// Start launches all plugins at the same time.
func (l *Live) Start(ctx context.Context) error {
	g, ctx := errgroup.WithContext(ctx)
	for key := range l.slots {
		g.Go(func() error { _, err := l.client(ctx, key); return err })
	}
	return g.Wait()
}

// Stop stops all plugins, which revert first whatever they still hold.
func (l *Live) Stop(ctx context.Context) error {
	err := l.host.Stop(ctx)
	l.cancel()
	l.jobs.Wait()
	return err
}

// Trouble tells of plugins that died.
func (l *Live) Trouble() <-chan engine.Trouble { return l.trouble }

// Open gives the engine a plugin that is at work, started again where it has died.
func (l *Live) Open(ctx context.Context, key string) (engine.Plugin, error) {
	p, err := l.client(ctx, key)
	if err != nil {
		return nil, err
	}
	return &holder{Plugin: p, slot: l.slots[key]}, nil
}

// stopLost is how long a plugin that has lost its lease may take to put back what it holds, before it is killed and a
// fresh process does it.
const stopLost = 10 * time.Second

// client gives the process of a plugin.
func (l *Live) client(ctx context.Context, key string) (*pluginhost.Plugin, error) {
	s := l.slots[key]
	if s == nil {
		return nil, fmt.Errorf("plugin %q is not part of the plan", key)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.proc != nil && !s.dead(s.proc) {
		return s.proc, nil
	}
	if s.proc != nil {
		select {
		case <-s.watched: // to stop it any sooner would keep its end from the run
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		}
		stop, cancel := context.WithTimeout(context.WithoutCancel(ctx), stopLost)
		_ = s.proc.Stop(stop) // it is gone afterwards, which is all that matters here
		cancel()
	}
	p, err := l.launch(ctx, s)
	if err != nil {
		return nil, err
	}
	s.proc, s.watched = p, l.watch(key, s, p)
	return p, nil
}

func (s *slot) dead(p *pluginhost.Plugin) bool {
	select {
	case <-p.Exited():
		return true
	default:
	}
	s.state.Lock()
	defer s.state.Unlock()
	return s.lost == p
}

func (l *Live) launch(ctx context.Context, s *slot) (*pluginhost.Plugin, error) {
	p, err := l.host.Launch(ctx, s.plugin.Name, s.plugin.Key())
	if err != nil {
		return nil, err
	}
	set := sdk.Settings{Config: plan.Reveal(s.plugin.Config, l.plan.Secrets), StateDir: p.StateDir, Lease: l.lease}
	out, problems, err := p.Configure(ctx, set)
	for _, pr := range problems {
		if err == nil && pr.Severity == sdk.Error {
			err = fmt.Errorf("%s: %s", pr.Summary, pr.Detail)
		}
	}
	if err == nil {
		err = s.same(p, out)
	}
	if err != nil {
		err = fmt.Errorf("configuring plugin %s: %w", s.plugin.Key(), err)
		stop, cancel := context.WithTimeout(context.WithoutCancel(ctx), stopLost)
		defer cancel()
		return nil, errors.Join(err, p.Stop(stop))
	}
	return p, nil
}

// same refuses outputs other than those that the plan was made with: probes would ask somewhere else.
func (s *slot) same(p *pluginhost.Plugin, got map[string]any) error {
	now, err := plain(p.Info.Outputs, got)
	if err != nil {
		return err
	}
	for name, v := range s.plugin.Output {
		if string(now[name]) != string(v) {
			return fmt.Errorf("plugin.%s.%s was %s when the plan was made and is %s now", s.plugin.Key(), name, v, now[name])
		}
	}
	return nil
}

// watch keeps a process alive and tells when it was lost. That ends the run only where the plugin holds something, or is
// what the run is measured with; else it is started again when it is needed.
func (l *Live) watch(key string, s *slot, p *pluginhost.Plugin) <-chan struct{} {
	lost, done := p.KeepAlive(l.ctx, l.lease), make(chan struct{})
	l.jobs.Go(func() {
		defer close(done)
		err, failed := <-lost
		if !failed {
			return
		}
		s.state.Lock()
		s.lost = p
		fatal := s.sources || len(s.held) > 0
		s.state.Unlock()
		select {
		case l.trouble <- engine.Trouble{Addr: "plugin." + key, What: err.Error(), Fatal: fatal}:
		default: // the run has ended, or is ending for sixty-four other reasons
		}
	})
	return done
}

// holder is a plugin that keeps book of what it may hold.
type holder struct {
	*pluginhost.Plugin
	slot *slot
}

// Inject notes the handle first: it may be half injected when the call fails.
func (h *holder) Inject(ctx context.Context, handle sdk.Handle) error {
	h.slot.note(handle.ID, true)
	return h.Plugin.Inject(ctx, handle)
}

// Revert forgets the handle once the plugin has said that it is gone.
func (h *holder) Revert(ctx context.Context, handle sdk.Handle) error {
	err := h.Plugin.Revert(ctx, handle)
	if err == nil {
		h.slot.note(handle.ID, false)
	}
	return err
}

func (s *slot) note(id string, held bool) {
	s.state.Lock()
	defer s.state.Unlock()
	if held {
		s.held[id] = true
	} else {
		delete(s.held, id)
	}
}
