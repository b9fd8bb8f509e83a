package kubernetes

import "github.com/gameday-toolkit/gameday/plugins/sdk"

// faults are those of the plugin: what a fault is called in a scenario, and the function that describes it.
func (p *provider) faults() map[string]sdk.Fault {
	return map[string]sdk.Fault{
		"kubernetes_scale": &fault[scaled]{p, scale()},
	}
}
