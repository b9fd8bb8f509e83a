package aws_test

import (
	"fmt"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/route53/types"
	"github.com/stretchr/testify/require"

	"github.com/gameday-toolkit/gameday/plugins/aws/internal/awsfake"
	"github.com/gameday-toolkit/gameday/plugins/sdk"
)

// troubled are the faults of names and of experiments: what each is asked to do, and the calls that change something.
var troubled = []struct {
	fault          string
	there          func(*testing.T, *world) (config string, targets []sdk.Target)
	inject, revert string
}{
	{"aws_record_changed", func(t *testing.T, w *world) (string, []sdk.Target) {
		h := zoneOfShop(t, w)
		return `{"mode":"answer","answer":["192.0.2.99"]}`, []sdk.Target{h.target("www", types.RRTypeA), h.target("shop", types.RRTypeA)}
	}, "route53:ChangeResourceRecordSets", "route53:ChangeResourceRecordSets"},
	{"aws_health_check_inverted", func(t *testing.T, w *world) (string, []sdk.Target) {
		var out []sdk.Target
		for range 2 {
			id, err := w.healthCheck(t.Context())
			require.NoError(t, err)
			out = append(out, w.healthCheckTarget(id))
		}
		return "", out
	}, "route53:UpdateHealthCheck", "route53:UpdateHealthCheck"},
	{"aws_dns_blocked", func(t *testing.T, w *world) (string, []sdk.Target) {
		var out []sdk.Target
		for range 2 {
			id, err := w.vpc(t.Context())
			require.NoError(t, err)
			out = append(out, w.vpcTarget(id))
		}
		return `{"names":["db.example.com"]}`, out
	}, "route53resolver:AssociateFirewallRuleGroup", "route53resolver:DisassociateFirewallRuleGroup"},
	{"aws_fis_experiment", func(t *testing.T, w *world) (string, []sdk.Target) {
		id, err := w.experimentTemplate(t.Context(), "PT10M")
		require.NoError(t, err)
		return fmt.Sprintf(`{"template_id":%q}`, id), nil
	}, "fis:StartExperiment", "fis:StopExperiment"},
}

// eachTroubled has a world for each fault, and compares everything in it before and after.
func eachTroubled(t *testing.T, more map[string]any, do func(t *testing.T, w *world, l *sdk.Local, i int, config string, targets []sdk.Target)) {
	for i, f := range troubled {
		t.Run(f.fault, func(t *testing.T) {
			t.Parallel()
			w := fakeOnly(t)
			config, targets := f.there(t, w)
			was := w.fake.Dump()
			do(t, w, w.plugin(t, more), i, config, targets)
			require.JSONEq(t, was, w.fake.Dump(), "the account is not as it was")
			w.requireNothingLeft(t)
		})
	}
}

func TestNamesThrottled(t *testing.T) {
	t.Parallel()
	eachTroubled(t, nil, func(t *testing.T, w *world, l *sdk.Local, i int, config string, targets []sdk.Target) {
		h := planned(t, l, troubled[i].fault, config, targets...)
		w.fake.Throttle(troubled[i].inject, 2)
		require.NoError(t, l.Inject(t.Context(), h))
		w.fake.Throttle(troubled[i].revert, 2)
		require.NoError(t, l.Revert(t.Context(), h))
	})
}

func TestNamesDenied(t *testing.T) {
	t.Parallel()
	eachTroubled(t, nil, func(t *testing.T, w *world, l *sdk.Local, i int, config string, targets []sdk.Target) {
		w.fake.Deny(troubled[i].inject)
		_, problems := prepare(t, l, troubled[i].fault, config, targets...)
		require.NotEmpty(t, problems)
		require.Equal(t, troubled[i].inject, problems[len(problems)-1].Permission)
		w.fake.Allow()

		h := injected(t, l, troubled[i].fault, config, targets...)
		w.fake.Deny(troubled[i].revert)
		require.ErrorContains(t, l.Revert(t.Context(), h), "may not do "+troubled[i].revert)
		w.fake.Allow()
		require.NoError(t, l.Revert(t.Context(), h))
	})
}

func TestNamesExpired(t *testing.T) {
	t.Parallel()
	eachTroubled(t, nil, func(t *testing.T, w *world, l *sdk.Local, i int, config string, targets []sdk.Target) {
		h := injected(t, l, troubled[i].fault, config, targets...)
		w.fake.Expire(true)
		require.ErrorContains(t, l.Revert(t.Context(), h), "credentials have expired")
		state, err := l.Inspect(t.Context(), h)
		require.True(t, err != nil || state.Status == sdk.Unknown, "%v: nobody can tell", state)
		w.fake.Expire(false)
		require.NoError(t, l.Revert(t.Context(), h))
	})
}

func TestNamesWhereTheRegionIsSilent(t *testing.T) {
	t.Parallel()
	impatient := map[string]any{"attempt_timeout": "500ms", "call_timeout": "3s"}
	eachTroubled(t, impatient, func(t *testing.T, w *world, l *sdk.Local, i int, config string, targets []sdk.Target) {
		h := injected(t, l, troubled[i].fault, config, targets...)
		for _, how := range []awsfake.Silence{awsfake.Hangs, awsfake.Refuses} {
			w.fake.Down(w.region, how)
			require.ErrorContains(t, l.Revert(t.Context(), h), "does not answer")
		}
		w.fake.Up(w.region)
		require.NoError(t, l.Revert(t.Context(), h))
	})
}

// The first call succeeds, and the next is refused: half of the fault is there, and half of the revert is done.
func TestNamesHalfWay(t *testing.T) {
	t.Parallel()
	refused := awsfake.Error{Code: "InvalidInput", Message: "enough", Status: 400}
	eachTroubled(t, nil, func(t *testing.T, w *world, l *sdk.Local, i int, config string, targets []sdk.Target) {
		if len(targets) == 0 {
			return // an experiment is one call, and has no half
		}
		h := planned(t, l, troubled[i].fault, config, targets...)
		w.fake.Fail(troubled[i].inject, 1, refused)
		require.ErrorContains(t, l.Inject(t.Context(), h), "InvalidInput")
		w.fake.Heal()
		require.NoError(t, l.Revert(t.Context(), h))

		h = injected(t, l, troubled[i].fault, config, targets...)
		w.fake.Fail(troubled[i].revert, 1, refused)
		require.ErrorContains(t, l.Revert(t.Context(), h), "InvalidInput")
		w.fake.Heal()
		require.NoError(t, l.Revert(t.Context(), h))
	})
}
