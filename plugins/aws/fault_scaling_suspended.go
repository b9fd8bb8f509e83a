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

// suspended is one group, and those of its processes that ran before. Auto Scaling has no clock for that: when every process of ours
// dies at once they stay suspended until gameday recover, gameday sweep, or a resume by hand.
type suspended struct {
	Group     string   `json:"group"`
	Processes []string `json:"processes"`
}

// everyProcess is what a group does by itself. A mark names a process by its place here, so the order stays.
func everyProcess() []string {
	return []string{"Launch", "Terminate", "AddToLoadBalancer", "AlarmNotification", "AZRebalance", "HealthCheck", "InstanceRefresh", "ReplaceUnhealthy", "ScheduledActions"}
}

func scalingSuspended() part {
	return newPart(kind[suspended]{
		name: "aws_scaling_suspended", shelf: scalingShelf(), guards: true, // a group that is resumed terminates what is still stopped
		about: "arn:{partition}:autoscaling:{region}:{account}:autoScalingGroup:*:autoScalingGroupName/*", of: "aws_auto_scaling_group",
		attributes: []sdk.Attribute{
			{Name: "processes", Type: sdk.StringList, Doc: "Which processes: " + strings.Join(everyProcess(), ", ") + ". By default all of them."},
		},
		needs: append(reading("ec2:DescribeAvailabilityZones", "ec2:DescribeSubnets"), changing([]string{"{arn}"}, "autoscaling:SuspendProcesses", "autoscaling:ResumeProcesses")...),
		plan:  planSuspend, look: lookSuspend,
		inject: func(ctx context.Context, s *site, _ mark, u suspended) error {
			_, err := s.autoscaling().SuspendProcesses(ctx, &autoscaling.SuspendProcessesInput{AutoScalingGroupName: new(u.Group), ScalingProcesses: u.Processes})
			return err
		},
		revert: func(ctx context.Context, s *site, _ mark, u suspended) error {
			_, err := s.autoscaling().ResumeProcesses(ctx, &autoscaling.ResumeProcessesInput{AutoScalingGroupName: new(u.Group), ScalingProcesses: u.Processes})
			return err
		},
		remember: rememberSuspend,
	})
}

func planSuspend(ctx context.Context, s *site, a ask) ([]item[suspended], []sdk.Problem, error) {
	var c struct {
		Processes []string `json:"processes"`
	}
	if err := a.decode(&c); err != nil {
		return nil, nil, err
	}
	for i, p := range c.Processes {
		if !slices.Contains(everyProcess(), p) {
			return nil, []sdk.Problem{problem(fmt.Sprintf("processes.%d", i), fmt.Sprintf("A group has no process %q", p), "It has "+strings.Join(everyProcess(), ", ")+".")}, nil
		}
	}
	if len(c.Processes) == 0 {
		c.Processes = everyProcess()
	}
	all, err := a.among(ctx, s, "aws_auto_scaling_group", listGroups)
	if err != nil {
		return nil, nil, err
	}
	var out []item[suspended]
	var problems []sdk.Problem
	for _, r := range all {
		g, err := groupByName(ctx, s, r.id)
		if err != nil || g == nil {
			return nil, nil, err
		}
		u := suspended{Group: r.id}
		for _, p := range c.Processes {
			if !suspends(g, p) {
				u.Processes = append(u.Processes, p)
			}
		}
		if len(u.Processes) == 0 {
			problems = append(problems, warning("targets", r.name+" has all these processes suspended already", "It is left as it is."))
			continue
		}
		out = append(out, suspendItem(u, r.arn))
	}
	return out, problems, nil
}

func suspends(g *types.AutoScalingGroup, process string) bool {
	return slices.ContainsFunc(g.SuspendedProcesses, func(p types.SuspendedProcess) bool { return awssdk.ToString(p.ProcessName) == process })
}

func suspendItem(u suspended, arn string) item[suspended] {
	all := strings.Join(u.Processes, ", ")
	var note string
	for _, p := range u.Processes {
		note += fmt.Sprint(slices.Index(everyProcess(), p))
	}
	return item[suspended]{
		arn: arn, name: u.Group, before: "running " + all, made: "suspending " + all, note: note, undo: u,
		effect: fmt.Sprintf("suspend %s of the Auto Scaling group %s", all, u.Group),
		byHand: fmt.Sprintf("aws autoscaling resume-processes --auto-scaling-group-name %s --scaling-processes %s", u.Group, strings.Join(u.Processes, " ")),
	}
}

func rememberSuspend(arn, note string) (item[suspended], bool) {
	u := suspended{Group: groupName(arn)}
	for _, digit := range note {
		n := int(digit - '0')
		if n < 0 || n >= len(everyProcess()) {
			return item[suspended]{}, false
		}
		u.Processes = append(u.Processes, everyProcess()[n])
	}
	return suspendItem(u, arn), len(u.Processes) > 0
}

// lookSuspend takes a group of which somebody has resumed a part for one that is still held: the rest is ours to resume.
func lookSuspend(ctx context.Context, s *site, _ mark, u suspended) (view, error) {
	g, err := groupByName(ctx, s, u.Group)
	if err != nil {
		return view{}, err
	}
	if g == nil {
		return is(gone, "the group does not exist any more"), nil
	}
	var still []string
	for _, p := range u.Processes {
		if suspends(g, p) {
			still = append(still, p)
		}
	}
	switch {
	case len(still) == 0:
		return is(before, "running %s", strings.Join(u.Processes, ", ")), nil
	case len(still) < len(u.Processes):
		return is(partly, "suspending only %s", strings.Join(still, ", ")), nil
	}
	return is(ours, "suspending %s", strings.Join(still, ", ")), nil
}
