package proxy

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/gameday-toolkit/gameday/plugins/proxy/internal/api"
	"github.com/gameday-toolkit/gameday/plugins/proxy/internal/mark"
	"github.com/gameday-toolkit/gameday/plugins/sdk"
)

// fault is any of the kinds. Each puts one toxic, or one in each direction, on each of its proxies.
type fault struct {
	p *provider
	kind
}

// undo is what is in a handle.
type undo struct {
	URL   string `json:"url"`
	Items []item `json:"items"`
}

// item is one toxic on one proxy.
type item struct {
	Proxy    string    `json:"proxy"`
	Listen   string    `json:"listen,omitempty"`
	Upstream string    `json:"upstream,omitempty"`
	Toxic    api.Toxic `json:"toxic"`
}

// Schema describes the attributes of the fault's block.
func (f *fault) Schema() sdk.Schema { return f.schema() }

// Prepare reads the proxies, and asks whether the server has a clock.
func (f *fault) Prepare(ctx context.Context, req sdk.Request) (sdk.Handle, []sdk.Problem, error) {
	wanted, problems, err := f.toxics(req)
	if err != nil || len(problems) > 0 {
		return sdk.Handle{}, problems, err
	}
	if problems = f.check(req); len(problems) > 0 {
		return sdk.Handle{}, problems, nil
	}
	expiry, err := f.p.server.Clock(ctx)
	if err != nil {
		return sdk.Handle{}, nil, reach(err)
	}
	u := undo{URL: f.p.server.URL}
	var h sdk.Handle
	for _, t := range req.Targets {
		proxy, found, err := f.proxy(ctx, t)
		if err != nil {
			return sdk.Handle{}, nil, err
		}
		problems = append(problems, found...)
		if left := theirs(proxy.Toxics); left != "" {
			h.Effects = append(h.Effects, fmt.Sprintf("leave alone what is on the proxy %s already: %s", proxy.Name, left))
		}
		for _, toxic := range wanted {
			u.Items = append(u.Items, item{Proxy: proxy.Name, Listen: proxy.Listen, Upstream: proxy.Upstream, Toxic: toxic})
			h.Effects = append(h.Effects, fmt.Sprintf("add the toxic %s to the proxy %s (%s to %s): %s", toxic.Name, proxy.Name, proxy.Listen, proxy.Upstream, toxic))
			h.Steps = append(h.Steps, f.p.server.ByHand(proxy.Name, toxic.Name))
		}
	}
	h.Effects = append(h.Effects, lastResort(f.p.server.URL, expiry))
	if h.Undo, err = json.Marshal(u); err != nil {
		return sdk.Handle{}, nil, fmt.Errorf("writing the handle of %s: %w", req.ID, err)
	}
	return h, problems, nil
}

// lastResort is what the plan says of the moment in which every process of ours dies at once.
func lastResort(url string, expiry time.Duration) string {
	if expiry == 0 {
		return fmt.Sprintf("the Toxiproxy at %s has no clock: if every process of gameday dies at once, its toxics stay until gameday recover", url)
	}
	return fmt.Sprintf("the Toxiproxy at %s ends the fault by itself within %v if every process of gameday dies at once", url, expiry)
}

func (f *fault) check(req sdk.Request) (out []sdk.Problem) {
	const want = "Give it a target block of type proxy_route."
	if len(req.Targets) == 0 {
		return []sdk.Problem{problem("targets", "The fault has no targets", want)}
	}
	for _, t := range req.Targets {
		if t.Type != "proxy_route" {
			out = append(out, problem("targets", fmt.Sprintf("%s cannot touch a %s", f.name, t.Type), want))
		}
	}
	return out
}

// proxy reads the proxy of a target, if it is what was planned for.
func (f *fault) proxy(ctx context.Context, t sdk.Target) (api.Proxy, []sdk.Problem, error) {
	p, err := f.p.server.Proxy(ctx, t.Name)
	switch {
	case errors.Is(err, api.ErrNotFound):
	case err != nil:
		return p, nil, reach(err)
	case target(f.p.server, p).ID != t.ID:
	case !p.Enabled:
		return p, []sdk.Problem{problem("targets", fmt.Sprintf("The proxy %s is disabled", t.Name), "Nothing goes through it, so a fault would show nothing. Enable it first.")}, nil
	default:
		return p, nil, nil
	}
	return p, []sdk.Problem{problem("targets", fmt.Sprintf("The proxy %s is gone, or leads elsewhere now", t.Name), "Plan again.")}, nil
}

// theirs lists toxics for people.
func theirs(toxics []api.Toxic) string {
	var out []string
	for _, t := range toxics {
		out = append(out, t.Name)
	}
	slices.Sort(out)
	return strings.Join(out, ", ")
}

// name is the name of a toxic of a fault. When the plan is made there is no run yet.
func name(req sdk.Request, stream string) string {
	return mark.Name(cmp.Or(req.Run, "RUN"), req.ID, stream)
}

func (u undo) server() api.Server { return api.Server{URL: u.URL} }

// names are the names of the toxics, each once.
func (u undo) names() (out []string) {
	for _, i := range u.Items {
		if !slices.Contains(out, i.Toxic.Name) {
			out = append(out, i.Toxic.Name)
		}
	}
	return out
}
