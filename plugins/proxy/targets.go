package proxy

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/gameday-toolkit/gameday/plugins/proxy/internal/api"
	"github.com/gameday-toolkit/gameday/plugins/sdk"
)

// routes finds the proxies of the server. Toxiproxy calls them proxies; a block type needs another word after the plugin's name.
type routes struct{ p *provider }

type routeSelectors struct {
	Names     []string `json:"names"`
	Upstreams []string `json:"upstreams"`
}

func (routes) Schema() sdk.Schema {
	return sdk.Schema{
		Doc: "Proxies of the Toxiproxy: the way from an address that it listens on to an upstream. One that is made anew with " +
			"other addresses is another target.",
		Attributes: []sdk.Attribute{
			{Name: "names", Type: sdk.StringList, Doc: "Names of proxies. Each of them has to be there."},
			{Name: "upstreams", Type: sdk.StringList, Doc: "Upstreams, host:port as the Toxiproxy has them: every proxy that leads there."},
		},
	}
}

func (r routes) Resolve(ctx context.Context, req sdk.Request) (sdk.Selection, []sdk.Problem, error) {
	var c routeSelectors
	if err := req.Decode(&c); err != nil {
		return sdk.Selection{}, nil, err
	}
	if len(c.Names) == 0 && len(c.Upstreams) == 0 {
		return sdk.Selection{}, []sdk.Problem{problem("", "Every proxy of the Toxiproxy would match", "Give names or upstreams.")}, nil
	}
	all, err := r.p.server.Proxies(ctx)
	if err != nil {
		return sdk.Selection{}, nil, reach(err)
	}
	out := sdk.Selection{Population: len(all)}
	problems := c.missing(all)
	for _, p := range all {
		if slices.Contains(c.Names, p.Name) || slices.Contains(c.Upstreams, p.Upstream) {
			out.Targets = append(out.Targets, target(r.p.server, p))
		}
	}
	return out, problems, nil
}

// missing finds the names that no proxy has. An upstream to which nothing leads is an empty selection, and the core's business.
func (c routeSelectors) missing(all []api.Proxy) (out []sdk.Problem) {
	var there []string
	for _, p := range all {
		there = append(there, p.Name)
	}
	for i, name := range c.Names {
		if slices.Contains(there, name) {
			continue
		}
		has := "It has none."
		if len(there) > 0 {
			has = "It has " + strings.Join(there, ", ") + "."
		}
		out = append(out, problem(fmt.Sprintf("names.%d", i), fmt.Sprintf("The Toxiproxy has no proxy %q", name), has))
	}
	return out
}

// target is a proxy as the core sees it. Toxiproxy gives a proxy no identity beyond its name, so its addresses stand for it.
func target(s api.Server, p api.Proxy) sdk.Target {
	return sdk.Target{
		Type: "proxy_route", Name: p.Name, ID: fmt.Sprintf("%s/proxies/%s %s > %s", s.URL, p.Name, p.Listen, p.Upstream),
		Attrs: map[string]string{"listen": p.Listen, "upstream": p.Upstream},
	}
}

// reach says what to do when there is no server.
func reach(err error) error {
	if api.IsAbsent(err) {
		return fmt.Errorf("%w; start one with gameday-plugin-proxy serve, or give its url in the block: plugin \"proxy\" {}", err)
	}
	return err
}
