package probe

import (
	"crypto/x509"
	"encoding/pem"
	"net"
	"net/http"
	"net/http/httptest"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/miekg/dns"
	"github.com/stretchr/testify/require"

	"github.com/gameday-toolkit/gameday/internal/sample"
)

func pemOf(c *x509.Certificate) []byte {
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: c.Raw})
}

const (
	answerAll int32 = iota
	dropAll
	servfailAll
)

// zone is what a DNS server of a test answers.
type zone struct {
	ttl       uint32
	mode      atomic.Int32
	questions atomic.Int64

	mu    sync.Mutex
	names map[string][]string
}

func (z *zone) set(name string, addrs ...string) {
	z.mu.Lock()
	defer z.mu.Unlock()
	if z.names == nil {
		z.names = map[string][]string{}
	}
	z.names[name] = addrs
}

func (z *zone) ServeDNS(w dns.ResponseWriter, q *dns.Msg) {
	z.questions.Add(1)
	m := new(dns.Msg).SetReply(q)
	switch z.mode.Load() {
	case dropAll:
		return
	case servfailAll:
		m.Rcode = dns.RcodeServerFailure
	default:
		z.answer(m, q.Question[0])
	}
	_ = w.WriteMsg(m)
}

func (z *zone) answer(m *dns.Msg, q dns.Question) {
	z.mu.Lock()
	defer z.mu.Unlock()
	addrs, ok := z.names[q.Name]
	if !ok {
		m.Rcode = dns.RcodeNameError
		m.Ns = []dns.RR{&dns.SOA{Hdr: dns.RR_Header{Name: "test.", Rrtype: dns.TypeSOA, Class: dns.ClassINET, Ttl: z.ttl}, Ns: "ns.test.", Mbox: "m.test.", Minttl: z.ttl}}
		return
	}
	for _, a := range addrs {
		if q.Qtype == dns.TypeA {
			m.Answer = append(m.Answer, &dns.A{Hdr: dns.RR_Header{Name: q.Name, Rrtype: dns.TypeA, Class: dns.ClassINET, Ttl: z.ttl}, A: net.ParseIP(a)})
		}
	}
}

type dnsServer struct{ address string }

// startDNS serves a zone by UDP and TCP on one port.
func startDNS(t *testing.T, z *zone) dnsServer {
	var packets net.PacketConn
	var listener net.Listener
	require.Eventually(t, func() bool {
		var err error
		if packets, err = net.ListenPacket("udp", "127.0.0.1:0"); err != nil {
			return false
		}
		if listener, err = net.Listen("tcp", packets.LocalAddr().String()); err != nil {
			packets.Close()
		}
		return err == nil
	}, 10*time.Second, time.Millisecond)
	for _, s := range []*dns.Server{{PacketConn: packets, Handler: z}, {Listener: listener, Handler: z}} {
		started := make(chan struct{})
		s.NotifyStartedFunc = func() { close(started) }
		go func() { _ = s.ActivateAndServe() }()
		<-started
		t.Cleanup(func() { _ = s.Shutdown() })
	}
	return dnsServer{packets.LocalAddr().String()}
}

// twoRegions are two servers on one port of two loopback addresses, each answering its name.
func twoRegions(t *testing.T) (port string, east, west *httptest.Server) {
	named := func(l net.Listener, name string) *httptest.Server {
		s := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte(name)) }))
		s.Listener.Close()
		s.Listener = l
		s.Start()
		t.Cleanup(s.Close)
		return s
	}
	var first, second net.Listener
	require.Eventually(t, func() bool {
		var err error
		if first, err = net.Listen("tcp", "127.0.0.1:0"); err != nil {
			return false
		}
		_, port, _ = net.SplitHostPort(first.Addr().String())
		if second, err = net.Listen("tcp", "127.0.0.2:"+port); err != nil {
			first.Close()
		}
		return err == nil
	}, 10*time.Second, time.Millisecond)
	return port, named(first, "east"), named(second, "west")
}

func TestDNSFailoverIsSeenAsAClientSeesIt(t *testing.T) {
	port, _, _ := twoRegions(t)
	z := &zone{ttl: 1}
	z.set("shop.test.", "127.0.0.1")
	server := startDNS(t, z)
	at := func(region string, keep bool) Prober {
		return newProber(t, "http", values{"url": "http://shop.test:" + port, "resolver": server.address, "keepalive": keep, "expect": values{"body_contains": region}})
	}
	west, stays := at("west", false), at("east", true)
	requireClass(t, sample.Body, askOnce(t, west, 10*time.Second))
	require.True(t, askOnce(t, stays, 10*time.Second).Good)
	asked := z.questions.Load()
	moved := time.Now()
	z.set("shop.test.", "127.0.0.2")
	requireClass(t, sample.Body, askOnce(t, west, 10*time.Second))
	if time.Since(moved) < 500*time.Millisecond {
		require.Equal(t, asked, z.questions.Load(), "the old answer is good for its TTL")
	}
	eventually(t, west, func(a Answer) bool { return a.Good })
	require.Greater(t, z.questions.Load(), asked)
	require.Less(t, time.Since(moved), 10*time.Second)
	require.True(t, askOnce(t, stays, 10*time.Second).Good, "a connection that is kept goes on to the old address")
}

func TestDNSFailuresAreClassedDNS(t *testing.T) {
	z := &zone{ttl: 0}
	z.set("shop.test.", "127.0.0.1")
	server := startDNS(t, z)
	for _, kind := range []string{"http", "tcp", "grpc"} {
		p := newProber(t, kind, values{"url": "http://shop.test:1/", "address": "shop.test:1", "resolver": server.address, "keepalive": false})
		z.mode.Store(servfailAll)
		requireClass(t, sample.DNS, askOnce(t, p, 10*time.Second))
		z.mode.Store(dropAll)
		requireClass(t, sample.DNS, askOnce(t, p, 300*time.Millisecond))
		z.mode.Store(answerAll)
		eventually(t, p, func(a Answer) bool { return a.Class == sample.Refused })
	}
}
