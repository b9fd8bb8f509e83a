package awsfake

import "strconv"

// networkACL denies what none of its entries allows, and the default ones allow everything.
type networkACL struct {
	ID, VPC string
	Default bool
	// Subnets are the IDs of its associations by subnet.
	Subnets map[string]string
	// Client is the token of the call that made it.
	Client string
}

func aclOperations() map[string]handler {
	return map[string]handler{
		"CreateNetworkAcl": createACL, "DeleteNetworkAcl": deleteACL, "DescribeNetworkAcls": describeACLs,
		"ReplaceNetworkAclAssociation": replaceACLAssociation,
	}
}

type associationItem struct {
	ID     string `xml:"networkAclAssociationId"`
	ACL    string `xml:"networkAclId"`
	Subnet string `xml:"subnetId"`
}

type entryItem struct {
	Number   int    `xml:"ruleNumber"`
	Protocol string `xml:"protocol"`
	Action   string `xml:"ruleAction"`
	Egress   bool   `xml:"egress"`
	CIDR     string `xml:"cidrBlock"`
}

type aclItem struct {
	ID           string            `xml:"networkAclId"`
	VPC          string            `xml:"vpcId"`
	Default      bool              `xml:"default"`
	Entries      []entryItem       `xml:"entrySet>item"`
	Associations []associationItem `xml:"associationSet>item"`
	Tags         []tag             `xml:"tagSet>item"`
}

func (e *ec2State) aclItem(a *networkACL) aclItem {
	out := aclItem{ID: a.ID, VPC: a.VPC, Default: a.Default, Tags: e.tags(a.ID)}
	for _, egress := range []bool{true, false} {
		if a.Default {
			out.Entries = append(out.Entries, entryItem{100, "-1", "allow", egress, "0.0.0.0/0"})
		}
		out.Entries = append(out.Entries, entryItem{32767, "-1", "deny", egress, "0.0.0.0/0"})
	}
	for _, n := range ordered(e.Subnets) {
		if id := a.Subnets[n.ID]; id != "" {
			out.Associations = append(out.Associations, associationItem{id, a.ID, n.ID})
		}
	}
	return out
}

func createACL(c *call) (any, error) {
	e := &c.state.EC2
	if e.VPCs[c.str("VpcId")] == nil {
		return nil, failf("InvalidVpcID.NotFound", "The vpc ID '%s' does not exist", c.str("VpcId"))
	}
	var made *networkACL
	for _, a := range e.ACLs {
		if token := c.str("ClientToken"); token != "" && a.Client == token {
			made = a
		}
	}
	if made == nil {
		made = &networkACL{ID: c.server.newID("acl"), VPC: c.str("VpcId"), Subnets: map[string]string{}, Client: c.str("ClientToken")}
		e.ACLs[made.ID] = made
		e.tag(made.ID, c.specified())
	}
	var out struct {
		ACL aclItem `xml:"networkAcl"`
	}
	out.ACL = e.aclItem(made)
	return out, nil
}

func (c *call) acl() (*networkACL, error) {
	a := c.state.EC2.ACLs[c.str("NetworkAclId")]
	if a == nil {
		return nil, failf("InvalidNetworkAclID.NotFound", "The networkAcl ID '%s' does not exist", c.str("NetworkAclId"))
	}
	return a, nil
}

func deleteACL(c *call) (any, error) {
	a, err := c.acl()
	if err != nil {
		return nil, err
	}
	if a.Default || len(a.Subnets) > 0 {
		return nil, failf("DependencyViolation", "The networkAcl '%s' has dependencies and cannot be deleted.", a.ID)
	}
	delete(c.state.EC2.ACLs, a.ID)
	delete(c.state.EC2.Tags, a.ID)
	return done{true}, nil
}

func describeACLs(c *call) (any, error) {
	e := &c.state.EC2
	for _, id := range c.list("NetworkAclId") {
		if e.ACLs[id] == nil {
			return nil, failf("InvalidNetworkAclID.NotFound", "The networkAcl ID '%s' does not exist", id)
		}
	}
	var all []aclItem
	for _, a := range ordered(e.ACLs) {
		facts := map[string][]string{"network-acl-id": {a.ID}, "vpc-id": {a.VPC}, "default": {strconv.FormatBool(a.Default)}}
		for n, id := range a.Subnets {
			facts["association.subnet-id"] = append(facts["association.subnet-id"], n)
			facts["association.association-id"] = append(facts["association.association-id"], id)
		}
		if c.filtered(facts, e.Tags[a.ID]) && named(c.list("NetworkAclId"), a.ID) {
			all = append(all, e.aclItem(a))
		}
	}
	var out struct {
		ACLs []aclItem `xml:"networkAclSet>item"`
		Next string    `xml:"nextToken,omitempty"`
	}
	var err error
	out.ACLs, out.Next, err = page(all, c.str("NextToken"), c.num("MaxResults", 3))
	return out, err
}

// replaceACLAssociation gives the association a new ID, as AWS does.
func replaceACLAssociation(c *call) (any, error) {
	to, err := c.acl()
	if err != nil {
		return nil, err
	}
	for _, a := range c.state.EC2.ACLs {
		for n, id := range a.Subnets {
			if id != c.str("AssociationId") {
				continue
			}
			if a.VPC != to.VPC {
				return nil, failf("InvalidParameterValue", "The networkAcl '%s' is not in the VPC '%s'", to.ID, a.VPC)
			}
			delete(a.Subnets, n)
			to.Subnets[n] = c.server.newID("aclassoc")
			var out struct {
				ID string `xml:"newAssociationId"`
			}
			out.ID = to.Subnets[n]
			return out, nil
		}
	}
	return nil, failf("InvalidAssociationID.NotFound", "The association ID '%s' does not exist", c.str("AssociationId"))
}
