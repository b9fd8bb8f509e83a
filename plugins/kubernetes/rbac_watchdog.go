package kubernetes

import (
	"fmt"

	"github.com/gameday-toolkit/gameday/plugins/kubernetes/internal/access"
	"github.com/gameday-toolkit/gameday/plugins/kubernetes/internal/watchdog"
	"github.com/gameday-toolkit/gameday/plugins/sdk"
)

// rbacOfWatchdogs writes the roles of the watchdogs that a scenario has, or, without a scenario, of one that can undo everything.
func (p *provider) rbacOfWatchdogs(req sdk.DocumentRequest) (out string, err error) {
	blocks := req.Plugins
	if req.Scenario == "" {
		blocks = []sdk.DocumentPlugin{{Config: []byte(`{"watchdog": {}}`)}}
	}
	for _, b := range blocks {
		c := configDefaults()
		if err := (sdk.Settings{Config: b.Config}).Decode(&c); err != nil {
			return "", err
		}
		if c.Watchdog == nil {
			continue
		}
		c.Watchdog.defaults()
		needs, err := p.undoneBy(b.Alias, req)
		if err != nil {
			return "", err
		}
		roles, err := access.Manifest(watchdogRole, append(watchdog.OwnNeeds(c.Namespace), needs...))
		if err != nil {
			return "", err
		}
		out += fmt.Sprintf("---\n# The permissions of the watchdog, if there is one: bind these to the service account %s/%s.\n%s", c.Namespace, c.Watchdog.ServiceAccount, roles)
	}
	return out, nil
}

// undoneBy is what it takes to undo the faults of one configuration of the plugin.
func (p *provider) undoneBy(alias string, req sdk.DocumentRequest) (out []access.Need, err error) {
	if req.Scenario != "" {
		var blocks []sdk.DocumentBlock
		for _, b := range req.Blocks {
			if b.Alias == alias {
				blocks = append(blocks, b)
			}
		}
		out, err = p.needsOfBlocks(blocks, "fault")
		return undoing(out), err
	}
	for _, f := range p.faults() {
		n, ok := f.(needing)
		if !ok {
			continue
		}
		more, err := n.needsOf(nil, nil)
		if err != nil {
			return nil, err
		}
		out = append(out, undoing(more)...)
	}
	return out, nil
}
