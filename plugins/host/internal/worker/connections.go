package worker

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"sync"
	"time"
)

const (
	// early is how soon after its opening a connection that the other end closes was turned away, and not held.
	early = time.Second
	// attempt bounds a connection's making: one that waits for longer finds the queue of the listener full.
	attempt = time.Second
	// rush and Again are how often it is tried to take more, before the other end has refused for the first time and after.
	rush  = 50 * time.Millisecond
	Again = 250 * time.Millisecond
	// most is how many are opened at a time.
	most = 256
)

// crowd is the connections that are held.
type crowd struct {
	Spec
	all sync.WaitGroup

	mu   sync.Mutex
	held int
	// lost were held and have ended, so their places are free. turned were not let in.
	lost, turned int
}

// holdConnections takes connections until so many are held or no more are given, and takes what becomes free: one that the
// other end ends (a server that waits in vain for a password, say) is opened again.
func holdConnections(ctx context.Context, s Spec, ready func() error) error {
	ctx, cancel := context.WithCancel(ctx)
	c := &crowd{Spec: s}
	defer c.all.Wait()
	defer cancel()
	var told bool
	for step, wait := 1, rush; ; {
		err := c.open(ctx, step)
		rest(ctx, time.Now().Add(wait))
		if ctx.Err() != nil {
			return nil
		}
		full := c.full() || err != nil
		if full && !told {
			if told, err = true, c.enough(err); err != nil {
				return err
			}
			if err := ready(); err != nil {
				return err
			}
		}
		step = min(2*step, most)
		if full {
			step, wait = 1, Again
		}
	}
}

// open opens so many, and those that were lost besides.
func (c *crowd) open(ctx context.Context, step int) error {
	c.mu.Lock()
	n := min(step+c.lost, c.Count-c.held)
	c.lost, c.turned = 0, 0
	c.mu.Unlock()
	for range n {
		conn, err := greet(ctx, c.Spec)
		if err != nil {
			return err
		}
		c.mu.Lock()
		c.held++
		c.mu.Unlock()
		c.all.Go(func() { c.hold(ctx, conn) })
	}
	return nil
}

// hold reads what comes, so that the other end is not kept waiting, until either end closes.
func (c *crowd) hold(ctx context.Context, conn net.Conn) {
	defer context.AfterFunc(ctx, func() { _ = conn.Close() })()
	began := time.Now()
	_, _ = io.CopyBuffer(io.Discard, struct{ io.Reader }{conn}, make([]byte, 512))
	_ = conn.Close()
	c.mu.Lock()
	defer c.mu.Unlock()
	c.held--
	if time.Since(began) < early {
		c.turned++
	} else {
		c.lost++
	}
}

// full says that no more are wanted, or given.
func (c *crowd) full() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.held >= c.Count || c.turned > 0
}

func (c *crowd) enough(why error) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.held > 0 {
		return nil
	}
	return errors.Join(fmt.Errorf("%s takes no connection at all", c.Address), why)
}

// greet makes a connection and sends the opening.
func greet(ctx context.Context, s Spec) (net.Conn, error) {
	conn, err := (&net.Dialer{Timeout: attempt}).DialContext(ctx, "tcp", s.Address)
	if err != nil {
		return nil, err
	}
	if len(s.Opening) > 0 {
		_ = conn.SetWriteDeadline(time.Now().Add(attempt))
		if _, err := conn.Write(s.Opening); err != nil {
			return nil, errors.Join(err, conn.Close())
		}
	}
	return conn, nil
}

// Try makes one connection more, as a client would, and says why it is not taken, or nothing if it is.
func Try(ctx context.Context, s Spec, patience time.Duration) (refusal string) {
	conn, err := greet(ctx, s)
	if err != nil {
		return err.Error()
	}
	defer func() { _ = conn.Close() }()
	_ = conn.SetReadDeadline(time.Now().Add(patience))
	_, err = io.CopyBuffer(io.Discard, struct{ io.Reader }{conn}, make([]byte, 512))
	var timeout net.Error
	if errors.As(err, &timeout) && timeout.Timeout() {
		return ""
	}
	return "it is closed at once"
}
