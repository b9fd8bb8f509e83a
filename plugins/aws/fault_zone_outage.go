package aws

import (
	"encoding/json"
	"fmt"
	"slices"

	"github.com/gameday-toolkit/gameday/plugins/sdk"
)

// choice is one switch of the zone outage: which parts each of its values stands for. The first value is what a block gets that
// says nothing; none is always one of them.
type choice struct {
	attribute, doc string
	values         []option
	otherwise      string
}

type option struct {
	value string
	parts []part
}

// outageChoices are the parts of a zone outage in the order in which they are injected: first whatever would fight the rest, then what
// cuts off, then what fails over, and what stops last. They are reverted the other way round. A part is the same as in its own fault.
func outageChoices() []choice {
	return []choice{
		{"scaling", "suspend keeps the Auto Scaling groups of the zone from doing anything, so that nothing is terminated; remove makes them leave the zone, and replace what is in it.",
			[]option{{"suspend", []part{scalingSuspended()}}, {"remove", []part{scalingZoneRemoved()}}}, "suspend"},
		{"network", "deny cuts the subnets of the zone off.", []option{{"deny", denials()}}, "deny"},
		{"load_balancers", "shift leads traffic away from the zone, as one would do against an outage; none leaves that to whoever is tested.",
			[]option{{"shift", []part{zonalShift()}}}, "none"},
		{"databases", "failover fails databases over whose writer is in the zone, as AWS would; nothing brings it back by itself.",
			[]option{{"failover", []part{dbFailover()}}}, "failover"},
		{"caches", "failover fails caches over whose primary is in the zone, as AWS would.", []option{{"failover", []part{cacheFailover()}}}, "failover"},
		{"instances", "stop and reboot are what happens to the instances that run in the zone.",
			[]option{{"stop", []part{instanceStop()}}, {"reboot", []part{instanceReboot()}}}, "stop"},
	}
}

func zoneOutage() fault {
	f := fault{
		name: "aws_zone_outage", targets: []string{"aws_zone"}, chosen: chosenForOutage,
		doc: "Loses a zone: its subnets are cut off, its instances stopped, its Auto Scaling groups held, its databases and caches failed over. Each part can be switched off, is listed in the plan, and is a fault of its own as well. " +
			"If every process of gameday dies at once it stays, but for a zonal shift, until gameday recover or gameday sweep.",
	}
	for _, c := range outageChoices() {
		a := sdk.Attribute{Name: c.attribute, Type: sdk.String, Default: c.otherwise, Doc: c.doc}
		for _, o := range c.values {
			a.OneOf = append(a.OneOf, o.value)
			f.parts = append(f.parts, o.parts...)
		}
		a.OneOf = append(a.OneOf, "none")
		f.attributes = append(f.attributes, a)
	}
	return f
}

// chosenForOutage reads the switches of a block.
func chosenForOutage(config json.RawMessage) (func(part) bool, error) {
	set := map[string]json.RawMessage{}
	if len(config) > 0 {
		if err := json.Unmarshal(config, &set); err != nil {
			return nil, fmt.Errorf("reading the switches: %w", err)
		}
	}
	var wanted []string
	for _, c := range outageChoices() {
		value := c.otherwise
		if raw, ok := set[c.attribute]; ok && string(raw) != "null" {
			if err := json.Unmarshal(raw, &value); err != nil {
				return nil, fmt.Errorf("reading %s: %w", c.attribute, err)
			}
		}
		for _, o := range c.values {
			if o.value == value {
				for _, p := range o.parts {
					wanted = append(wanted, p.name)
				}
			}
		}
	}
	return func(p part) bool { return slices.Contains(wanted, p.name) }, nil
}
