package lab_test

import (
	"context"
	"encoding/json"
	"testing"
	"time"

	"github.com/gameday-toolkit/gameday/plugins/lab"
	"github.com/gameday-toolkit/gameday/plugins/sdk"
	"github.com/gameday-toolkit/gameday/plugins/sdk/conformance"
)

// TestConformance runs the SDK's suite over every fault.
func TestConformance(t *testing.T) {
	b := up(t)
	request := func(kind, name, config string) func(context.Context) (sdk.Request, error) {
		return func(context.Context) (sdk.Request, error) {
			return sdk.Request{Config: json.RawMessage(config), Targets: b.targets(kind, name)}, nil
		}
	}
	config, _ := json.Marshal(map[string]string{"dir": b.dir})
	conformance.Run(t, conformance.Subject{
		New: lab.New, Config: config,
		Targets: []conformance.TargetCase{
			{Type: "lab_zone", Config: json.RawMessage(`{"region":"east"}`), Names: []string{"east-a", "east-b", "east-c"}},
			{Type: "lab_region", Names: []string{"east", "west"}},
			{Type: "lab_link", Names: []string{"east-west"}},
		},
		Faults: []conformance.Case{
			{
				Fault: "lab_dns_failure", Exclusive: true,
				Setup: request("lab_service", "west.shop.lab.test", `{"mode":"servfail"}`),
				Look: func(context.Context, sdk.Handle) (bool, error) {
					_, err := b.lookup("west.shop.lab.test")
					return err != nil, nil
				},
			},
			{
				Fault: "lab_quota_exhaustion", Exclusive: true,
				Setup: request("lab_region", "west", `{"headroom":0}`),
				Look: func(context.Context, sdk.Handle) (bool, error) {
					return b.status().Regions["west"].Quota.Limit == 3, nil
				},
			},
			{
				Fault: "lab_latency", Exclusive: true,
				Setup: request("lab_zone", "west-b", `{"delay":"200ms"}`),
				Look: func(ctx context.Context, _ sdk.Handle) (bool, error) {
					began := time.Now()
					err := ready(ctx, b.lab().Front("west-b"), 5*time.Second)
					return time.Since(began) > 200*time.Millisecond, err
				},
			},
			{
				Fault: "lab_zone_outage", Exclusive: true,
				Setup: request("lab_zone", "west-a", `{"mode":"freeze"}`),
				Look: func(context.Context, sdk.Handle) (bool, error) {
					return b.processes().Children["west-a"].Stopped(), nil
				},
			},
			{
				Fault: "lab_zone_isolation", Exclusive: true,
				Setup: request("lab_zone", "west-c", `{"mode":"refuse"}`),
				Look: func(ctx context.Context, _ sdk.Handle) (bool, error) {
					return ready(ctx, b.lab().Front("west-c"), 5*time.Second) != nil, nil
				},
			},
			{
				Fault: "lab_link_latency", Exclusive: true,
				Setup: request("lab_link", "east-west", `{"delay":"100ms"}`),
				Look: func(context.Context, sdk.Handle) (bool, error) {
					return b.status().Links["leaf:west-a:east-a"].Delay == 140*time.Millisecond, nil
				},
			},
			{
				Fault: "lab_region_outage", Exclusive: true,
				Setup: request("lab_region", "west", `{"mode":"freeze","cut_link":false}`),
				Look: func(context.Context, sdk.Handle) (bool, error) {
					return b.processes().Children["west-edge"].Stopped() && b.processes().Children["west-b"].Stopped(), nil
				},
			},
		},
	})
}
