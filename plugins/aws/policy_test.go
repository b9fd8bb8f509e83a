package aws_test

import (
	"encoding/json"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/gameday-toolkit/gameday/plugins/aws"
	"github.com/gameday-toolkit/gameday/plugins/sdk"
)

// allowed is a policy as actions and their resources.
func allowed(t *testing.T, req sdk.DocumentRequest) map[string][]string {
	t.Helper()
	text, err := aws.New().Documents["iam"].Write(t.Context(), req)
	require.NoError(t, err)
	var policy struct {
		Version   string
		Statement []struct {
			Effect           string
			Action, Resource []string
		}
	}
	require.NoError(t, json.Unmarshal([]byte(text), &policy))
	require.Equal(t, "2012-10-17", policy.Version)
	out := map[string][]string{}
	for _, s := range policy.Statement {
		require.Equal(t, "Allow", s.Effect)
		require.NotEmpty(t, s.Resource)
		for _, a := range s.Action {
			out[a] = append(out[a], s.Resource...)
		}
	}
	return out
}

func TestEveryBlockSaysWhatItNeeds(t *testing.T) {
	t.Parallel()
	all := allowed(t, sdk.DocumentRequest{})
	for _, a := range []string{"sts:GetCallerIdentity", "ec2:StopInstances", "ec2:StartInstances", "ec2:CreateTags", "autoscaling:ResumeProcesses", "arc-zonal-shift:CancelZonalShift"} {
		require.Contains(t, all, a)
	}
	require.Equal(t, []string{"arn:aws:ec2:*:*:instance/*"}, all["ec2:StopInstances"])
	for _, a := range []string{"ec2:StopInstances", "ec2:DeleteNetworkAcl", "autoscaling:UpdateAutoScalingGroup"} {
		require.NotContains(t, all[a], "*", "%s is not granted on everything", a)
	}
}

func TestThePolicyOfAScenarioIsTheLeast(t *testing.T) {
	t.Parallel()
	got := allowed(t, sdk.DocumentRequest{
		Scenario: "az-loss",
		Plugins:  []sdk.DocumentPlugin{{Config: []byte(`{"region":"eu-west-1","accounts":["123456789012"]}`)}},
		Blocks: []sdk.DocumentBlock{
			{Kind: "target", Type: "aws_instance", ID: "target.aws_instance.db", Config: []byte(`{"ids":["i-1","i-2"]}`)},
			{Kind: "target", Type: "aws_zone", ID: "target.aws_zone.a", Config: []byte(`{"names":["eu-west-1a"]}`)},
			{Kind: "fault", Type: "aws_instance_stop", ID: "fault.aws_instance_stop.x", Config: []byte(`{}`), Targets: []string{"target.aws_instance.db"}},
			{Kind: "fault", Type: "aws_zone_outage", ID: "fault.aws_zone_outage.x", Config: []byte(`{"instances":"none","load_balancers":"none","scaling":"none"}`), Targets: []string{"target.aws_zone.a"}},
		},
	})
	require.Equal(t, []string{"arn:aws:ec2:eu-west-1:123456789012:instance/i-1", "arn:aws:ec2:eu-west-1:123456789012:instance/i-2"}, slices.Sorted(slices.Values(got["ec2:StopInstances"])))
	require.Contains(t, got["ec2:ReplaceNetworkAclAssociation"], "arn:aws:ec2:eu-west-1:123456789012:subnet/*")
	require.NotContains(t, got, "autoscaling:SuspendProcesses", "that part is switched off")
	require.NotContains(t, got, "ec2:RebootInstances")
	require.NotContains(t, got, "arc-zonal-shift:StartZonalShift")
}

// With the policy that is printed and nothing else, a fault is planned, injected and undone.
func TestThePolicyIsEnough(t *testing.T) {
	t.Parallel()
	w := fakeOnly(t)
	c := w.requireTown(t)
	settingUp := len(w.fake.Calls(""))
	l := w.plugin(t, nil)
	got := allowed(t, sdk.DocumentRequest{Blocks: []sdk.DocumentBlock{
		{Kind: "target", Type: "aws_zone", ID: "z"}, {Kind: "fault", Type: "aws_zone_outage", ID: "f", Targets: []string{"z"}, Config: []byte(`{}`)},
	}})
	h := injected(t, l, "aws_zone_outage", c.outage(""), resolve(t, l, "aws_zone", `{"names":["us-east-1a"]}`)...)
	require.NoError(t, l.Revert(t.Context(), h))
	for _, call := range w.fake.Calls("")[settingUp:] {
		if call.Action != "iam:SimulatePrincipalPolicy" { // the plan does without
			require.Contains(t, got, call.Action)
		}
	}
}
