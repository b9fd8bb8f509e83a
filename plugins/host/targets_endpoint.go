package host

import (
	"context"
	"fmt"
	"net"
	"strings"

	"github.com/gameday-toolkit/gameday/plugins/sdk"
)

// endpoints are addresses on which somebody takes TCP connections, on this host or another.
type endpoints struct{}

func (endpoints) Schema() sdk.Schema {
	return sdk.Schema{
		Doc: "Addresses on which a server takes TCP connections, on this host or on another that it reaches.",
		Attributes: []sdk.Attribute{
			{Name: "addresses", Type: sdk.StringList, Required: true, Doc: "Each as HOST:PORT. A name is looked up when the plan is made, and its first address is used."},
		},
	}
}

func (endpoints) Resolve(ctx context.Context, req sdk.Request) (sdk.Selection, []sdk.Problem, error) {
	var c struct {
		Addresses []string `json:"addresses"`
	}
	if err := req.Decode(&c); err != nil {
		return sdk.Selection{}, nil, err
	}
	out := sdk.Selection{Population: len(c.Addresses)}
	var problems []sdk.Problem
	for i, address := range c.Addresses {
		at := fmt.Sprintf("addresses.%d", i)
		name, port, err := net.SplitHostPort(address)
		if err != nil || name == "" {
			problems = append(problems, problem(at, fmt.Sprintf("%q is no address of a server", address), "Write HOST:PORT, such as 127.0.0.1:5432."))
			continue
		}
		number, err := net.DefaultResolver.LookupPort(ctx, "tcp", port)
		if err != nil {
			problems = append(problems, problem(at, fmt.Sprintf("%q is no port", port), "Use 1 to 65535."))
			continue
		}
		found, err := net.DefaultResolver.LookupHost(ctx, name)
		if err != nil || len(found) == 0 {
			problems = append(problems, problem(at, fmt.Sprintf("The name %s has no address", name), fmt.Sprint(err)))
			continue
		}
		out.Targets = append(out.Targets, sdk.Target{
			Type: "host_endpoint", ID: "tcp " + net.JoinHostPort(found[0], fmt.Sprint(number)), Name: address,
		})
	}
	return out, problems, nil
}

// takeEndpoint is the address of a target.
func takeEndpoint(t sdk.Target) (string, []sdk.Problem) {
	address, ok := strings.CutPrefix(t.ID, "tcp ")
	if !ok {
		return "", []sdk.Problem{problem("targets", fmt.Sprintf("%q is no address of a server", t.ID), "This is not a target of type host_endpoint.")}
	}
	return address, nil
}
