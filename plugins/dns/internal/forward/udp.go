package forward

import (
	"encoding/binary"
	"errors"
	"net"
	"time"

	"github.com/miekg/dns"

	"github.com/gameday-toolkit/gameday/plugins/dns/internal/rule"
)

func (f *Forwarder) serveUDP() {
	defer f.work.Done()
	for buf := make([]byte, dns.MaxMsgSize); ; {
		n, from, err := dns.ReadFromSessionUDP(f.udp, buf)
		if errors.Is(err, net.ErrClosed) {
			return
		}
		if err != nil { // the news that an answer found nobody, which is the client's affair
			continue
		}
		raw := append([]byte(nil), buf[:n]...)
		f.begin(func() {
			q, ordinary := rule.Read(raw, from.RemoteAddr().(*net.UDPAddr).AddrPort().Addr(), false)
			_ = f.answer(q, ordinary, func(b []byte) error {
				_, err := dns.WriteToSessionUDP(f.udp, b, from)
				return err
			})
		})
	}
}

// passUDP asks the server and passes on what it says. Silence is passed on too.
func (f *Forwarder) passUDP(q rule.Query, reply func([]byte) error) error {
	c, err := f.dial("udp", q)
	if err != nil {
		return err
	}
	defer c.close()
	if _, err := c.Write(q.Raw); err != nil {
		return err
	}
	for buf := make([]byte, dns.MaxMsgSize); ; {
		n, err := c.Read(buf)
		if err != nil {
			return err
		}
		if answers(buf[:n], q.Raw) {
			return reply(buf[:n])
		}
	}
}

// answers tells an answer to the query from what somebody else may have sent. A message too short to have an ID is never
// passed on, in either direction.
func answers(b, query []byte) bool {
	return len(b) >= 3 && len(query) >= 2 && binary.BigEndian.Uint16(b) == binary.BigEndian.Uint16(query) && b[2]&0x80 != 0
}

// conn is a connection to the server that ends with the forwarder.
type conn struct {
	net.Conn
	stop func() bool
}

func (f *Forwarder) dial(network string, q rule.Query) (*conn, error) {
	c, err := f.Dial(f.ended, network, f.Server, q.Client)
	if err != nil {
		return nil, err
	}
	if err := c.SetDeadline(time.Now().Add(patience)); err != nil {
		return nil, errors.Join(err, c.Close())
	}
	return &conn{c, afterEnd(f, c)}, nil
}

func (c *conn) close() {
	c.stop()
	_ = c.Close()
}
