package probe

import (
	"context"
	"encoding/json"
	"fmt"
	"net"
	"slices"
	"strings"
	"time"

	"github.com/miekg/dns"

	"github.com/gameday-toolkit/gameday/internal/probe/client"
	"github.com/gameday-toolkit/gameday/internal/sample"
	"github.com/gameday-toolkit/gameday/plugins/sdk"
)

type dnsConfig struct {
	Server    string      `json:"server"`
	Name      string      `json:"name"`
	Type      string      `json:"type"`
	Transport string      `json:"transport"`
	TLS       *client.TLS `json:"tls"`
	Expect    struct {
		Rcode      string   `json:"rcode"`
		Answers    []string `json:"answers"`
		MinAnswers int      `json:"min_answers"`
	} `json:"expect"`
}

// dnsProber asks the server itself, each time anew: nothing is kept for its TTL, and nothing is asked twice.
type dnsProber struct {
	server     string
	question   *dns.Msg
	client     dns.Client
	rcode      int
	answers    []string
	minAnswers int
}

func newDNS(cfg json.RawMessage, env Env) (Prober, error) {
	var c dnsConfig
	if err := json.Unmarshal(cfg, &c); err != nil {
		return nil, fmt.Errorf("reading the dns probe: %w", err)
	}
	p := &dnsProber{server: env.resolver(c.Server), answers: c.Expect.Answers, minAnswers: c.Expect.MinAnswers}
	if _, _, err := net.SplitHostPort(p.server); err != nil {
		return nil, fmt.Errorf("server must be \"host:port\": %w", err)
	}
	qtype, ok := dns.StringToType[strings.ToUpper(orDefault(c.Type, "A"))]
	if !ok {
		return nil, fmt.Errorf("type: there is no DNS record type %q", c.Type)
	}
	if p.rcode, ok = dns.StringToRcode[strings.ToUpper(orDefault(c.Expect.Rcode, "NOERROR"))]; !ok {
		return nil, fmt.Errorf("expect.rcode: there is no DNS response code %q", c.Expect.Rcode)
	}
	p.question = new(dns.Msg).SetQuestion(dns.Fqdn(c.Name), qtype)
	p.question.SetEdns0(1232, false)
	return p, p.transport(c)
}

func (p *dnsProber) transport(c dnsConfig) error {
	p.client.Timeout = time.Hour // the context's deadline is the one that counts
	switch c.Transport {
	case "", "udp", "tcp":
		p.client.Net = orDefault(c.Transport, "udp")
		return nil
	case "tls":
		config, err := c.TLS.Config()
		p.client.Net, p.client.TLSConfig = "tcp-tls", config
		return err
	default:
		return fmt.Errorf("transport must be udp, tcp or tls, not %q", c.Transport)
	}
}

func orDefault(s, otherwise string) string {
	if s == "" {
		return otherwise
	}
	return s
}

func (p *dnsProber) Close() error { return nil }

func (p *dnsProber) Probe(ctx context.Context) Answer {
	question := p.question.Copy()
	question.Id = dns.Id()
	m, err := client.Exchange(ctx, &p.client, question, p.server)
	if err != nil {
		return failed(ctx, err, nil, "")
	}
	if m.Rcode != p.rcode {
		return bad(sample.DNS, "%s answered %s", p.server, dns.RcodeToString[m.Rcode])
	}
	got := contents(m)
	if len(got) < p.minAnswers {
		return bad(sample.Body, "%d answers, fewer than %d", len(got), p.minAnswers)
	}
	for _, want := range p.answers {
		if !slices.ContainsFunc(got, func(s string) bool { return sameAnswer(s, want) }) {
			return bad(sample.Body, "answers %v are without %s", got, want)
		}
	}
	return good()
}

// contents are the answers without name, TTL, class and type: "127.0.0.1", "10 mail.example.com.".
func contents(m *dns.Msg) []string {
	var out []string
	for _, rr := range m.Answer {
		out = append(out, strings.TrimPrefix(rr.String(), rr.Header().String()))
	}
	return out
}

// sameAnswer forgives what people leave out: case, the last dot, the quotes of a TXT record.
func sameAnswer(got, want string) bool {
	plain := func(s string) string { return strings.ToLower(strings.TrimSuffix(strings.Trim(s, `"`), ".")) }
	return plain(got) == plain(want)
}

func dnsSchema() sdk.Schema {
	return sdk.Schema{
		Doc: "Asks a DNS server a question, each time anew.",
		Attributes: []sdk.Attribute{
			{Name: "server", Type: sdk.String, Required: true, Doc: "\"host:port\" of the DNS server"},
			{Name: "name", Type: sdk.String, Required: true, Doc: "Name to ask for"},
			{Name: "type", Type: sdk.String, Default: "A", Doc: "Record type"},
			{Name: "transport", Type: sdk.String, Default: "udp", OneOf: []string{"udp", "tcp", "tls"}, Doc: "How the question travels"},
		},
		Blocks: []sdk.Block{client.TLSBlock(), {Name: "expect", Max: 1, Schema: sdk.Schema{
			Doc: "What a good answer is.",
			Attributes: []sdk.Attribute{
				{Name: "rcode", Type: sdk.String, Default: "NOERROR", Doc: "Response code, such as NXDOMAIN"},
				{Name: "answers", Type: sdk.StringList, Doc: "Contents that must all be among the answers, such as \"192.0.2.1\""},
				{Name: "min_answers", Type: sdk.Number, Doc: "Least number of answers"},
				latencyAttribute(),
			},
		}}},
	}
}
