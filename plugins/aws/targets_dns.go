package aws

import (
	"context"
	"fmt"
	"slices"
	"strings"

	awssdk "github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/route53"
	"github.com/aws/aws-sdk-go-v2/service/route53/types"

	"github.com/gameday-toolkit/gameday/plugins/sdk"
)

// dnsTargets are the types of target that DNS is made of.
func dnsTargets() []listed {
	return []listed{
		{typ: "aws_vpc", list: listVPCs, selectors: []string{"ids", "tags"}, needs: reading("ec2:DescribeVpcs"), doc: "VPCs."},
		{typ: "aws_hosted_zone", list: listHostedZones, needs: reading("route53:ListHostedZones", "route53:ListTagsForResources"), selectors: []string{"ids", "names", "tags"}, doc: "Hosted zones of Route 53, which belong to no region: all their records but those that make the zone."},
		{typ: "aws_health_check", list: listHealthChecks, needs: reading("route53:ListHealthChecks", "route53:ListTagsForResources"), selectors: []string{"ids", "names", "tags"}, doc: "Health checks of Route 53, which belong to no region, by ID or by the name that their tag gives them."},
	}
}

// permissions are what finding records takes.
func (*records) permissions() []need {
	return append(reading("route53:ListHostedZones", "route53:ListTagsForResources"), changing([]string{"arn:{partition}:route53:::hostedzone/*"}, "route53:ListResourceRecordSets")...)
}

func listVPCs(ctx context.Context, s *site) ([]resource, error) {
	var out []resource
	for pages := ec2.NewDescribeVpcsPaginator(s.ec2(), &ec2.DescribeVpcsInput{}); pages.HasMorePages(); {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, fmt.Errorf("listing the VPCs: %w", err)
		}
		for _, v := range page.Vpcs {
			id := awssdk.ToString(v.VpcId)
			out = append(out, resource{arn: s.arn("ec2", "vpc/"+id), id: id, name: named(id, v.Tags), vpc: id, tags: ec2TagMap(v.Tags)})
		}
	}
	return out, nil
}

func hostedZones(ctx context.Context, s *site) ([]types.HostedZone, error) {
	var out []types.HostedZone
	for pages := route53.NewListHostedZonesPaginator(s.route53(), &route53.ListHostedZonesInput{}); pages.HasMorePages(); {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, fmt.Errorf("listing the hosted zones: %w", err)
		}
		out = append(out, page.HostedZones...)
	}
	return out, nil
}

func listHostedZones(ctx context.Context, s *site) ([]resource, error) {
	zones, err := hostedZones(ctx, s)
	if err != nil {
		return nil, err
	}
	var ids []string
	for _, z := range zones {
		ids = append(ids, resourceOf(awssdk.ToString(z.Id)))
	}
	tags, err := s.route53Tags(ctx, types.TagResourceTypeHostedzone, ids)
	if err != nil {
		return nil, err
	}
	var out []resource
	for i, z := range zones {
		r := resource{arn: fmt.Sprintf("arn:%s:route53:::hostedzone/%s", s.partition, ids[i]), id: ids[i], name: shownName(awssdk.ToString(z.Name)), tags: tags[ids[i]]}
		if z.Config != nil && z.Config.PrivateZone {
			r.facts = []string{"private", "true"}
		}
		out = append(out, r)
	}
	return out, nil
}

func healthCheckARN(s *site, id string) string {
	return fmt.Sprintf("arn:%s:route53:::healthcheck/%s", s.partition, id)
}

func listHealthChecks(ctx context.Context, s *site) ([]resource, error) {
	var all []types.HealthCheck
	var ids []string
	for pages := route53.NewListHealthChecksPaginator(s.route53(), &route53.ListHealthChecksInput{}); pages.HasMorePages(); {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, fmt.Errorf("listing the health checks: %w", err)
		}
		for _, c := range page.HealthChecks {
			all, ids = append(all, c), append(ids, awssdk.ToString(c.Id))
		}
	}
	tags, err := s.route53Tags(ctx, types.TagResourceTypeHealthcheck, ids)
	if err != nil {
		return nil, err
	}
	var out []resource
	for i, c := range all {
		r := resource{arn: healthCheckARN(s, ids[i]), id: ids[i], name: ids[i], tags: tags[ids[i]]}
		if name := r.tags["Name"]; name != "" {
			r.name = name
		}
		if h := c.HealthCheckConfig; h != nil {
			r.facts = []string{"type", string(h.Type), "of", awssdk.ToString(h.FullyQualifiedDomainName)}
		}
		out = append(out, r)
	}
	return out, nil
}

// records is the target type aws_record: the record sets of a name and a type in a hosted zone.
type records struct{ *provider }

type recordSelectors struct {
	Zone  string   `json:"zone"`
	Names []string `json:"names"`
	Types []string `json:"types"`
}

// Schema describes the selectors.
func (*records) Schema() sdk.Schema {
	return sdk.Schema{
		Doc: "Records of a hosted zone of Route 53. Record sets with the same name and type, such as weighted ones, are one target.",
		Attributes: []sdk.Attribute{
			{Name: "zone", Type: sdk.String, Required: true, Doc: "The hosted zone: its ID, or its name where no other zone has it."},
			{Name: "names", Type: sdk.StringList, Required: true, Doc: "Names of records, such as www.example.com. One that does not exist is a mistake."},
			{Name: "types", Type: sdk.StringList, Doc: "Types, such as A or CNAME. By default all that the names have."},
		},
	}
}

// Resolve finds the records.
func (r *records) Resolve(ctx context.Context, req sdk.Request) (sdk.Selection, []sdk.Problem, error) {
	var c recordSelectors
	if err := req.Decode(&c); err != nil {
		return sdk.Selection{}, nil, err
	}
	s, err := r.site(ctx, "")
	if err != nil {
		return sdk.Selection{}, nil, err
	}
	zone, problem, err := s.zoneCalled(ctx, c.Zone, "zone")
	if err != nil || problem != nil {
		return sdk.Selection{}, asProblems(problem), err
	}
	all, err := s.recordIDs(ctx, zone.id, dnsName(zone.name))
	if denied := deniedProblem(s, err); denied != nil {
		denied.Path = nil
		return sdk.Selection{}, []sdk.Problem{*denied}, nil
	}
	if err != nil {
		return sdk.Selection{}, nil, err
	}
	out := sdk.Selection{Population: len(all)}
	for _, id := range all {
		if c.fits(id) {
			out.Targets = append(out.Targets, sdk.Target{Type: "aws_record", ID: id.arn(s), Name: id.String(), Attrs: s.attrs("zone", id.Zone, "type", id.Type)})
		}
	}
	return out, c.unknown(all, zone.name), nil
}

func asProblems(p *sdk.Problem) []sdk.Problem {
	if p == nil {
		return nil
	}
	return []sdk.Problem{*p}
}

func (c recordSelectors) fits(id recordID) bool {
	named := slices.ContainsFunc(c.Names, func(n string) bool { return dnsName(n) == id.Name })
	return named && (len(c.Types) == 0 || slices.Contains(c.Types, id.Type))
}

func (c recordSelectors) unknown(all []recordID, zone string) []sdk.Problem {
	var out []sdk.Problem
	for i, n := range c.Names {
		one := recordSelectors{Names: []string{n}, Types: c.Types}
		if !slices.ContainsFunc(all, one.fits) {
			what := strings.Join(c.Types, " or ")
			out = append(out, problem(fmt.Sprintf("names.%d", i), strings.Join(strings.Fields(fmt.Sprintf("There is no %s record %s in the hosted zone %s", what, n, zone)), " "),
				"Write the whole name, and check the zone and the types."))
		}
	}
	return out
}

// zoneCalled finds a hosted zone by ID or by name.
func (s *site) zoneCalled(ctx context.Context, called, path string) (resource, *sdk.Problem, error) {
	zones, err := listHostedZones(ctx, s)
	if denied := deniedProblem(s, err); denied != nil {
		denied.Path = nil
		return resource{}, denied, nil
	}
	if err != nil {
		return resource{}, nil, err
	}
	zones = slices.DeleteFunc(zones, func(z resource) bool { return z.id != called && z.arn != called && dnsName(z.name) != dnsName(called) })
	switch len(zones) {
	case 0:
		p := problem(path, fmt.Sprintf("There is no hosted zone %s in account %s", called, s.account), "Give its ID, or its name.")
		return resource{}, &p, nil
	case 1:
		return zones[0], nil, nil
	}
	var ids []string
	for _, z := range zones {
		ids = append(ids, z.id)
	}
	p := problem(path, fmt.Sprintf("%d hosted zones are called %s", len(zones), called), "Give the ID: "+strings.Join(ids, " or ")+".")
	return resource{}, &p, nil
}

// recordIDs are the records of a zone, but for those that make the zone, and for our marks.
func (s *site) recordIDs(ctx context.Context, zone, domain string) ([]recordID, error) {
	sets, err := s.recordSets(ctx, zone, "", func(types.ResourceRecordSet) bool { return true })
	var out []recordID
	for _, set := range sets {
		id := recordID{zone, domain, awssdk.ToString(set.Name), string(set.Type)}
		makesZone := id.Name == domain && (set.Type == types.RRTypeNs || set.Type == types.RRTypeSoa)
		if !makesZone && !strings.HasPrefix(id.Name, recordMark) && !slices.Contains(out, id) {
			out = append(out, id)
		}
	}
	return out, err
}
