package aws_test

import (
	"encoding/json"
	"fmt"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/route53/types"
	"github.com/stretchr/testify/require"

	"github.com/gameday-toolkit/gameday/plugins/aws/internal/awsfake"
	"github.com/gameday-toolkit/gameday/plugins/sdk"
)

func action(name, config string) sdk.Request {
	return sdk.Request{Run: "run-1", ID: "action." + name + ".x", Config: json.RawMessage(config)}
}

// checked is what the plan says of an action.
func checked(t *testing.T, l *sdk.Local, name, config string) []sdk.Problem {
	t.Helper()
	problems, err := l.Check(t.Context(), name, action(name, config))
	require.NoError(t, err)
	return problems
}

// ran is an action that is planned and carried out.
func ran(t *testing.T, l *sdk.Local, name, config string) string {
	t.Helper()
	require.Empty(t, checked(t, l, name, config))
	said, err := l.Run(t.Context(), name, action(name, config))
	require.NoError(t, err)
	return said
}

func TestWeightsAreShiftedThereAndBack(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	h := zoneOfShop(t, w)
	was, err := h.shot(t.Context())
	require.NoError(t, err)
	l := w.plugin(t, nil)
	config := func(east, west int) string {
		return fmt.Sprintf(`{"zone":%q,"name":"shop.%s","weights":{"east":"%d","west":"%d"}}`, h.id, h.name, east, west)
	}
	require.Contains(t, ran(t, l, "aws_route53_weights", config(0, 100)), "east: weight 0 (it was weight 100), west: weight 100 (it was weight 0)")
	sets, err := h.sets(t.Context())
	require.NoError(t, err)
	for _, set := range sets {
		if set.SetIdentifier != nil {
			require.EqualValues(t, map[string]int64{"east": 0, "west": 100}[*set.SetIdentifier], *set.Weight)
		}
	}
	require.Contains(t, ran(t, l, "aws_route53_weights", config(0, 100)), "was so already")
	ran(t, l, "aws_route53_weights", config(100, 0))
	is, err := h.shot(t.Context())
	require.NoError(t, err)
	require.Equal(t, was, is)

	for config, path := range map[string]string{
		fmt.Sprintf(`{"zone":%q,"name":"shop.%s"}`, h.id, h.name):                                "weights",
		fmt.Sprintf(`{"zone":%q,"name":"shop.%s","weights":{"north":"1"}}`, h.id, h.name):        "north",
		fmt.Sprintf(`{"zone":%q,"name":"shop.%s","weights":{"east":"300"}}`, h.id, h.name):       "east",
		fmt.Sprintf(`{"zone":%q,"name":"shop.%s","primary":"east"}`, h.id, h.name):               "primary",
		fmt.Sprintf(`{"zone":"nobody.example","name":"shop.%s","weights":{"east":"0"}}`, h.name): "zone",
	} {
		problems := checked(t, l, "aws_route53_weights", config)
		require.NotEmpty(t, problems, config)
		require.Equal(t, path, problems[0].Path[len(problems[0].Path)-1], config)
	}
}

func TestFailoverRecordsAreSwapped(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	h, err := w.hostedZone(t.Context())
	w.skipUnimplemented(t, err)
	require.NoError(t, err)
	check, err := w.healthCheck(t.Context())
	require.NoError(t, err)
	for i, id := range []string{"east", "west"} {
		set := h.record("api", types.RRTypeA, 30, fmt.Sprintf("192.0.2.%d", i+1))
		set.SetIdentifier, set.HealthCheckId, set.Failover = &id, &check, []types.ResourceRecordSetFailover{types.ResourceRecordSetFailoverPrimary, types.ResourceRecordSetFailoverSecondary}[i]
		require.NoError(t, h.put(t.Context(), set))
	}
	was, err := h.shot(t.Context())
	require.NoError(t, err)
	l := w.plugin(t, nil)
	require.Contains(t, ran(t, l, "aws_route53_weights", fmt.Sprintf(`{"zone":%q,"name":"api.%s","primary":"west"}`, h.id, h.name)), "west: primary (it was secondary)")
	ran(t, l, "aws_route53_weights", fmt.Sprintf(`{"zone":%q,"name":"api.%s","primary":"east"}`, h.id, h.name))
	is, err := h.shot(t.Context())
	require.NoError(t, err)
	require.Equal(t, was, is)
}

func TestAuroraGlobalDatabaseMovesThereAndBack(t *testing.T) {
	t.Parallel()
	w := fakeOnly(t)
	w.fake.GlobalDatabase("orders", "us-east-1", "eu-west-1")
	w.fake.Take(300 * time.Millisecond)
	l := w.plugin(t, nil)
	name := "aws_aurora_global_failover"
	require.Contains(t, ran(t, l, name, `{"global_cluster":"orders","to":"eu-west-1"}`), "eu-west-1 writes instead of us-east-1")
	require.Contains(t, ran(t, l, name, `{"global_cluster":"orders","to":"eu-west-1"}`), "writes for orders already")
	require.Contains(t, ran(t, l, name, `{"global_cluster":"orders","to":"us-east-1","mode":"failover","allow_data_loss":true}`), "us-east-1 writes instead of eu-west-1")

	for config, path := range map[string]string{
		`{"global_cluster":"orders","to":"eu-west-1","mode":"failover"}`:      "allow_data_loss",
		`{"global_cluster":"orders","to":"eu-west-1","allow_data_loss":true}`: "allow_data_loss",
		`{"global_cluster":"orders","to":"ap-south-1"}`:                       "to",
		`{"global_cluster":"nobody","to":"eu-west-1"}`:                        "global_cluster",
	} {
		problems := checked(t, l, name, config)
		require.NotEmpty(t, problems, config)
		require.Equal(t, []string{path}, problems[0].Path, config)
	}
}

// The region that is left may be what is lost: nothing is asked of it.
func TestAuroraFailsOverWithoutTheLostRegion(t *testing.T) {
	t.Parallel()
	w := fakeOnly(t)
	w.fake.GlobalDatabase("orders", "us-east-1", "eu-west-1")
	l := w.plugin(t, map[string]any{"call_timeout": "2s", "attempt_timeout": "500ms"})
	require.Empty(t, checked(t, l, "aws_aurora_global_failover", `{"global_cluster":"orders","to":"eu-west-1","mode":"failover","allow_data_loss":true}`))
	w.fake.Down("us-east-1", awsfake.Hangs)
	said, err := l.Run(t.Context(), "aws_aurora_global_failover", action("aws_aurora_global_failover", `{"global_cluster":"orders","to":"eu-west-1","mode":"failover","allow_data_loss":true}`))
	require.NoError(t, err)
	require.Contains(t, said, "eu-west-1 writes instead of us-east-1")
}

func TestRoutingControlsAreSwitchedThroughWhicheverEndpointAnswers(t *testing.T) {
	t.Parallel()
	w := fakeOnly(t)
	east, west := "arn:aws:route53-recovery-control::123456789012:controlpanel/p/routingcontrol/east", "arn:aws:route53-recovery-control::123456789012:controlpanel/p/routingcontrol/west"
	w.fake.RoutingControl(east, "On")
	w.fake.RoutingControl(west, "Off")
	l := w.plugin(t, map[string]any{"attempt_timeout": "500ms"})
	config := func(e, s string) string {
		return fmt.Sprintf(`{"controls":{%q:%q,%q:%q},"endpoint":[{"url":%q,"region":"eu-west-1"},{"url":%q,"region":"us-east-1"}]}`, east, e, west, s, w.fake.URL+"/v1", w.fake.URL+"/v1")
	}
	for _, how := range []awsfake.Silence{awsfake.Refuses, awsfake.Hangs} {
		w.fake.Down("eu-west-1", how)
		require.Contains(t, ran(t, l, "aws_routing_control", config("Off", "On")), "east is Off")
		ran(t, l, "aws_routing_control", config("On", "Off"))
	}
	_, err := l.Run(t.Context(), "aws_routing_control", action("aws_routing_control", config("Off", "Off")))
	require.ErrorContains(t, err, "safety rule")
	w.fake.Down("us-east-1", awsfake.Refuses)
	_, err = l.Run(t.Context(), "aws_routing_control", action("aws_routing_control", config("Off", "On")))
	require.ErrorContains(t, err, "none of the 2 endpoints of the cluster answers")
	w.fake.Up("us-east-1")

	w.fake.Deny("route53-recovery-cluster:GetRoutingControlState")
	problems := checked(t, l, "aws_routing_control", config("Off", "On"))
	require.Equal(t, "route53-recovery-cluster:GetRoutingControlState", problems[0].Permission)
	w.fake.Allow()
	require.Equal(t, []string{"controls", east}, checked(t, l, "aws_routing_control", config("off", "On"))[0].Path)
}

func TestRegionSwitchIsFollowedToItsEnd(t *testing.T) {
	t.Parallel()
	w := fakeOnly(t)
	l := w.plugin(t, nil)
	w.fake.Take(300 * time.Millisecond)
	good, bad := w.fake.SwitchPlan("shop", "completed", "us-east-1", "eu-west-1"), w.fake.SwitchPlan("broken", "failed", "us-east-1", "eu-west-1")
	config := func(plan, to string) string { return fmt.Sprintf(`{"plan":%q,"target_region":%q}`, plan, to) }
	require.Contains(t, ran(t, l, "aws_region_switch", config(good, "eu-west-1")), "activate eu-west-1: the execution")
	ran(t, l, "aws_region_switch", config(good, "us-east-1"))
	_, err := l.Run(t.Context(), "aws_region_switch", action("aws_region_switch", config(bad, "eu-west-1")))
	require.ErrorContains(t, err, "it ended as failed: shift traffic failed")
	require.Equal(t, []string{"target_region"}, checked(t, l, "aws_region_switch", config(good, "ap-south-1"))[0].Path)
	require.Equal(t, []string{"plan"}, checked(t, l, "aws_region_switch", config("arn:aws:arc-region-switch::123456789012:plan/nobody:000000", "eu-west-1"))[0].Path)
}

func TestActionsAskForWhatTheyNeed(t *testing.T) {
	t.Parallel()
	w := fakeOnly(t)
	w.fake.GlobalDatabase("orders", "us-east-1", "eu-west-1")
	config := `{"global_cluster":"orders","to":"eu-west-1"}`
	l := w.plugin(t, map[string]any{"accounts": []string{"999999999999"}})
	require.Contains(t, checked(t, l, "aws_aurora_global_failover", config)[0].Summary, "Nothing may be changed in the account 123456789012")
	_, err := l.Run(t.Context(), "aws_aurora_global_failover", action("aws_aurora_global_failover", config))
	require.ErrorContains(t, err, "nothing is changed in it")

	w.fake.Deny("rds:SwitchoverGlobalCluster")
	problems := checked(t, w.plugin(t, nil), "aws_aurora_global_failover", config)
	require.Len(t, problems, 1)
	require.Equal(t, "rds:SwitchoverGlobalCluster", problems[0].Permission)
}
