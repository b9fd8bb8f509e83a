package lab

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strings"
	"time"

	"github.com/miekg/dns"

	"github.com/gameday-toolkit/gameday/plugins/lab/internal/control"
	"github.com/gameday-toolkit/gameday/plugins/lab/internal/layout"
	"github.com/gameday-toolkit/gameday/plugins/lab/internal/names"
	"github.com/gameday-toolkit/gameday/plugins/sdk"
)

const queryTimeout = 500 * time.Millisecond

type dnsConfig struct {
	Mode    string   `json:"mode"`
	Delay   sdk.Span `json:"delay"`
	Address string   `json:"address"`
}

// dnsFailure makes the lab's DNS server fail for some names.
func dnsFailure() kind {
	return kind{
		name: "lab_dns_failure", target: "lab_service", undo: "the names are answered as usual; clients may remember the wrong answer for its TTL",
		schema: sdk.Schema{
			Doc: "Breaks DNS for the chosen names.",
			Attributes: []sdk.Attribute{
				{Name: "mode", Type: sdk.String, Default: string(names.NXDomain), OneOf: names.Modes(), Doc: "What the server answers. empty is an answer without an address, drop is no answer."},
				{Name: "delay", Type: sdk.Duration, Default: "2s", Doc: "How long the answer takes, for the mode delay."},
				{Name: "address", Type: sdk.String, Default: layout.WrongAddress, Doc: "The address given, for the mode wrong_address. Nothing listens at the default."},
			},
		},
		plan: planDNS, inspect: inspectDNS,
	}
}

func planDNS(req sdk.Request, _ *world, _ control.Status, r *control.Record) ([]string, []sdk.Problem, error) {
	c := dnsConfig{Mode: string(names.NXDomain), Delay: sdk.Span(2 * time.Second), Address: layout.WrongAddress}
	if err := req.Decode(&c); err != nil {
		return nil, nil, err
	}
	r.Kind, r.Mode = control.DNSFailure, c.Mode
	what := "with " + c.Mode
	switch names.Mode(c.Mode) {
	case names.Drop:
		what = "not at all"
	case names.Delay:
		r.Delay = time.Duration(c.Delay)
		what = fmt.Sprintf("after %s", r.Delay)
		if problems := positive(r.Delay); problems != nil {
			return nil, problems, nil
		}
	case names.WrongAddress:
		r.Address = c.Address
		what = "with the wrong address " + c.Address
		if ip := net.ParseIP(c.Address); ip == nil || ip.To4() == nil {
			return nil, []sdk.Problem{{Severity: sdk.Error, Path: []string{"address"}, Summary: fmt.Sprintf("%q is no IPv4 address", c.Address), Detail: "such as " + layout.WrongAddress}}, nil
		}
	}
	return []string{fmt.Sprintf("the DNS server answers queries for %s %s", strings.Join(r.Targets, ", "), what)}, nil, nil
}

// inspectDNS asks the server, as a client would.
func inspectDNS(ctx context.Context, w *world, r control.Record) (sdk.State, error) {
	return each(r.Targets, func(name string) sdk.State {
		got := query(ctx, w.lab.DNS(), name, r.Delay+queryTimeout)
		state := sdk.State{Status: sdk.Unknown, Evidence: name + ": " + got.String()}
		switch {
		case got.is(r):
			state.Status = sdk.Active
		case got.fine():
			state.Status = sdk.Inactive
		}
		return state
	}), nil
}

// reply is what came back from a DNS server.
type reply struct {
	err     error
	rcode   int
	address string
	took    time.Duration
}

func query(ctx context.Context, server, name string, patience time.Duration) reply {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	q := new(dns.Msg)
	q.SetQuestion(dns.Fqdn(name), dns.TypeA)
	client := &dns.Client{Timeout: patience}
	answer, took, err := client.ExchangeContext(ctx, q, server)
	if err != nil {
		return reply{err: err}
	}
	out := reply{rcode: answer.Rcode, took: took}
	for _, rr := range answer.Answer {
		if a, ok := rr.(*dns.A); ok {
			out.address = a.A.String()
		}
	}
	return out
}

func (r reply) String() string {
	switch {
	case r.err != nil:
		return "no answer: " + r.err.Error()
	case r.address == "":
		return fmt.Sprintf("%s, no address, after %s", dns.RcodeToString[r.rcode], r.took.Round(time.Millisecond))
	}
	return fmt.Sprintf("%s, %s, after %s", dns.RcodeToString[r.rcode], r.address, r.took.Round(time.Millisecond))
}

// fine says whether the answer is one of the lab's own.
func (r reply) fine() bool {
	return r.err == nil && r.rcode == dns.RcodeSuccess &&
		(r.address == layout.RegionIP(layout.East) || r.address == layout.RegionIP(layout.West))
}

// is says whether the answer is what the failure makes of it.
func (r reply) is(f control.Record) bool {
	var timeout net.Error
	if f.Mode == string(names.Drop) {
		return errors.As(r.err, &timeout) && timeout.Timeout()
	}
	if r.err != nil {
		return false
	}
	switch names.Mode(f.Mode) {
	case names.NXDomain:
		return r.rcode == dns.RcodeNameError
	case names.ServFail:
		return r.rcode == dns.RcodeServerFailure
	case names.Refused:
		return r.rcode == dns.RcodeRefused
	case names.Delay:
		return r.took >= time.Duration(tolerance*float64(f.Delay))
	case names.WrongAddress:
		return r.address == f.Address
	case names.Empty:
		return r.rcode == dns.RcodeSuccess && r.address == ""
	}
	return false
}
