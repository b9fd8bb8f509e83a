package server

import (
	"context"
	"strings"
	"sync"
	"time"

	toxiproxy "github.com/Shopify/toxiproxy/v2"
	"github.com/Shopify/toxiproxy/v2/toxics"

	"github.com/gameday-toolkit/gameday/plugins/proxy/internal/mark"
)

const (
	// expiry is how long a marked toxic stays that nobody renews.
	expiry = 5 * time.Second
	tick   = 250 * time.Millisecond
)

// clock takes marked toxics away when their time is over. A toxic that it sees for the first time has the full expiry, so
// that one whose maker died before its first renewal goes as well. Toxics without the mark it leaves alone.
type clock struct {
	proxies *toxiproxy.ProxyCollection

	mu    sync.Mutex
	until map[string]time.Time // by the toxic's name
	busy  map[string]bool      // proxies that are being looked at: that waits while a client takes no data
	seen  map[string][]string  // the marked toxics of each proxy, when it was last looked at
}

func newClock(proxies *toxiproxy.ProxyCollection) *clock {
	return &clock{proxies: proxies, until: map[string]time.Time{}, busy: map[string]bool{}, seen: map[string][]string{}}
}

// run looks at the proxies, each on its own, so that one that is stuck holds up no other.
func (c *clock) run(ctx context.Context) {
	var over sync.WaitGroup
	defer over.Wait()
	t := time.NewTicker(tick)
	defer t.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-t.C:
		}
		proxies := c.proxies.Proxies()
		c.forget(proxies)
		for name, p := range proxies {
			if c.take(name) {
				over.Go(func() { defer c.give(name); c.look(ctx, name, p) })
			}
		}
	}
}

// look takes away what is over on one proxy.
func (c *clock) look(ctx context.Context, name string, p *toxiproxy.Proxy) {
	var there []string
	for _, t := range p.Toxics.GetToxicArray() {
		if w, ok := t.(*toxics.ToxicWrapper); ok && strings.HasPrefix(w.Name, mark.Prefix) {
			there = append(there, w.Name)
		}
	}
	for _, toxic := range c.over(name, there) {
		_ = p.Toxics.RemoveToxic(ctx, toxic) // somebody else has removed it: as good
	}
}

// over notes what is on a proxy and returns what has no time left.
func (c *clock) over(proxy string, there []string) (out []string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.seen[proxy] = there
	for _, toxic := range there {
		until, known := c.until[toxic]
		if !known {
			c.until[toxic] = time.Now().Add(expiry)
		} else if time.Now().After(until) {
			out = append(out, toxic)
		}
	}
	return out
}

// renew extends the time of a toxic, from now on and never beyond the expiry. It says whether there is still a toxic to renew.
func (c *clock) renew(toxic string, span time.Duration) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	until, known := c.until[toxic]
	if known && time.Now().After(until) || !strings.HasPrefix(toxic, mark.Prefix) {
		return false
	}
	c.until[toxic] = time.Now().Add(min(max(span, 0), expiry))
	return true
}

// forget drops what is known of toxics that are on no proxy any more and whose time has long been over.
func (c *clock) forget(proxies map[string]*toxiproxy.Proxy) {
	c.mu.Lock()
	defer c.mu.Unlock()
	held := map[string]bool{}
	for proxy, there := range c.seen {
		if proxies[proxy] == nil {
			delete(c.seen, proxy)
			continue
		}
		for _, t := range there {
			held[t] = true
		}
	}
	for toxic, until := range c.until {
		if !held[toxic] && time.Since(until) > expiry {
			delete(c.until, toxic)
		}
	}
}

func (c *clock) take(proxy string) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.busy[proxy] {
		return false
	}
	c.busy[proxy] = true
	return true
}

func (c *clock) give(proxy string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.busy, proxy)
}
