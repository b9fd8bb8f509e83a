package forward

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/net/ipv4"
	"golang.org/x/net/ipv6"

	"github.com/gameday-toolkit/gameday/plugins/dns/internal/rule"
)

// A message that no rule is about is never taken apart: the bytes that came are the bytes that go on, its ID included, from
// a socket of its own, and the bytes of the answer go back. So whatever is in it, known to us or not, arrives as it was sent.

// How much there is room for. What is beyond that is dropped, as by any server that has too much to do. Queries that a rule
// delays have room of their own, so that they take none from the others.
const (
	maxQueries     = 2048
	maxLate        = 16384
	maxConnections = 256
)

// patience is how long the server may take. Few clients wait for longer.
const patience = 5 * time.Second

// idle is how long a client's connection may be silent.
const idle = 30 * time.Second

// Dial connects to a server, from the client's own address where that is possible.
type Dial func(ctx context.Context, network string, server netip.AddrPort, client netip.Addr) (net.Conn, error)

// Forwarder serves one address.
type Forwarder struct {
	Rules  *rule.Set
	Server netip.AddrPort
	Dial   Dial

	udp   *net.UDPConn
	tcp   *net.TCPListener
	end   context.CancelFunc
	ended context.Context
	work  sync.WaitGroup
	// queries and connections are what there is room for. busy counts the queries under way.
	queries, late, connections chan struct{}
	busy                       atomic.Int64
}

// Start begins to serve two sockets, which are the forwarder's from now on.
func (f *Forwarder) Start(udp *net.UDPConn, tcp *net.TCPListener) error {
	// Where the socket is on every address, an answer has to leave by the one that was asked.
	v4 := ipv4.NewPacketConn(udp).SetControlMessage(ipv4.FlagDst|ipv4.FlagInterface, true)
	v6 := ipv6.NewPacketConn(udp).SetControlMessage(ipv6.FlagDst|ipv6.FlagInterface, true)
	if v4 != nil && v6 != nil {
		return fmt.Errorf("asking for the address that was asked: %w", errors.Join(v4, v6, udp.Close(), tcp.Close()))
	}
	f.udp, f.tcp = udp, tcp
	f.queries, f.late, f.connections = make(chan struct{}, maxQueries), make(chan struct{}, maxLate), make(chan struct{}, maxConnections)
	f.ended, f.end = context.WithCancel(context.Background())
	f.work.Add(2)
	go f.serveUDP()
	go f.serveTCP()
	return nil
}

// Stop ends everything at once, and returns when it has ended.
func (f *Forwarder) Stop() {
	f.end()
	_ = f.udp.Close()
	_ = f.tcp.Close()
	f.work.Wait()
}

// Drain waits until no query is under way, or the context ends.
func (f *Forwarder) Drain(ctx context.Context) {
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for f.busy.Load() > 0 {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

// begin runs fn for one query, if there is room.
func (f *Forwarder) begin(fn func()) bool {
	select {
	case f.queries <- struct{}{}:
	default:
		return false
	}
	f.work.Add(1)
	f.busy.Add(1)
	go func() {
		defer f.work.Done()
		defer f.busy.Add(-1)
		defer func() { <-f.queries }()
		fn()
	}()
	return true
}

// errClose asks for the client's connection to be closed.
var errClose = errors.New("the rule closes the connection")

// answer carries out the verdict on one query. Each message of the answer goes to reply.
func (f *Forwarder) answer(q rule.Query, ordinary bool, reply func([]byte) error) error {
	v := rule.Passed()
	if ordinary {
		v = f.Rules.Decide(q)
	}
	switch {
	case v.Close:
		return errClose
	case v.Reply != nil:
		return reply(v.Reply)
	case !v.Pass:
		return nil
	}
	if v.After > 0 && !f.wait(v) {
		return nil
	}
	if v.Keep != nil {
		next := reply
		reply = func(b []byte) error { return next(v.Keep(b)) }
	}
	if q.TCP {
		return f.passTCP(q, reply)
	}
	return f.passUDP(q, reply)
}

// wait holds a query back, in the room for those. It is false where there is none left, or the forwarder has ended.
func (f *Forwarder) wait(v rule.Verdict) bool {
	select {
	case f.late <- struct{}{}:
	default:
		return false
	}
	<-f.queries
	defer func() { <-f.late; f.queries <- struct{}{} }()
	timer := time.NewTimer(v.After)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-v.Over:
	case <-f.ended.Done():
		return false
	}
	return true
}
