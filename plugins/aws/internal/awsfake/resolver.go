package awsfake

import (
	"maps"
	"slices"
	"strings"
	"time"
)

// resolverState is what the Route 53 Resolver keeps of its DNS Firewall in a region.
type resolverState struct {
	Lists  map[string]*domainList
	Groups map[string]*ruleGroup
	Bonds  map[string]*ruleGroupBond
	// FailOpen are the VPCs that let questions through while the firewall does not answer.
	FailOpen map[string]bool
	// Tags by ARN.
	Tags map[string]map[string]string
}

type domainList struct {
	ID, ARN, Name, Request string
	Domains                []string
	Ready                  time.Time
}

type ruleGroup struct {
	ID, ARN, Name, Request string
	Rules                  []*firewallRule
}

// firewallRule is one as the wire has it.
type firewallRule struct {
	FirewallRuleGroupId, FirewallDomainListId, Name, Action string
	Priority                                                int32
	BlockResponse, BlockOverrideDomain                      string `json:",omitempty"`
	BlockOverrideDnsType                                    string `json:",omitempty"`
	BlockOverrideTtl                                        int32  `json:",omitempty"`
}

type ruleGroupBond struct {
	ID, ARN, Group, VPC, Name, Request string
	Priority                           int32
	Ready                              time.Time // when it has been made, or
	Gone                               time.Time // when it will have been taken away
}

func newResolver() resolverState {
	return resolverState{map[string]*domainList{}, map[string]*ruleGroup{}, map[string]*ruleGroupBond{}, map[string]bool{}, map[string]map[string]string{}}
}

func resolverOperations() map[string]handler {
	return map[string]handler{
		"CreateFirewallDomainList": createDomainList, "UpdateFirewallDomains": updateDomains, "GetFirewallDomainList": getDomainList,
		"ListFirewallDomainLists": listDomainLists, "ListFirewallDomains": listDomains, "DeleteFirewallDomainList": deleteDomainList,
		"CreateFirewallRuleGroup": createRuleGroup, "ListFirewallRuleGroups": listRuleGroups, "DeleteFirewallRuleGroup": deleteRuleGroup,
		"CreateFirewallRule": createRule, "ListFirewallRules": listRules, "DeleteFirewallRule": deleteRule,
		"AssociateFirewallRuleGroup": associateRuleGroup, "DisassociateFirewallRuleGroup": disassociateRuleGroup,
		"ListFirewallRuleGroupAssociations": listRuleGroupBonds, "GetFirewallConfig": getFirewallConfig, "UpdateFirewallConfig": updateFirewallConfig,
		"ListTagsForResource": listResolverTags,
	}
}

type tagPair struct{ Key, Value string }

type createdBy struct {
	CreatorRequestId, Name string
	Tags                   []tagPair
}

func (c *call) resolverARN(kind, id string) string {
	return "arn:aws:route53resolver:" + c.region + ":" + Account + ":" + kind + "/" + id
}

func (c *call) tagResolver(arn string, tags []tagPair) {
	out := map[string]string{}
	for _, t := range tags {
		out[t.Key] = t.Value
	}
	c.state.Resolver.Tags[arn] = out
}

func listResolverTags(c *call) (any, error) {
	var in struct{ ResourceArn string }
	if err := c.decode(&in); err != nil {
		return nil, err
	}
	tags, ok := c.state.Resolver.Tags[in.ResourceArn]
	if !ok {
		return nil, failf("ResourceNotFoundException", "The resource %s does not exist", in.ResourceArn)
	}
	out := struct{ Tags []tagPair }{[]tagPair{}}
	for _, k := range slices.Sorted(maps.Keys(tags)) {
		out.Tags = append(out.Tags, tagPair{k, tags[k]})
	}
	return out, nil
}

func (l *domainList) item() map[string]any {
	status := "COMPLETE"
	if time.Now().Before(l.Ready) {
		status = "UPDATING"
	}
	return map[string]any{"Id": l.ID, "Arn": l.ARN, "Name": l.Name, "CreatorRequestId": l.Request, "Status": status, "DomainCount": len(l.Domains)}
}

func createDomainList(c *call) (any, error) {
	var in createdBy
	if err := c.decode(&in); err != nil {
		return nil, err
	}
	for _, l := range c.state.Resolver.Lists {
		if l.Request == in.CreatorRequestId {
			return map[string]any{"FirewallDomainList": l.item()}, nil
		}
	}
	id := c.server.newID("rslvr-fdl")
	l := &domainList{ID: id, ARN: c.resolverARN("firewall-domain-list", id), Name: in.Name, Request: in.CreatorRequestId}
	c.state.Resolver.Lists[id] = l
	c.tagResolver(l.ARN, in.Tags)
	return map[string]any{"FirewallDomainList": l.item()}, nil
}

func (c *call) domainList(id string) (*domainList, error) {
	if l := c.state.Resolver.Lists[id]; l != nil {
		return l, nil
	}
	return nil, failf("ResourceNotFoundException", "Can't find the resource with ID %q", id)
}

func updateDomains(c *call) (any, error) {
	var in struct {
		FirewallDomainListId, Operation string
		Domains                         []string
	}
	if err := c.decode(&in); err != nil {
		return nil, err
	}
	l, err := c.domainList(in.FirewallDomainListId)
	if err != nil {
		return nil, err
	}
	if in.Operation != "REPLACE" {
		return nil, failf("ValidationException", "only REPLACE is understood here")
	}
	l.Domains, l.Ready = nil, c.server.when()
	for _, d := range in.Domains {
		l.Domains = append(l.Domains, strings.ToLower(strings.TrimSuffix(d, "."))+".")
	}
	return l.item(), nil
}

type byList struct {
	FirewallDomainListId, NextToken string
	MaxResults                      int
}

func getDomainList(c *call) (any, error) {
	var in byList
	if err := c.decode(&in); err != nil {
		return nil, err
	}
	l, err := c.domainList(in.FirewallDomainListId)
	if err != nil {
		return nil, err
	}
	return map[string]any{"FirewallDomainList": l.item()}, nil
}

func listDomainLists(c *call) (any, error) {
	var in byList
	if err := c.decode(&in); err != nil {
		return nil, err
	}
	some, next, err := page(ordered(c.state.Resolver.Lists), in.NextToken, in.MaxResults)
	out := []map[string]any{}
	for _, l := range some {
		out = append(out, map[string]any{"Id": l.ID, "Arn": l.ARN, "Name": l.Name, "CreatorRequestId": l.Request})
	}
	return paged("FirewallDomainLists", out, next), err
}

// paged is an answer with the token of the next page, if there is one.
func paged(name string, some any, next string) map[string]any {
	out := map[string]any{name: some}
	if next != "" {
		out["NextToken"] = next
	}
	return out
}

func listDomains(c *call) (any, error) {
	var in byList
	if err := c.decode(&in); err != nil {
		return nil, err
	}
	l, err := c.domainList(in.FirewallDomainListId)
	if err != nil {
		return nil, err
	}
	some, next, err := page(l.Domains, in.NextToken, in.MaxResults)
	return paged("Domains", append([]string{}, some...), next), err
}

func deleteDomainList(c *call) (any, error) {
	var in byList
	if err := c.decode(&in); err != nil {
		return nil, err
	}
	l, err := c.domainList(in.FirewallDomainListId)
	if err != nil {
		return nil, err
	}
	for _, g := range c.state.Resolver.Groups {
		if slices.ContainsFunc(g.Rules, func(r *firewallRule) bool { return r.FirewallDomainListId == l.ID }) {
			return nil, failf("ConflictException", "The domain list is used by the rule group %s", g.ID)
		}
	}
	delete(c.state.Resolver.Lists, l.ID)
	delete(c.state.Resolver.Tags, l.ARN)
	return map[string]any{"FirewallDomainList": l.item()}, nil
}

func (g *ruleGroup) item() map[string]any {
	return map[string]any{"Id": g.ID, "Arn": g.ARN, "Name": g.Name, "CreatorRequestId": g.Request, "OwnerId": Account, "ShareStatus": "NOT_SHARED"}
}

func createRuleGroup(c *call) (any, error) {
	var in createdBy
	if err := c.decode(&in); err != nil {
		return nil, err
	}
	for _, g := range c.state.Resolver.Groups {
		if g.Request == in.CreatorRequestId {
			return map[string]any{"FirewallRuleGroup": g.item()}, nil
		}
	}
	id := c.server.newID("rslvr-frg")
	g := &ruleGroup{ID: id, ARN: c.resolverARN("firewall-rule-group", id), Name: in.Name, Request: in.CreatorRequestId}
	c.state.Resolver.Groups[id] = g
	c.tagResolver(g.ARN, in.Tags)
	return map[string]any{"FirewallRuleGroup": g.item()}, nil
}

type byGroup struct {
	FirewallRuleGroupId, FirewallDomainListId, VpcId, NextToken string
	MaxResults                                                  int
}

func (c *call) ruleGroup(id string) (*ruleGroup, error) {
	if g := c.state.Resolver.Groups[id]; g != nil {
		return g, nil
	}
	return nil, failf("ResourceNotFoundException", "Can't find the resource with ID %q", id)
}

func listRuleGroups(c *call) (any, error) {
	var in byGroup
	if err := c.decode(&in); err != nil {
		return nil, err
	}
	some, next, err := page(ordered(c.state.Resolver.Groups), in.NextToken, in.MaxResults)
	out := []map[string]any{}
	for _, g := range some {
		out = append(out, g.item())
	}
	return paged("FirewallRuleGroups", out, next), err
}

func deleteRuleGroup(c *call) (any, error) {
	var in byGroup
	if err := c.decode(&in); err != nil {
		return nil, err
	}
	g, err := c.ruleGroup(in.FirewallRuleGroupId)
	if err != nil {
		return nil, err
	}
	c.forgetBonds()
	for _, b := range c.state.Resolver.Bonds {
		if b.Group == g.ID {
			return nil, failf("ConflictException", "The rule group is associated with %s", b.VPC)
		}
	}
	if len(g.Rules) > 0 {
		return nil, failf("ConflictException", "The rule group has rules")
	}
	delete(c.state.Resolver.Groups, g.ID)
	delete(c.state.Resolver.Tags, g.ARN)
	return map[string]any{"FirewallRuleGroup": g.item()}, nil
}

func createRule(c *call) (any, error) {
	var in firewallRule
	if err := c.decode(&in); err != nil {
		return nil, err
	}
	g, err := c.ruleGroup(in.FirewallRuleGroupId)
	if err != nil {
		return nil, err
	}
	if _, err := c.domainList(in.FirewallDomainListId); err != nil {
		return nil, err
	}
	for _, r := range g.Rules {
		if r.FirewallDomainListId == in.FirewallDomainListId || r.Priority == in.Priority {
			return nil, failf("ConflictException", "The rule group has such a rule")
		}
	}
	g.Rules = append(g.Rules, &in)
	return map[string]any{"FirewallRule": in}, nil
}

func listRules(c *call) (any, error) {
	var in byGroup
	if err := c.decode(&in); err != nil {
		return nil, err
	}
	g, err := c.ruleGroup(in.FirewallRuleGroupId)
	if err != nil {
		return nil, err
	}
	some, next, err := page(g.Rules, in.NextToken, in.MaxResults)
	return paged("FirewallRules", append([]*firewallRule{}, some...), next), err
}

func deleteRule(c *call) (any, error) {
	var in byGroup
	if err := c.decode(&in); err != nil {
		return nil, err
	}
	g, err := c.ruleGroup(in.FirewallRuleGroupId)
	if err != nil {
		return nil, err
	}
	i := slices.IndexFunc(g.Rules, func(r *firewallRule) bool { return r.FirewallDomainListId == in.FirewallDomainListId })
	if i < 0 {
		return nil, failf("ResourceNotFoundException", "There is no such rule")
	}
	was := g.Rules[i]
	g.Rules = slices.Delete(g.Rules, i, i+1)
	return map[string]any{"FirewallRule": was}, nil
}

// forgetBonds drops what has been taken away.
func (c *call) forgetBonds() {
	for id, b := range c.state.Resolver.Bonds {
		if !b.Gone.IsZero() && time.Now().After(b.Gone) {
			delete(c.state.Resolver.Bonds, id)
			delete(c.state.Resolver.Tags, b.ARN)
		}
	}
}

func (b *ruleGroupBond) item() map[string]any {
	status := "COMPLETE"
	switch {
	case !b.Gone.IsZero():
		status = "DELETING"
	case time.Now().Before(b.Ready):
		status = "UPDATING"
	}
	return map[string]any{"Id": b.ID, "Arn": b.ARN, "FirewallRuleGroupId": b.Group, "VpcId": b.VPC, "Name": b.Name, "Priority": b.Priority, "CreatorRequestId": b.Request, "MutationProtection": "DISABLED", "Status": status}
}

func associateRuleGroup(c *call) (any, error) {
	var in struct {
		createdBy
		FirewallRuleGroupId, VpcId string
		Priority                   int32
	}
	if err := c.decode(&in); err != nil {
		return nil, err
	}
	if _, err := c.ruleGroup(in.FirewallRuleGroupId); err != nil {
		return nil, err
	}
	c.forgetBonds()
	for _, b := range c.state.Resolver.Bonds {
		switch {
		case b.Request == in.CreatorRequestId:
			return map[string]any{"FirewallRuleGroupAssociation": b.item()}, nil
		case b.VPC == in.VpcId && b.Priority == in.Priority:
			return nil, failf("ValidationException", "The priority %d is used by another association of %s", in.Priority, in.VpcId)
		}
	}
	id := c.server.newID("rslvr-frgassoc")
	b := &ruleGroupBond{ID: id, ARN: c.resolverARN("firewall-rule-group-association", id), Group: in.FirewallRuleGroupId, VPC: in.VpcId, Name: in.Name, Request: in.CreatorRequestId, Priority: in.Priority, Ready: c.server.when()}
	c.state.Resolver.Bonds[id] = b
	c.tagResolver(b.ARN, in.Tags)
	return map[string]any{"FirewallRuleGroupAssociation": b.item()}, nil
}

func disassociateRuleGroup(c *call) (any, error) {
	var in struct{ FirewallRuleGroupAssociationId string }
	if err := c.decode(&in); err != nil {
		return nil, err
	}
	b := c.state.Resolver.Bonds[in.FirewallRuleGroupAssociationId]
	if b == nil {
		return nil, failf("ResourceNotFoundException", "Can't find the resource with ID %q", in.FirewallRuleGroupAssociationId)
	}
	if b.Gone.IsZero() {
		b.Gone = c.server.when()
	}
	return map[string]any{"FirewallRuleGroupAssociation": b.item()}, nil
}

func listRuleGroupBonds(c *call) (any, error) {
	var in byGroup
	if err := c.decode(&in); err != nil {
		return nil, err
	}
	c.forgetBonds()
	var all []*ruleGroupBond
	for _, b := range ordered(c.state.Resolver.Bonds) {
		if (in.VpcId == "" || b.VPC == in.VpcId) && (in.FirewallRuleGroupId == "" || b.Group == in.FirewallRuleGroupId) {
			all = append(all, b)
		}
	}
	some, next, err := page(all, in.NextToken, in.MaxResults)
	out := []map[string]any{}
	for _, b := range some {
		out = append(out, b.item())
	}
	return paged("FirewallRuleGroupAssociations", out, next), err
}

func (c *call) firewallConfig(vpc string) map[string]any {
	open := map[bool]string{true: "ENABLED", false: "DISABLED"}[c.state.Resolver.FailOpen[vpc]]
	return map[string]any{"FirewallConfig": map[string]any{"Id": "rslvr-fc-" + vpc, "ResourceId": vpc, "OwnerId": Account, "FirewallFailOpen": open}}
}

func getFirewallConfig(c *call) (any, error) {
	var in struct{ ResourceId string }
	err := c.decode(&in)
	return c.firewallConfig(in.ResourceId), err
}

func updateFirewallConfig(c *call) (any, error) {
	var in struct{ ResourceId, FirewallFailOpen string }
	if err := c.decode(&in); err != nil {
		return nil, err
	}
	c.state.Resolver.FailOpen[in.ResourceId] = in.FirewallFailOpen == "ENABLED"
	return c.firewallConfig(in.ResourceId), nil
}
