package dns

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"time"

	"github.com/miekg/dns"

	"github.com/gameday-toolkit/gameday/plugins/dns/internal/rule"
	"github.com/gameday-toolkit/gameday/plugins/sdk"
)

// What stands where an attribute is not set. They are not the schema's, which would hide that an attribute was set for a
// mode that it means nothing to.
const (
	shortTTL     = 5 * time.Second
	longTTL      = time.Hour
	defaultDelay = 2 * time.Second
	maxDelay     = time.Minute
	maxTTL       = 7 * 24 * time.Hour
	maxNames     = 64
	maxClients   = 32
)

// nowhere are addresses that nobody has: documentation's (RFC 5737, RFC 3849).
func nowhere() []string { return []string{"192.0.2.1", "2001:db8::1"} }

type settings struct {
	Names     []string  `json:"names"`
	Types     []string  `json:"types"`
	Clients   []string  `json:"clients"`
	Mode      string    `json:"mode"`
	Percent   float64   `json:"percent"`
	Delay     *sdk.Span `json:"delay"`
	Addresses []string  `json:"addresses"`
	TTL       *sdk.Span `json:"ttl"`
	TCP       string    `json:"tcp"`
}

// Schema describes the attributes of the fault's block.
func (f *fault) Schema() sdk.Schema {
	return sdk.Schema{
		Doc: "Chosen names do not resolve as they should. Every other query is passed on byte by byte. It ends by itself: if every process of gameday dies at once, " +
			"the kernel leads queries past us again within 3 seconds, and a resolver of `gameday-plugin-dns serve` passes everything on within 3 seconds.",
		Attributes: []sdk.Attribute{
			{Name: "names", Type: sdk.StringList, Required: true, Doc: "shop.test is this name; .shop.test is it and everything below; api-*.shop.test has * and ? for characters of one label; . is every name."},
			{Name: "types", Type: sdk.StringList, Doc: "Types of the question, such as A, AAAA, MX. By default all."},
			{Name: "clients", Type: sdk.StringList, Doc: "Addresses or networks that the query comes from. By default all."},
			{Name: "mode", Type: sdk.String, Default: string(rule.NXDomain), OneOf: rule.Modes(), Doc: "nxdomain, servfail, refused: that answer. drop: none. delay: the true answer, late. truncated: over UDP an answer that says to ask again over TCP. " +
				"wrong_address: another address. empty: no records (NODATA). stale: the first answer that is seen, for as long as the fault lasts, with a long TTL."},
			{Name: "percent", Type: sdk.Number, Default: all, Doc: "How many of these queries fail, by chance: flapping. A client that asks again takes another chance."},
			{Name: "delay", Type: sdk.Duration, Doc: "How late, for the mode delay: 2s where it is not set."},
			{Name: "addresses", Type: sdk.StringList, Doc: "The addresses given, for the mode wrong_address: 192.0.2.1 and 2001:db8::1, which nobody has, where it is not set. A family without one is answered empty."},
			{Name: "ttl", Type: sdk.Duration, Doc: "For how long a cache may keep the answer of the modes nxdomain, empty and wrong_address (5s where it is not set) and stale (1h). It outlives the fault by so much."},
			{Name: "tcp", Type: sdk.String, OneOf: []string{rule.TCPAnswer, rule.TCPClose, rule.TCPDrop}, Doc: "What comes over TCP in the mode truncated: the true answer (answer, where it is not set), the end of the connection (close), or nothing (drop)."},
		},
	}
}

const all = 100

// ruleOf reads a block.
func ruleOf(req sdk.Request) (rule.Rule, []sdk.Problem, error) {
	c := settings{Mode: string(rule.NXDomain), Percent: all}
	if err := req.Decode(&c); err != nil {
		return rule.Rule{}, nil, err
	}
	r := rule.Rule{Names: c.Names, Mode: rule.Mode(c.Mode), Percent: c.Percent, Seed: req.Seed}
	problems := c.names()
	problems = append(problems, c.types(&r)...)
	problems = append(problems, c.clients(&r)...)
	problems = append(problems, c.misplaced()...)
	problems = append(problems, c.how(&r)...)
	return r, problems, nil
}

func (c settings) names() []sdk.Problem {
	if len(c.Names) == 0 || len(c.Names) > maxNames {
		return []sdk.Problem{problem("names", fmt.Sprintf("%d names", len(c.Names)), fmt.Sprintf("Give 1 to %d; . is every name.", maxNames))}
	}
	var out []sdk.Problem
	for i, n := range c.Names {
		if err := rule.CheckName(n); err != nil {
			out = append(out, problem(fmt.Sprintf("names.%d", i), err.Error(), "Such as shop.test, .shop.test or api-*.shop.test."))
		}
	}
	return out
}

func (c settings) types(r *rule.Rule) []sdk.Problem {
	var out []sdk.Problem
	for i, name := range c.Types {
		t, ok := dns.StringToType[strings.ToUpper(name)]
		if !ok {
			out = append(out, problem(fmt.Sprintf("types.%d", i), fmt.Sprintf("%q is no type of DNS", name), "Such as A, AAAA, CNAME, MX, SRV, TXT."))
		}
		r.Types = append(r.Types, t)
	}
	address := func(t uint16) bool { return t == dns.TypeA || t == dns.TypeAAAA }
	if r.Mode == rule.WrongAddress && len(r.Types) > 0 && !slices.ContainsFunc(r.Types, address) {
		out = append(out, problem("types", "The mode wrong_address is about A and AAAA only", "Leave types out, or choose another mode."))
	}
	return out
}

func (c settings) clients(r *rule.Rule) []sdk.Problem {
	if len(c.Clients) > maxClients {
		return []sdk.Problem{problem("clients", fmt.Sprintf("%d clients", len(c.Clients)), fmt.Sprintf("At most %d: use networks.", maxClients))}
	}
	var out []sdk.Problem
	for i, text := range c.Clients {
		p, err := netip.ParsePrefix(text)
		if a, errAddr := netip.ParseAddr(text); errAddr == nil && a.Zone() == "" {
			p, err = netip.PrefixFrom(a, a.BitLen()), nil
		}
		if err != nil || p.Addr().Is4In6() {
			out = append(out, problem(fmt.Sprintf("clients.%d", i), fmt.Sprintf("%q is no address and no network", text), "Such as 10.0.0.7 or 10.0.0.0/16; names are not looked up."))
			continue
		}
		r.Clients = append(r.Clients, p.Masked())
	}
	return out
}

// misplaced finds what is set and means nothing to the mode.
func (c settings) misplaced() []sdk.Problem {
	var out []sdk.Problem
	for _, one := range []struct {
		name  string
		set   bool
		modes []rule.Mode
	}{
		{"delay", c.Delay != nil, []rule.Mode{rule.Delay}},
		{"addresses", len(c.Addresses) > 0, []rule.Mode{rule.WrongAddress}},
		{"ttl", c.TTL != nil, []rule.Mode{rule.NXDomain, rule.Empty, rule.WrongAddress, rule.Stale}},
		{"tcp", c.TCP != "", []rule.Mode{rule.Truncated}},
	} {
		if one.set && !slices.Contains(one.modes, rule.Mode(c.Mode)) {
			out = append(out, problem(one.name, fmt.Sprintf("%s means nothing in the mode %s", one.name, c.Mode), fmt.Sprintf("It is for %v. Take it out.", one.modes)))
		}
	}
	return out
}

// how fills in what the mode needs.
func (c settings) how(r *rule.Rule) []sdk.Problem {
	var out []sdk.Problem
	if c.Percent <= 0 || c.Percent > all {
		out = append(out, problem("percent", fmt.Sprintf("%v %% of the queries", c.Percent), "Use more than 0 and up to 100."))
	}
	switch r.Mode {
	case rule.Delay:
		if r.Delay = or(c.Delay, defaultDelay); r.Delay <= 0 || r.Delay > maxDelay {
			out = append(out, problem("delay", fmt.Sprintf("A delay of %v", r.Delay), "Use up to 1m."))
		}
	case rule.Truncated:
		if r.TCP = c.TCP; c.TCP == "" {
			r.TCP = rule.TCPAnswer
		}
	case rule.NXDomain, rule.Empty, rule.WrongAddress, rule.Stale:
		usual := shortTTL
		if r.Mode == rule.Stale {
			usual = longTTL
		}
		if r.TTL = or(c.TTL, usual); r.TTL < 0 || r.TTL > maxTTL || r.TTL%time.Second != 0 {
			out = append(out, problem("ttl", fmt.Sprintf("A TTL of %v", r.TTL), "DNS counts whole seconds; use up to 168h."))
		}
	}
	if r.Mode == rule.WrongAddress {
		out = append(out, c.wrong(r)...)
	}
	return out
}

func (c settings) wrong(r *rule.Rule) []sdk.Problem {
	given := c.Addresses
	if len(given) == 0 {
		given = nowhere()
	}
	var out []sdk.Problem
	for i, text := range given {
		a, err := netip.ParseAddr(text)
		if err != nil || a.Zone() != "" || a.Is4In6() {
			out = append(out, problem(fmt.Sprintf("addresses.%d", i), fmt.Sprintf("%q is no address", text), "Such as 192.0.2.1 or 2001:db8::1."))
		}
		r.Addresses = append(r.Addresses, a)
	}
	return out
}

func or(set *sdk.Span, usual time.Duration) time.Duration {
	if set == nil {
		return usual
	}
	return time.Duration(*set)
}
