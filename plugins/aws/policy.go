package aws

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/gameday-toolkit/gameday/plugins/sdk"
)

// demanding is a target, an action, a prober, a ledger or an alert that says which permissions it needs.
type demanding interface{ permissions() []need }

// exacting is something that knows from its block on what it needs its permissions.
type exacting interface {
	permissionsFor(json.RawMessage) ([]need, error)
}

// permissions are what listing the resources takes.
func (l *listed) permissions() []need {
	if len(l.needs) > 0 {
		return l.needs
	}
	zones := "ec2:DescribeAvailabilityZones"
	return map[string][]need{
		"aws_zone": reading(zones), "aws_subnet": reading("ec2:DescribeSubnets"), "aws_instance": reading("ec2:DescribeInstances", zones),
		"aws_auto_scaling_group": reading("autoscaling:DescribeAutoScalingGroups", "ec2:DescribeSubnets", zones),
		"aws_load_balancer":      reading("elasticloadbalancing:DescribeLoadBalancers", "elasticloadbalancing:DescribeTags", zones),
	}[l.typ]
}

// where is a place in which a policy is to hold: * stands for what the plugin's block does not say.
type where struct {
	region   string
	accounts []string
}

// writePolicy is the document: the least IAM policy for a scenario, or for all that the plugin can do.
func writePolicy(p *sdk.Plugin) func(context.Context, sdk.DocumentRequest) (string, error) {
	return func(_ context.Context, req sdk.DocumentRequest) (string, error) {
		if req.Scenario == "" && len(req.Blocks) == 0 {
			req.Blocks = everyBlock(p)
		}
		places, err := placesOf(req.Plugins)
		if err != nil {
			return "", err
		}
		g := grants{}
		for _, n := range everywhere() {
			g.add(n, []string{"*"})
		}
		for _, b := range req.Blocks {
			if err := g.addBlock(p, b, req.Blocks, places[b.Alias]); err != nil {
				return "", fmt.Errorf("%s: %w", b.ID, err)
			}
		}
		return policyOf(g) + "\n", nil
	}
}

// everyBlock stands for a scenario that uses all that the plugin has.
func everyBlock(p *sdk.Plugin) (out []sdk.DocumentBlock) {
	info := p.Describe()
	for kind, types := range map[string]map[string]sdk.Schema{
		"target": info.Targets, "fault": info.Faults, "action": info.Actions, "probe": info.Probers, "ledger": info.Ledgers, "alert": info.Alerts,
	} {
		for t := range types {
			out = append(out, sdk.DocumentBlock{Kind: kind, Type: t, ID: t})
		}
	}
	return out
}

func placesOf(blocks []sdk.DocumentPlugin) (map[string]where, error) {
	out := map[string]where{}
	for _, b := range blocks {
		s := defaults()
		if err := b.Decode(&s); err != nil {
			return nil, err
		}
		out[b.Alias] = where{s.Region, s.Accounts}
	}
	return out, nil
}

func (g grants) addBlock(p *sdk.Plugin, b sdk.DocumentBlock, all []sdk.DocumentBlock, at where) error {
	if b.Kind == "fault" {
		f, ok := p.Faults[b.Type].(*carried)
		if !ok {
			return fmt.Errorf("there is no fault %s", b.Type)
		}
		return g.addFault(f, b, all, at)
	}
	var block any
	for _, of := range []any{p.Targets[b.Type], p.Actions[b.Type], p.Probers[b.Type], p.Ledgers[b.Type], p.Alerts[b.Type]} {
		if of != nil {
			block = of
		}
	}
	d, ok := block.(demanding)
	if !ok {
		return fmt.Errorf("%s does not say what it needs", b.Type)
	}
	needs := d.permissions()
	if exact, ok := block.(exacting); ok && len(b.Config) > 0 {
		var err error
		if needs, err = exact.permissionsFor(b.Config); err != nil {
			return err
		}
	}
	for _, n := range needs {
		g.addAt(n, at, nil)
	}
	return nil
}

// addFault adds what the parts of a fault need that its block asks for; all of its parts, where there is no scenario.
func (g grants) addFault(f *carried, b sdk.DocumentBlock, all []sdk.DocumentBlock, at where) error {
	wanted := func(part) bool { return true }
	if len(b.Config) > 0 {
		var err error
		if wanted, err = f.wanted(b.Config); err != nil {
			return err
		}
	}
	for _, p := range f.parts {
		if !wanted(p) {
			continue
		}
		about, err := p.resources(b, all)
		if err != nil {
			return err
		}
		for _, n := range p.needs {
			g.addAt(n, at, about)
		}
	}
	return nil
}

// addAt adds a permission on what it is about, in a place.
func (g grants) addAt(n need, at where, about []string) {
	region, accounts := at.region, at.accounts
	if region == "" {
		region = "*"
	}
	if len(accounts) == 0 {
		accounts = []string{"*"}
	}
	for _, account := range accounts {
		fill := strings.NewReplacer("{partition}", partitionOf(region), "{region}", region, "{account}", account)
		if len(about) == 0 {
			about = []string{"arn:{partition}:" + strings.Split(n.action, ":")[0] + ":{region}:{account}:*"}
		}
		for _, a := range about {
			g.add(n, n.fill(partitionOf(region), region, account, fill.Replace(a)))
		}
	}
}

func partitionOf(region string) string {
	for prefix, partition := range map[string]string{"cn-": "aws-cn", "us-gov-": "aws-us-gov"} {
		if strings.HasPrefix(region, prefix) {
			return partition
		}
	}
	return "aws"
}

// resources are patterns of what the part changes: where all targets of the block are given by ID or name, exactly these.
func (p part) resources(b sdk.DocumentBlock, all []sdk.DocumentBlock) ([]string, error) {
	if p.about == "" {
		return nil, nil
	}
	var out []string
	for _, t := range all {
		if t.Kind != "target" || !slices.Contains(b.Targets, t.ID) {
			continue
		}
		var c struct {
			IDs   []string `json:"ids"`
			Names []string `json:"names"`
		}
		if err := json.Unmarshal(t.Config, &c); len(t.Config) > 0 && err != nil {
			return nil, fmt.Errorf("reading %s: %w", t.ID, err)
		}
		given := slices.DeleteFunc(append(c.IDs, c.Names...), func(s string) bool { return s == "" })
		if t.Type != p.of || len(given) == 0 {
			return []string{p.about}, nil
		}
		for _, id := range given {
			if !strings.HasPrefix(id, "arn:") {
				id = strings.TrimSuffix(p.about, "*") + id
			}
			out = append(out, id)
		}
	}
	if len(out) == 0 {
		out = []string{p.about}
	}
	return out, nil
}
