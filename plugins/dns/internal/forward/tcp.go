package forward

import (
	"context"
	"encoding/binary"
	"errors"
	"io"
	"net"
	"sync"
	"time"

	"github.com/miekg/dns"

	"github.com/gameday-toolkit/gameday/plugins/dns/internal/rule"
)

func (f *Forwarder) serveTCP() {
	defer f.work.Done()
	for {
		c, err := f.tcp.Accept()
		if errors.Is(err, net.ErrClosed) {
			return
		}
		if err != nil { // no file descriptors, say: those in use end within their deadlines
			select {
			case <-f.ended.Done():
			case <-time.After(10 * time.Millisecond):
			}
			continue
		}
		select {
		case f.connections <- struct{}{}:
		default:
			_ = c.Close()
			continue
		}
		f.work.Add(1)
		go func() {
			defer f.work.Done()
			defer func() { <-f.connections }()
			f.converse(c)
		}()
	}
}

// converse serves one client's connection. Its queries are answered as the answers come, not in order (RFC 7766), so that
// one that has to wait does not hold up the others.
func (f *Forwarder) converse(c net.Conn) {
	stop := afterEnd(f, c)
	defer stop()
	defer func() { _ = c.Close() }()
	client := c.RemoteAddr().(*net.TCPAddr).AddrPort().Addr()
	var mu sync.Mutex
	var open sync.WaitGroup
	defer open.Wait() // the connection stays until its answers are given
	for {
		if err := c.SetReadDeadline(time.Now().Add(idle)); err != nil {
			return
		}
		raw, err := readFrame(c)
		if err != nil {
			return
		}
		open.Add(1)
		started := f.begin(func() {
			defer open.Done()
			q, ordinary := rule.Read(raw, client, true)
			err := f.answer(q, ordinary, func(b []byte) error {
				mu.Lock()
				defer mu.Unlock()
				return writeFrame(c, b)
			})
			if err != nil { // with no answer to be had, the end of the connection is the honest one
				_ = c.Close()
			}
		})
		if !started {
			open.Done()
		}
	}
}

// passTCP asks the server over a connection of the query's own. A zone transfer has as many messages as the server sends.
func (f *Forwarder) passTCP(q rule.Query, reply func([]byte) error) error {
	c, err := f.dial("tcp", q)
	if err != nil {
		return err
	}
	defer c.close()
	if err := writeFrame(c, q.Raw); err != nil {
		return err
	}
	transfer := q.Type == dns.TypeAXFR || q.Type == dns.TypeIXFR
	for n := 0; ; n++ {
		b, err := readFrame(c)
		if transfer && n > 0 && err != nil {
			return nil // the server has nothing more to say
		}
		if err != nil {
			return err
		}
		if err := reply(b); err != nil || !transfer {
			return err
		}
		if err := c.SetDeadline(time.Now().Add(patience)); err != nil {
			return err
		}
	}
}

// afterEnd closes a connection when the forwarder ends.
func afterEnd(f *Forwarder, c net.Conn) func() bool {
	return context.AfterFunc(f.ended, func() { _ = c.Close() })
}

func readFrame(r io.Reader) ([]byte, error) {
	var size [2]byte
	if _, err := io.ReadFull(r, size[:]); err != nil {
		return nil, err
	}
	b := make([]byte, binary.BigEndian.Uint16(size[:]))
	_, err := io.ReadFull(r, b)
	return b, err
}

// writeFrame writes the length and the message at once: some clients read them at once too.
func writeFrame(w io.Writer, b []byte) error {
	_, err := w.Write(append(binary.BigEndian.AppendUint16(nil, uint16(len(b))), b...))
	return err
}
