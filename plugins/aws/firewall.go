package aws

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	awssdk "github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	ec2types "github.com/aws/aws-sdk-go-v2/service/ec2/types"
	"github.com/aws/aws-sdk-go-v2/service/route53resolver"
	"github.com/aws/aws-sdk-go-v2/service/route53resolver/types"

	"github.com/gameday-toolkit/gameday/plugins/sdk"
)

// firewall is what one fault makes of the DNS Firewall for one VPC: a list of domains, a group with one rule, and an association, all
// of one name, which is made of the fault's handle. They are found by that name and owned by their tags.
type firewall struct {
	*site
	mark mark
	vpc  string
	name string
}

func (s *site) firewall(m mark, vpc string) *firewall {
	return &firewall{s, m, vpc, m.token("dns " + vpc)}
}

// tagVPC says which VPC it is for, which the association says only once it is there.
const tagVPC = "gameday:vpc"

// slowFirewall is how long one step may take.
const slowFirewall = 2 * time.Minute

// parts are the IDs and the ARNs of what is there of a firewall.
type firewallParts struct {
	list, listARN, group, groupARN string
	bond                           *types.FirewallRuleGroupAssociation
}

func (s *site) associations(ctx context.Context, vpc string) ([]types.FirewallRuleGroupAssociation, error) {
	in := &route53resolver.ListFirewallRuleGroupAssociationsInput{}
	if vpc != "" {
		in.VpcId = new(vpc)
	}
	var out []types.FirewallRuleGroupAssociation
	for pages := route53resolver.NewListFirewallRuleGroupAssociationsPaginator(s.resolver(), in); pages.HasMorePages(); {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, fmt.Errorf("listing the firewall rule groups of %s: %w", cmp.Or(vpc, s.region), err)
		}
		out = append(out, page.FirewallRuleGroupAssociations...)
	}
	return out, nil
}

func (s *site) domainLists(ctx context.Context) ([]types.FirewallDomainListMetadata, error) {
	var out []types.FirewallDomainListMetadata
	for pages := route53resolver.NewListFirewallDomainListsPaginator(s.resolver(), &route53resolver.ListFirewallDomainListsInput{}); pages.HasMorePages(); {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, fmt.Errorf("listing the domain lists of the firewall: %w", err)
		}
		out = append(out, page.FirewallDomainLists...)
	}
	return out, nil
}

func (s *site) ruleGroups(ctx context.Context) ([]types.FirewallRuleGroupMetadata, error) {
	var out []types.FirewallRuleGroupMetadata
	for pages := route53resolver.NewListFirewallRuleGroupsPaginator(s.resolver(), &route53resolver.ListFirewallRuleGroupsInput{}); pages.HasMorePages(); {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, fmt.Errorf("listing the rule groups of the firewall: %w", err)
		}
		out = append(out, page.FirewallRuleGroups...)
	}
	return out, nil
}

// read finds what is there. Something of that name without our tag is not ours.
func (f *firewall) read(ctx context.Context) (firewallParts, error) {
	var out firewallParts
	lists, err := f.domainLists(ctx)
	if err != nil {
		return out, err
	}
	for _, l := range lists {
		if awssdk.ToString(l.Name) == f.name {
			out.list, out.listARN = awssdk.ToString(l.Id), awssdk.ToString(l.Arn)
		}
	}
	groups, err := f.ruleGroups(ctx)
	if err != nil {
		return out, err
	}
	for _, g := range groups {
		if awssdk.ToString(g.Name) == f.name {
			out.group, out.groupARN = awssdk.ToString(g.Id), awssdk.ToString(g.Arn)
		}
	}
	bonds, err := f.associations(ctx, f.vpc)
	for _, b := range bonds {
		if awssdk.ToString(b.Name) == f.name || out.group != "" && awssdk.ToString(b.FirewallRuleGroupId) == out.group {
			out.bond = &b
		}
	}
	if err == nil {
		err = f.own(ctx, out)
	}
	return out, err
}

// own checks that what has our name has our tag.
func (f *firewall) own(ctx context.Context, parts firewallParts) error {
	for _, arn := range []string{parts.listARN, parts.groupARN} {
		if arn == "" {
			continue
		}
		tags, err := f.resolverTags(ctx, arn)
		if err != nil {
			return err
		}
		if !f.mark.made(tags) {
			return fmt.Errorf("conflict: %s has the name that this fault gives, %s, and is not by this fault: it is left as it is", arn, f.name)
		}
	}
	return nil
}

func (s *site) resolverTags(ctx context.Context, arn string) (map[string]string, error) {
	got, err := s.resolver().ListTagsForResource(ctx, &route53resolver.ListTagsForResourceInput{ResourceArn: new(arn)})
	if err != nil {
		return nil, fmt.Errorf("reading the tags of %s: %w", arn, err)
	}
	return tagMap(got.Tags, func(t types.Tag) (*string, *string) { return t.Key, t.Value }), nil
}

func lookDNSBlocked(ctx context.Context, s *site, m mark, u blockedNames) (view, error) {
	f := s.firewall(m, u.VPC)
	parts, err := f.read(ctx)
	switch {
	case err != nil:
		return view{}, err
	case parts.list == "" && parts.group == "" && parts.bond == nil:
		return is(before, "without a firewall rule of this fault"), nil
	case parts.bond != nil && parts.bond.Status != types.FirewallRuleGroupAssociationStatusComplete:
		return is(moving, "with a firewall rule group whose association is %s", parts.bond.Status), nil
	case parts.list == "" || parts.group == "" || parts.bond == nil:
		return is(partly, "with a part of a firewall rule of this fault"), nil
	}
	return f.rule(ctx, parts, u)
}

// rule says what the rule and the domains in the list make of a question.
func (f *firewall) rule(ctx context.Context, parts firewallParts, u blockedNames) (view, error) {
	rules, err := f.rules(ctx, parts.group)
	if err != nil {
		return view{}, err
	}
	if len(rules) == 0 {
		return is(partly, "with a firewall rule group that has no rule"), nil
	}
	if len(rules) > 1 || awssdk.ToString(rules[0].FirewallDomainListId) != parts.list {
		return is(other, "with a firewall rule group into which somebody has put a rule"), nil
	}
	domains, err := f.domains(ctx, parts.list)
	if err != nil {
		return view{}, err
	}
	r := rules[0]
	got := blockedNames{Names: domains, Response: string(r.BlockResponse), Override: strings.TrimSuffix(awssdk.ToString(r.BlockOverrideDomain), ".")}
	want := u
	want.Override = strings.TrimSuffix(u.Override, ".")
	if r.Action == types.ActionBlock && madeOfBlocked(got) == madeOfBlocked(want) {
		return is(ours, "%s", madeOfBlocked(u)), nil
	}
	return is(partly, "%s (%s)", madeOfBlocked(got), r.Action), nil
}

func (f *firewall) rules(ctx context.Context, group string) ([]types.FirewallRule, error) {
	var out []types.FirewallRule
	for pages := route53resolver.NewListFirewallRulesPaginator(f.resolver(), &route53resolver.ListFirewallRulesInput{FirewallRuleGroupId: new(group)}); pages.HasMorePages(); {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, fmt.Errorf("listing the rules of %s: %w", group, err)
		}
		out = append(out, page.FirewallRules...)
	}
	return out, nil
}

func (f *firewall) domains(ctx context.Context, list string) ([]string, error) {
	var out []string
	for pages := route53resolver.NewListFirewallDomainsPaginator(f.resolver(), &route53resolver.ListFirewallDomainsInput{FirewallDomainListId: new(list)}); pages.HasMorePages(); {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, fmt.Errorf("listing the domains of %s: %w", list, err)
		}
		out = append(out, page.Domains...)
	}
	return out, nil
}

// build makes what is not there yet, one after the other: the association comes last, and only then is anything blocked.
func (f *firewall) build(ctx context.Context, u blockedNames) error {
	parts, err := f.read(ctx)
	if err != nil {
		return err
	}
	if parts.list == "" {
		made, err := f.resolver().CreateFirewallDomainList(ctx, &route53resolver.CreateFirewallDomainListInput{CreatorRequestId: new(f.name), Name: new(f.name), Tags: f.tags()})
		if err != nil {
			return fmt.Errorf("making the domain list: %w", err)
		}
		parts.list = awssdk.ToString(made.FirewallDomainList.Id)
	}
	if _, err := f.resolver().UpdateFirewallDomains(ctx, &route53resolver.UpdateFirewallDomainsInput{
		FirewallDomainListId: new(parts.list), Operation: types.FirewallDomainUpdateOperationReplace, Domains: u.Names,
	}); err != nil {
		return fmt.Errorf("filling the domain list: %w", err)
	}
	if err := f.awaitList(ctx, parts.list); err != nil {
		return err
	}
	if parts.group == "" {
		made, err := f.resolver().CreateFirewallRuleGroup(ctx, &route53resolver.CreateFirewallRuleGroupInput{CreatorRequestId: new(f.name), Name: new(f.name), Tags: f.tags()})
		if err != nil {
			return fmt.Errorf("making the rule group: %w", err)
		}
		parts.group = awssdk.ToString(made.FirewallRuleGroup.Id)
	}
	if err := f.makeRule(ctx, parts, u); err != nil {
		return err
	}
	if parts.bond != nil {
		return nil
	}
	_, err = f.resolver().AssociateFirewallRuleGroup(ctx, &route53resolver.AssociateFirewallRuleGroupInput{
		CreatorRequestId: new(f.name), Name: new(f.name), FirewallRuleGroupId: new(parts.group), VpcId: new(f.vpc), Priority: new(u.Priority),
		MutationProtection: types.MutationProtectionStatusDisabled, Tags: f.tags(),
	})
	if err != nil {
		return fmt.Errorf("associating the rule group with %s, priority %d: %w", f.vpc, u.Priority, err)
	}
	return nil
}

func (f *firewall) tags() []types.Tag {
	tags := f.mark.created()
	tags[tagVPC] = f.vpc
	return tagList(tags, func(k, v *string) types.Tag { return types.Tag{Key: k, Value: v} })
}

// awaitList waits until the firewall has taken the names.
func (f *firewall) awaitList(ctx context.Context, list string) error {
	return poll(ctx, slowFirewall, "the domain list to be complete", func(ctx context.Context) (bool, error) {
		got, err := f.resolver().GetFirewallDomainList(ctx, &route53resolver.GetFirewallDomainListInput{FirewallDomainListId: new(list)})
		if err != nil {
			return false, fmt.Errorf("reading the domain list: %w", err)
		}
		if got.FirewallDomainList.Status == types.FirewallDomainListStatusCompleteImportFailed {
			return false, fmt.Errorf("the firewall does not take the names: %s", awssdk.ToString(got.FirewallDomainList.StatusMessage))
		}
		return got.FirewallDomainList.Status == types.FirewallDomainListStatusComplete, nil
	})
}

func (f *firewall) makeRule(ctx context.Context, parts firewallParts, u blockedNames) error {
	rules, err := f.rules(ctx, parts.group)
	if err != nil || len(rules) > 0 {
		return err
	}
	in := &route53resolver.CreateFirewallRuleInput{
		CreatorRequestId: new(f.name), FirewallRuleGroupId: new(parts.group), FirewallDomainListId: new(parts.list), Name: new("gameday"), Priority: new(int32(1)),
		Action: types.ActionBlock, BlockResponse: types.BlockResponse(u.Response),
	}
	if u.Override != "" {
		in.BlockOverrideDnsType, in.BlockOverrideDomain, in.BlockOverrideTtl = types.BlockOverrideDnsTypeCname, new(u.Override), new(u.OverrideTTL)
	}
	if _, err := f.resolver().CreateFirewallRule(ctx, in); err != nil {
		return fmt.Errorf("making the rule: %w", err)
	}
	return nil
}

// tearDown removes what is there, the other way round. A rule that somebody else put into the group keeps the group from
// being deleted, and the error says so.
func (f *firewall) tearDown(ctx context.Context) error {
	parts, err := f.read(ctx)
	if err != nil {
		return err
	}
	if parts.bond != nil {
		_, err := f.resolver().DisassociateFirewallRuleGroup(ctx, &route53resolver.DisassociateFirewallRuleGroupInput{FirewallRuleGroupAssociationId: parts.bond.Id})
		if err != nil && !missing(err) {
			return fmt.Errorf("taking the rule group off %s: %w", f.vpc, err)
		}
		if err := f.awaitFree(ctx); err != nil {
			return err
		}
	}
	if parts.group != "" {
		if err := f.deleteGroup(ctx, parts); err != nil {
			return err
		}
	}
	if parts.list != "" {
		_, err := f.resolver().DeleteFirewallDomainList(ctx, &route53resolver.DeleteFirewallDomainListInput{FirewallDomainListId: new(parts.list)})
		if err != nil && !missing(err) {
			return fmt.Errorf("deleting the domain list: %w", err)
		}
	}
	return nil
}

func (f *firewall) awaitFree(ctx context.Context) error {
	return poll(ctx, slowFirewall, "the rule group to be off "+f.vpc, func(ctx context.Context) (bool, error) {
		now, err := f.read(ctx)
		return now.bond == nil, err
	})
}

func (f *firewall) deleteGroup(ctx context.Context, parts firewallParts) error {
	rules, err := f.rules(ctx, parts.group)
	if err != nil && !missing(err) {
		return err
	}
	for _, r := range rules {
		if id := awssdk.ToString(r.FirewallDomainListId); parts.list != "" && id != parts.list {
			return fmt.Errorf("conflict: the rule group %s has the rule %s, which is not by this fault: it is left as it is", parts.group, awssdk.ToString(r.Name))
		}
		_, err := f.resolver().DeleteFirewallRule(ctx, &route53resolver.DeleteFirewallRuleInput{FirewallRuleGroupId: new(parts.group), FirewallDomainListId: r.FirewallDomainListId})
		if err != nil && !missing(err) {
			return fmt.Errorf("deleting the rule: %w", err)
		}
	}
	_, err = f.resolver().DeleteFirewallRuleGroup(ctx, &route53resolver.DeleteFirewallRuleGroupInput{FirewallRuleGroupId: new(parts.group)})
	if err != nil && !missing(err) {
		return fmt.Errorf("deleting the rule group: %w", err)
	}
	return nil
}

// firewallWarnings is what may keep the fault from hitting.
func (s *site) firewallWarnings(ctx context.Context, vpc string, priority int32, others []types.FirewallRuleGroupAssociation) ([]sdk.Problem, error) {
	var out []sdk.Problem
	for _, o := range others {
		if awssdk.ToInt32(o.Priority) < priority {
			out = append(out, warning("priority", fmt.Sprintf("%s has the rule group %s (priority %d), which is asked first", vpc, cmp.Or(awssdk.ToString(o.Name), awssdk.ToString(o.Id)), awssdk.ToInt32(o.Priority)),
				"A rule in it that allows one of the names keeps the fault from blocking it. Inspect cannot see that: watch the names with a probe."))
		}
	}
	dns, err := s.ec2().DescribeVpcAttribute(ctx, &ec2.DescribeVpcAttributeInput{VpcId: new(vpc), Attribute: ec2types.VpcAttributeNameEnableDnsSupport})
	if err != nil {
		return nil, fmt.Errorf("reading whether %s has a resolver: %w", vpc, err)
	}
	if dns.EnableDnsSupport != nil && !awssdk.ToBool(dns.EnableDnsSupport.Value) {
		out = append(out, warning("targets", vpc+" has no resolver of its own (enableDnsSupport is off)", "Nothing in it asks the firewall."))
	}
	config, err := s.resolver().GetFirewallConfig(ctx, &route53resolver.GetFirewallConfigInput{ResourceId: new(vpc)})
	if err != nil {
		return nil, fmt.Errorf("reading the firewall configuration of %s: %w", vpc, err)
	}
	if config.FirewallConfig.FirewallFailOpen == types.FirewallFailOpenStatusEnabled {
		out = append(out, warning("targets", vpc+" lets questions through while the firewall does not answer (firewall_fail_open)", "In such a moment the names are not blocked."))
	}
	return out, nil
}

// findFirewalls finds what faults have made, whatever is left of it.
func findFirewalls(ctx context.Context, s *site) ([]leftover[blockedNames], error) {
	lists, err := s.domainLists(ctx)
	if err != nil {
		return nil, err
	}
	groups, err := s.ruleGroups(ctx)
	if err != nil {
		return nil, err
	}
	arns := map[string]string{} // of a list or of a group, by the name that both have
	for _, l := range lists {
		arns[awssdk.ToString(l.Name)] = awssdk.ToString(l.Arn)
	}
	for _, g := range groups {
		arns[awssdk.ToString(g.Name)] = awssdk.ToString(g.Arn)
	}
	var out []leftover[blockedNames]
	for _, name := range slices.Sorted(maps.Keys(arns)) {
		if !strings.HasPrefix(name, tokenPrefix) {
			continue
		}
		tags, err := s.resolverTags(ctx, arns[name])
		if err != nil {
			return out, err
		}
		if vpc := tags[tagVPC]; vpc != "" && tags[tagHandle] != "" {
			out = append(out, leftover[blockedNames]{mark: markOfTags(tags), item: blockedItem(s, blockedNames{VPC: vpc}, vpc)})
		}
	}
	return out, nil
}
