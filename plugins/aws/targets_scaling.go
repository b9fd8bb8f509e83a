package aws

import (
	"context"
	"fmt"
	"strings"

	awssdk "github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/autoscaling"
	"github.com/aws/aws-sdk-go-v2/service/autoscaling/types"
)

// groups reads Auto Scaling groups: those with the names, or all.
func groups(ctx context.Context, s *site, names ...string) ([]types.AutoScalingGroup, error) {
	var out []types.AutoScalingGroup
	pages := autoscaling.NewDescribeAutoScalingGroupsPaginator(s.autoscaling(), &autoscaling.DescribeAutoScalingGroupsInput{AutoScalingGroupNames: names})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, fmt.Errorf("listing Auto Scaling groups: %w", err)
		}
		out = append(out, page.AutoScalingGroups...)
	}
	return out, nil
}

// groupByName reads one group. There is none if it is gone.
func groupByName(ctx context.Context, s *site, name string) (*types.AutoScalingGroup, error) {
	all, err := groups(ctx, s, name)
	if err != nil || len(all) == 0 {
		return nil, err
	}
	return &all[0], nil
}

// groupName is the name at the end of a group's ARN.
func groupName(arn string) string {
	_, name, _ := strings.Cut(arn, ":autoScalingGroupName/")
	return name
}

func listGroups(ctx context.Context, s *site) ([]resource, error) {
	all, err := groups(ctx, s)
	if err != nil {
		return nil, err
	}
	zones, err := zoneIDs(ctx, s)
	if err != nil {
		return nil, err
	}
	nets, err := listSubnets(ctx, s)
	if err != nil {
		return nil, err
	}
	var out []resource
	for _, g := range all {
		r := resource{arn: awssdk.ToString(g.AutoScalingGroupARN), id: awssdk.ToString(g.AutoScalingGroupName), name: awssdk.ToString(g.AutoScalingGroupName), tags: map[string]string{}}
		for _, z := range g.AvailabilityZones {
			r.zones = append(r.zones, z, zones[z])
		}
		for _, t := range g.Tags {
			r.tags[awssdk.ToString(t.Key)] = awssdk.ToString(t.Value)
		}
		for _, n := range nets {
			if strings.Contains(awssdk.ToString(g.VPCZoneIdentifier), n.id) {
				r.vpc = n.vpc
			}
		}
		r.facts = []string{"zones", strings.Join(g.AvailabilityZones, ", "), "vpc", r.vpc}
		out = append(out, r)
	}
	return out, nil
}

// scalingShelf keeps the tags of Auto Scaling groups. They are not passed on to the instances.
func scalingShelf() *shelf {
	tag := func(arn, key, value string) types.Tag {
		return types.Tag{ResourceId: new(groupName(arn)), ResourceType: new("auto-scaling-group"), Key: new(key), Value: new(value), PropagateAtLaunch: new(false)}
	}
	return &shelf{
		needs: append(reading("autoscaling:DescribeTags", "autoscaling:DescribeAutoScalingGroups"), changing([]string{"{arn}"}, "autoscaling:CreateOrUpdateTags", "autoscaling:DeleteTags")...),
		read: func(ctx context.Context, s *site, arn string) (map[string]string, error) {
			all, err := groupTags(ctx, s, "auto-scaling-group", groupName(arn))
			return all[groupName(arn)], err
		},
		write: func(ctx context.Context, s *site, arn string, tags map[string]string) error {
			in := &autoscaling.CreateOrUpdateTagsInput{}
			for k, v := range tags {
				in.Tags = append(in.Tags, tag(arn, k, v))
			}
			_, err := s.autoscaling().CreateOrUpdateTags(ctx, in)
			return err
		},
		remove: func(ctx context.Context, s *site, arn string, tags map[string]string) error {
			in := &autoscaling.DeleteTagsInput{}
			for k, v := range tags {
				in.Tags = append(in.Tags, tag(arn, k, v))
			}
			_, err := s.autoscaling().DeleteTags(ctx, in)
			return err
		},
		find: findGroups,
	}
}

func findGroups(ctx context.Context, s *site, key string) (map[string]map[string]string, error) {
	tags, err := groupTags(ctx, s, "key", key)
	if err != nil || len(tags) == 0 {
		return nil, err
	}
	all, err := groups(ctx, s)
	out := map[string]map[string]string{}
	for _, g := range all {
		if t, ok := tags[awssdk.ToString(g.AutoScalingGroupName)]; ok {
			out[awssdk.ToString(g.AutoScalingGroupARN)] = t
		}
	}
	return out, err
}

// groupTags lists tags by the names of their groups.
func groupTags(ctx context.Context, s *site, filter, value string) (map[string]map[string]string, error) {
	out := map[string]map[string]string{}
	pages := autoscaling.NewDescribeTagsPaginator(s.autoscaling(), &autoscaling.DescribeTagsInput{Filters: []types.Filter{{Name: new(filter), Values: []string{value}}}})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, err
		}
		for _, t := range page.Tags {
			name := awssdk.ToString(t.ResourceId)
			if out[name] == nil {
				out[name] = map[string]string{}
			}
			out[name][awssdk.ToString(t.Key)] = awssdk.ToString(t.Value)
		}
	}
	return out, nil
}
