package aws_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"

	awssdk "github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/autoscaling"
	astypes "github.com/aws/aws-sdk-go-v2/service/autoscaling/types"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
	elb "github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2"
	elbtypes "github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2/types"
	"github.com/stretchr/testify/require"

	"github.com/gameday-toolkit/gameday/plugins/sdk"
)

func (w *world) autoscaling() *autoscaling.Client { return autoscaling.NewFromConfig(w.cfg) }
func (w *world) elb() *elb.Client                 { return elb.NewFromConfig(w.cfg) }

// group makes an Auto Scaling group in subnets.
func (w *world) group(ctx context.Context, least, desired, most int32, subnets ...string) (astypes.AutoScalingGroup, error) {
	if err := w.findImage(ctx); err != nil {
		return astypes.AutoScalingGroup{}, err
	}
	name := fmt.Sprintf("%s-%d", w.mark, serial.Add(1))
	template, err := w.ec2().CreateLaunchTemplate(ctx, &ec2.CreateLaunchTemplateInput{
		LaunchTemplateName: &name, LaunchTemplateData: &types.RequestLaunchTemplateData{ImageId: &w.image, InstanceType: types.InstanceTypeT3Micro},
	})
	if err != nil {
		return astypes.AutoScalingGroup{}, err
	}
	id := template.LaunchTemplate.LaunchTemplateId
	w.later(func(ctx context.Context) error {
		_, err := w.ec2().DeleteLaunchTemplate(ctx, &ec2.DeleteLaunchTemplateInput{LaunchTemplateId: id})
		return err
	})
	_, err = w.autoscaling().CreateAutoScalingGroup(ctx, &autoscaling.CreateAutoScalingGroupInput{
		AutoScalingGroupName: &name, MinSize: &least, MaxSize: &most, DesiredCapacity: &desired, VPCZoneIdentifier: new(strings.Join(subnets, ",")),
		LaunchTemplate: &astypes.LaunchTemplateSpecification{LaunchTemplateId: id, Version: new("$Latest")},
		Tags:           []astypes.Tag{{Key: new("test"), Value: &w.mark, PropagateAtLaunch: new(true), ResourceId: &name, ResourceType: new("auto-scaling-group")}},
	})
	if err != nil {
		return astypes.AutoScalingGroup{}, err
	}
	w.later(func(ctx context.Context) error {
		before, err := w.groupNow(ctx, name)
		if err != nil {
			return err
		}
		_, err = w.autoscaling().DeleteAutoScalingGroup(ctx, &autoscaling.DeleteAutoScalingGroupInput{AutoScalingGroupName: &name, ForceDelete: new(true)})
		for _, i := range before.Instances {
			if err == nil {
				err = w.becomes(ctx, *i.InstanceId, "terminated")
			}
		}
		return err
	})
	return w.groupNow(ctx, name)
}

func (w *world) groupNow(ctx context.Context, name string) (astypes.AutoScalingGroup, error) {
	out, err := w.autoscaling().DescribeAutoScalingGroups(ctx, &autoscaling.DescribeAutoScalingGroupsInput{AutoScalingGroupNames: []string{name}})
	if err != nil {
		return astypes.AutoScalingGroup{}, err
	}
	if len(out.AutoScalingGroups) != 1 {
		return astypes.AutoScalingGroup{}, fmt.Errorf("there are %d groups %s", len(out.AutoScalingGroups), name)
	}
	return out.AutoScalingGroups[0], nil
}

func (w *world) groupTarget(g astypes.AutoScalingGroup) sdk.Target {
	return w.target("aws_auto_scaling_group", *g.AutoScalingGroupARN, *g.AutoScalingGroupName)
}

// groupShot is what a group looks like, without what it does by itself.
func groupShot(g astypes.AutoScalingGroup) string {
	var suspended, tags []string
	for _, p := range g.SuspendedProcesses {
		suspended = append(suspended, *p.ProcessName)
	}
	for _, t := range g.Tags {
		tags = append(tags, *t.Key+"="+awssdk.ToString(t.Value))
	}
	slices.Sort(suspended)
	slices.Sort(tags)
	return fmt.Sprintf("%s %d/%d/%d in %s suspended %q tags %q", *g.AutoScalingGroupName, *g.MinSize, *g.DesiredCapacity, *g.MaxSize, *g.VPCZoneIdentifier, suspended, tags)
}

func (w *world) groupsShot(ctx context.Context, req sdk.Request) (string, error) {
	var out []string
	for _, t := range req.Targets {
		g, err := w.groupNow(ctx, t.Name)
		if err != nil {
			return "", err
		}
		out = append(out, groupShot(g))
	}
	return strings.Join(out, "\n"), nil
}

func suspendedNow(g astypes.AutoScalingGroup) (out []string) {
	for _, p := range g.SuspendedProcesses {
		out = append(out, *p.ProcessName)
	}
	slices.Sort(out)
	return out
}

// balancer makes a load balancer that takes part in zonal shifts.
func (w *world) balancer(ctx context.Context, subnets ...string) (sdk.Target, error) {
	name := fmt.Sprintf("lb-%d", serial.Add(1))
	out, err := w.elb().CreateLoadBalancer(ctx, &elb.CreateLoadBalancerInput{
		Name: &name, Subnets: subnets, Type: elbtypes.LoadBalancerTypeEnumNetwork, Scheme: elbtypes.LoadBalancerSchemeEnumInternal,
		Tags: []elbtypes.Tag{{Key: new("test"), Value: &w.mark}},
	})
	if err != nil {
		return sdk.Target{}, err
	}
	arn := out.LoadBalancers[0].LoadBalancerArn
	w.later(func(ctx context.Context) error {
		_, err := w.elb().DeleteLoadBalancer(ctx, &elb.DeleteLoadBalancerInput{LoadBalancerArn: arn})
		return err
	})
	_, err = w.elb().ModifyLoadBalancerAttributes(ctx, &elb.ModifyLoadBalancerAttributesInput{
		LoadBalancerArn: arn, Attributes: []elbtypes.LoadBalancerAttribute{{Key: new("zonal_shift.config.enabled"), Value: new("true")}},
	})
	return w.target("aws_load_balancer", *arn, name), err
}

// twoZones is a VPC with a subnet in each of two zones.
func (w *world) twoZones(ctx context.Context) (vpc string, subnets []string, err error) {
	if vpc, err = w.vpc(ctx); err != nil {
		return "", nil, err
	}
	for _, letter := range []string{"a", "b"} {
		n, err := w.subnet(ctx, vpc, w.zone(letter))
		if err != nil {
			return "", nil, err
		}
		subnets = append(subnets, n)
	}
	return vpc, subnets, nil
}

func (w *world) requireGroup(t *testing.T, ctx context.Context, least, desired, most int32, subnets ...string) astypes.AutoScalingGroup {
	t.Helper()
	g, err := w.group(ctx, least, desired, most, subnets...)
	w.skipUnimplemented(t, err)
	require.NoError(t, err)
	return g
}
