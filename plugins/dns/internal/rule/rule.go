package rule

import (
	"fmt"
	"net/netip"
	"path"
	"slices"
	"strings"
	"time"

	"github.com/miekg/dns"
)

// Mode is how a query fails.
type Mode string

// The modes.
const (
	NXDomain     Mode = "nxdomain"
	ServFail     Mode = "servfail"
	Refused      Mode = "refused"
	Drop         Mode = "drop"
	Delay        Mode = "delay"
	Truncated    Mode = "truncated"
	WrongAddress Mode = "wrong_address"
	Empty        Mode = "empty"
	Stale        Mode = "stale"
)

// Modes lists them, for people.
func Modes() []string {
	var out []string
	for _, m := range []Mode{NXDomain, ServFail, Refused, Drop, Delay, Truncated, WrongAddress, Empty, Stale} {
		out = append(out, string(m))
	}
	return out
}

// What TCP does after a truncated answer over UDP.
const (
	TCPAnswer = "answer"
	TCPClose  = "close"
	TCPDrop   = "drop"
)

// Rule is one failure: which queries, and how. It is plain data, for the undo of a handle and for the resolver's control.
type Rule struct {
	// Names are exact (shop.test), with everything below (.shop.test), or with * and ? within a label (api-*.shop.test).
	Names []string `json:"names"`
	// Types of the question, and Clients by the address that the query comes from; none means all.
	Types   []uint16       `json:"types,omitempty"`
	Clients []netip.Prefix `json:"clients,omitempty"`
	Mode    Mode           `json:"mode"`
	// Percent of the queries that fail, by chance, repeatable by Seed.
	Percent float64 `json:"percent"`
	Seed    int64   `json:"seed,omitempty"`

	Delay     time.Duration `json:"delay,omitempty"`
	Addresses []netip.Addr  `json:"addresses,omitempty"`
	TTL       time.Duration `json:"ttl,omitempty"`
	TCP       string        `json:"tcp,omitempty"`
}

// hits says whether the rule is about a query, before chance has a say.
func (r Rule) hits(q Query) bool {
	if len(r.Types) > 0 && !slices.Contains(r.Types, q.Type) {
		return false
	}
	inside := func(p netip.Prefix) bool { return p.Contains(q.Client) }
	if len(r.Clients) > 0 && !slices.ContainsFunc(r.Clients, inside) {
		return false
	}
	return slices.ContainsFunc(r.Names, func(p string) bool { return matches(p, q.Name) })
}

// CheckName says what is wrong with a name of a rule.
func CheckName(pattern string) error {
	bare := strings.TrimPrefix(pattern, ".")
	if pattern == "." {
		return nil
	}
	if _, ok := dns.IsDomainName(bare); !ok || bare == "" || bare == "." || strings.Contains(bare, "..") {
		return fmt.Errorf("%q is no name of DNS", pattern)
	}
	if _, err := path.Match(pattern, ""); err != nil || strings.Contains(pattern, "**") {
		return fmt.Errorf("%q is no pattern: * and ? stand for characters of one label", pattern)
	}
	return nil
}

// matches compares label by label, without case. A pattern that begins with a dot is the name behind it and everything
// below; a dot alone is every name.
func matches(pattern, name string) bool {
	bare, below := strings.CutPrefix(pattern, ".")
	want, got := labels(bare), labels(name)
	if len(got) < len(want) || !below && len(got) != len(want) {
		return false
	}
	for i, label := range got[len(got)-len(want):] {
		if ok, err := path.Match(want[i], label); err != nil || !ok {
			return false
		}
	}
	return true
}

// labels splits a name. A slash would mean more to path.Match than to DNS.
func labels(name string) []string {
	return dns.SplitDomainName(strings.ReplaceAll(strings.ToLower(name), "/", "\x01"))
}

// String says to people which queries the rule is about.
func (r Rule) String() string {
	types := "all types"
	if len(r.Types) > 0 {
		var names []string
		for _, t := range r.Types {
			names = append(names, dns.TypeToString[t])
		}
		types = strings.Join(names, ", ")
	}
	out := fmt.Sprintf("queries of %s for %s", types, strings.Join(r.Names, ", "))
	if len(r.Clients) > 0 {
		out += fmt.Sprintf(" from %v", r.Clients)
	}
	if r.Percent < all {
		out = fmt.Sprintf("%v %% of the ", r.Percent) + out
	}
	return out
}

// all is every query, in percent.
const all = 100

// Answer says to people what becomes of them.
func (r Rule) Answer() string {
	switch r.Mode {
	case NXDomain:
		return fmt.Sprintf("are answered NXDOMAIN, which caches may keep for %v", r.TTL)
	case Empty:
		return fmt.Sprintf("are answered without records (NODATA), which caches may keep for %v", r.TTL)
	case ServFail:
		return "are answered SERVFAIL"
	case Refused:
		return "are answered REFUSED"
	case Drop:
		return "are not answered"
	case Delay:
		return fmt.Sprintf("are passed on %v late", r.Delay)
	case Truncated:
		then := map[string]string{TCPAnswer: "answered as usual", TCPClose: "closed", TCPDrop: "not answered"}[r.TCP]
		return "are answered truncated over UDP, and over TCP " + then
	case WrongAddress:
		return fmt.Sprintf("are answered with %v for %v", r.Addresses, r.TTL)
	case Stale:
		return fmt.Sprintf("are answered with the first answer that is seen, whatever changes, and a TTL of %v", r.TTL)
	}
	return "have the unknown mode " + string(r.Mode)
}
