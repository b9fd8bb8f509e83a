package proxy

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/gameday-toolkit/gameday/plugins/proxy/internal/api"
)

// The clock of a server that has one is wound up often, and never beyond the end of the lease by more than the grace.
const (
	windEvery = 500 * time.Millisecond
	windGrace = time.Second
)

// winder renews the toxics of one fault for as long as this process lives and has a lease.
type winder struct {
	cancel context.CancelFunc
	done   chan struct{}
}

// leased hears until when the lease lasts.
func (p *provider) leased(until time.Time) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.lease = until
}

// windTime is for how long the clock may be wound from now, zero once the lease is over.
func (p *provider) windTime(expiry time.Duration) time.Duration {
	p.mu.Lock()
	defer p.mu.Unlock()
	left := time.Until(p.lease)
	if left <= 0 {
		return 0
	}
	return min(expiry, left+windGrace)
}

// keep winds the clock of the server, if it has one, until release or until the fault has lapsed.
func (p *provider) keep(ctx context.Context, id string, u undo) error {
	p.release(id) // an earlier injection of the same
	expiry, err := u.server().Clock(ctx)
	if err != nil || expiry == 0 {
		return err
	}
	ctx, cancel := context.WithCancel(context.WithoutCancel(ctx))
	w := &winder{cancel: cancel, done: make(chan struct{})}
	p.mu.Lock()
	p.winders[id] = w
	p.mu.Unlock()
	go func() {
		defer close(w.done)
		w.run(ctx, u, func() time.Duration { return p.windTime(expiry) })
	}()
	return nil
}

// run winds until ctx ends. A failure is tried again at the next turn, and the server's clock decides how long that lasts.
func (w *winder) run(ctx context.Context, u undo, left func() time.Duration) {
	tick := time.NewTicker(windEvery)
	defer tick.Stop()
	for {
		span := left()
		if span == 0 {
			return
		}
		for _, name := range u.names() {
			switch err := u.server().Renew(ctx, name, span); {
			case ctx.Err() != nil:
				return
			case errors.Is(err, api.ErrLapsed):
				return
			case err != nil:
				fmt.Fprintf(os.Stderr, "proxy: %v\n", err)
			}
		}
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

// release stops winding.
func (p *provider) release(id string) {
	p.mu.Lock()
	w := p.winders[id]
	delete(p.winders, id)
	p.mu.Unlock()
	if w != nil {
		w.cancel()
		<-w.done
	}
}
