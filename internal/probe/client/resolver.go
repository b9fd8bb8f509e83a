package client

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"strings"
	"sync"
	"time"

	"github.com/miekg/dns"
)

// What a lookup may cost: a server that does not answer is asked again, as stub resolvers do.
const (
	lookupTries   = 2
	lookupTimeout = 2 * time.Second // of one try
	maxNames      = 1024            // names kept; a client asks for very few
)

// DNSError is a lookup that gave no address.
type DNSError struct {
	Name, Server, Reason string
	Err                  error
}

func (e *DNSError) Error() string {
	return fmt.Sprintf("looking up %s at %s: %s", e.Name, e.Server, e.Reason)
}

func (e *DNSError) Unwrap() error { return e.Err }

// Resolver asks one DNS server and keeps each answer for as long as the server allows: the smallest TTL of its records, or
// the negative TTL of RFC 2308 for a name that does not exist. SERVFAIL and silence are not kept. Concurrent questions for
// one name share one lookup. A is asked first, and AAAA where there is no A.
type Resolver struct {
	server string
	ctx    context.Context
	stop   context.CancelFunc
	wg     sync.WaitGroup

	mu      sync.Mutex
	answers map[string]answer
	flights map[string]*flight
}

type answer struct {
	addrs   []netip.Addr
	err     error
	expires time.Time
}

type flight struct {
	done   chan struct{}
	answer answer
}

// NewResolver makes a resolver that asks server, an "ip:port". Close it.
func NewResolver(server string) (*Resolver, error) {
	if _, err := netip.ParseAddrPort(server); err != nil {
		return nil, fmt.Errorf("resolver must be \"ip:port\": %w", err)
	}
	ctx, stop := context.WithCancel(context.Background())
	return &Resolver{server: server, ctx: ctx, stop: stop, answers: map[string]answer{}, flights: map[string]*flight{}}, nil
}

// Close ends lookups under way.
func (r *Resolver) Close() {
	r.stop()
	r.wg.Wait()
}

// Waiting says that a lookup of the name is under way: whoever timed out meanwhile has most likely waited for it.
func (r *Resolver) Waiting(name string) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.flights[dns.CanonicalName(name)] != nil
}

// Server is the address that is asked.
func (r *Resolver) Server() string { return r.server }

// Lookup gives the addresses of a name, in the order of the answer.
func (r *Resolver) Lookup(ctx context.Context, name string) ([]netip.Addr, error) {
	name = dns.CanonicalName(name)
	if strings.HasSuffix("."+name, ".localhost.") { // RFC 6761: never asked
		return []netip.Addr{netip.AddrFrom4([4]byte{127, 0, 0, 1})}, nil
	}
	r.mu.Lock()
	a, ok := r.answers[name]
	if ok && time.Now().Before(a.expires) {
		r.mu.Unlock()
		return a.addrs, a.err
	}
	f := r.join(name)
	r.mu.Unlock()
	select {
	case <-f.done:
		return f.answer.addrs, f.answer.err
	case <-ctx.Done():
		return nil, &DNSError{Name: name, Server: r.server, Reason: "no answer in time", Err: context.Cause(ctx)}
	}
}

// join gives the lookup under way, or starts one. The lookup outlives the caller, whose successors wait for the same.
func (r *Resolver) join(name string) *flight {
	if f := r.flights[name]; f != nil {
		return f
	}
	f := &flight{done: make(chan struct{})}
	r.flights[name] = f
	r.wg.Go(func() {
		f.answer = r.ask(name)
		r.mu.Lock()
		defer r.mu.Unlock()
		delete(r.flights, name)
		if len(r.answers) >= maxNames {
			clear(r.answers)
		}
		r.answers[name] = f.answer
		close(f.done)
	})
	return f
}

func (r *Resolver) ask(name string) answer {
	var a answer
	for _, qtype := range []uint16{dns.TypeA, dns.TypeAAAA} {
		var err error
		if a, err = r.askType(name, qtype); err != nil {
			a.err = err
		}
		if len(a.addrs) > 0 || a.err != nil {
			return a
		}
	}
	a.err = &DNSError{Name: name, Server: r.server, Reason: "the name has no address"}
	return a
}

func (r *Resolver) askType(name string, qtype uint16) (answer, error) {
	m, err := r.exchange(name, qtype)
	if err != nil {
		return answer{}, &DNSError{Name: name, Server: r.server, Reason: err.Error(), Err: err}
	}
	asked := time.Now()
	switch m.Rcode {
	case dns.RcodeSuccess:
		addrs, ttl := addresses(m)
		return answer{addrs: addrs, expires: asked.Add(ttl)}, nil
	case dns.RcodeNameError:
		return answer{expires: asked.Add(negativeTTL(m))}, &DNSError{Name: name, Server: r.server, Reason: "NXDOMAIN"}
	default:
		return answer{}, &DNSError{Name: name, Server: r.server, Reason: dns.RcodeToString[m.Rcode]}
	}
}

func (r *Resolver) exchange(name string, qtype uint16) (m *dns.Msg, err error) {
	q := new(dns.Msg).SetQuestion(name, qtype)
	q.SetEdns0(1232, false)
	network := "udp"
	for range lookupTries {
		m, err = r.try(q, network)
		if err == nil && m.Truncated && network == "udp" {
			network = "tcp"
			m, err = r.try(q, network)
		}
		if err == nil || r.ctx.Err() != nil {
			return m, err
		}
	}
	return nil, err
}

func (r *Resolver) try(q *dns.Msg, network string) (*dns.Msg, error) {
	ctx, cancel := context.WithTimeout(r.ctx, lookupTimeout)
	defer cancel()
	c := dns.Client{Net: network, Timeout: lookupTimeout}
	return Exchange(ctx, &c, q, r.server)
}

// Exchange asks a DNS server over a connection of its own, and ends with the context, which package dns heeds only for its
// deadline.
func Exchange(ctx context.Context, c *dns.Client, question *dns.Msg, server string) (*dns.Msg, error) {
	conn, err := c.DialContext(ctx, server)
	if err != nil {
		return nil, err
	}
	defer conn.Close()
	stop := context.AfterFunc(ctx, func() { _ = conn.SetDeadline(time.Unix(1, 0)) })
	defer stop()
	m, _, err := c.ExchangeWithConnContext(ctx, question, conn)
	if err == nil && m == nil {
		err = errors.New("empty answer")
	}
	return m, err
}

// addresses collects the records and the smallest TTL, that of a CNAME on the way included.
func addresses(m *dns.Msg) (addrs []netip.Addr, ttl time.Duration) {
	if len(m.Answer) == 0 {
		return nil, negativeTTL(m)
	}
	least := m.Answer[0].Header().Ttl
	for _, rr := range m.Answer {
		least = min(least, rr.Header().Ttl)
		switch rr := rr.(type) {
		case *dns.A:
			if a, ok := netip.AddrFromSlice(rr.A.To4()); ok {
				addrs = append(addrs, a)
			}
		case *dns.AAAA:
			if a, ok := netip.AddrFromSlice(rr.AAAA); ok {
				addrs = append(addrs, a)
			}
		}
	}
	return addrs, time.Duration(least) * time.Second
}

// negativeTTL is how long the absence of a name may be kept (RFC 2308, section 5): not at all without an SOA record.
func negativeTTL(m *dns.Msg) time.Duration {
	for _, rr := range m.Ns {
		if soa, ok := rr.(*dns.SOA); ok {
			return time.Duration(min(soa.Minttl, soa.Hdr.Ttl)) * time.Second
		}
	}
	return 0
}
