package h1

import (
	"bufio"
	"errors"
	"fmt"
	"net"
	"sync"
	"syscall"
	"time"
)

const (
	maxResponse = 16 << 20         // bytes of one answer that are read, header and body
	idleTimeout = 90 * time.Second // as net/http's
	surelyAlive = 5 * time.Millisecond
)

// errTooLong is the error of an answer of more than maxResponse bytes.
var errTooLong = fmt.Errorf("the answer is longer than %d bytes", maxResponse)

type conn struct {
	net.Conn
	raw    net.Conn // below TLS
	limit  limited
	reader *bufio.Reader
	idle   time.Time // since when
}

func newConn(c, raw net.Conn) *conn {
	out := &conn{Conn: c, raw: raw}
	out.limit.conn = c
	out.reader = bufio.NewReader(&out.limit)
	return out
}

// interrupt makes whatever waits on the connection return.
func (c *conn) interrupt() { _ = c.SetDeadline(time.Unix(1, 0)) }

// alive says whether an idle connection can be used. There is no goroutine that would notice that the server has closed
// it, so the socket is looked at, unless it was in use a moment ago.
func (c *conn) alive(now time.Time) bool {
	idle := now.Sub(c.idle)
	if c.reader.Buffered() > 0 || idle > idleTimeout {
		return false
	}
	return idle < surelyAlive || quiet(c.raw)
}

// quiet says that there is nothing to read, neither data nor the end.
func quiet(c net.Conn) bool {
	s, ok := c.(syscall.Conn)
	if !ok {
		return true
	}
	raw, err := s.SyscallConn()
	if err != nil {
		return false
	}
	nothing := false
	err = raw.Read(func(fd uintptr) bool {
		var b [1]byte
		_, _, err := syscall.Recvfrom(int(fd), b[:], syscall.MSG_PEEK|syscall.MSG_DONTWAIT)
		nothing = errors.Is(err, syscall.EAGAIN)
		return true
	})
	return err == nil && nothing
}

// limited reads at most what is left of an answer's allowance.
type limited struct {
	conn net.Conn
	left int
}

func (l *limited) Read(p []byte) (int, error) {
	if l.left <= 0 {
		return 0, errTooLong
	}
	n, err := l.conn.Read(p[:min(len(p), l.left)])
	l.left -= n
	return n, err
}

// pool holds idle connections, the one used last on top.
type pool struct {
	mu     sync.Mutex
	idle   []*conn
	closed bool
}

func (p *pool) get(now time.Time) *conn {
	for {
		c := p.pop()
		if c == nil || c.alive(now) {
			return c
		}
		_ = c.Close()
	}
}

func (p *pool) pop() *conn {
	p.mu.Lock()
	defer p.mu.Unlock()
	n := len(p.idle)
	if n == 0 {
		return nil
	}
	c := p.idle[n-1]
	p.idle[n-1] = nil
	p.idle = p.idle[:n-1]
	return c
}

// put takes a connection back, and drops the one at the bottom if nobody has wanted it for long.
func (p *pool) put(c *conn, now time.Time) {
	c.idle = now
	p.mu.Lock()
	var drop *conn
	if p.closed {
		drop = c
	} else {
		if len(p.idle) > 0 && now.Sub(p.idle[0].idle) > idleTimeout {
			drop, p.idle = p.idle[0], p.idle[1:]
		}
		p.idle = append(p.idle, c)
	}
	p.mu.Unlock()
	if drop != nil {
		_ = drop.Close()
	}
}

func (p *pool) close() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.closed = true
	for _, c := range p.idle {
		_ = c.Close()
	}
	p.idle = nil
}
