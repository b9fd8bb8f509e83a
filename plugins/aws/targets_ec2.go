package aws

import (
	"context"
	"fmt"
	"slices"

	awssdk "github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
)

// listZones lists the availability zones of a region; local and wavelength zones are no such.
func listZones(ctx context.Context, s *site) ([]resource, error) {
	ids, err := zoneIDs(ctx, s)
	if err != nil {
		return nil, err
	}
	var out []resource
	for name, id := range ids {
		out = append(out, resource{
			arn: fmt.Sprintf("%s/%s/%s", s.account, s.region, id), id: id, name: name,
			zones: []string{name, id}, facts: []string{"zone_id", id},
		})
	}
	return out, nil
}

// zoneIDs are the IDs of a region's zones by their names.
func zoneIDs(ctx context.Context, s *site) (map[string]string, error) {
	all, err := s.ec2().DescribeAvailabilityZones(ctx, &ec2.DescribeAvailabilityZonesInput{})
	if err != nil {
		return nil, fmt.Errorf("listing the zones: %w", err)
	}
	out := map[string]string{}
	for _, z := range all.AvailabilityZones {
		if kind := awssdk.ToString(z.ZoneType); kind == "" || kind == "availability-zone" {
			out[awssdk.ToString(z.ZoneName)] = awssdk.ToString(z.ZoneId)
		}
	}
	return out, nil
}

func listSubnets(ctx context.Context, s *site) ([]resource, error) {
	var out []resource
	for pages := ec2.NewDescribeSubnetsPaginator(s.ec2(), &ec2.DescribeSubnetsInput{}); pages.HasMorePages(); {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, fmt.Errorf("listing the subnets: %w", err)
		}
		for _, n := range page.Subnets {
			id, zone, vpc := awssdk.ToString(n.SubnetId), awssdk.ToString(n.AvailabilityZone), awssdk.ToString(n.VpcId)
			out = append(out, resource{
				arn: s.arn("ec2", "subnet/"+id), id: id, name: named(id, n.Tags), vpc: vpc, tags: ec2TagMap(n.Tags),
				zones: []string{zone, awssdk.ToString(n.AvailabilityZoneId)}, facts: []string{"zone", zone, "vpc", vpc},
			})
		}
	}
	return out, nil
}

// named is what people call a resource: its ID, with the name that its tag gives it.
func named(id string, tags []types.Tag) string {
	if name := ec2TagMap(tags)["Name"]; name != "" {
		return id + " (" + name + ")"
	}
	return id
}

func listInstances(ctx context.Context, s *site) ([]resource, error) {
	zones, err := zoneIDs(ctx, s)
	if err != nil {
		return nil, err
	}
	all, err := instances(ctx, s, &ec2.DescribeInstancesInput{})
	if err != nil {
		return nil, err
	}
	var out []resource
	for _, i := range all {
		if !dead(i) {
			out = append(out, asResource(s, i, zones))
		}
	}
	return out, nil
}

func asResource(s *site, i types.Instance, zones map[string]string) resource {
	id, vpc, zone := awssdk.ToString(i.InstanceId), awssdk.ToString(i.VpcId), ""
	if i.Placement != nil {
		zone = awssdk.ToString(i.Placement.AvailabilityZone)
	}
	r := resource{
		arn: s.arn("ec2", "instance/"+id), id: id, name: named(id, i.Tags), vpc: vpc, tags: ec2TagMap(i.Tags),
		zones: []string{zone, zones[zone]}, facts: []string{"zone", zone, "vpc", vpc, "type", string(i.InstanceType)},
	}
	if group := r.tags[groupTag]; group != "" {
		r.groups, r.facts = []string{group}, append(r.facts, "group", group)
	}
	return r
}

// groupTag is what an Auto Scaling group writes on the instances that it has started.
const groupTag = "aws:autoscaling:groupName"

func instances(ctx context.Context, s *site, in *ec2.DescribeInstancesInput) ([]types.Instance, error) {
	var out []types.Instance
	for pages := ec2.NewDescribeInstancesPaginator(s.ec2(), in); pages.HasMorePages(); {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, fmt.Errorf("listing instances: %w", err)
		}
		for _, r := range page.Reservations {
			out = append(out, r.Instances...)
		}
	}
	return out, nil
}

// mostDescribed is how many instances one call is asked about.
const mostDescribed = 100

// instancesByID reads instances again, by their IDs.
func instancesByID(ctx context.Context, s *site, all []resource) (map[string]types.Instance, error) {
	out := map[string]types.Instance{}
	for some := range slices.Chunk(all, mostDescribed) {
		in := &ec2.DescribeInstancesInput{}
		for _, r := range some {
			in.InstanceIds = append(in.InstanceIds, r.id)
		}
		now, err := instances(ctx, s, in)
		if err != nil {
			return nil, err
		}
		for _, i := range now {
			out[awssdk.ToString(i.InstanceId)] = i
		}
	}
	return out, nil
}

// dead says that an instance will never run again.
func dead(i types.Instance) bool {
	return i.State == nil || i.State.Name == types.InstanceStateNameTerminated || i.State.Name == types.InstanceStateNameShuttingDown
}

// listRegions is the region that the plugin's block names: what is not in any zone.
func listRegions(_ context.Context, s *site) ([]resource, error) {
	return []resource{{arn: s.account + "/" + s.region, id: s.region, name: s.region}}, nil
}
