package aws

import (
	"context"
	"fmt"
	"slices"
	"strings"

	awssdk "github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/autoscaling"
	"github.com/aws/aws-sdk-go-v2/service/autoscaling/types"

	"github.com/gameday-toolkit/gameday/plugins/sdk"
)

// removed is one group that has left a zone: the places that it has given up, and all that it had. Places are subnets, or zones where the
// group has no subnets. When every process of ours dies at once the group stays out of the zone until gameday recover or sweep.
type removed struct {
	Group  string   `json:"group"`
	Places []string `json:"places"`
	// All is empty where only the mark is known.
	All []string `json:"all,omitempty"`
}

func scalingZoneRemoved() part {
	return newPart(kind[removed]{
		name: "aws_scaling_zone_removed", shelf: scalingShelf(),
		about: "arn:{partition}:autoscaling:{region}:{account}:autoScalingGroup:*:autoScalingGroupName/*", of: "aws_auto_scaling_group",
		attributes: []sdk.Attribute{
			{Name: "zone", Type: sdk.String, Doc: "The zone that the groups leave, by name or ID. Not needed where the target is a zone."},
		},
		needs: append(reading("ec2:DescribeAvailabilityZones", "ec2:DescribeSubnets"), changing([]string{"{arn}"}, "autoscaling:UpdateAutoScalingGroup")...),
		plan:  planRemove, look: lookRemove,
		inject: func(ctx context.Context, s *site, _ mark, u removed) error {
			return u.move(ctx, s, func(have []string) []string {
				return slices.DeleteFunc(have, func(p string) bool { return slices.Contains(u.Places, p) })
			})
		},
		revert: func(ctx context.Context, s *site, _ mark, u removed) error {
			return u.move(ctx, s, func(have []string) []string {
				if len(u.All) > 0 { // nobody else has changed it, or this would be a conflict: in the order that it had
					return u.All
				}
				return slices.Compact(slices.Sorted(slices.Values(append(have, u.Places...))))
			})
		},
		remember: func(arn, note string) (item[removed], bool) {
			u := removed{Group: groupName(arn), Places: strings.Split(note, ":")}
			return removeItem(u, arn), note != ""
		},
	})
}

// places are where a group may start instances, and whether they are subnets.
func places(g *types.AutoScalingGroup) (all []string, subnets bool) {
	if list := awssdk.ToString(g.VPCZoneIdentifier); list != "" {
		return strings.Split(list, ","), true
	}
	return g.AvailabilityZones, false
}

func planRemove(ctx context.Context, s *site, a ask) ([]item[removed], []sdk.Problem, error) {
	var c struct {
		Zone string `json:"zone"`
	}
	if err := a.decode(&c); err != nil {
		return nil, nil, err
	}
	zone := a.target.Name
	if a.target.Type != "aws_zone" {
		zone = c.Zone
	}
	if zone == "" {
		return nil, []sdk.Problem{problem("zone", "The zone that the group leaves is not given", "Set zone, or give the fault an aws_zone as its target.")}, nil
	}
	inZone, err := placesIn(ctx, s, zone)
	if err != nil {
		return nil, nil, err
	}
	all, err := a.among(ctx, s, "aws_auto_scaling_group", listGroups)
	if err != nil {
		return nil, nil, err
	}
	var out []item[removed]
	var problems []sdk.Problem
	for _, r := range all {
		g, err := groupByName(ctx, s, r.id)
		if err != nil || g == nil {
			return nil, nil, err
		}
		u := removed{Group: r.id}
		u.All, _ = places(g)
		for _, p := range u.All {
			if slices.Contains(inZone, p) {
				u.Places = append(u.Places, p)
			}
		}
		switch {
		case len(u.Places) == 0:
			problems = append(problems, warning("targets", fmt.Sprintf("%s is not in %s", r.name, zone), "It is left as it is."))
		case len(u.Places) == len(u.All):
			problems = append(problems, warning("targets", fmt.Sprintf("%s is only in %s, and a group has to be somewhere", r.name, zone), "It is left as it is."))
		default:
			out = append(out, removeItem(u, r.arn))
			problems = append(problems, loseInstances(g, zone, inZone)...)
		}
	}
	return out, problems, nil
}

// loseInstances says what the group will do by itself.
func loseInstances(g *types.AutoScalingGroup, zone string, inZone []string) []sdk.Problem {
	n := 0
	for _, i := range g.Instances {
		if slices.Contains(inZone, awssdk.ToString(i.AvailabilityZone)) {
			n++
		}
	}
	if n == 0 {
		return nil
	}
	return []sdk.Problem{warning("targets", fmt.Sprintf("%s will replace its %d instances in %s by others elsewhere", awssdk.ToString(g.AutoScalingGroupName), n, zone),
		"They are terminated and do not come back; when the fault is undone, the group balances itself again.")}
}

// placesIn are a zone's name, and its subnets.
func placesIn(ctx context.Context, s *site, zone string) ([]string, error) {
	nets, err := listSubnets(ctx, s)
	if err != nil {
		return nil, err
	}
	zones, err := zoneIDs(ctx, s)
	if err != nil {
		return nil, err
	}
	var out []string
	for name, id := range zones {
		if zone == name || zone == id {
			out = append(out, name)
		}
	}
	for _, n := range nets {
		if slices.Contains(n.zones, zone) || len(out) > 0 && slices.Contains(n.zones, out[0]) {
			out = append(out, n.id)
		}
	}
	return out, nil
}

func removeItem(u removed, arn string) item[removed] {
	gives := strings.Join(u.Places, ", ")
	return item[removed]{
		arn: arn, name: u.Group, before: "with " + gives, made: "without " + gives, note: strings.Join(u.Places, ":"), undo: u,
		effect: fmt.Sprintf("take %s away from the Auto Scaling group %s", gives, u.Group),
		byHand: fmt.Sprintf("aws autoscaling update-auto-scaling-group --auto-scaling-group-name %s with --vpc-zone-identifier or --availability-zones: what it has now, and %s", u.Group, gives),
	}
}

func lookRemove(ctx context.Context, s *site, _ mark, u removed) (view, error) {
	g, err := groupByName(ctx, s, u.Group)
	if err != nil {
		return view{}, err
	}
	if g == nil {
		return is(gone, "the group does not exist any more"), nil
	}
	have, _ := places(g)
	has := func(p string) bool { return slices.Contains(have, p) }
	text := "in " + strings.Join(have, ", ")
	kept := 0
	for _, p := range u.All {
		if !slices.Contains(u.Places, p) && has(p) {
			kept++
		}
	}
	here := 0
	for _, p := range u.Places {
		if has(p) {
			here++
		}
	}
	switch {
	case len(u.All) > 0 && (kept != len(u.All)-len(u.Places) || len(have) != kept+here):
		return is(other, "%s", text), nil
	case here == len(u.Places):
		return is(before, "%s", text), nil
	case here == 0:
		return is(ours, "%s", text), nil
	}
	return is(other, "%s", text), nil
}

// move changes where the group may start instances.
func (u removed) move(ctx context.Context, s *site, to func([]string) []string) error {
	g, err := groupByName(ctx, s, u.Group)
	if err != nil || g == nil {
		return err
	}
	have, subnets := places(g)
	in := &autoscaling.UpdateAutoScalingGroupInput{AutoScalingGroupName: new(u.Group)}
	if want := to(slices.Clone(have)); subnets {
		in.VPCZoneIdentifier = new(strings.Join(want, ","))
	} else {
		in.AvailabilityZones = want
	}
	_, err = s.autoscaling().UpdateAutoScalingGroup(ctx, in)
	return err
}
