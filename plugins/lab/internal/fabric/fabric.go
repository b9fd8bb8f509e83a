package fabric

import (
	"context"
	"errors"
	"fmt"
	"net"
	"sync"
	"time"
)

// Block says how a link fails.
type Block string

// The ways in which a link fails. Drop is a network that loses everything: connections stay open and hang, and what
// was in flight is lost. Refuse is a network that resets: connections are reset at once, and so are new ones.
const (
	Open   Block = ""
	Drop   Block = "drop"
	Refuse Block = "refuse"
)

// Rule is the state of a link.
type Rule struct {
	// Delay is added to each direction.
	Delay time.Duration `json:"delay,omitempty"`
	Block Block         `json:"block,omitempty"`
}

// Spec is one link: what connects to Listen reaches Target.
type Spec struct {
	Name   string
	From   string
	To     string
	Listen string
	Target string
	Rule   Rule
}

// Fabric owns all links of a lab.
type Fabric struct {
	ctx context.Context
	wg  sync.WaitGroup

	mu    sync.Mutex
	links map[string]*link
}

// New returns a fabric whose links live until the context ends; then Wait for it.
func New(ctx context.Context) *Fabric {
	return &Fabric{ctx: ctx, links: map[string]*link{}}
}

// Add opens a link.
func (f *Fabric) Add(spec Spec) error {
	ln, err := (&net.ListenConfig{}).Listen(f.ctx, "tcp", spec.Listen)
	if err != nil {
		return fmt.Errorf("opening the link %s: %w", spec.Name, err)
	}
	ctx, cancel := context.WithCancel(f.ctx)
	l := &link{spec: spec, rule: spec.Rule, ln: ln, cancel: cancel, conns: map[*conn]bool{}}
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.links[spec.Name] != nil {
		cancel()
		return errors.Join(fmt.Errorf("the link %s exists already", spec.Name), ln.Close())
	}
	f.links[spec.Name] = l
	f.wg.Go(func() { l.serve(ctx) })
	return nil
}

// Remove closes a link and its connections. Removing what is not there is no error.
func (f *Fabric) Remove(name string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if l := f.links[name]; l != nil {
		l.cancel()
		delete(f.links, name)
	}
}

// Each sets the rule of every link to what the function returns for it.
func (f *Fabric) Each(rule func(Spec) Rule) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, l := range f.links {
		l.set(rule(l.spec))
	}
}

// Rules returns the rule of every link by name.
func (f *Fabric) Rules() map[string]Rule {
	f.mu.Lock()
	defer f.mu.Unlock()
	out := make(map[string]Rule, len(f.links))
	for name, l := range f.links {
		out[name] = l.current()
	}
	return out
}

// Wait returns when every connection has been closed, after the end of the context.
func (f *Fabric) Wait() { f.wg.Wait() }
