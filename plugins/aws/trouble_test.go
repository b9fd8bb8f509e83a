package aws_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/stretchr/testify/require"

	"github.com/gameday-toolkit/gameday/plugins/aws/internal/awsfake"
	"github.com/gameday-toolkit/gameday/plugins/sdk"
)

// lone is one running instance.
func (w *world) lone(t *testing.T) (string, sdk.Target) {
	t.Helper()
	_, subnet, err := w.network(t.Context(), w.zone("a"))
	w.skipUnimplemented(t, err)
	require.NoError(t, err)
	id, err := w.instance(t.Context(), subnet)
	w.skipUnimplemented(t, err)
	require.NoError(t, err)
	return id, w.instanceTarget(id)
}

func TestThrottledCallsAreTriedAgain(t *testing.T) {
	t.Parallel()
	w := fakeOnly(t)
	id, target := w.lone(t)
	l := w.plugin(t, nil)
	h := planned(t, l, "aws_instance_stop", "", target)
	w.fake.Throttle("ec2:StopInstances", 2)
	w.fake.Throttle("ec2:DescribeTags", 2)
	require.NoError(t, l.Inject(t.Context(), h))
	w.requireState(t, id, "stopped")
	w.fake.Throttle("ec2:StartInstances", 100)
	require.ErrorContains(t, l.Revert(t.Context(), h), "RequestLimitExceeded")
	requireStatus(t, l, h, sdk.Active)
	w.fake.Throttle("ec2:StartInstances", 1)
	require.NoError(t, l.Revert(t.Context(), h))
	w.requireState(t, id, "running")
	w.requireNothingLeft(t)
}

func TestAMissingPermissionIsInThePlan(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ fault, denied, config string }{
		{"aws_instance_stop", "ec2:StopInstances", ""},              // by a dry run
		{"aws_instance_stop", "ec2:StartInstances", ""},             // by IAM's simulator: it is what the revert needs
		{"aws_instance_stop", "ec2:DeleteTags", ""},                 // likewise
		{"aws_instance_stop", "ec2:DescribeInstances", ""},          // by a call that reads
		{"aws_zone_outage", "ec2:ReplaceNetworkAclAssociation", ""}, // in a part
		{"aws_zone_outage", "autoscaling:ResumeProcesses", ""},
		{"aws_zone_outage", "autoscaling:DescribeAutoScalingGroups", ""},
	} {
		t.Run(c.fault+" without "+c.denied, func(t *testing.T) {
			t.Parallel()
			w := fakeOnly(t)
			town := w.requireTown(t)
			l := w.plugin(t, nil)
			target := town.zone
			if c.fault == "aws_instance_stop" {
				target = w.instanceTarget(town.instances[0])
			}
			w.fake.Deny(c.denied)
			_, problems := prepare(t, l, c.fault, c.config, target)
			require.True(t, sdk.HasErrors(problems))
			var found *sdk.Problem
			for _, p := range problems {
				if p.Permission == c.denied {
					found = &p
				}
			}
			require.NotNil(t, found, "%v", problems)
			require.Contains(t, found.Summary, "user/gameday")
			require.Contains(t, found.Detail, `"Action"`, "the statement that is missing")
		})
	}
}

func TestWithoutTheSimulatorThePlanSaysThatItDidNotAsk(t *testing.T) {
	t.Parallel()
	w := fakeOnly(t)
	_, target := w.lone(t)
	w.fake.Deny("iam:SimulatePrincipalPolicy")
	h := planned(t, w.plugin(t, nil), "aws_instance_stop", "", target)
	require.Contains(t, h.Effects[len(h.Effects)-1], "not checked with iam:SimulatePrincipalPolicy: AccessDenied")
}

func TestAPermissionThatIsTakenAwayMeanwhileIsNamed(t *testing.T) {
	t.Parallel()
	w := fakeOnly(t)
	id, target := w.lone(t)
	l := w.plugin(t, nil)
	h := injected(t, l, "aws_instance_stop", "", target)
	w.fake.Deny("ec2:StartInstances")
	err := l.Revert(t.Context(), h)
	require.ErrorContains(t, err, "user/gameday may not do ec2:StartInstances")
	w.fake.Allow()
	require.NoError(t, l.Revert(t.Context(), h))
	w.requireState(t, id, "running")
}

func TestExpiredCredentialsNameTheCure(t *testing.T) {
	t.Parallel()
	w := fakeOnly(t)
	c := w.requireTown(t)
	l := w.plugin(t, nil)
	want, err := w.shot(t.Context(), c)
	require.NoError(t, err)
	h := injected(t, l, "aws_zone_outage", c.outage(""), c.zone)
	w.fake.Expire(true)
	err = l.Revert(t.Context(), h)
	require.ErrorContains(t, err, "aws sso login")
	require.ErrorContains(t, err, "gameday recover")
	_, problems := w.configured(t, nil)
	require.Len(t, problems, 1, "a plugin that is started now says so at once")
	require.Contains(t, problems[0].Detail, "aws sso login")
	w.fake.Expire(false)
	require.NoError(t, w.plugin(t, nil).Revert(t.Context(), h))
	w.requireShot(t, c, want)
	w.requireNothingLeft(t)
}

func TestARegionThatDoesNotAnswer(t *testing.T) {
	t.Parallel()
	for _, how := range []awsfake.Silence{awsfake.Hangs, awsfake.Refuses} {
		t.Run(string(how), func(t *testing.T) {
			t.Parallel()
			w := fakeOnly(t)
			id, target := w.lone(t)
			l := w.plugin(t, map[string]any{"attempt_timeout": "300ms", "call_timeout": "1s", "max_attempts": 2})
			h := injected(t, l, "aws_instance_stop", "", target)
			w.fake.Down("us-east-1", how)
			began := time.Now()
			err := l.Revert(t.Context(), h)
			require.ErrorContains(t, err, "EC2 in us-east-1 does not answer")
			require.Less(t, time.Since(began), 10*time.Second)
			_, err = l.Inspect(t.Context(), h)
			require.Error(t, err, "whoever cannot look does not know")
			w.fake.Up("us-east-1")
			require.NoError(t, l.Revert(t.Context(), h))
			w.requireState(t, id, "running")
			w.requireNothingLeft(t)
		})
	}
}

func TestReadsThatLag(t *testing.T) {
	t.Parallel()
	w := fakeOnly(t)
	c := w.requireTown(t)
	w.fake.Lag(600 * time.Millisecond)
	l := w.plugin(t, map[string]any{"consistency": "1s"})
	time.Sleep(700 * time.Millisecond) // not for a condition: until reads show the town, and for that there is none
	want, err := w.shot(t.Context(), c)
	require.NoError(t, err)
	h := injected(t, l, "aws_zone_outage", c.outage(""), c.zone)
	require.NoError(t, l.Revert(t.Context(), h))
	requireStatus(t, l, h, sdk.Inactive)
	w.requireShot(t, c, want)
	w.requireNothingLeft(t)
}

// An Inject that was cut short has made changes that nobody reads yet when the Revert comes.
func TestARevertWaitsForWhatReadsDoNotShowYet(t *testing.T) {
	t.Parallel()
	for _, action := range []string{"autoscaling:SuspendProcesses", "ec2:CreateNetworkAcl", "ec2:ReplaceNetworkAclAssociation", "ec2:StopInstances"} {
		t.Run(action, func(t *testing.T) {
			t.Parallel()
			w := fakeOnly(t)
			c := w.requireTown(t)
			l := w.plugin(t, map[string]any{"consistency": "1s"})
			want, err := w.shot(t.Context(), c)
			require.NoError(t, err)
			h := planned(t, l, "aws_zone_outage", c.outage(""), c.zone)
			w.fake.Lag(500 * time.Millisecond)
			ctx, cancel := context.WithCancel(t.Context())
			done := make(chan error, 1)
			go func() { done <- l.Inject(ctx, h) }()
			require.Eventually(t, func() bool { return len(w.fake.Calls(action)) > w.fake.Dry(action) }, 30*time.Second, 2*time.Millisecond)
			cancel()
			require.Error(t, <-done)
			require.NoError(t, l.Revert(t.Context(), h))
			w.fake.Lag(0)
			w.requireShot(t, c, want)
			w.requireNothingLeft(t)
		})
	}
}

func TestAnInstanceThatIsTerminatedMeanwhileIsSaidToBe(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	id, target := w.lone(t)
	l := w.plugin(t, nil)
	h := injected(t, l, "aws_instance_stop", "", target)
	require.NoError(t, w.terminate(t.Context(), id))
	state := requireStatus(t, l, h, sdk.Inactive)
	require.Contains(t, state.Evidence, "gone")
	require.NoError(t, l.Revert(t.Context(), h))
}

func TestAnInstanceThatSomebodyElseStartedIsLeftRunning(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	id, target := w.lone(t)
	l := w.plugin(t, nil)
	h := injected(t, l, "aws_instance_stop", "", target)
	_, err := w.ec2().StartInstances(t.Context(), &ec2.StartInstancesInput{InstanceIds: []string{id}})
	require.NoError(t, err)
	require.NoError(t, w.becomes(t.Context(), id, "running"))
	requireStatus(t, l, h, sdk.Inactive)
	require.NoError(t, l.Revert(t.Context(), h))
	w.requireState(t, id, "running")
	w.requireNothingLeft(t)
}

// Somebody has taken our mark off: then it cannot be told whose the stop is, and that is said.
func TestAStopWithoutAMarkIsNobodys(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	id, target := w.lone(t)
	l := w.plugin(t, nil)
	h := injected(t, l, "aws_instance_stop", "", target)
	tags, err := w.ec2Tags(t.Context(), id)
	require.NoError(t, err)
	require.Contains(t, tags, "gameday:undo:instance_stop=")
	_, err = w.ec2().DeleteTags(t.Context(), &ec2.DeleteTagsInput{Resources: []string{id}, Tags: ec2Tag("gameday:undo:instance_stop")})
	require.NoError(t, err)
	requireStatus(t, l, h, sdk.Unknown)
	require.ErrorContains(t, l.Revert(t.Context(), h), "does not carry its mark")
	w.requireState(t, id, "stopped")
}

func TestASecondFaultOfTheKindIsRefused(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	_, target := w.lone(t)
	l := w.plugin(t, nil)
	late := planned(t, l, "aws_instance_stop", "", target)
	h := injected(t, l, "aws_instance_stop", "", target)
	_, problems := prepare(t, l, "aws_instance_stop", "", target)
	require.True(t, sdk.HasErrors(problems))
	err := l.Inject(t.Context(), late)
	require.Error(t, err, "it was planned before the other was there")
	require.NoError(t, l.Revert(t.Context(), late))
	requireStatus(t, l, h, sdk.Active)
	require.NoError(t, l.Revert(t.Context(), h))
	w.requireNothingLeft(t)
}

func TestAHandleWithAStrangeNameIsMarkedAndFound(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	id, target := w.lone(t)
	l := w.plugin(t, nil)
	for _, name := range []string{`fault.aws_instance_stop.each["ä b,c"]`, "fault.aws_instance_stop." + strings.Repeat("long", 60)} {
		h, problems, err := l.Prepare(t.Context(), "aws_instance_stop", sdk.Request{Run: "strange", ID: name, Targets: []sdk.Target{target}})
		require.NoError(t, err)
		require.Empty(t, problems)
		require.NoError(t, l.Inject(t.Context(), h))
		found, err := l.Sweep(t.Context())
		require.NoError(t, err)
		require.Len(t, found, 1)
		if len(name) < 100 {
			require.Equal(t, h.ID, found[0].ID)
		}
		require.NoError(t, l.Revert(t.Context(), found[0]))
		requireStatus(t, l, h, sdk.Inactive)
		w.requireState(t, id, "running")
	}
	w.requireNothingLeft(t)
}
