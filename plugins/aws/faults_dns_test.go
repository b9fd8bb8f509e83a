package aws_test

import (
	"context"
	"encoding/json"
	"fmt"
	"testing"
	"time"

	awssdk "github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/route53"
	"github.com/aws/aws-sdk-go-v2/service/route53/types"
	"github.com/aws/aws-sdk-go-v2/service/route53resolver"
	resolvertypes "github.com/aws/aws-sdk-go-v2/service/route53resolver/types"
	"github.com/stretchr/testify/require"

	"github.com/gameday-toolkit/gameday/plugins/aws/internal/awsfake"
	"github.com/gameday-toolkit/gameday/plugins/sdk"
	"github.com/gameday-toolkit/gameday/plugins/sdk/conformance"
)

func TestRecordChangedConforms(t *testing.T) {
	t.Parallel()
	for name, config := range map[string]string{"gone": `{"mode":"delete"}`, "wrong": `{"mode":"answer","answer":["192.0.2.99"]}`} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			conform(t, w, conformance.Case{
				Fault: "aws_record_changed", Name: name,
				Setup: func(ctx context.Context) (sdk.Request, error) {
					h, err := w.hostedZone(ctx)
					if err != nil {
						return sdk.Request{}, err
					}
					err = h.put(ctx, h.record("www", types.RRTypeA, 300, "192.0.2.1", "192.0.2.2"), h.record("www", types.RRTypeTxt, 300, `"of somebody else"`),
						h.weighted("shop", "east", 100, "192.0.2.3"), h.weighted("shop", "west", 0, "192.0.2.4"))
					return sdk.Request{Config: json.RawMessage(config), Targets: []sdk.Target{h.target("www", types.RRTypeA), h.target("shop", types.RRTypeA)}}, err
				},
				Look: func(ctx context.Context, handle sdk.Handle) (bool, error) {
					h := w.hostedOf(handle.Targets[0])
					for _, name := range []string{"www", "shop"} {
						got, err := h.answers(ctx, name, types.RRTypeA)
						if err != nil || len(got) > 1 {
							return false, err
						}
					}
					return true, nil
				},
				Snapshot: func(ctx context.Context, req sdk.Request) (string, error) {
					return w.hostedOf(req.Targets[0]).shot(ctx)
				},
			})
		})
	}
}

// zoneOfShop has an alias, weighted sets and plain records.
func zoneOfShop(t *testing.T, w *world) *hosted {
	t.Helper()
	h, err := w.hostedZone(t.Context())
	w.skipUnimplemented(t, err)
	require.NoError(t, err)
	alias := types.ResourceRecordSet{Name: new("api." + h.name), Type: types.RRTypeA, AliasTarget: &types.AliasTarget{DNSName: new("www." + h.name + "."), HostedZoneId: &h.id, EvaluateTargetHealth: true}}
	require.NoError(t, h.put(t.Context(), h.record("www", types.RRTypeA, 300, "192.0.2.1"), h.record("*", types.RRTypeCname, 60, "www."+h.name),
		h.weighted("shop", "east", 100, "192.0.2.3"), h.weighted("shop", "west", 0, "192.0.2.4"), alias))
	return h
}

func TestRecordChangedKeepsAliasesWeightsAndWildcards(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	h := zoneOfShop(t, w)
	was, err := h.shot(t.Context())
	require.NoError(t, err)
	l := w.plugin(t, nil)
	found := resolve(t, l, "aws_record", fmt.Sprintf(`{"zone":%q,"names":["*.%s","api.%s","shop.%s"]}`, h.name, h.name, h.name, h.name))
	require.Len(t, found, 3)

	fault := injected(t, l, "aws_record_changed", "", found...)
	for _, name := range []string{"shop", "api"} {
		got, err := h.answers(t.Context(), name, types.RRTypeA)
		require.NoError(t, err)
		require.Empty(t, got)
	}
	require.NoError(t, l.Revert(t.Context(), fault))
	requireStatus(t, l, fault, sdk.Inactive)
	is, err := h.shot(t.Context())
	require.NoError(t, err)
	require.Equal(t, was, is)
}

func TestRecordChangedHitsAWholeZone(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	h := zoneOfShop(t, w)
	was, err := h.shot(t.Context())
	require.NoError(t, err)
	l := w.plugin(t, nil)
	fault := injected(t, l, "aws_record_changed", "", resolve(t, l, "aws_hosted_zone", fmt.Sprintf(`{"names":[%q]}`, h.name))...)
	sets, err := h.sets(t.Context())
	require.NoError(t, err)
	for _, set := range sets {
		require.Contains(t, []types.RRType{types.RRTypeNs, types.RRTypeSoa, types.RRTypeTxt}, set.Type, "%s is still there", *set.Name)
	}
	require.NoError(t, l.Revert(t.Context(), fault))
	is, err := h.shot(t.Context())
	require.NoError(t, err)
	require.Equal(t, was, is)
}

func TestRecordChangedLeavesOthersChangesAlone(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	h := zoneOfShop(t, w)
	l := w.plugin(t, nil)
	fault := injected(t, l, "aws_record_changed", `{"mode":"answer","answer":["192.0.2.99"]}`, h.target("www", types.RRTypeA))
	require.NoError(t, h.put(t.Context(), h.record("www", types.RRTypeA, 300, "192.0.2.50")))

	err := l.Revert(t.Context(), fault)
	require.ErrorContains(t, err, "conflict")
	require.ErrorContains(t, err, "192.0.2.50")
	got, err := h.answers(t.Context(), "www", types.RRTypeA)
	require.NoError(t, err)
	require.Equal(t, []string{"192.0.2.50"}, got)

	require.NoError(t, h.put(t.Context(), h.record("www", types.RRTypeA, 300, "192.0.2.1")), "put back by hand")
	require.NoError(t, l.Revert(t.Context(), fault))
	w.requireNothingLeft(t)
}

func TestRecordChangedIsSweptWithoutAJournal(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	h := zoneOfShop(t, w)
	was, err := h.shot(t.Context())
	require.NoError(t, err)
	injected(t, w.plugin(t, nil), "aws_record_changed", "", h.target("shop", types.RRTypeA))
	l := w.plugin(t, nil)
	left, err := l.Sweep(t.Context())
	require.NoError(t, err)
	require.Len(t, left, 1)
	require.NoError(t, l.Revert(t.Context(), left[0]))
	is, err := h.shot(t.Context())
	require.NoError(t, err)
	require.Equal(t, was, is)
}

func TestRecordChangedWaitsUntilEverybodyKnows(t *testing.T) {
	t.Parallel()
	w := fakeOnly(t)
	h := zoneOfShop(t, w)
	l := w.plugin(t, nil)
	fault := planned(t, l, "aws_record_changed", "", h.target("www", types.RRTypeA))
	w.fake.Take(time.Second)
	for _, step := range []func(context.Context, sdk.Handle) error{l.Inject, l.Revert} {
		began := time.Now()
		require.NoError(t, step(t.Context(), fault))
		require.Greater(t, time.Since(began), time.Second)
	}
}

func TestRecordChangedRefuses(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	h := zoneOfShop(t, w)
	l := w.plugin(t, nil)
	for name, c := range map[string]struct{ record, config, path, says string }{
		"no answer":        {"www", `{"mode":"answer"}`, "answer", "needs an answer"},
		"not an address":   {"www", `{"mode":"answer","answer":["here"]}`, "answer", "no answer for"},
		"a ttl of nothing": {"www", `{"mode":"ttl"}`, "ttl", "needs a time to live"},
		"a ttl of aliases": {"api", `{"mode":"ttl","ttl":5}`, "mode", "alias"},
		"what is so":       {"www", `{"mode":"answer","answer":["192.0.2.1"]}`, "mode", "is so already"},
		"an idle ttl":      {"www", `{"mode":"delete","ttl":5}`, "ttl", "no time to live"},
		"an idle answer":   {"www", `{"mode":"delete","answer":["192.0.2.9"]}`, "answer", "has no answer"},
	} {
		_, problems := prepare(t, l, "aws_record_changed", c.config, h.target(c.record, types.RRTypeA))
		require.NotEmpty(t, problems, name)
		require.Equal(t, []string{c.path}, problems[0].Path, name)
		require.Contains(t, problems[0].Summary, c.says, name)
	}
	_, problems, err := l.Resolve(t.Context(), "aws_record", sdk.Request{ID: "target.aws_record.x", Config: json.RawMessage(fmt.Sprintf(`{"zone":%q,"names":["ww.%s"]}`, h.id, h.name))})
	require.NoError(t, err)
	require.Contains(t, problems[0].Summary, "There is no record ww.")
	_, problems, err = l.Resolve(t.Context(), "aws_record", sdk.Request{ID: "target.aws_record.x", Config: json.RawMessage(`{"zone":"nobody.example","names":["x"]}`)})
	require.NoError(t, err)
	require.Contains(t, problems[0].Summary, "There is no hosted zone nobody.example")
}

func TestHealthCheckInvertedConforms(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	conform(t, w, conformance.Case{
		Fault: "aws_health_check_inverted",
		Setup: func(ctx context.Context) (sdk.Request, error) {
			id, err := w.healthCheck(ctx)
			return sdk.Request{Targets: []sdk.Target{w.healthCheckTarget(id)}}, err
		},
		Look: func(ctx context.Context, h sdk.Handle) (bool, error) { return w.isInverted(ctx, h.Targets[0].Name) },
		Snapshot: func(ctx context.Context, req sdk.Request) (string, error) {
			id := req.Targets[0].Name
			is, err := w.isInverted(ctx, id)
			if err != nil {
				return "", err
			}
			tags, err := w.route53().ListTagsForResource(ctx, &route53.ListTagsForResourceInput{ResourceType: types.TagResourceTypeHealthcheck, ResourceId: &id})
			if err != nil {
				return "", err
			}
			b, err := json.Marshal(tags.ResourceTagSet.Tags)
			return fmt.Sprintf("%s %t %s", id, is, b), err
		},
	})
}

func (w *world) healthCheckTarget(id string) sdk.Target {
	return w.target("aws_health_check", "arn:aws:route53:::healthcheck/"+id, id)
}

func TestHealthCheckInvertedKeepsWhatElseWasChanged(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	id, err := w.healthCheck(t.Context())
	w.skipUnimplemented(t, err)
	require.NoError(t, err)
	l := w.plugin(t, nil)
	fault := injected(t, l, "aws_health_check_inverted", "", resolve(t, l, "aws_health_check", fmt.Sprintf(`{"ids":[%q]}`, id))...)
	_, err = w.route53().UpdateHealthCheck(t.Context(), &route53.UpdateHealthCheckInput{HealthCheckId: &id, FailureThreshold: new(int32(7))})
	require.NoError(t, err)
	require.NoError(t, l.Revert(t.Context(), fault))
	out, err := w.route53().GetHealthCheck(t.Context(), &route53.GetHealthCheckInput{HealthCheckId: &id})
	require.NoError(t, err)
	require.False(t, awssdk.ToBool(out.HealthCheck.HealthCheckConfig.Inverted))
	require.EqualValues(t, 7, *out.HealthCheck.HealthCheckConfig.FailureThreshold)
}

func (w *world) resolver() *route53resolver.Client { return route53resolver.NewFromConfig(w.cfg) }

func (w *world) vpcTarget(id string) sdk.Target {
	return w.target("aws_vpc", w.arn("ec2", "vpc/"+id), id)
}

func TestDNSBlockedConforms(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	conform(t, w, conformance.Case{
		Fault: "aws_dns_blocked",
		Setup: func(ctx context.Context) (sdk.Request, error) {
			id, err := w.vpc(ctx)
			return sdk.Request{Config: json.RawMessage(`{"names":["db.example.com","*.Cache.example.com."]}`), Targets: []sdk.Target{w.vpcTarget(id)}}, err
		},
		Look: func(ctx context.Context, h sdk.Handle) (bool, error) { return w.blocks(ctx, h.Targets[0].Name) },
		Snapshot: func(ctx context.Context, _ sdk.Request) (string, error) {
			var out []string
			lists, err := w.resolver().ListFirewallDomainLists(ctx, &route53resolver.ListFirewallDomainListsInput{})
			if err != nil {
				return "", err
			}
			for _, l := range lists.FirewallDomainLists {
				out = append(out, *l.Id)
			}
			groups, err := w.resolver().ListFirewallRuleGroups(ctx, &route53resolver.ListFirewallRuleGroupsInput{})
			if err != nil {
				return "", err
			}
			for _, g := range groups.FirewallRuleGroups {
				out = append(out, *g.Id)
			}
			return fmt.Sprint(out), nil
		},
	})
}

// blocks says whether a rule group that blocks is associated with a VPC.
func (w *world) blocks(ctx context.Context, vpc string) (bool, error) {
	bonds, err := w.resolver().ListFirewallRuleGroupAssociations(ctx, &route53resolver.ListFirewallRuleGroupAssociationsInput{VpcId: &vpc})
	if err != nil {
		return false, err
	}
	for _, b := range bonds.FirewallRuleGroupAssociations {
		rules, err := w.resolver().ListFirewallRules(ctx, &route53resolver.ListFirewallRulesInput{FirewallRuleGroupId: b.FirewallRuleGroupId})
		if err != nil || len(rules.FirewallRules) == 0 {
			return false, err
		}
		domains, err := w.resolver().ListFirewallDomains(ctx, &route53resolver.ListFirewallDomainsInput{FirewallDomainListId: rules.FirewallRules[0].FirewallDomainListId})
		if err != nil || len(domains.Domains) > 0 && rules.FirewallRules[0].Action == resolvertypes.ActionBlock {
			return err == nil, err
		}
	}
	return false, nil
}

func TestDNSBlockedMindsWhatIsThere(t *testing.T) {
	t.Parallel()
	w := fakeOnly(t)
	vpc, err := w.vpc(t.Context())
	require.NoError(t, err)
	group, err := w.resolver().CreateFirewallRuleGroup(t.Context(), &route53resolver.CreateFirewallRuleGroupInput{Name: new("theirs"), CreatorRequestId: new("theirs")})
	require.NoError(t, err)
	_, err = w.resolver().AssociateFirewallRuleGroup(t.Context(), &route53resolver.AssociateFirewallRuleGroupInput{FirewallRuleGroupId: group.FirewallRuleGroup.Id, VpcId: &vpc, Priority: new(int32(101)), Name: new("theirs"), CreatorRequestId: new("theirs")})
	require.NoError(t, err)
	_, err = w.resolver().UpdateFirewallConfig(t.Context(), &route53resolver.UpdateFirewallConfigInput{ResourceId: &vpc, FirewallFailOpen: resolvertypes.FirewallFailOpenStatusEnabled})
	require.NoError(t, err)
	l := w.plugin(t, nil)

	h, problems := prepare(t, l, "aws_dns_blocked", `{"names":["db.example.com"],"response":"OVERRIDE","override":"down.example.com"}`, w.vpcTarget(vpc))
	require.Len(t, problems, 2)
	require.Contains(t, problems[0].Summary, "theirs (priority 101), which is asked first")
	require.Contains(t, problems[1].Summary, "firewall_fail_open")
	require.NoError(t, l.Inject(t.Context(), h))
	requireStatus(t, l, h, sdk.Active)
	require.NoError(t, l.Revert(t.Context(), h))
	bonds, err := w.resolver().ListFirewallRuleGroupAssociations(t.Context(), &route53resolver.ListFirewallRuleGroupAssociationsInput{VpcId: &vpc})
	require.NoError(t, err)
	require.Len(t, bonds.FirewallRuleGroupAssociations, 1, "theirs stays")

	_, problems = prepare(t, l, "aws_dns_blocked", `{"names":["db.example.com"],"priority":101}`, w.vpcTarget(vpc))
	require.Equal(t, []string{"priority"}, problems[0].Path)
	_, problems = prepare(t, l, "aws_dns_blocked", `{"names":["a*.example.com"]}`, w.vpcTarget(vpc))
	require.Equal(t, []string{"names", "0"}, problems[0].Path)
	_, problems = prepare(t, l, "aws_dns_blocked", `{"names":["db.example.com"],"override":"x"}`, w.vpcTarget(vpc))
	require.Equal(t, []string{"override"}, problems[0].Path)
}

// What AWS refuses half-way is taken back whole, each time at another call.
func TestDNSBlockedHalfWay(t *testing.T) {
	t.Parallel()
	for _, call := range []string{"UpdateFirewallDomains", "CreateFirewallRuleGroup", "CreateFirewallRule", "AssociateFirewallRuleGroup"} {
		t.Run(call, func(t *testing.T) {
			t.Parallel()
			w := fakeOnly(t)
			vpc, err := w.vpc(t.Context())
			require.NoError(t, err)
			l := w.plugin(t, nil)
			h := planned(t, l, "aws_dns_blocked", `{"names":["db.example.com"]}`, w.vpcTarget(vpc))
			w.fake.Fail("route53resolver:"+call, 0, awsfake.Error{Code: "LimitExceededException", Message: "enough", Status: 400})
			require.ErrorContains(t, l.Inject(t.Context(), h), "LimitExceededException")
			w.fake.Heal()
			require.NoError(t, l.Revert(t.Context(), h))
			w.requireNothingLeft(t)
			lists, err := w.resolver().ListFirewallDomainLists(t.Context(), &route53resolver.ListFirewallDomainListsInput{})
			require.NoError(t, err)
			require.Empty(t, lists.FirewallDomainLists)
		})
	}
}
