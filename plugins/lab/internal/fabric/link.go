package fabric

import (
	"context"
	"net"
	"sync"
	"time"
)

// A link that drops holds the connections that hang in it. More than this many are reset, so that a client which tries
// for hours cannot use up the file descriptors.
const maxHanging = 2048

const dialTimeout = time.Second

type link struct {
	spec   Spec
	ln     net.Listener
	cancel context.CancelFunc

	mu    sync.Mutex
	rule  Rule
	conns map[*conn]bool
}

func (l *link) current() Rule {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.rule
}

// set changes the rule. Whatever was open during a cut never works again: as behind a firewall that has forgotten it, it
// hangs until the cut ends and is then reset.
func (l *link) set(rule Rule) {
	l.mu.Lock()
	defer l.mu.Unlock()
	before := l.rule
	l.rule = rule
	if before.Block == rule.Block {
		return
	}
	for c := range l.conns {
		c.stall()
		if rule.Block != Drop {
			c.reset()
		}
	}
}

func (l *link) serve(ctx context.Context) {
	var wg sync.WaitGroup
	defer wg.Wait()
	stop := context.AfterFunc(ctx, func() { _ = l.ln.Close() })
	defer stop()
	for {
		in, err := l.ln.Accept()
		if err != nil {
			if ctx.Err() != nil {
				return
			}
			// Out of descriptors, most likely: the next connection may fare better.
			pause(ctx, 10*time.Millisecond)
			continue
		}
		wg.Go(func() { l.carry(ctx, in) })
	}
}

func (l *link) carry(ctx context.Context, in net.Conn) {
	c := newConn(in)
	stop := context.AfterFunc(ctx, c.reset)
	defer stop()
	defer c.reset()
	if !l.admit(c) {
		return
	}
	defer l.forget(c)
	out, err := (&net.Dialer{Timeout: dialTimeout}).DialContext(ctx, "tcp", l.spec.Target)
	if err != nil || !c.join(out) {
		if out != nil {
			_ = out.Close()
		}
		c.waitIfStalled()
		return
	}
	c.pump(l.delay)
	c.waitIfStalled()
}

// admit registers the connection, already stalled where the link drops.
func (l *link) admit(c *conn) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.rule.Block == Refuse || len(l.conns) >= maxHanging {
		return false
	}
	if l.rule.Block == Drop {
		c.stall()
	}
	l.conns[c] = true
	return true
}

func (l *link) forget(c *conn) {
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.conns, c)
}

func (l *link) delay() time.Duration { return l.current().Delay }

func pause(ctx context.Context, d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
	case <-ctx.Done():
	}
}
