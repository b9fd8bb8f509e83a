package wiring

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/gameday-toolkit/gameday/internal/lang"
	"github.com/gameday-toolkit/gameday/internal/plan"
	"github.com/gameday-toolkit/gameday/plugins/sdk"
)

// Document has a plugin write one of its documents. The plugin is not configured for that.
func (r *Readers) Document(ctx context.Context, plugin, name string, req sdk.DocumentRequest) (string, error) {
	p, err := r.launch(ctx, plugin, "")
	if err != nil {
		return "", err
	}
	return p.Document(ctx, name, req)
}

// DocumentOf lists what a scenario has of a plugin, as far as its files say it.
func DocumentOf(m *lang.Module, plugin string) (sdk.DocumentRequest, error) {
	draft, diags := m.Draft(nil)
	if diags.HasErrors() {
		return sdk.DocumentRequest{}, diags
	}
	d := &documented{draft: draft, alias: map[string]string{}, blank: map[string]string{}}
	for ref := range draft.Secrets {
		d.blank[ref] = ""
	}
	d.req.Scenario = draft.Scenario.Name
	for _, p := range draft.Plugins {
		if p.Name == plugin {
			d.alias[p.Key()] = p.Alias
			d.req.Plugins = append(d.req.Plugins, sdk.DocumentPlugin{Alias: p.Alias, Config: d.plain(p.Config)})
		}
	}
	if len(d.req.Plugins) == 0 {
		return d.req, fmt.Errorf("the scenario %q does not use plugin %s", draft.Scenario.Name, plugin)
	}
	d.blocks()
	return d.req, nil
}

// documented collects the blocks of one plugin.
type documented struct {
	draft *plan.Draft
	req   sdk.DocumentRequest
	alias map[string]string // by key, of the plugin's configurations
	blank map[string]string // what stands in the place of each sensitive value
}

func (d *documented) plain(config json.RawMessage) json.RawMessage {
	return plan.Reveal(config, d.blank)
}

func (d *documented) add(kind, typ, addr, key string, config json.RawMessage, targets []string) {
	if alias, ours := d.alias[key]; ours {
		d.req.Blocks = append(d.req.Blocks, sdk.DocumentBlock{Kind: kind, Type: typ, ID: addr, Alias: alias, Config: d.plain(config), Targets: targets})
	}
}

func (d *documented) blocks() {
	for _, t := range d.draft.Targets {
		d.add("target", t.Type, t.Addr, t.Plugin, t.Config, nil)
	}
	for _, f := range d.draft.Faults {
		d.add("fault", f.Type, f.Addr, f.Plugin, f.Config, f.Targets)
	}
	for _, a := range d.draft.Actions {
		d.add("action", a.Type, a.Addr, a.Plugin, a.Config, a.Targets)
	}
	for _, p := range d.draft.Probes {
		d.add("probe", p.Type, p.Addr, p.Plugin, p.Config, nil)
	}
	for _, l := range d.draft.Ledgers {
		d.add("ledger", l.Type, l.Addr, l.Plugin, l.Config, nil)
	}
	for _, a := range d.draft.Alerts {
		d.add("alert", a.Type, a.Addr, a.Plugin, a.Config, nil)
	}
}
