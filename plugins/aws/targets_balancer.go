package aws

import (
	"context"
	"fmt"
	"slices"

	awssdk "github.com/aws/aws-sdk-go-v2/aws"
	elb "github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2"
	"github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2/types"
)

// mostTagged is how many load balancers one call may ask the tags of.
const mostTagged = 20

func listBalancers(ctx context.Context, s *site) ([]resource, error) {
	zones, err := zoneIDs(ctx, s)
	if err != nil {
		return nil, err
	}
	var all []types.LoadBalancer
	for pages := elb.NewDescribeLoadBalancersPaginator(s.elb(), &elb.DescribeLoadBalancersInput{}); pages.HasMorePages(); {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, fmt.Errorf("listing load balancers: %w", err)
		}
		all = append(all, page.LoadBalancers...)
	}
	var out []resource
	for some := range slices.Chunk(all, mostTagged) {
		tags, err := balancerTags(ctx, s, some)
		if err != nil {
			return nil, err
		}
		for _, b := range some {
			arn := awssdk.ToString(b.LoadBalancerArn)
			r := resource{arn: arn, id: arn, name: awssdk.ToString(b.LoadBalancerName), vpc: awssdk.ToString(b.VpcId), tags: tags[arn]}
			for _, z := range b.AvailabilityZones {
				name := awssdk.ToString(z.ZoneName)
				r.zones = append(r.zones, name, zones[name])
			}
			r.facts = []string{"type", string(b.Type), "vpc", r.vpc}
			out = append(out, r)
		}
	}
	return out, nil
}

func balancerTags(ctx context.Context, s *site, some []types.LoadBalancer) (map[string]map[string]string, error) {
	in := &elb.DescribeTagsInput{}
	for _, b := range some {
		in.ResourceArns = append(in.ResourceArns, awssdk.ToString(b.LoadBalancerArn))
	}
	got, err := s.elb().DescribeTags(ctx, in)
	if err != nil {
		return nil, fmt.Errorf("reading the tags of load balancers: %w", err)
	}
	out := map[string]map[string]string{}
	for _, d := range got.TagDescriptions {
		one := map[string]string{}
		for _, t := range d.Tags {
			one[awssdk.ToString(t.Key)] = awssdk.ToString(t.Value)
		}
		out[awssdk.ToString(d.ResourceArn)] = one
	}
	return out, nil
}
