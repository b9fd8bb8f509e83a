package fabric

import (
	"errors"
	"io"
	"net"
	"sync"
	"time"
)

// The delay holds chunks in a queue. A queue that is full holds back the sender, as a full pipe does: at most
// queueLength × chunkSize bytes are in flight each way.
const (
	chunkSize   = 32 << 10
	queueLength = 256
)

// conn is one connection through a link, with its two sockets.
type conn struct {
	in net.Conn

	mu     sync.Mutex
	out    net.Conn
	closed bool

	stalled   chan struct{} // closed when the link was cut under this connection
	stallOnce sync.Once
	gone      chan struct{} // closed by reset
}

type chunk struct {
	due  time.Time
	data []byte
}

func newConn(in net.Conn) *conn {
	return &conn{in: in, stalled: make(chan struct{}), gone: make(chan struct{})}
}

// join adds the far socket; false if the connection has been reset or stalled meanwhile.
func (c *conn) join(out net.Conn) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	select {
	case <-c.stalled:
		return false
	default:
	}
	if c.closed {
		return false
	}
	c.out = out
	return true
}

// stall stops the flow for good and loses what is in flight; the sockets stay open.
func (c *conn) stall() { c.stallOnce.Do(func() { close(c.stalled) }) }

// reset closes both sockets. The peers see a reset rather than an orderly end where data was lost.
func (c *conn) reset() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		return
	}
	c.closed = true
	close(c.gone)
	for _, s := range []net.Conn{c.in, c.out} {
		if s == nil {
			continue
		}
		if t, ok := s.(*net.TCPConn); ok {
			_ = t.SetLinger(0)
		}
		_ = s.Close()
	}
}

// waitIfStalled keeps a stalled connection open until somebody resets it.
func (c *conn) waitIfStalled() {
	select {
	case <-c.stalled:
		<-c.gone
	default:
	}
}

// pump carries both directions until both have ended or the connection is stalled or reset.
func (c *conn) pump(delay func() time.Duration) {
	var wg sync.WaitGroup
	wg.Go(func() { c.direction(c.out, c.in, delay) })
	wg.Go(func() { c.direction(c.in, c.out, delay) })
	wg.Wait()
}

func (c *conn) direction(dst, src net.Conn, delay func() time.Duration) {
	queue := make(chan chunk, queueLength)
	var wg sync.WaitGroup
	wg.Go(func() {
		defer close(queue)
		c.read(src, queue, delay)
	})
	c.write(dst, queue)
	wg.Wait()
}

// read ends at the end of the stream, and on a reset. A stalled reader is left blocked in Read: its peer's bytes go
// nowhere, and the reset at the end of the cut frees it.
func (c *conn) read(src net.Conn, queue chan<- chunk, delay func() time.Duration) {
	buf := make([]byte, chunkSize)
	for {
		n, err := src.Read(buf)
		if n > 0 {
			piece := chunk{due: time.Now().Add(delay()), data: append([]byte(nil), buf[:n]...)}
			select {
			case queue <- piece:
			case <-c.stalled:
				return
			case <-c.gone:
				return
			}
		}
		if err != nil {
			c.ended(err)
			return
		}
	}
}

// ended passes a failure on. An orderly end of one direction leaves the other one open.
func (c *conn) ended(err error) {
	select {
	case <-c.stalled:
		return // the link is cut: the other side must not learn of it
	default:
	}
	if !errors.Is(err, io.EOF) {
		c.reset()
	}
}

func (c *conn) write(dst net.Conn, queue <-chan chunk) {
	for piece := range queue {
		if !c.hold(time.Until(piece.due)) {
			drain(queue)
			return
		}
		if _, err := dst.Write(piece.data); err != nil {
			c.ended(err)
			drain(queue)
			return
		}
	}
	select {
	case <-c.stalled:
		return
	default:
	}
	if t, ok := dst.(*net.TCPConn); ok {
		_ = t.CloseWrite()
	}
}

// drain lets the reader come to its end; what it still reads is lost.
func drain(queue <-chan chunk) {
	for range queue {
		continue
	}
}

// hold waits out the delay of a chunk; false if the chunk is lost.
func (c *conn) hold(d time.Duration) bool {
	select {
	case <-c.stalled:
		return false
	case <-c.gone:
		return false
	default:
	}
	if d <= 0 {
		return true
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-c.stalled:
		return false
	case <-c.gone:
		return false
	}
}
