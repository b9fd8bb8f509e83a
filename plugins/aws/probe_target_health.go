package aws

import (
	"context"
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"

	awssdk "github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	elb "github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2"
	"github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2/types"

	"github.com/gameday-toolkit/gameday/plugins/sdk"
)

type targetHealthConfig struct {
	TargetGroup string   `json:"target_group"`
	Zones       []string `json:"zones"`
	MinHealthy  int      `json:"min_healthy"`
	MinPercent  float64  `json:"min_percent"`
}

func targetHealthProbe(p *provider) sdk.Prober {
	return &prober[targetHealthConfig]{
		provider: p, defaults: targetHealthConfig{MinHealthy: 1},
		needs: reading("elasticloadbalancing:DescribeTargetGroups", "elasticloadbalancing:DescribeTargetHealth", "ec2:DescribeInstances"),
		schema: sdk.Schema{
			Doc: "How many targets of a load balancer's target group are healthy.",
			Attributes: []sdk.Attribute{
				{Name: "target_group", Type: sdk.String, Required: true, Doc: "The name or the ARN of the target group."},
				{Name: "zones", Type: sdk.StringList, Doc: "Names of zones. What is required is then required of the targets in each of them, and not of all together."},
				{Name: "min_healthy", Type: sdk.Number, Default: 1, Doc: "How many must be healthy."},
				{Name: "min_percent", Type: sdk.Number, Default: 0, Doc: "How many percent of those that are registered must be healthy."},
			},
		},
		ask: askTargetHealth,
	}
}

func askTargetHealth(ctx context.Context, s *site, c targetHealthConfig) (sdk.Observation, error) {
	arn := c.TargetGroup
	if !strings.HasPrefix(arn, "arn:") {
		groups, err := s.elb().DescribeTargetGroups(ctx, &elb.DescribeTargetGroupsInput{Names: []string{arn}})
		if err != nil {
			return sdk.Observation{}, fmt.Errorf("looking for the target group %s: %w", arn, err)
		}
		if len(groups.TargetGroups) != 1 {
			return sdk.Observation{}, fmt.Errorf("looking for the target group %s: AWS shows %d", arn, len(groups.TargetGroups))
		}
		arn = awssdk.ToString(groups.TargetGroups[0].TargetGroupArn)
	}
	out, err := s.elb().DescribeTargetHealth(ctx, &elb.DescribeTargetHealthInput{TargetGroupArn: &arn})
	if err != nil {
		return sdk.Observation{}, fmt.Errorf("reading the health of the target group %s: %w", c.TargetGroup, err)
	}
	if len(c.Zones) == 0 {
		good, says := c.enough(out.TargetHealthDescriptions)
		return seen(good, "%s", says), nil
	}
	zones, err := zonesOfTargets(ctx, s, out.TargetHealthDescriptions)
	if err != nil {
		return sdk.Observation{}, err
	}
	all, texts := true, []string{}
	for _, z := range c.Zones {
		var there []types.TargetHealthDescription
		for i, t := range out.TargetHealthDescriptions {
			if zones[i] == z {
				there = append(there, t)
			}
		}
		good, says := c.enough(there)
		all, texts = all && good, append(texts, z+": "+says)
	}
	return seen(all, "%s", strings.Join(texts, "; ")), nil
}

// enough says whether enough of the targets are healthy. None of nothing is not enough, whatever the percentage.
func (c targetHealthConfig) enough(targets []types.TargetHealthDescription) (bool, string) {
	healthy, sick := 0, map[string]int{}
	for _, t := range targets {
		if t.TargetHealth != nil && t.TargetHealth.State == types.TargetHealthStateEnumHealthy {
			healthy++
		} else if t.TargetHealth != nil {
			sick[string(t.TargetHealth.State)+" "+string(t.TargetHealth.Reason)]++
		}
	}
	says := fmt.Sprintf("%d of %d targets are healthy", healthy, len(targets))
	for _, why := range slices.Sorted(maps.Keys(sick)) {
		says += fmt.Sprintf(", %d %s", sick[why], strings.TrimSpace(why))
	}
	least := int(math.Ceil(c.MinPercent * float64(len(targets)) / 100))
	return healthy >= c.MinHealthy && healthy >= least && len(targets) > 0, says
}

// zonesOfTargets are the zones of targets in their order: what the load balancer says, or those of the instances.
func zonesOfTargets(ctx context.Context, s *site, targets []types.TargetHealthDescription) ([]string, error) {
	out := make([]string, len(targets))
	where := map[string]string{}
	in := &ec2.DescribeInstancesInput{}
	for i, t := range targets {
		if t.Target == nil {
			continue
		}
		out[i] = awssdk.ToString(t.Target.AvailabilityZone)
		if id := awssdk.ToString(t.Target.Id); out[i] == "" && strings.HasPrefix(id, "i-") && !slices.Contains(in.InstanceIds, id) {
			in.InstanceIds = append(in.InstanceIds, id)
		}
	}
	if len(in.InstanceIds) > 0 {
		all, err := instances(ctx, s, in)
		if err != nil {
			return nil, err
		}
		for _, i := range all {
			if i.Placement != nil {
				where[awssdk.ToString(i.InstanceId)] = awssdk.ToString(i.Placement.AvailabilityZone)
			}
		}
	}
	for i, t := range targets {
		if out[i] == "" && t.Target != nil {
			out[i] = where[awssdk.ToString(t.Target.Id)]
		}
	}
	return out, nil
}
