package dns

import (
	"context"
	"errors"
	"fmt"
	"os"
	"sync"
	"time"
)

// The clock of a fault, which is the kernel's or the resolver's. It is wound up often and runs for long enough that a busy
// machine does not end a fault early, and never beyond the end of the lease by more than the grace. With our processes dead
// and the clock still running, diverted queries find nobody, so it is short.
const (
	windFor   = 3 * time.Second
	windEvery = 300 * time.Millisecond
	windGrace = time.Second
)

// errLapsed ends a winder: the fault has ended, and is not begun again.
var errLapsed = errors.New("the fault has ended by itself")

// holding is one fault at one target that this process keeps standing.
type holding struct {
	cancel context.CancelFunc
	done   chan struct{}
	free   func() // gives back what it needs
}

// leased hears until when the lease lasts.
func (p *provider) leased(until time.Time) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.lease = until
}

// windTime is how long the clock may run from now, zero once the lease is over.
func (p *provider) windTime() time.Duration {
	p.mu.Lock()
	defer p.mu.Unlock()
	left := time.Until(p.lease)
	if left <= 0 {
		return 0
	}
	return min(windFor, left+windGrace)
}

// hold winds a fault up until it is paused, or until it has lapsed, and then frees what it needs.
func (p *provider) hold(key string, wind func(context.Context, time.Duration) error, free func()) {
	ctx, cancel := context.WithCancel(context.Background())
	k := &holding{cancel: cancel, done: make(chan struct{}), free: sync.OnceFunc(free)}
	p.mu.Lock()
	p.held[key] = k
	p.mu.Unlock()
	go func() {
		defer close(k.done)
		if p.run(ctx, wind) {
			k.free()
		}
	}()
}

// run winds until ctx ends or the fault has lapsed. A failure is tried again at the next turn, and the clock decides how
// long that lasts.
func (p *provider) run(ctx context.Context, wind func(context.Context, time.Duration) error) (lapsed bool) {
	tick := time.NewTicker(windEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return false
		case <-tick.C:
		}
		left := p.windTime()
		if left == 0 {
			continue // the session is about to revert, or the clock ends it
		}
		if err := wind(ctx, left); errors.Is(err, errLapsed) {
			return true
		} else if err != nil && ctx.Err() == nil {
			fmt.Fprintf(os.Stderr, "dns: %v\n", err)
		}
	}
}

// release ends what an earlier attempt at the same fault has left in this process.
func (p *provider) release(key string) {
	if k := p.pause(key); k != nil {
		k.free()
	}
}

// pause stops winding. What another process winds up goes on until it is gone.
func (p *provider) pause(key string) *holding {
	p.mu.Lock()
	k := p.held[key]
	delete(p.held, key)
	p.mu.Unlock()
	if k != nil {
		k.cancel()
		<-k.done
	}
	return k
}
