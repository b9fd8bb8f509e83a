package aws

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	awssdk "github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/route53resolver/types"

	"github.com/gameday-toolkit/gameday/plugins/sdk"
)

// blockedNames are names that the resolver of a VPC does not answer for. A list of domains, a group with one rule, and the group's
// association with the VPC are made for it. The firewall has no clock: when every process of ours dies at once the names stay
// blocked until gameday recover or gameday sweep.
type blockedNames struct {
	VPC         string   `json:"vpc"`
	Names       []string `json:"names"`
	Response    string   `json:"response"`
	Override    string   `json:"override,omitempty"`
	OverrideTTL int32    `json:"override_ttl,omitempty"`
	// Priority orders the associations of the VPC.
	Priority int32 `json:"priority"`
}

// dnsBlockedSettings are the attributes of the fault.
type dnsBlockedSettings struct {
	Names       []string `json:"names"`
	Response    string   `json:"response"`
	Override    string   `json:"override"`
	OverrideTTL int32    `json:"override_ttl"`
	Priority    int32    `json:"priority"`
}

// A group's priority is between these in what users associate; what is below and above belongs to AWS's own managers.
const (
	firstPriority = 101
	lastPriority  = 9899
)

func dnsBlocked() fault {
	return single(dnsBlockedPart(), "Blocks names for what asks the resolver of a VPC, with a rule of the Route 53 Resolver DNS Firewall that is made for it. Who asks another resolver, or has an answer in a cache, is not hit. "+
		"If every process of gameday dies at once the names stay blocked, until gameday recover or gameday sweep.",
		"aws_vpc")
}

func dnsBlockedPart() part {
	list := []string{"arn:{partition}:route53resolver:{region}:{account}:firewall-domain-list/*"}
	group := []string{"arn:{partition}:route53resolver:{region}:{account}:firewall-rule-group/*"}
	bond := []string{"arn:{partition}:route53resolver:{region}:{account}:firewall-rule-group-association/*"}
	return newPart(kind[blockedNames]{
		name: "aws_dns_blocked", slow: 5 * time.Minute, about: "arn:{partition}:ec2:{region}:{account}:vpc/*", of: "aws_vpc",
		attributes: []sdk.Attribute{
			{Name: "names", Type: sdk.StringList, Required: true, Doc: "The names, such as db.example.com, or *.example.com for all below."},
			{Name: "response", Type: sdk.String, Default: "NXDOMAIN", OneOf: []string{"NXDOMAIN", "NODATA", "OVERRIDE"}, Doc: "What is answered: that the name does not exist, that it has no such record, or another name."},
			{Name: "override", Type: sdk.String, Doc: "With response OVERRIDE: the name that is answered, as a CNAME."},
			{Name: "override_ttl", Type: sdk.Number, Default: 60, Doc: "With response OVERRIDE: how many seconds that is cached."},
			{Name: "priority", Type: sdk.Number, Doc: fmt.Sprintf("The rule group's place among those of the VPC, from %d to %d; lower is asked first. By default the first that is free.", firstPriority, lastPriority)},
		},
		needs: slices.Concat(
			reading("route53resolver:ListFirewallDomainLists", "route53resolver:ListFirewallRuleGroups", "route53resolver:ListFirewallRuleGroupAssociations", "ec2:DescribeVpcs"),
			changing(list, "route53resolver:CreateFirewallDomainList", "route53resolver:UpdateFirewallDomains", "route53resolver:GetFirewallDomainList", "route53resolver:ListFirewallDomains", "route53resolver:DeleteFirewallDomainList"),
			changing(group, "route53resolver:CreateFirewallRuleGroup", "route53resolver:DeleteFirewallRuleGroup"),
			changing(slices.Concat(group, list), "route53resolver:CreateFirewallRule", "route53resolver:DeleteFirewallRule"), changing(group, "route53resolver:ListFirewallRules"),
			changing(slices.Concat(group, bond), "route53resolver:AssociateFirewallRuleGroup"), changing(bond, "route53resolver:DisassociateFirewallRuleGroup"),
			changing([]string{"{arn}"}, "route53resolver:GetFirewallConfig"),
			changing(slices.Concat(list, group, bond), "route53resolver:TagResource", "route53resolver:ListTagsForResource"),
			reading("ec2:DescribeVpcAttribute")),
		plan: planDNSBlocked, look: lookDNSBlocked,
		inject: func(ctx context.Context, s *site, m mark, u blockedNames) error {
			return s.firewall(m, u.VPC).build(ctx, u)
		},
		revert: func(ctx context.Context, s *site, m mark, u blockedNames) error {
			return s.firewall(m, u.VPC).tearDown(ctx)
		},
		find: findFirewalls,
	})
}

func planDNSBlocked(ctx context.Context, s *site, a ask) ([]item[blockedNames], []sdk.Problem, error) {
	c := dnsBlockedSettings{}
	if err := a.decode(&c); err != nil {
		return nil, nil, err
	}
	if problems := c.check(); len(problems) > 0 {
		return nil, problems, nil
	}
	vpc := resourceOf(a.target.ID)
	others, err := s.associations(ctx, vpc)
	if err != nil {
		return nil, nil, err
	}
	priority, p := c.place(others, vpc)
	if p != nil {
		return nil, []sdk.Problem{*p}, nil
	}
	u := blockedNames{VPC: vpc, Names: slices.Clone(c.Names), Response: c.Response, Priority: priority}
	if c.Response == "OVERRIDE" {
		u.Override, u.OverrideTTL = c.Override, c.OverrideTTL
	}
	problems, err := s.firewallWarnings(ctx, vpc, priority, others)
	return []item[blockedNames]{blockedItem(s, u, a.target.Name)}, problems, err
}

func (c dnsBlockedSettings) check() []sdk.Problem {
	var out []sdk.Problem
	if len(c.Names) == 0 {
		out = append(out, problem("names", "There is no name to block", `Write names = ["db.example.com"].`))
	}
	for i, n := range c.Names {
		if rest := strings.TrimPrefix(n, "*."); rest == "" || strings.Contains(rest, "*") || strings.ContainsAny(rest, " /:") {
			out = append(out, problem("names."+strconv.Itoa(i), fmt.Sprintf("%q is no name that the firewall can block", n), "Write a name, or *. and a name for all that is below it."))
		}
	}
	if (c.Response == "OVERRIDE") != (c.Override != "") {
		out = append(out, problem("override", "The response OVERRIDE and a name to override with belong together", `Write response = "OVERRIDE" and override = "maintenance.example.com", or neither.`))
	}
	if c.Priority != 0 && (c.Priority < firstPriority || c.Priority > lastPriority) {
		out = append(out, problem("priority", fmt.Sprintf("A priority is between %d and %d", firstPriority, lastPriority), "Leave it out to take the first that is free."))
	}
	return out
}

// place is the priority that the rule group gets.
func (c dnsBlockedSettings) place(others []types.FirewallRuleGroupAssociation, vpc string) (int32, *sdk.Problem) {
	taken := func(n int32) int {
		return slices.IndexFunc(others, func(o types.FirewallRuleGroupAssociation) bool { return awssdk.ToInt32(o.Priority) == n })
	}
	if c.Priority != 0 {
		if i := taken(c.Priority); i >= 0 {
			p := problem("priority", fmt.Sprintf("%s has the priority %d in %s already", cmp.Or(awssdk.ToString(others[i].Name), awssdk.ToString(others[i].Id)), c.Priority, vpc), "Leave it out to take the first that is free.")
			return 0, &p
		}
		return c.Priority, nil
	}
	n := int32(firstPriority)
	for taken(n) >= 0 {
		n++
	}
	return n, nil
}

func blockedItem(s *site, u blockedNames, name string) item[blockedNames] {
	return item[blockedNames]{
		arn: s.arn("ec2", "vpc/"+u.VPC), name: name, before: "without a firewall rule of this fault", made: madeOfBlocked(u), undo: u,
		effect: fmt.Sprintf("in %s, the resolver answers %s for %s: create a domain list, a rule group and its association with priority %d", name, answerOf(u), strings.Join(u.Names, ", "), u.Priority),
		byHand: fmt.Sprintf("in the Route 53 Resolver console of %s, under DNS Firewall: disassociate the rule group gameday-* from %s, and delete it and the domain list gameday-*; each has the tag %s", s.region, u.VPC, tagHandle),
	}
}

func answerOf(u blockedNames) string {
	if u.Response == "OVERRIDE" {
		return u.Override
	}
	return u.Response
}

func madeOfBlocked(u blockedNames) string {
	names := slices.Clone(u.Names)
	for i, n := range names {
		names[i] = strings.ToLower(strings.TrimSuffix(n, "."))
	}
	slices.Sort(names)
	return fmt.Sprintf("with a firewall rule that answers %s for %s", answerOf(u), strings.Join(slices.Compact(names), ", "))
}
