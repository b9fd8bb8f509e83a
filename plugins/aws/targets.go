package aws

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/gameday-toolkit/gameday/plugins/sdk"
)

// resource is something in an account, as the selectors of a target block see it.
type resource struct {
	arn, id, name string
	// zones are the names and the IDs of the zones that it is in.
	zones []string
	vpc   string
	tags  map[string]string
	// groups are the Auto Scaling groups that it belongs to.
	groups []string
	// facts are shown in the plan: names and values in turn. They stay as they are.
	facts []string
}

// listed is a target type whose resources can be listed.
type listed struct {
	*provider
	typ, doc string
	// selectors are the names of those that make sense for the type.
	selectors []string
	list      func(context.Context, *site) ([]resource, error)
	// needs are what listing takes, where permissions() does not know the type.
	needs []need
}

// selectors are what a target block may say. All that are given must fit; of a list, one element.
type selectors struct {
	IDs     []string          `json:"ids"`
	Names   []string          `json:"names"`
	Zones   []string          `json:"zones"`
	VPCs    []string          `json:"vpcs"`
	Groups  []string          `json:"groups"`
	Cluster string            `json:"cluster"`
	Tags    map[string]string `json:"tags"`
}

func (p *provider) targetTypes() map[string]sdk.TargetType {
	out := map[string]sdk.TargetType{"aws_record": &records{p}}
	for _, t := range append(dnsTargets(), []listed{
		{typ: "aws_zone", list: listZones, selectors: []string{"names"}, doc: "Availability zones of the region, by name (us-east-1a) or by ID (use1-az1). A name means another zone in another account; an ID does not."},
		{typ: "aws_subnet", list: listSubnets, selectors: []string{"ids", "zones", "vpcs", "tags"}, doc: "Subnets."},
		{typ: "aws_region", list: listRegions, selectors: []string{"names"}, needs: everywhere(), doc: "The region of the plugin's block, as a whole."},
		{typ: "aws_function", list: listFunctions, selectors: []string{"ids", "vpcs", "tags"}, needs: reading("lambda:ListFunctions", "lambda:ListTags"), doc: "Lambda functions."},
		{typ: "aws_table", list: listTables, selectors: []string{"ids", "tags"}, needs: reading("dynamodb:ListTables", "dynamodb:ListTagsOfResource"), doc: "DynamoDB tables."},
		{typ: "aws_db_instance", list: listDBInstances, selectors: []string{"ids", "zones", "vpcs", "tags"}, needs: reading("rds:DescribeDBInstances", "ec2:DescribeAvailabilityZones"), doc: "RDS database instances. The zone is that of the primary."},
		{typ: "aws_db_cluster", list: listDBClusters, selectors: []string{"ids", "zones", "vpcs", "tags"}, needs: reading("rds:DescribeDBClusters", "rds:DescribeDBInstances", "ec2:DescribeAvailabilityZones"), doc: "Aurora and Multi-AZ database clusters. The zone is that of the writer."},
		{typ: "aws_cache_group", list: listCacheGroups, selectors: []string{"ids", "zones", "vpcs", "tags"},
			needs: reading("elasticache:DescribeReplicationGroups", "elasticache:DescribeCacheClusters", "elasticache:DescribeCacheSubnetGroups", "elasticache:ListTagsForResource", "ec2:DescribeAvailabilityZones"), doc: "ElastiCache replication groups. The zone is that of the primary; AWS does not say which that is in cluster mode."},
		{typ: "aws_instance", list: listInstances, selectors: []string{"ids", "zones", "vpcs", "groups", "cluster", "tags"}, doc: "EC2 instances that are not terminated."},
		{typ: "aws_auto_scaling_group", list: listGroups, selectors: []string{"names", "zones", "vpcs", "cluster", "tags"}, doc: "Auto Scaling groups."},
		{typ: "aws_load_balancer", list: listBalancers, selectors: []string{"ids", "names", "zones", "vpcs", "cluster", "tags"}, doc: "Application and Network Load Balancers."},
	}...) {
		t.provider = p
		out[t.typ] = &t
	}
	return out
}

// Schema describes the selectors.
func (l *listed) Schema() sdk.Schema {
	all := []sdk.Attribute{
		{Name: "ids", Type: sdk.StringList, Doc: "IDs or ARNs. One that does not exist is a mistake."},
		{Name: "names", Type: sdk.StringList, Doc: "Names. One that does not exist is a mistake."},
		{Name: "zones", Type: sdk.StringList, Doc: "Names or IDs of zones: what is in one of them."},
		{Name: "vpcs", Type: sdk.StringList, Doc: "IDs of VPCs: what is in one of them."},
		{Name: "groups", Type: sdk.StringList, Doc: "Names of Auto Scaling groups: what one of them has started."},
		{Name: "cluster", Type: sdk.String, Doc: "The name of an EKS or ECS cluster: what carries its tag."},
		{Name: "tags", Type: sdk.StringMap, Doc: "What carries all these tags."},
	}
	out := sdk.Schema{Doc: l.doc + " At least one selector is needed."}
	for _, a := range all {
		if slices.Contains(l.selectors, a.Name) {
			out.Attributes = append(out.Attributes, a)
		}
	}
	return out
}

// Resolve lists everything of the type in the region and keeps what fits.
func (l *listed) Resolve(ctx context.Context, req sdk.Request) (sdk.Selection, []sdk.Problem, error) {
	var c selectors
	if err := req.Decode(&c); err != nil {
		return sdk.Selection{}, nil, err
	}
	if c.empty() {
		return sdk.Selection{}, []sdk.Problem{problem("", "The block selects everything", "Say which: "+strings.Join(l.selectors, ", ")+".")}, nil
	}
	s, err := l.site(ctx, "")
	if err != nil {
		return sdk.Selection{}, nil, err
	}
	all, err := l.list(ctx, s)
	if denied := deniedProblem(s, err); denied != nil {
		denied.Path = nil
		return sdk.Selection{}, []sdk.Problem{*denied}, nil
	}
	if err != nil {
		return sdk.Selection{}, nil, fmt.Errorf("listing every %s in %s: %w", l.typ, s.region, err)
	}
	out := sdk.Selection{Population: len(all)}
	for _, r := range all {
		if c.fits(r) {
			out.Targets = append(out.Targets, sdk.Target{Type: l.typ, ID: r.arn, Name: r.name, Attrs: s.attrs(r.facts...)})
		}
	}
	slices.SortFunc(out.Targets, func(a, b sdk.Target) int {
		return strings.Compare(a.Name+" "+a.ID, b.Name+" "+b.ID)
	})
	return out, c.unknown(all, l.typ, s), nil
}

func (c selectors) empty() bool {
	return len(c.IDs)+len(c.Names)+len(c.Zones)+len(c.VPCs)+len(c.Groups)+len(c.Tags) == 0 && c.Cluster == ""
}

func (c selectors) fits(r resource) bool {
	among := func(want []string, have ...string) bool {
		return len(want) == 0 || slices.ContainsFunc(want, func(w string) bool { return w != "" && slices.Contains(have, w) })
	}
	return among(c.IDs, r.id, r.arn) && among(c.Names, r.name, r.id) && among(c.Zones, r.zones...) && among(c.VPCs, r.vpc) &&
		among(c.Groups, r.groups...) && tagged(r.tags, c.Tags) && (c.Cluster == "" || inCluster(r.tags, c.Cluster))
}

// tagged says whether all the wanted tags are there.
func tagged(have, want map[string]string) bool {
	for k, v := range want {
		if got, ok := have[k]; !ok || got != v {
			return false
		}
	}
	return true
}

// inCluster knows the tags that EKS and ECS put on what belongs to a cluster.
func inCluster(tags map[string]string, name string) bool {
	if _, ok := tags["kubernetes.io/cluster/"+name]; ok {
		return true
	}
	return slices.ContainsFunc([]string{"aws:eks:cluster-name", "eks:cluster-name", "aws:ecs:clusterName"}, func(k string) bool { return tags[k] == name })
}

// unknown finds the names and IDs that nothing has.
func (c selectors) unknown(all []resource, typ string, s *site) []sdk.Problem {
	var out []sdk.Problem
	for path, wanted := range map[string][]string{"ids": c.IDs, "names": c.Names} {
		for i, w := range wanted {
			if !slices.ContainsFunc(all, func(r resource) bool { return w == r.id || w == r.arn || w == r.name }) {
				out = append(out, problem(fmt.Sprintf("%s.%d", path, i), fmt.Sprintf("There is no %s %s in account %s, region %s", typ, w, s.account, s.region),
					"Check the region and the account of the plugin's block."))
			}
		}
	}
	return out
}

// within says whether a resource is in a zone, and in the scope of the block.
func (a ask) within(r resource) bool {
	zone := a.target
	if !slices.Contains(r.zones, zone.Name) && !slices.Contains(r.zones, zone.Attrs["zone_id"]) {
		return false
	}
	return selectors{VPCs: a.scope.VPCs, Tags: a.scope.Tags}.fits(r)
}

// among lists what a target means to a kind: itself, if it is of the type, or all of the type in a zone.
func (a ask) among(ctx context.Context, s *site, typ string, list func(context.Context, *site) ([]resource, error)) ([]resource, error) {
	all, err := list(ctx, s)
	if err != nil {
		return nil, err
	}
	var out []resource
	for _, r := range all {
		if a.target.Type == typ && r.arn == a.target.ID || a.target.Type == "aws_zone" && a.within(r) {
			out = append(out, r)
		}
	}
	if a.target.Type == typ && len(out) == 0 {
		return nil, fmt.Errorf("%s is gone: plan again", a.target.Name)
	}
	slices.SortFunc(out, func(x, y resource) int { return strings.Compare(x.arn, y.arn) })
	return out, nil
}
