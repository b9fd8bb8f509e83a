package aws_test

import (
	"context"
	"encoding/json"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
	"github.com/stretchr/testify/require"

	"github.com/gameday-toolkit/gameday/plugins/aws/internal/awsfake"
	"github.com/gameday-toolkit/gameday/plugins/sdk"
	"github.com/gameday-toolkit/gameday/plugins/sdk/conformance"
)

func TestInstanceStopConforms(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	conform(t, w, conformance.Case{
		Fault: "aws_instance_stop",
		Setup: func(ctx context.Context) (sdk.Request, error) {
			_, subnet, err := w.network(ctx, w.zone("a"))
			if err != nil {
				return sdk.Request{}, err
			}
			var targets []sdk.Target
			for range 2 {
				id, err := w.instance(ctx, subnet)
				if err != nil {
					return sdk.Request{}, err
				}
				targets = append(targets, w.instanceTarget(id))
			}
			return sdk.Request{Targets: targets}, nil
		},
		Look: func(ctx context.Context, h sdk.Handle) (bool, error) {
			for _, t := range h.Targets {
				if got, err := w.state(ctx, t.Name); err != nil || got == "running" {
					return false, err
				}
			}
			return true, nil
		},
		Snapshot: w.instanceShot,
	})
}

// instanceShot is what instances look like, tags and all.
func (w *world) instanceShot(ctx context.Context, req sdk.Request) (string, error) {
	var out []string
	for _, t := range req.Targets {
		state, err := w.state(ctx, t.Name)
		if err != nil {
			return "", err
		}
		tags, err := w.ec2Tags(ctx, t.Name)
		if err != nil {
			return "", err
		}
		out = append(out, t.Name, state, tags)
	}
	b, err := json.Marshal(out)
	return string(b), err
}

func TestInstanceStopSaysWhatItWillLose(t *testing.T) {
	t.Parallel()
	w := fakeOnly(t)
	_, subnet, err := w.network(t.Context(), w.zone("a"))
	require.NoError(t, err)
	plain, err := w.instance(t.Context(), subnet)
	require.NoError(t, err)
	disks, err := w.instance(t.Context(), subnet, func(in *ec2.RunInstancesInput) { in.InstanceType = types.InstanceTypeM5dLarge })
	require.NoError(t, err)
	spot, err := w.instance(t.Context(), subnet, func(in *ec2.RunInstancesInput) {
		in.InstanceMarketOptions = &types.InstanceMarketOptionsRequest{MarketType: types.MarketTypeSpot}
	})
	require.NoError(t, err)
	rootless, err := w.instance(t.Context(), subnet, func(in *ec2.RunInstancesInput) { in.ImageId = new(awsfake.ImageInstanceStore) })
	require.NoError(t, err)
	l := w.plugin(t, nil)
	zone := resolve(t, l, "aws_zone", `{"names":["us-east-1a"]}`)

	h, problems := prepare(t, l, "aws_instance_stop", "", zone...)
	require.False(t, sdk.HasErrors(problems))
	var said string
	for _, p := range problems {
		said += p.Summary + "\n"
	}
	require.Contains(t, said, disks)
	require.Contains(t, said, "instance store volumes")
	require.Contains(t, said, spot)
	require.Contains(t, said, "Spot")
	require.Contains(t, said, rootless)

	require.NoError(t, l.Inject(t.Context(), h))
	w.requireState(t, plain, "stopped")
	w.requireState(t, disks, "stopped")
	w.requireState(t, spot, "running")
	w.requireState(t, rootless, "running")
	require.NoError(t, l.Revert(t.Context(), h))
	w.requireState(t, plain, "running")
	w.requireNothingLeft(t)
}
