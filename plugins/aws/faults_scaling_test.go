package aws_test

import (
	"context"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/autoscaling"
	astypes "github.com/aws/aws-sdk-go-v2/service/autoscaling/types"
	"github.com/stretchr/testify/require"

	"github.com/gameday-toolkit/gameday/plugins/sdk"
	"github.com/gameday-toolkit/gameday/plugins/sdk/conformance"
)

// onGroups is a case of conformance on an Auto Scaling group in two zones.
func (w *world) onGroups(fault, config string, there func(astypes.AutoScalingGroup) bool) conformance.Case {
	return conformance.Case{
		Fault: fault,
		Setup: func(ctx context.Context) (sdk.Request, error) {
			_, subnets, err := w.twoZones(ctx)
			if err != nil {
				return sdk.Request{}, err
			}
			g, err := w.group(ctx, 1, 2, 4, subnets...)
			if err != nil {
				return sdk.Request{}, err
			}
			_, err = w.autoscaling().SuspendProcesses(ctx, &autoscaling.SuspendProcessesInput{
				AutoScalingGroupName: g.AutoScalingGroupName, ScalingProcesses: []string{"ScheduledActions"},
			})
			return sdk.Request{Config: []byte(config), Targets: []sdk.Target{w.groupTarget(g)}}, err
		},
		Look: func(ctx context.Context, h sdk.Handle) (bool, error) {
			for _, t := range h.Targets {
				if g, err := w.groupNow(ctx, t.Name); err != nil || !there(g) {
					return false, err
				}
			}
			return true, nil
		},
		Snapshot: w.groupsShot,
	}
}

func TestScalingSuspendedConforms(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	conform(t, w, w.onGroups("aws_scaling_suspended", `{"processes":["Launch","Terminate"]}`, func(g astypes.AutoScalingGroup) bool {
		return slices.Contains(suspendedNow(g), "Launch")
	}))
}

func TestScalingZoneRemovedConforms(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	conform(t, w, w.onGroups("aws_scaling_zone_removed", `{"zone":"`+w.zone("a")+`"}`, func(g astypes.AutoScalingGroup) bool {
		return !strings.Contains(*g.VPCZoneIdentifier, ",")
	}))
}

func TestScalingMaxConforms(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	conform(t, w, w.onGroups("aws_scaling_max", `{"max_size":1}`, func(g astypes.AutoScalingGroup) bool { return *g.MaxSize == 1 }))
}

func TestOnlyWhatRanIsResumed(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	_, subnets, err := w.twoZones(t.Context())
	require.NoError(t, err)
	g := w.requireGroup(t, t.Context(), 1, 1, 2, subnets...)
	_, err = w.autoscaling().SuspendProcesses(t.Context(), &autoscaling.SuspendProcessesInput{
		AutoScalingGroupName: g.AutoScalingGroupName, ScalingProcesses: []string{"AZRebalance", "Launch"},
	})
	w.skipUnimplemented(t, err)
	require.NoError(t, err)
	l := w.plugin(t, nil)
	h := injected(t, l, "aws_scaling_suspended", "", w.groupTarget(g))
	now, err := w.groupNow(t.Context(), *g.AutoScalingGroupName)
	require.NoError(t, err)
	require.Len(t, suspendedNow(now), 9)
	require.NoError(t, l.Revert(t.Context(), h))
	now, err = w.groupNow(t.Context(), *g.AutoScalingGroupName)
	require.NoError(t, err)
	require.Equal(t, []string{"AZRebalance", "Launch"}, suspendedNow(now))
}

func TestSizesThatSomebodyElseSetAreLeftAlone(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	_, subnets, err := w.twoZones(t.Context())
	require.NoError(t, err)
	g := w.requireGroup(t, t.Context(), 1, 2, 4, subnets...)
	l := w.plugin(t, nil)
	h := injected(t, l, "aws_scaling_max", "", w.groupTarget(g))
	_, err = w.autoscaling().UpdateAutoScalingGroup(t.Context(), &autoscaling.UpdateAutoScalingGroupInput{AutoScalingGroupName: g.AutoScalingGroupName, MaxSize: new(int32(7))})
	require.NoError(t, err)

	err = l.Revert(t.Context(), h)
	require.ErrorContains(t, err, "conflict")
	require.ErrorContains(t, err, *g.AutoScalingGroupARN)
	for _, said := range []string{"min 1, max 7", "min 1, max 2", "min 1, max 4"} {
		require.ErrorContains(t, err, said, "what it is now, what the fault made of it, and what it was")
	}
	now, err := w.groupNow(t.Context(), *g.AutoScalingGroupName)
	require.NoError(t, err)
	require.EqualValues(t, 7, *now.MaxSize)

	_, err = w.autoscaling().UpdateAutoScalingGroup(t.Context(), &autoscaling.UpdateAutoScalingGroupInput{AutoScalingGroupName: g.AutoScalingGroupName, MaxSize: new(int32(4))})
	require.NoError(t, err)
	require.NoError(t, l.Revert(t.Context(), h))
	requireStatus(t, l, h, sdk.Inactive)
	w.requireNothingLeft(t)
}
