package balancer

import (
	"context"
	"fmt"
	"net/http"
	"sync"
	"time"
)

// Run discovers and checks backends until the context ends.
func (b *Balancer) Run(ctx context.Context) {
	var wg sync.WaitGroup
	wg.Go(func() { every(ctx, DiscoverInterval, b.refresh) })
	wg.Go(func() { every(ctx, CheckInterval, b.checkAll) })
	wg.Wait()
	b.checks.CloseIdleConnections()
	if t, ok := b.proxy.Transport.(*http.Transport); ok {
		t.CloseIdleConnections()
	}
}

func every(ctx context.Context, interval time.Duration, act func(context.Context)) {
	tick := time.NewTicker(interval)
	defer tick.Stop()
	for {
		act(ctx)
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

// refresh takes over the list of instances. When it cannot be read the old one stays: a control plane that is away must
// not take the service down.
func (b *Balancer) refresh(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, CheckTimeout)
	defer cancel()
	found, err := b.discover(ctx)
	if err != nil {
		return
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	old := map[Backend]*backend{}
	for _, be := range b.backends {
		old[be.Backend] = be
	}
	next := make([]*backend, 0, len(found))
	for _, f := range found {
		be := old[f]
		if be == nil {
			be = &backend{Backend: f}
		}
		next = append(next, be)
	}
	b.backends = next
}

func (b *Balancer) checkAll(ctx context.Context) {
	b.mu.Lock()
	all := append([]*backend(nil), b.backends...)
	b.mu.Unlock()
	var wg sync.WaitGroup
	for _, be := range all {
		wg.Go(func() {
			err := b.check(ctx, be.Addr)
			if ctx.Err() != nil {
				return
			}
			if s, news := b.note(be, err); news {
				b.change(s)
			}
		})
	}
	wg.Wait()
}

func (b *Balancer) check(ctx context.Context, addr string) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+addr+"/readyz", nil)
	if err != nil {
		return err
	}
	resp, err := b.checks.Do(req)
	if err != nil {
		return err
	}
	_ = resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("the health check answered %d", resp.StatusCode)
	}
	return nil
}

// note records one check. A new backend needs one good check, one that was removed needs RiseThreshold of them.
func (b *Balancer) note(be *backend, err error) (Status, bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if (err == nil) == be.healthy {
		be.streak = 0
		return Status{}, false
	}
	be.streak++
	threshold := FallThreshold
	if !be.healthy {
		threshold = RiseThreshold
	}
	if be.known && be.streak < threshold {
		return Status{}, false
	}
	be.healthy, be.streak, be.reason = err == nil, 0, ""
	if err != nil {
		be.reason = err.Error()
	}
	news := be.known
	be.known = true
	return be.status(), news
}
