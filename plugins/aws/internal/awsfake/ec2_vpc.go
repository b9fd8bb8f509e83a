package awsfake

import (
	"net/http"
)

type vpc struct {
	ID, CIDR, DefaultACL string
}

type subnet struct {
	ID, VPC, CIDR, Zone string
}

func vpcOperations() map[string]handler {
	return map[string]handler{
		"CreateVpc": createVpc, "DeleteVpc": deleteVpc, "DescribeVpcs": describeVpcs, "DescribeVpcAttribute": describeVpcAttribute,
		"CreateSubnet": createSubnet, "DeleteSubnet": deleteSubnet, "DescribeSubnets": describeSubnets,
	}
}

type vpcItem struct {
	ID    string `xml:"vpcId"`
	CIDR  string `xml:"cidrBlock"`
	State string `xml:"state"`
	Tags  []tag  `xml:"tagSet>item"`
}

func (e *ec2State) vpcItem(v *vpc) vpcItem { return vpcItem{v.ID, v.CIDR, "available", e.tags(v.ID)} }

func createVpc(c *call) (any, error) {
	e := &c.state.EC2
	v := &vpc{ID: c.server.newID("vpc"), CIDR: c.str("CidrBlock")}
	acl := &networkACL{ID: c.server.newID("acl"), VPC: v.ID, Default: true, Subnets: map[string]string{}}
	v.DefaultACL = acl.ID
	e.VPCs[v.ID], e.ACLs[acl.ID] = v, acl
	e.tag(v.ID, c.specified())
	var out struct {
		VPC vpcItem `xml:"vpc"`
	}
	out.VPC = e.vpcItem(v)
	return out, nil
}

func deleteVpc(c *call) (any, error) {
	e := &c.state.EC2
	v := e.VPCs[c.str("VpcId")]
	if v == nil {
		return nil, failf("InvalidVpcID.NotFound", "The vpc ID '%s' does not exist", c.str("VpcId"))
	}
	for _, n := range e.Subnets {
		if n.VPC == v.ID {
			return nil, failf("DependencyViolation", "The vpc '%s' has dependencies and cannot be deleted.", v.ID)
		}
	}
	for id, a := range e.ACLs {
		if a.VPC == v.ID && !a.Default {
			return nil, failf("DependencyViolation", "The vpc '%s' has dependencies and cannot be deleted.", v.ID)
		}
		if a.VPC == v.ID {
			delete(e.ACLs, id)
		}
	}
	delete(e.VPCs, v.ID)
	delete(e.Tags, v.ID)
	return done{true}, nil
}

func describeVpcs(c *call) (any, error) {
	e := &c.state.EC2
	var out struct {
		VPCs []vpcItem `xml:"vpcSet>item"`
	}
	for _, v := range ordered(e.VPCs) {
		if c.filtered(map[string][]string{"vpc-id": {v.ID}}, e.Tags[v.ID]) {
			out.VPCs = append(out.VPCs, e.vpcItem(v))
		}
	}
	return out, nil
}

type subnetItem struct {
	ID     string `xml:"subnetId"`
	VPC    string `xml:"vpcId"`
	CIDR   string `xml:"cidrBlock"`
	Zone   string `xml:"availabilityZone"`
	ZoneID string `xml:"availabilityZoneId"`
	State  string `xml:"state"`
	Tags   []tag  `xml:"tagSet>item"`
}

func (e *ec2State) subnetItem(n *subnet) subnetItem {
	return subnetItem{n.ID, n.VPC, n.CIDR, n.Zone, zoneID(e.Region, n.Zone), "available", e.tags(n.ID)}
}

func createSubnet(c *call) (any, error) {
	e := &c.state.EC2
	v := e.VPCs[c.str("VpcId")]
	if v == nil {
		return nil, failf("InvalidVpcID.NotFound", "The vpc ID '%s' does not exist", c.str("VpcId"))
	}
	zone := c.str("AvailabilityZone")
	if zone == "" {
		zone = zonesOf(e.Region)[0][0]
	}
	if zoneID(e.Region, zone) == "" {
		return nil, failf("InvalidParameterValue", "Value (%s) for parameter availabilityZone is invalid.", zone)
	}
	n := &subnet{ID: c.server.newID("subnet"), VPC: v.ID, CIDR: c.str("CidrBlock"), Zone: zone}
	e.Subnets[n.ID] = n
	e.ACLs[v.DefaultACL].Subnets[n.ID] = c.server.newID("aclassoc")
	e.tag(n.ID, c.specified())
	var out struct {
		Subnet subnetItem `xml:"subnet"`
	}
	out.Subnet = e.subnetItem(n)
	return out, nil
}

func deleteSubnet(c *call) (any, error) {
	e := &c.state.EC2
	n := e.Subnets[c.str("SubnetId")]
	if n == nil {
		return nil, failf("InvalidSubnetID.NotFound", "The subnet ID '%s' does not exist", c.str("SubnetId"))
	}
	for _, i := range e.Instances {
		if i.Subnet == n.ID && i.now() != "terminated" {
			return nil, &Error{"DependencyViolation", "The subnet '" + n.ID + "' has dependencies and cannot be deleted.", http.StatusBadRequest}
		}
	}
	for _, i := range e.Interfaces {
		if i.Subnet == n.ID {
			return nil, failf("DependencyViolation", "The subnet '%s' has dependencies and cannot be deleted.", n.ID)
		}
	}
	for _, a := range e.ACLs {
		delete(a.Subnets, n.ID)
	}
	delete(e.Subnets, n.ID)
	delete(e.Tags, n.ID)
	return done{true}, nil
}

func describeSubnets(c *call) (any, error) {
	e := &c.state.EC2
	var all []subnetItem
	wanted := c.list("SubnetId")
	for _, id := range wanted {
		if e.Subnets[id] == nil {
			return nil, failf("InvalidSubnetID.NotFound", "The subnet ID '%s' does not exist", id)
		}
	}
	for _, n := range ordered(e.Subnets) {
		facts := map[string][]string{
			"subnet-id": {n.ID}, "vpc-id": {n.VPC}, "availability-zone": {n.Zone}, "availability-zone-id": {zoneID(e.Region, n.Zone)},
		}
		if c.filtered(facts, e.Tags[n.ID]) && named(wanted, n.ID) {
			all = append(all, e.subnetItem(n))
		}
	}
	var out struct {
		Subnets []subnetItem `xml:"subnetSet>item"`
		Next    string       `xml:"nextToken,omitempty"`
	}
	var err error
	out.Subnets, out.Next, err = page(all, c.str("NextToken"), c.num("MaxResults", 3))
	return out, err
}

// named says whether something is asked for by name, or nothing is.
func named(wanted []string, id string) bool {
	for _, w := range wanted {
		if w == id {
			return true
		}
	}
	return len(wanted) == 0
}

type vpcAttribute struct {
	ID  string `xml:"vpcId"`
	DNS struct {
		Value bool `xml:"value"`
	} `xml:"enableDnsSupport"`
}

// describeVpcAttribute knows that every VPC has a resolver.
func describeVpcAttribute(c *call) (any, error) {
	v := c.state.EC2.VPCs[c.str("VpcId")]
	if v == nil {
		return nil, failf("InvalidVpcID.NotFound", "The vpc ID '%s' does not exist", c.str("VpcId"))
	}
	out := vpcAttribute{ID: v.ID}
	out.DNS.Value = true
	return out, nil
}
