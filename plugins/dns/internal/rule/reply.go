package rule

import (
	"encoding/hex"
	"net"
	"time"

	"github.com/miekg/dns"
)

// reply makes the answer of a rule. It is false where the rule lets such a query alone.
func (r Rule) reply(q Query) ([]byte, bool) {
	var in dns.Msg
	if err := in.Unpack(q.Raw); err != nil {
		return nil, false
	}
	m := answerTo(&in)
	switch r.Mode {
	case NXDomain:
		m.Rcode = dns.RcodeNameError
		m.Ns = append(m.Ns, soa(q.Name, r.TTL))
	case Empty:
		m.Ns = append(m.Ns, soa(q.Name, r.TTL))
	case ServFail:
		m.Rcode = dns.RcodeServerFailure
	case Refused:
		m.Rcode = dns.RcodeRefused
	case Truncated:
		m.Truncated = true
	case WrongAddress:
		if q.Type != dns.TypeA && q.Type != dns.TypeAAAA {
			return nil, false
		}
		if m.Answer = r.addresses(q); len(m.Answer) == 0 {
			m.Ns = append(m.Ns, soa(q.Name, r.TTL))
		}
	}
	out, err := m.Pack()
	return out, err == nil
}

// answerTo begins an answer as the server that was asked would: the same question with the same letters, the same bits.
func answerTo(in *dns.Msg) *dns.Msg {
	m := new(dns.Msg)
	m.SetReply(in)
	m.RecursionAvailable, m.CheckingDisabled = true, in.CheckingDisabled
	opt := in.IsEdns0()
	if opt == nil {
		return m
	}
	m.SetEdns0(payload, opt.Do())
	for _, o := range opt.Option {
		// A client that has a cookie of the server distrusts an answer without it. The whole one is in the query; a client
		// that sends only its own half has none yet, and takes an answer without.
		if c, ok := o.(*dns.EDNS0_COOKIE); ok && hex.DecodedLen(len(c.Cookie)) > clientCookie {
			m.IsEdns0().Option = append(m.IsEdns0().Option, c)
		}
	}
	return m
}

const (
	payload      = 1232 // what the DNS flag day of 2020 agreed on
	clientCookie = 8
)

// soa is what tells a cache for how long it may remember that there is nothing (RFC 2308): the lesser of its TTL and its
// last field. It stands in the domain above the name.
func soa(name string, ttl time.Duration) dns.RR {
	zone := "."
	if at, end := dns.NextLabel(name, 0); !end {
		zone = name[at:]
	}
	seconds := uint32(ttl / time.Second)
	return &dns.SOA{
		Hdr: dns.RR_Header{Name: zone, Rrtype: dns.TypeSOA, Class: dns.ClassINET, Ttl: seconds},
		Ns:  "gameday.invalid.", Mbox: "gameday.invalid.", Serial: 1, Refresh: 3600, Retry: 600, Expire: 86400, Minttl: seconds,
	}
}

func (r Rule) addresses(q Query) []dns.RR {
	var out []dns.RR
	for _, a := range r.Addresses {
		hdr := dns.RR_Header{Name: q.Name, Rrtype: q.Type, Class: dns.ClassINET, Ttl: uint32(r.TTL / time.Second)}
		switch {
		case a.Is4() && q.Type == dns.TypeA:
			out = append(out, &dns.A{Hdr: hdr, A: net.IP(a.AsSlice())})
		case a.Is6() && q.Type == dns.TypeAAAA:
			out = append(out, &dns.AAAA{Hdr: hdr, AAAA: net.IP(a.AsSlice())})
		}
	}
	return out
}
