package lang

import (
	"errors"

	"github.com/gameday-toolkit/gameday/plugins/sdk"
)

// testCatalog stands for the core's kinds and two plugins. The names are those of the lab, so that the examples of the
// documentation can be read with it, but nothing here depends on the lab.
func testCatalog() Catalog {
	expect := sdk.Block{Name: "expect", Max: 1, Schema: sdk.Schema{Attributes: []sdk.Attribute{
		{Name: "status", Type: sdk.NumberList}, {Name: "latency", Type: sdk.Duration}, {Name: "body", Type: sdk.String},
	}}}
	http := sdk.Schema{Attributes: []sdk.Attribute{
		{Name: "url", Type: sdk.String, Required: true, Doc: "what to ask"},
		{Name: "method", Type: sdk.String, Default: "GET", OneOf: []string{"GET", "POST", "PUT"}},
		{Name: "body", Type: sdk.String}, {Name: "resolver", Type: sdk.String}, {Name: "keep_alive", Type: sdk.Bool, Default: true},
		{Name: "headers", Type: sdk.StringMap, Sensitive: true},
	}, Blocks: []sdk.Block{expect}}
	endpoint := func(name string) sdk.Block {
		return sdk.Block{Name: name, Min: 1, Max: 1, Schema: sdk.Schema{Attributes: []sdk.Attribute{{Name: "url", Type: sdk.String, Required: true}}}}
	}
	return Catalog{
		Probes:  map[string]sdk.Schema{"http": http, "tcp": {Attributes: []sdk.Attribute{{Name: "address", Type: sdk.String, Required: true}}}},
		Ledgers: map[string]sdk.Schema{"http": {Attributes: []sdk.Attribute{{Name: "resolver", Type: sdk.String}}, Blocks: []sdk.Block{endpoint("write"), endpoint("read")}}},
		Alerts:  map[string]sdk.Schema{"webhook": {Attributes: []sdk.Attribute{{Name: "listen", Type: sdk.String, Default: "127.0.0.1:0"}}}},
		Actions: map[string]sdk.Schema{
			"manual": {Attributes: []sdk.Attribute{{Name: "prompt", Type: sdk.String, Required: true}}},
			"exec":   {Attributes: []sdk.Attribute{{Name: "command", Type: sdk.StringList, Required: true}, {Name: "env", Type: sdk.StringMap}}},
		},
		Plugin: testPlugin,
		Names:  []string{"lab", "aws"},
	}
}

func testPlugin(name string) (sdk.Info, error) {
	switch name {
	case "lab":
		return sdk.Info{Name: "lab", Version: "0.1.0",
			Config:  sdk.Schema{Attributes: []sdk.Attribute{{Name: "ports", Type: sdk.Number}, {Name: "token", Type: sdk.String, Sensitive: true}}},
			Outputs: []sdk.Attribute{{Name: "dns", Type: sdk.String}, {Name: "zones", Type: sdk.StringList}, {Name: "key", Type: sdk.String, Sensitive: true}},
			Targets: map[string]sdk.Schema{
				"lab_zone":   {Attributes: []sdk.Attribute{{Name: "names", Type: sdk.StringList}}},
				"lab_region": {Attributes: []sdk.Attribute{{Name: "names", Type: sdk.StringList}}},
			},
			Faults: map[string]sdk.Schema{
				"lab_zone_outage": {Attributes: []sdk.Attribute{{Name: "mode", Type: sdk.String, Default: "kill", OneOf: []string{"kill", "freeze"}}, {Name: "password", Type: sdk.String, Sensitive: true}}},
				"lab_latency": {Attributes: []sdk.Attribute{{Name: "delay", Type: sdk.Duration, Required: true, Doc: "how much later every answer comes"}},
					Blocks: []sdk.Block{{Name: "match", Schema: sdk.Schema{Attributes: []sdk.Attribute{{Name: "path", Type: sdk.String, Required: true}, {Name: "secret", Type: sdk.String, Sensitive: true}}}}}},
			},
			Actions: map[string]sdk.Schema{"lab_failover": {Attributes: []sdk.Attribute{{Name: "to", Type: sdk.String, Required: true}}}},
			Probers: map[string]sdk.Schema{"lab_health": {}},
		}, nil
	case "aws":
		return sdk.Info{Name: "aws", Version: "0.1.0",
			Config:  sdk.Schema{Attributes: []sdk.Attribute{{Name: "region", Type: sdk.String, Required: true}}},
			Targets: map[string]sdk.Schema{"aws_zone": {Attributes: []sdk.Attribute{{Name: "name", Type: sdk.String, Required: true}}}},
			Faults:  map[string]sdk.Schema{"aws_zone_outage": {}},
		}, nil
	}
	return sdk.Info{}, errors.New("no file gameday-plugin-" + name + " was found")
}
