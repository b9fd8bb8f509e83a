package dns

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/gameday-toolkit/gameday/plugins/dns/internal/resolver"
	"github.com/gameday-toolkit/gameday/plugins/sdk"
)

// Version is the version of the plugin.
const Version = "0.1.0"

// provider is what a session knows.
type provider struct {
	mu      sync.Mutex
	control string
	lease   time.Time // when it ends
	// held is what this process keeps standing, by the name of the table or the rule; forwards are shared by the faults of
	// one namespace.
	held     map[string]*holding
	forwards map[string]*forwarding
}

type config struct {
	Control string `json:"control"`
}

// New returns the plugin.
func New() *sdk.Plugin {
	p := &provider{held: map[string]*holding{}, forwards: map[string]*forwarding{}}
	return &sdk.Plugin{
		Name: "dns", Version: Version,
		Doc: "Failure of name resolution, for chosen names, types and clients. Two ways in: dns_traffic takes the queries of a host or a network namespace " +
			"on their way, and no client needs to know; it needs CAP_NET_ADMIN. dns_resolver is a resolver that clients are pointed at, started with " +
			"`gameday-plugin-dns serve`; it needs no privilege. See docs/plugins/dns.md.",
		Config: sdk.Schema{Attributes: []sdk.Attribute{{
			Name: "control", Type: sdk.String,
			Doc: "The control socket of a resolver that was started with `gameday-plugin-dns serve -control`. By default the one that both use.",
		}}},
		Outputs: []sdk.Attribute{
			{Name: "resolver", Type: sdk.String, Doc: "Address of the resolver, for a probe's resolver. Not set while none runs."},
			{Name: "upstream", Type: sdk.String, Doc: "The server that the resolver passes queries on to. Not set while none runs."},
		},
		Configure: p.configure, Sweep: p.sweep, Leased: p.leased,
		Targets: map[string]sdk.TargetType{"dns_traffic": traffics{}, "dns_resolver": resolvers{p}},
		Faults:  map[string]sdk.Fault{"dns_failure": &fault{p}},
	}
}

// configure does not insist on a resolver: gameday recover has to work without one, and who needs it finds out soon.
func (p *provider) configure(ctx context.Context, set sdk.Settings) (map[string]any, []sdk.Problem, error) {
	c := config{Control: resolver.DefaultControl()}
	if err := set.Decode(&c); err != nil {
		return nil, nil, err
	}
	p.mu.Lock()
	p.control = c.Control
	p.mu.Unlock()
	info, err := p.resolver().Info(ctx)
	if errors.Is(err, resolver.ErrNone) {
		return nil, nil, nil
	}
	if err != nil {
		return nil, []sdk.Problem{{Severity: sdk.Warning, Path: []string{"control"}, Summary: "The resolver cannot be asked", Detail: err.Error()}}, nil
	}
	return map[string]any{"resolver": info.Listen, "upstream": info.Upstream}, nil, nil
}

func (p *provider) resolver() resolver.Client {
	p.mu.Lock()
	defer p.mu.Unlock()
	return resolver.Client{Socket: p.control}
}
