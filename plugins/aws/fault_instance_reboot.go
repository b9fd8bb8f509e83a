package aws

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"github.com/gameday-toolkit/gameday/plugins/sdk"
)

// rebooted is one instance that is started again. Nothing can undo that, so reverting means to wait until AWS's own checks of
// the instance pass, and to fail by name if they do not. When every process of ours dies at once nothing changes: only the mark stays.
type rebooted struct {
	ID          string   `json:"id"`
	ReadyWithin sdk.Span `json:"ready_within"`
}

func instanceReboot() part {
	return newPart(kind[rebooted]{
		name: "aws_instance_reboot", shelf: ec2Shelf(), slow: 2 * time.Minute, once: true,
		about: "arn:{partition}:ec2:{region}:{account}:instance/*", of: "aws_instance",
		attributes: []sdk.Attribute{
			{Name: "ready_within", Type: sdk.Duration, Default: "10m", Doc: "How long the status checks of a rebooted instance may take to pass, once the fault is to be undone."},
		},
		needs: append(reading("ec2:DescribeInstances", "ec2:DescribeInstanceStatus", "ec2:DescribeAvailabilityZones"), changing([]string{"{arn}"}, "ec2:RebootInstances")...),
		plan:  planReboot, look: lookReboot, revert: awaitHealth,
		tryOut: func(ctx context.Context, s *site, u rebooted) error {
			_, err := s.ec2().RebootInstances(ctx, &ec2.RebootInstancesInput{InstanceIds: []string{u.ID}, DryRun: new(true)})
			return err
		},
		inject: func(ctx context.Context, s *site, _ mark, u rebooted) error {
			_, err := s.ec2().RebootInstances(ctx, &ec2.RebootInstancesInput{InstanceIds: []string{u.ID}})
			return err
		},
		remember: func(arn, _ string) (item[rebooted], bool) {
			return rebootItem(rebooted{resourceOf(arn), sdk.Span(10 * time.Minute)}, arn, resourceOf(arn)), true
		},
	})
}

func planReboot(ctx context.Context, s *site, a ask) ([]item[rebooted], []sdk.Problem, error) {
	c := struct {
		ReadyWithin sdk.Span `json:"ready_within"`
	}{sdk.Span(10 * time.Minute)}
	if err := a.decode(&c); err != nil {
		return nil, nil, err
	}
	all, err := a.among(ctx, s, "aws_instance", listInstances)
	if err != nil {
		return nil, nil, err
	}
	now, err := instancesByID(ctx, s, all)
	if err != nil {
		return nil, nil, err
	}
	var out []item[rebooted]
	var problems []sdk.Problem
	for _, r := range all {
		if i := now[r.id]; i.State == nil || i.State.Name != types.InstanceStateNameRunning {
			problems = append(problems, warning("targets", r.name+" does not run", "It is left as it is."))
			continue
		}
		out = append(out, rebootItem(rebooted{r.id, c.ReadyWithin}, r.arn, r.name))
	}
	return out, problems, nil
}

func rebootItem(u rebooted, arn, name string) item[rebooted] {
	return item[rebooted]{
		arn: arn, name: name, before: "running", made: "rebooted by this fault", note: "reboot", undo: u,
		effect: "reboot the instance " + name, byHand: fmt.Sprintf("nothing undoes a reboot; check it: aws ec2 describe-instance-status --instance-ids %s", u.ID),
	}
}

// lookReboot goes by the mark: a reboot leaves an instance running as before.
func lookReboot(ctx context.Context, s *site, m mark, u rebooted) (view, error) {
	i, err := instance(ctx, s, u.ID)
	switch {
	case missing(err):
		return is(gone, "AWS does not know it any more"), nil
	case err != nil:
		return view{}, err
	case dead(i):
		return is(gone, "it was terminated meanwhile"), nil
	case m.Held:
		return is(ours, "rebooted by this fault and %s", i.State.Name), nil
	}
	return is(before, "%s and not marked by this fault", i.State.Name), nil
}

var errUnwell = errors.New("the instance does not pass its status checks after the reboot: see to it by hand")

// awaitHealth waits for both of AWS's checks.
func awaitHealth(ctx context.Context, s *site, _ mark, u rebooted) error {
	ctx, cancel := context.WithTimeoutCause(ctx, time.Duration(u.ReadyWithin), errUnwell)
	defer cancel()
	return poll(ctx, time.Duration(u.ReadyWithin)+time.Minute, u.ID+" to pass its status checks", func(ctx context.Context) (bool, error) {
		out, err := s.ec2().DescribeInstanceStatus(ctx, &ec2.DescribeInstanceStatusInput{InstanceIds: []string{u.ID}})
		if err != nil || len(out.InstanceStatuses) == 0 {
			return false, err
		}
		one := out.InstanceStatuses[0]
		ok := func(s *types.InstanceStatusSummary) bool { return s != nil && s.Status == types.SummaryStatusOk }
		return ok(one.InstanceStatus) && ok(one.SystemStatus), nil
	})
}
