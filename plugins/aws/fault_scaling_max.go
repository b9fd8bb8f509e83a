package aws

import (
	"context"
	"fmt"

	awssdk "github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/autoscaling"
	"github.com/aws/aws-sdk-go-v2/service/autoscaling/types"

	"github.com/gameday-toolkit/gameday/plugins/sdk"
)

// clamped is one group, its sizes as they were, and as the fault makes them. Auto Scaling has no clock for that: when every process of
// ours dies at once the group stays small until gameday recover, gameday sweep, or an update by hand.
type clamped struct {
	Group string `json:"group"`
	Was   sizes  `json:"was"`
	Made  sizes  `json:"made"`
}

type sizes struct {
	Min     int32 `json:"min"`
	Desired int32 `json:"desired"`
	Max     int32 `json:"max"`
}

func (z sizes) String() string { return fmt.Sprintf("min %d, max %d", z.Min, z.Max) }

func sizesOf(g *types.AutoScalingGroup) sizes {
	return sizes{awssdk.ToInt32(g.MinSize), awssdk.ToInt32(g.DesiredCapacity), awssdk.ToInt32(g.MaxSize)}
}

func scalingMax() part {
	return newPart(kind[clamped]{
		name: "aws_scaling_max", shelf: scalingShelf(),
		about: "arn:{partition}:autoscaling:{region}:{account}:autoScalingGroup:*:autoScalingGroupName/*", of: "aws_auto_scaling_group",
		attributes: []sdk.Attribute{
			{Name: "max_size", Type: sdk.Number, Doc: "The size that the group may not exceed. By default the capacity it has when the plan is made: it cannot grow. Less than that terminates instances."},
		},
		needs: append(reading("ec2:DescribeAvailabilityZones", "ec2:DescribeSubnets"), changing([]string{"{arn}"}, "autoscaling:UpdateAutoScalingGroup")...),
		plan:  planClamp, look: lookClamp,
		inject: func(ctx context.Context, s *site, _ mark, u clamped) error {
			in := &autoscaling.UpdateAutoScalingGroupInput{AutoScalingGroupName: new(u.Group), MinSize: new(u.Made.Min), MaxSize: new(u.Made.Max)}
			if u.Made.Desired != u.Was.Desired {
				in.DesiredCapacity = new(u.Made.Desired)
			}
			_, err := s.autoscaling().UpdateAutoScalingGroup(ctx, in)
			return err
		},
		revert: func(ctx context.Context, s *site, _ mark, u clamped) error {
			g, err := groupByName(ctx, s, u.Group)
			if err != nil || g == nil {
				return err
			}
			in := &autoscaling.UpdateAutoScalingGroupInput{AutoScalingGroupName: new(u.Group), MinSize: new(u.Was.Min), MaxSize: new(u.Was.Max)}
			// A capacity that the group has chosen meanwhile, within its limits, is not ours.
			if u.Made.Desired != u.Was.Desired && sizesOf(g).Desired == u.Made.Desired {
				in.DesiredCapacity = new(u.Was.Desired)
			}
			_, err = s.autoscaling().UpdateAutoScalingGroup(ctx, in)
			return err
		},
		remember: func(arn, note string) (item[clamped], bool) {
			u := clamped{Group: groupName(arn)}
			n, err := fmt.Sscanf(note, "%d/%d/%d:%d/%d/%d", &u.Was.Min, &u.Was.Desired, &u.Was.Max, &u.Made.Min, &u.Made.Desired, &u.Made.Max)
			return clampItem(u, arn), err == nil && n == 6
		},
	})
}

func planClamp(ctx context.Context, s *site, a ask) ([]item[clamped], []sdk.Problem, error) {
	var c struct {
		MaxSize *int32 `json:"max_size"`
	}
	if err := a.decode(&c); err != nil {
		return nil, nil, err
	}
	if c.MaxSize != nil && *c.MaxSize < 0 {
		return nil, []sdk.Problem{problem("max_size", "A size cannot be negative", "Use 0 to end every instance of the group.")}, nil
	}
	all, err := a.among(ctx, s, "aws_auto_scaling_group", listGroups)
	if err != nil {
		return nil, nil, err
	}
	var out []item[clamped]
	var problems []sdk.Problem
	for _, r := range all {
		g, err := groupByName(ctx, s, r.id)
		if err != nil || g == nil {
			return nil, nil, err
		}
		u := clamped{Group: r.id, Was: sizesOf(g)}
		u.Made.Max = u.Was.Desired
		if c.MaxSize != nil {
			u.Made.Max = *c.MaxSize
		}
		u.Made.Min, u.Made.Desired = min(u.Was.Min, u.Made.Max), min(u.Was.Desired, u.Made.Max)
		if u.Made.Max >= u.Was.Max {
			problems = append(problems, warning("targets", fmt.Sprintf("%s has a maximum of %d already", r.name, u.Was.Max), "It is left as it is. Set max_size to less."))
			continue
		}
		if less := u.Was.Desired - u.Made.Desired; less > 0 {
			problems = append(problems, warning("max_size", fmt.Sprintf("%s will terminate %d of its instances", r.name, less), "They do not come back: the group starts others when the fault is undone."))
		}
		out = append(out, clampItem(u, r.arn))
	}
	return out, problems, nil
}

func clampItem(u clamped, arn string) item[clamped] {
	return item[clamped]{
		arn: arn, name: u.Group, before: u.Was.String(), made: u.Made.String(), undo: u,
		note:   fmt.Sprintf("%d/%d/%d:%d/%d/%d", u.Was.Min, u.Was.Desired, u.Was.Max, u.Made.Min, u.Made.Desired, u.Made.Max),
		effect: fmt.Sprintf("set the Auto Scaling group %s from %s (desired %d) to %s (desired %d)", u.Group, u.Was, u.Was.Desired, u.Made, u.Made.Desired),
		byHand: fmt.Sprintf("aws autoscaling update-auto-scaling-group --auto-scaling-group-name %s --min-size %d --max-size %d --desired-capacity %d", u.Group, u.Was.Min, u.Was.Max, u.Was.Desired),
	}
}

func lookClamp(ctx context.Context, s *site, _ mark, u clamped) (view, error) {
	g, err := groupByName(ctx, s, u.Group)
	if err != nil {
		return view{}, err
	}
	if g == nil {
		return is(gone, "the group does not exist any more"), nil
	}
	return now("%s", sizesOf(g)), nil
}
