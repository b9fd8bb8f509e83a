package aws

import (
	"context"
	"fmt"
	"slices"
	"time"

	awssdk "github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"github.com/gameday-toolkit/gameday/plugins/sdk"
)

// stopped is one instance that ran and is stopped. EC2 has no clock for that: when every process of ours dies at once it
// stays stopped until gameday recover, gameday sweep, or a start by hand.
type stopped struct {
	ID        string `json:"id"`
	Force     bool   `json:"force,omitempty"`
	Hibernate bool   `json:"hibernate,omitempty"`
}

func instanceStop() part {
	return newPart(kind[stopped]{
		name: "aws_instance_stop", shelf: ec2Shelf(), slow: 10 * time.Minute,
		about: "arn:{partition}:ec2:{region}:{account}:instance/*", of: "aws_instance",
		attributes: []sdk.Attribute{
			{Name: "force", Type: sdk.Bool, Default: false, Doc: "Stop without waiting for the operating system, as a power cut would. File systems may need a check."},
			{Name: "hibernate", Type: sdk.Bool, Default: false, Doc: "Hibernate instead, so that the memory comes back too. Only instances that were launched for it can."},
		},
		needs: append(reading("ec2:DescribeInstances", "ec2:DescribeInstanceTypes", "ec2:DescribeAvailabilityZones"),
			changing([]string{"{arn}"}, "ec2:StopInstances", "ec2:StartInstances")...),
		plan: planStop, look: lookStop,
		tryOut: func(ctx context.Context, s *site, u stopped) error {
			_, err := s.ec2().StopInstances(ctx, &ec2.StopInstancesInput{InstanceIds: []string{u.ID}, DryRun: new(true)})
			return err
		},
		inject: func(ctx context.Context, s *site, _ mark, u stopped) error {
			_, err := s.ec2().StopInstances(ctx, &ec2.StopInstancesInput{InstanceIds: []string{u.ID}, Force: new(u.Force), Hibernate: new(u.Hibernate)})
			return err
		},
		revert: func(ctx context.Context, s *site, _ mark, u stopped) error {
			_, err := s.ec2().StartInstances(ctx, &ec2.StartInstancesInput{InstanceIds: []string{u.ID}})
			return err
		},
		remember: func(arn, _ string) (item[stopped], bool) {
			return stopItem(stopped{ID: resourceOf(arn)}, arn, resourceOf(arn)), true
		},
	})
}

func planStop(ctx context.Context, s *site, a ask) ([]item[stopped], []sdk.Problem, error) {
	var c stopped
	if err := a.decode(&c); err != nil {
		return nil, nil, err
	}
	all, err := a.among(ctx, s, "aws_instance", listInstances)
	if err != nil || len(all) == 0 {
		return nil, nil, err
	}
	now, disks, err := closer(ctx, s, all)
	if err != nil {
		return nil, nil, err
	}
	var out []item[stopped]
	var problems []sdk.Problem
	for _, r := range all {
		i := now[r.id]
		switch why, fatal := cannotStop(i, c); {
		case fatal:
			problems = append(problems, problem("hibernate", r.name+" "+why, "Leave hibernate out, or choose other instances."))
			continue
		case why != "":
			problems = append(problems, warning("targets", r.name+" "+why, "It is left as it is."))
			continue
		}
		problems = append(problems, loses(r, disks[i.InstanceType])...)
		out = append(out, stopItem(stopped{r.id, c.Force, c.Hibernate}, r.arn, r.name))
	}
	return out, problems, nil
}

// closer reads instances, and which types of instance have disks of their own.
func closer(ctx context.Context, s *site, all []resource) (map[string]types.Instance, map[types.InstanceType]bool, error) {
	now, err := instancesByID(ctx, s, all)
	if err != nil {
		return nil, nil, err
	}
	disks := map[types.InstanceType]bool{}
	for _, i := range now {
		if _, known := disks[i.InstanceType]; known {
			continue
		}
		kinds, err := s.ec2().DescribeInstanceTypes(ctx, &ec2.DescribeInstanceTypesInput{InstanceTypes: []types.InstanceType{i.InstanceType}})
		if err != nil {
			return nil, nil, fmt.Errorf("reading about %s: %w", i.InstanceType, err)
		}
		disks[i.InstanceType] = slices.ContainsFunc(kinds.InstanceTypes, func(k types.InstanceTypeInfo) bool { return awssdk.ToBool(k.InstanceStorageSupported) })
	}
	return now, disks, nil
}

func stopItem(u stopped, arn, name string) item[stopped] {
	return item[stopped]{
		arn: arn, name: name, before: string(types.InstanceStateNameRunning), made: string(types.InstanceStateNameStopped), note: "running", undo: u,
		effect: "stop the instance " + name, byHand: fmt.Sprintf("aws ec2 start-instances --instance-ids %s", u.ID),
	}
}

// cannotStop says why an instance is left alone, and whether that is a mistake of the block.
func cannotStop(i types.Instance, c stopped) (why string, fatal bool) {
	switch {
	case i.State == nil || dead(i):
		return "has been terminated", false
	case i.State.Name != types.InstanceStateNameRunning:
		return fmt.Sprintf("is %s and does not run", i.State.Name), false
	case i.RootDeviceType == types.DeviceTypeInstanceStore:
		return "has its root on an instance store and cannot be stopped", false
	case i.InstanceLifecycle == types.InstanceLifecycleTypeSpot:
		return "is a Spot Instance, which AWS ends or stops and nobody else can start", false
	case c.Hibernate && (i.HibernationOptions == nil || !awssdk.ToBool(i.HibernationOptions.Configured)):
		return "was not launched for hibernation", true
	}
	return "", false
}

// loses says what a stop takes away for good.
func loses(r resource, disks bool) []sdk.Problem {
	var out []sdk.Problem
	if len(r.groups) > 0 {
		out = append(out, warning("targets", fmt.Sprintf("%s belongs to the Auto Scaling group %s", r.name, r.groups[0]),
			"The group takes a stopped instance for unhealthy and terminates it, unless its processes are suspended (aws_scaling_suspended): then it cannot be started again."))
	}
	if disks {
		out = append(out, warning("targets", r.name+" has instance store volumes", "What is on them is lost when it stops."))
	}
	return out
}

// instance reads one instance.
func instance(ctx context.Context, s *site, id string) (types.Instance, error) {
	all, err := instances(ctx, s, &ec2.DescribeInstancesInput{InstanceIds: []string{id}})
	if err != nil {
		return types.Instance{}, err
	}
	if len(all) != 1 || all[0].State == nil {
		return types.Instance{}, fmt.Errorf("reading %s: AWS shows %d instances", id, len(all))
	}
	return all[0], nil
}

func lookStop(ctx context.Context, s *site, _ mark, u stopped) (view, error) {
	i, err := instance(ctx, s, u.ID)
	switch {
	case missing(err):
		return is(gone, "AWS does not know it any more"), nil
	case err != nil:
		return view{}, err
	case dead(i):
		return is(gone, "it was terminated meanwhile (%s)", awssdk.ToString(i.StateTransitionReason)), nil
	case i.State.Name == types.InstanceStateNamePending || i.State.Name == types.InstanceStateNameStopping:
		return is(moving, "%s", i.State.Name), nil
	}
	return now("%s", i.State.Name), nil
}
