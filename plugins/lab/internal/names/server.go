package names

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strings"
	"sync"
	"time"

	"github.com/miekg/dns"
	"golang.org/x/sync/errgroup"
)

// Mode is a way in which DNS fails.
type Mode string

// The ways in which DNS fails.
const (
	NXDomain     Mode = "nxdomain"
	ServFail     Mode = "servfail"
	Refused      Mode = "refused"
	Drop         Mode = "drop"
	Delay        Mode = "delay"
	WrongAddress Mode = "wrong_address"
	Empty        Mode = "empty"
)

// Modes lists the ways in which DNS fails.
func Modes() []string {
	return []string{
		string(NXDomain), string(ServFail), string(Refused), string(Drop),
		string(Delay), string(WrongAddress), string(Empty),
	}
}

// Failure is what is wrong with one name.
type Failure struct {
	Mode  Mode          `json:"mode"`
	Delay time.Duration `json:"delay,omitempty"`
	// Address is what a wrong answer says.
	Address string `json:"address,omitempty"`
}

// TTL is the time to live of every answer.
const TTL = 5 * time.Second

// maxWaiting bounds the queries that are being delayed; more are dropped, as by a server whose queue is full.
const maxWaiting = 4096

// Server answers for one zone.
type Server struct {
	zone    string
	resolve func(name string) net.IP
	waiting chan struct{}

	mu       sync.Mutex
	failures map[string]Failure
}

// New returns a server for a zone, such as "lab.test.". resolve returns the address of a name without its final dot, or
// nil if there is no such name.
func New(zone string, resolve func(name string) net.IP) *Server {
	return &Server{zone: zone, resolve: resolve, waiting: make(chan struct{}, maxWaiting), failures: map[string]Failure{}}
}

// Fail replaces what is wrong, by name.
func (s *Server) Fail(failures map[string]Failure) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.failures = failures
}

// Serve answers over UDP and TCP until the context ends.
func (s *Server) Serve(ctx context.Context, addr string) error {
	packets, err := (&net.ListenConfig{}).ListenPacket(ctx, "udp", addr)
	if err != nil {
		return fmt.Errorf("listening for DNS: %w", err)
	}
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", addr)
	if err != nil {
		return errors.Join(fmt.Errorf("listening for DNS: %w", err), packets.Close())
	}
	handler := dns.HandlerFunc(func(w dns.ResponseWriter, q *dns.Msg) { s.handle(ctx, w, q) })
	g, ctx := errgroup.WithContext(ctx)
	for _, srv := range []*dns.Server{{PacketConn: packets, Handler: handler}, {Listener: listener, Handler: handler}} {
		started := make(chan struct{})
		srv.NotifyStartedFunc = func() { close(started) }
		g.Go(srv.ActivateAndServe)
		g.Go(func() error {
			<-ctx.Done()
			<-started // a server that has not started cannot be shut down
			return srv.Shutdown()
		})
	}
	return g.Wait()
}

func (s *Server) failure(name string) Failure {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.failures[name]
}

func (s *Server) handle(ctx context.Context, w dns.ResponseWriter, q *dns.Msg) {
	answer := new(dns.Msg)
	answer.SetReply(q)
	answer.Authoritative = true
	if len(q.Question) != 1 {
		answer.Rcode = dns.RcodeFormatError
		_ = w.WriteMsg(answer)
		return
	}
	name := strings.ToLower(strings.TrimSuffix(q.Question[0].Name, "."))
	failure := s.failure(name)
	if failure.Mode == Drop || failure.Mode == Delay && !s.wait(ctx, failure.Delay) {
		return
	}
	s.fill(answer, q.Question[0], name, failure)
	// The client may be gone; there is nobody else to tell.
	_ = w.WriteMsg(answer)
}

// wait delays an answer; false if it should not be given at all.
func (s *Server) wait(ctx context.Context, d time.Duration) bool {
	select {
	case s.waiting <- struct{}{}:
		defer func() { <-s.waiting }()
	default:
		return false
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-ctx.Done():
		return false
	}
}

func (s *Server) fill(answer *dns.Msg, question dns.Question, name string, failure Failure) {
	switch failure.Mode {
	case NXDomain:
		answer.Rcode = dns.RcodeNameError
		answer.Ns = []dns.RR{s.soa()}
		return
	case ServFail:
		answer.Rcode = dns.RcodeServerFailure
		return
	case Refused:
		answer.Rcode = dns.RcodeRefused
		return
	case Empty:
		answer.Ns = []dns.RR{s.soa()}
		return
	}
	if !dns.IsSubDomain(s.zone, question.Name) {
		answer.Authoritative = false
		answer.Rcode = dns.RcodeRefused
		return
	}
	ip := s.resolve(name)
	if ip != nil && failure.Mode == WrongAddress {
		ip = net.ParseIP(failure.Address)
	}
	switch {
	case ip == nil && question.Name != s.zone:
		answer.Rcode = dns.RcodeNameError
		answer.Ns = []dns.RR{s.soa()}
	case ip != nil && (question.Qtype == dns.TypeA || question.Qtype == dns.TypeANY):
		answer.Answer = []dns.RR{&dns.A{Hdr: s.header(question.Name, dns.TypeA), A: ip}}
	default:
		answer.Ns = []dns.RR{s.soa()}
	}
}

func (s *Server) header(name string, rrtype uint16) dns.RR_Header {
	return dns.RR_Header{Name: name, Rrtype: rrtype, Class: dns.ClassINET, Ttl: uint32(TTL / time.Second)}
}

// soa says for how long a client may remember that there is nothing: one second, so that a negative answer does not
// outlive its cause by much.
func (s *Server) soa() dns.RR {
	return &dns.SOA{
		Hdr: s.header(s.zone, dns.TypeSOA), Ns: "ns." + s.zone, Mbox: "lab." + s.zone,
		Serial: 1, Refresh: 60, Retry: 60, Expire: 60, Minttl: 1,
	}
}
