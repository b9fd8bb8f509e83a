package host

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/gameday-toolkit/gameday/plugins/host/internal/netns"
	"github.com/gameday-toolkit/gameday/plugins/host/internal/wall"
)

// The kernel's clock of a network fault. It is wound up often and runs for long enough that a busy machine does not end a
// fault early, and never beyond the end of the lease by more than the grace.
const (
	windFor   = 5 * time.Second
	windEvery = 500 * time.Millisecond
	windGrace = time.Second
)

// winder keeps one wall standing for as long as this process lives and has a lease.
type winder struct {
	cancel  context.CancelFunc
	done    chan struct{}
	errands chan errand
}

// errand is what a winder does besides, each time that it has wound its wall; end is its last call.
type errand struct {
	turn func(context.Context) error
	end  func() error
}

// leased hears until when the lease lasts.
func (p *provider) leased(until time.Time) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.lease = until
}

// windTime is how long the kernel's clock may run from now, zero once the lease is over.
func (p *provider) windTime() time.Duration {
	p.mu.Lock()
	defer p.mu.Unlock()
	left := time.Until(p.lease)
	if left <= 0 {
		return 0
	}
	return min(windFor, left+windGrace)
}

// keep winds a wall up until release, or until it has lapsed. The namespace is the winder's to close.
func (p *provider) keep(w wall.Wall, ns *os.File) {
	ctx, cancel := context.WithCancel(context.Background())
	k := &winder{cancel: cancel, done: make(chan struct{}), errands: make(chan errand)}
	p.mu.Lock()
	p.winders[w.Name] = k
	p.mu.Unlock()
	go func() {
		defer close(k.done)
		defer func() { _ = ns.Close() }()
		k.run(ctx, func() error {
			left := p.windTime()
			if left == 0 {
				return wall.ErrLapsed
			}
			return w.Wind(ns, left)
		})
	}()
}

// run winds until ctx ends. A failure is tried again at the next turn, and the kernel's clock decides how long that lasts.
func (k *winder) run(ctx context.Context, wind func() error) {
	tick := time.NewTicker(windEvery)
	defer tick.Stop()
	besides := errand{turn: func(context.Context) error { return nil }, end: func() error { return nil }}
	defer func() { complain(besides.end()) }()
	for {
		select {
		case <-ctx.Done():
			return
		case besides = <-k.errands:
			continue
		case <-tick.C:
		}
		err := wind()
		if errors.Is(err, wall.ErrLapsed) {
			return
		}
		if complain(err); err == nil && ctx.Err() == nil {
			complain(besides.turn(ctx))
		}
	}
}

func complain(err error) {
	if err != nil && !errors.Is(err, context.Canceled) {
		fmt.Fprintf(os.Stderr, "host: %v\n", err)
	}
}

// also gives the winder of a wall an errand, which ends with it.
func (p *provider) also(name string, e errand) error {
	p.mu.Lock()
	k := p.winders[name]
	p.mu.Unlock()
	if k != nil {
		select {
		case k.errands <- e:
			return nil
		case <-k.done:
		}
	}
	return errors.Join(wall.ErrLapsed, e.end())
}

// release stops winding. What another process winds up goes on until its table is gone.
func (p *provider) release(name string) {
	p.mu.Lock()
	k := p.winders[name]
	delete(p.winders, name)
	p.mu.Unlock()
	if k != nil {
		k.cancel()
		<-k.done
	}
}

// raise builds a wall in a namespace and keeps it.
func (p *provider) raise(w wall.Wall, in netns.Ref) error {
	ns, err := in.Open()
	if err != nil {
		return err
	}
	left := p.windTime()
	if left == 0 {
		return errors.Join(errors.New("there is no lease"), ns.Close())
	}
	if err := w.Build(ns, left); err != nil {
		return errors.Join(err, ns.Close())
	}
	p.keep(w, ns)
	return nil
}

// raze removes a wall. It returns when the kernel shows it gone.
func (p *provider) raze(w wall.Wall, in netns.Ref) error {
	p.release(w.Name)
	ns, err := in.Open()
	if errors.Is(err, netns.ErrGone) {
		return nil // and the wall went with it
	}
	if err != nil {
		return err
	}
	return errors.Join(w.Remove(ns), ns.Close())
}

// see reads a wall back. It is not there in a namespace that is gone.
func see(name string, in netns.Ref) (wall.View, bool, error) {
	ns, err := in.Open()
	if errors.Is(err, netns.ErrGone) {
		return wall.View{}, false, nil
	}
	if err != nil {
		return wall.View{}, false, err
	}
	v, err := wall.Look(ns, name)
	return v, true, errors.Join(err, ns.Close())
}
