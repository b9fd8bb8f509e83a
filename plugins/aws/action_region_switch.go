package aws

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	awssdk "github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/arcregionswitch"
	"github.com/aws/aws-sdk-go-v2/service/arcregionswitch/types"

	"github.com/gameday-toolkit/gameday/plugins/sdk"
)

// switching is what the block says.
type switching struct {
	Plan   string `json:"plan"`
	Region string `json:"target_region"`
	Action string `json:"action"`
	Mode   string `json:"mode"`
}

func regionSwitch() step {
	plan := []string{"arn:{partition}:arc-region-switch::{account}:plan/*"}
	return step{
		name: "aws_region_switch",
		doc: "Carries out a plan of ARC Region switch and returns when it is completed. It is asked in the region that it activates, which needs nothing of another one. " +
			"A plan that waits for an approval, or for somebody to deal with a failed step, is waited for until the action's timeout. Undo it with the same plan and the other region.",
		attributes: []sdk.Attribute{
			{Name: "plan", Type: sdk.String, Required: true, Doc: "The ARN of the plan."},
			{Name: "target_region", Type: sdk.String, Required: true, Doc: "The region to shift traffic to, or with action deactivate from."},
			{Name: "action", Type: sdk.String, Default: "activate", OneOf: []string{"activate", "deactivate"}, Doc: "What is done with the target region."},
			{Name: "mode", Type: sdk.String, Default: "graceful", OneOf: []string{"graceful", "ungraceful"}, Doc: "ungraceful leaves out what the plan says can be left out in an emergency."},
		},
		needs: changing(plan, "arc-region-switch:GetPlan", "arc-region-switch:GetPlanInRegion", "arc-region-switch:StartPlanExecution", "arc-region-switch:GetPlanExecution"),
		check: checkSwitch, run: runSwitch,
	}
}

// regionSwitcher is the service in the region where the plan is carried out.
func (c switching) regionSwitcher(ctx context.Context, s *site) (*arcregionswitch.Client, error) {
	there, err := s.site(ctx, c.Region)
	if err != nil {
		return nil, err
	}
	return arcregionswitch.NewFromConfig(there.cfg), nil
}

func checkSwitch(ctx context.Context, s *site, req sdk.Request) ([]sdk.Problem, error) {
	var c switching
	if err := req.Decode(&c); err != nil {
		return nil, err
	}
	client, err := c.regionSwitcher(ctx, s)
	if err != nil {
		return nil, err
	}
	got, err := client.GetPlanInRegion(ctx, &arcregionswitch.GetPlanInRegionInput{Arn: new(c.Plan)})
	if missing(err) {
		return []sdk.Problem{problem("plan", fmt.Sprintf("Region switch does not know the plan %s in %s", c.Plan, c.Region), "See aws arc-region-switch list-plans.")}, nil
	}
	if err != nil {
		return nil, fmt.Errorf("reading the plan %s: %w", c.Plan, err)
	}
	if !slices.Contains(got.Plan.Regions, c.Region) {
		return []sdk.Problem{problem("target_region", fmt.Sprintf("The plan %s is not about %s", awssdk.ToString(got.Plan.Name), c.Region), "It is about "+strings.Join(got.Plan.Regions, ", ")+".")}, nil
	}
	return nil, nil
}

func runSwitch(ctx context.Context, s *site, req sdk.Request) (string, error) {
	c := switching{Action: "activate", Mode: "graceful"}
	if err := req.Decode(&c); err != nil {
		return "", err
	}
	client, err := c.regionSwitcher(ctx, s)
	if err != nil {
		return "", err
	}
	began := time.Now()
	started, err := client.StartPlanExecution(ctx, &arcregionswitch.StartPlanExecutionInput{
		PlanArn: new(c.Plan), TargetRegion: new(c.Region), Action: types.ExecutionAction(c.Action), Mode: types.ExecutionMode(c.Mode), LatestVersion: new("true"),
		Comment: new(strings.TrimSpace("gameday " + req.Run + " " + req.ID)),
	})
	if err != nil {
		return "", fmt.Errorf("starting the plan %s: %w", c.Plan, err)
	}
	last, err := c.follow(ctx, client, awssdk.ToString(started.ExecutionId))
	if err != nil {
		return "", fmt.Errorf("the execution %s of the plan %s: %w", awssdk.ToString(started.ExecutionId), c.Plan, err)
	}
	return fmt.Sprintf("%s %s: the execution %s of the plan is %s, after %v", c.Action, c.Region, awssdk.ToString(started.ExecutionId), last, time.Since(began).Round(time.Second)), nil
}

// follow waits for the end of an execution. It is left to go on when time is out: a plan that is half done is worse.
func (c switching) follow(ctx context.Context, client *arcregionswitch.Client, id string) (state types.ExecutionState, err error) {
	err = poll(ctx, 24*time.Hour, "the plan to be completed", func(ctx context.Context) (bool, error) {
		got, err := client.GetPlanExecution(ctx, &arcregionswitch.GetPlanExecutionInput{PlanArn: new(c.Plan), ExecutionId: new(id)})
		if err != nil {
			return false, err
		}
		state = got.ExecutionState
		switch state {
		case types.ExecutionStateFailed, types.ExecutionStateCancelled, types.ExecutionStatePlanExecutionTimedOut:
			return false, fmt.Errorf("it ended as %s%s", state, failedSteps(got.StepStates))
		case types.ExecutionStateCompleted, types.ExecutionStateCompletedWithExceptions, types.ExecutionStateCompletedMonitoringApplicationHealth:
			return true, nil
		}
		return false, nil
	})
	if err != nil && ctx.Err() != nil {
		err = fmt.Errorf("%w (it is %s, and goes on: see aws arc-region-switch get-plan-execution)", err, state)
	}
	return state, err
}

// failedSteps names the steps that did not work.
func failedSteps(states []types.StepState) string {
	var out []string
	for _, st := range states {
		if st.Status == types.StepStatusFailed {
			out = append(out, awssdk.ToString(st.Name))
		}
	}
	if len(out) == 0 {
		return ""
	}
	return ": " + strings.Join(out, ", ") + " failed"
}
