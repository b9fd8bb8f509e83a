package aws_test

import (
	"encoding/json"
	"errors"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/gameday-toolkit/gameday/plugins/aws"
	"github.com/gameday-toolkit/gameday/plugins/aws/internal/awsfake"
	"github.com/gameday-toolkit/gameday/plugins/sdk"
)

func TestNothingIsChangedInAnAccountThatIsNotNamed(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	id, target := w.lone(t)
	for _, accounts := range [][]string{nil, {"999999999999"}} {
		l := w.plugin(t, map[string]any{"accounts": accounts})
		_, problems := prepare(t, l, "aws_instance_stop", "", target)
		require.True(t, sdk.HasErrors(problems))
		require.Contains(t, problems[0].Summary, w.account)
		require.Contains(t, problems[0].Detail, "accounts = ")
	}
	h := planned(t, w.plugin(t, nil), "aws_instance_stop", "", target)
	stranger := w.plugin(t, map[string]any{"accounts": []string{"999999999999"}})
	require.ErrorContains(t, stranger.Inject(t.Context(), h), "nothing is changed in it")
	w.requireState(t, id, "running")
	require.NoError(t, w.plugin(t, nil).Revert(t.Context(), h))
	if w.fake != nil {
		for _, c := range w.fake.Calls("ec2:CreateTags") {
			require.Equal(t, "DryRunOperation", c.Code, "a call that changes something was made")
		}
	}
}

func TestAHandleOfAnotherAccountOrEndpointIsRefused(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	_, target := w.lone(t)
	l := w.plugin(t, nil)
	h := planned(t, l, "aws_instance_stop", "", target)
	var undo map[string]any
	for _, c := range []struct{ field, value, says string }{
		{"account", "999999999999", "is of account 999999999999"}, {"endpoint", "example.com:1", "endpoint"},
	} {
		other := h
		require.NoError(t, json.Unmarshal(h.Undo, &undo))
		undo[c.field] = c.value
		var err error
		other.Undo, err = json.Marshal(undo)
		require.NoError(t, err)
		require.ErrorContains(t, l.Inject(t.Context(), other), c.says)
		require.ErrorContains(t, l.Revert(t.Context(), other), c.says)
	}
	require.NoError(t, l.Revert(t.Context(), h))
}

func TestAFaultOfAnotherRegionIsUndoneThere(t *testing.T) {
	t.Parallel()
	w := fakeOnly(t)
	id, target := w.lone(t)
	h := injected(t, w.plugin(t, nil), "aws_instance_stop", "", target)
	far := w.plugin(t, map[string]any{"region": "eu-west-1"})
	requireStatus(t, far, h, sdk.Active)
	require.NoError(t, far.Revert(t.Context(), h))
	w.requireState(t, id, "running")

	_, problems := prepare(t, far, "aws_instance_stop", "", target)
	require.Contains(t, problems[0].Detail, "the same plugin", "a new fault is planned by the plugin of its region")
}

func TestRolesAreAssumedOneAfterTheOther(t *testing.T) {
	t.Parallel()
	w := fakeOnly(t)
	id, target := w.lone(t)
	role := map[string]string{"role_arn": awsfake.Role, "external_id": awsfake.ExternalID, "session_name": "gameday"}
	l := w.plugin(t, map[string]any{"assume_role": []any{role, role}})
	h := injected(t, l, "aws_instance_stop", "", target)
	require.Len(t, w.fake.Calls("sts:AssumeRole"), 2)
	w.requireState(t, id, "stopped")
	w.fake.Deny("ec2:StartInstances")
	require.ErrorContains(t, l.Revert(t.Context(), h), "assumed-role/gameday/gameday may not do ec2:StartInstances")
	w.fake.Allow()
	require.NoError(t, l.Revert(t.Context(), h))

	role["external_id"] = "wrong"
	_, problems := w.configured(t, map[string]any{"assume_role": []any{role}})
	require.Len(t, problems, 1)
	require.Contains(t, problems[0].Detail, "sts:AssumeRole")
}

func TestMistakesInThePluginsBlock(t *testing.T) {
	t.Parallel()
	w := fakeOnly(t)
	for _, c := range []struct {
		config map[string]any
		path   string
	}{
		{map[string]any{"accounts": []string{w.account, "prod"}}, "accounts.1"},
		{map[string]any{"endpoint_url": "localhost:5000"}, "endpoint_url"},
		{map[string]any{"endpoint_url": "http://user:secret@localhost:5000"}, "endpoint_url"},
		{map[string]any{"max_attempts": 0}, "max_attempts"},
		{map[string]any{"call_timeout": "0s"}, "call_timeout"},
		{map[string]any{"profile": "nobody-has-this"}, "profile"},
	} {
		_, problems := w.configured(t, c.config)
		require.NotEmpty(t, problems, c.path)
		require.Equal(t, c.path, strings.Join(problems[0].Path, "."))
		require.NotContains(t, problems[0].Detail+problems[0].Summary, "secret")
	}
}

func TestTheAccountTheRegionAndThePartitionAreOutputs(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	l, err := sdk.ServeLocal(aws.New(), io.Discard)
	require.NoError(t, err)
	defer func() { require.NoError(t, l.Close()) }()
	out, problems, err := l.Configure(t.Context(), sdk.Settings{Config: w.config(nil)})
	require.NoError(t, err)
	require.Empty(t, problems)
	require.Equal(t, map[string]any{"account": w.account, "region": w.region, "partition": "aws"}, out)
}

// A machine on which nothing of AWS is set up sweeps its other plugins without a word about this one.
func TestSweepWithoutAWSIsNotOffered(t *testing.T) {
	if elsewhere != "" {
		t.Skip("the environment is that of the endpoint")
	}
	t.Setenv("AWS_REGION", "")
	l, err := sdk.ServeLocal(aws.New(), io.Discard)
	require.NoError(t, err)
	defer func() { require.NoError(t, l.Close()) }()
	_, problems, err := l.Configure(t.Context(), sdk.Settings{Lease: time.Hour})
	require.NoError(t, err)
	require.Empty(t, problems)
	_, err = l.Sweep(t.Context())
	require.True(t, errors.Is(err, sdk.ErrNotOffered), "%v", err)
}

func TestSweepFindsWhatADeadPluginLeftInEveryRegion(t *testing.T) {
	t.Parallel()
	w := fakeOnly(t)
	c := w.requireTown(t)
	want, err := w.shot(t.Context(), c)
	require.NoError(t, err)
	dead := w.plugin(t, nil)
	h := injected(t, dead, "aws_zone_outage", c.outage(`,"instances":"stop"`), c.zone)

	elsewhere := w.plugin(t, map[string]any{"region": "eu-west-1"})
	found, err := elsewhere.Sweep(t.Context())
	require.NoError(t, err)
	require.Len(t, found, 1)
	require.Equal(t, h.ID, found[0].ID)
	require.Equal(t, h.Run, found[0].Run)
	require.Equal(t, "aws_zone_outage", found[0].Fault)
	require.NotEmpty(t, found[0].Steps)
	none, err := w.plugin(t, map[string]any{"sweep_regions": []string{"eu-west-1"}}).Sweep(t.Context())
	require.NoError(t, err)
	require.Empty(t, none)

	require.NoError(t, elsewhere.Revert(t.Context(), found[0]))
	requireStatus(t, elsewhere, found[0], sdk.Inactive)
	requireStatus(t, dead, h, sdk.Inactive)
	w.requireShot(t, c, want)
	w.requireNothingLeft(t)
}

func TestSweepRestoresEachKindFromItsMarkAlone(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	c := w.requireTown(t)
	for fault, config := range map[string]string{
		"aws_scaling_suspended": `{"processes":["Launch","HealthCheck"]}`, "aws_scaling_max": `{"max_size":3}`, "aws_scaling_zone_removed": `{"zone":"` + w.zone("b") + `"}`,
	} {
		l := w.plugin(t, nil)
		h := injected(t, l, fault, config, c.group)
		found, err := w.plugin(t, nil).Sweep(t.Context())
		require.NoError(t, err)
		require.Len(t, found, 1)
		require.NoError(t, w.plugin(t, nil).Revert(t.Context(), found[0]))
		requireStatus(t, l, h, sdk.Inactive)
	}
	w.requireNothingLeft(t)
}
