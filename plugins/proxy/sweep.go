package proxy

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/gameday-toolkit/gameday/plugins/proxy/internal/api"
	"github.com/gameday-toolkit/gameday/plugins/proxy/internal/mark"
	"github.com/gameday-toolkit/gameday/plugins/sdk"
)

// sweep finds every toxic with our mark on the server, as it is by now: also one that somebody has changed.
func (p *provider) sweep(ctx context.Context) ([]sdk.Handle, error) {
	all, err := p.server.Proxies(ctx)
	if api.IsAbsent(err) && !p.asked {
		return nil, nil // nobody said that there is a Toxiproxy
	}
	if err != nil {
		return nil, err
	}
	found := map[string]*sweptFault{}
	var errs []error
	for _, proxy := range all {
		for _, t := range proxy.Toxics {
			if strings.HasPrefix(t.Name, mark.Prefix) {
				errs = append(errs, p.note(found, proxy, t))
			}
		}
	}
	var out []sdk.Handle
	for _, s := range found {
		h, err := s.handle(p.server)
		errs = append(errs, err)
		out = append(out, h)
	}
	slices.SortFunc(out, func(a, b sdk.Handle) int { return cmp.Compare(a.ID, b.ID) })
	return out, errors.Join(errs...)
}

// sweptFault is what the toxics of one fault say of it.
type sweptFault struct {
	run, block string
	items      []item
}

func (p *provider) note(found map[string]*sweptFault, proxy api.Proxy, t api.Toxic) error {
	run, block, err := mark.Parse(t.Name)
	if err != nil {
		return fmt.Errorf("the toxic %s of the proxy %s: %w", t.Name, proxy.Name, err)
	}
	id := strings.TrimPrefix(run+"/"+block, "/")
	if found[id] == nil {
		found[id] = &sweptFault{run: run, block: block}
	}
	found[id].items = append(found[id].items, item{Proxy: proxy.Name, Listen: proxy.Listen, Upstream: proxy.Upstream, Toxic: t})
	return nil
}

func (s *sweptFault) handle(server api.Server) (sdk.Handle, error) {
	b, err := json.Marshal(undo{URL: server.URL, Items: s.items})
	if err != nil {
		return sdk.Handle{}, fmt.Errorf("writing the handle of %s: %w", s.block, err)
	}
	h := sdk.Handle{
		ID: strings.TrimPrefix(s.run+"/"+s.block, "/"), Run: s.run, Plugin: "proxy", Version: Version,
		Fault: kindOf(s.items[0].Toxic.Type), Undo: b,
	}
	for _, i := range s.items {
		h.Steps = append(h.Steps, server.ByHand(i.Proxy, i.Toxic.Name))
	}
	return h, nil
}
