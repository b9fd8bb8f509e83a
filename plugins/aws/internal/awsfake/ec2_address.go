package awsfake

import (
	"fmt"
	"net/netip"
)

// address is an elastic IP.
type address struct {
	ID, IP, Association string
}

// netInterface is a network interface that is attached to nothing, or to something.
type netInterface struct {
	ID, Subnet, Description, Client, Attachment string
}

func addressOperations() map[string]handler {
	return map[string]handler{
		"AllocateAddress": allocateAddress, "ReleaseAddress": releaseAddress, "DescribeAddresses": describeAddresses, "AssociateAddress": associateAddress, "DisassociateAddress": disassociateAddress,
		"CreateNetworkInterface": createInterface, "DeleteNetworkInterface": deleteInterface, "DescribeNetworkInterfaces": describeInterfaces,
		"AttachNetworkInterface": attachInterface, "DetachNetworkInterface": detachInterface,
	}
}

type addressItem struct {
	ID          string `xml:"allocationId"`
	IP          string `xml:"publicIp"`
	Domain      string `xml:"domain"`
	Association string `xml:"associationId,omitempty"`
	Tags        []tag  `xml:"tagSet>item"`
}

func allocateAddress(c *call) (any, error) {
	e := &c.state.EC2
	if len(e.Addresses) >= c.state.Quotas.limit("ec2", "L-0263D0A3") {
		return nil, failf("AddressLimitExceeded", "The maximum number of addresses has been reached.")
	}
	a := &address{ID: c.server.newID("eipalloc")}
	a.IP = fmt.Sprintf("198.51.100.%d", c.server.serial%250)
	e.Addresses[a.ID] = a
	e.tag(a.ID, c.specified())
	return addressItem{ID: a.ID, IP: a.IP, Domain: "vpc"}, nil
}

func (c *call) address() (*address, error) {
	a := c.state.EC2.Addresses[c.str("AllocationId")]
	if a == nil {
		return nil, failf("InvalidAllocationID.NotFound", "The allocation ID '%s' does not exist", c.str("AllocationId"))
	}
	return a, nil
}

func releaseAddress(c *call) (any, error) {
	a, err := c.address()
	if err != nil {
		return nil, err
	}
	if a.Association != "" {
		return nil, failf("InvalidIPAddress.InUse", "Address %s is in use", a.IP)
	}
	delete(c.state.EC2.Addresses, a.ID)
	delete(c.state.EC2.Tags, a.ID)
	return done{true}, nil
}

func associateAddress(c *call) (any, error) {
	a, err := c.address()
	if err != nil {
		return nil, err
	}
	a.Association = c.server.newID("eipassoc")
	var out struct {
		ID string `xml:"associationId"`
	}
	out.ID = a.Association
	return out, nil
}

func disassociateAddress(c *call) (any, error) {
	for _, a := range c.state.EC2.Addresses {
		if a.Association == c.str("AssociationId") {
			a.Association = ""
		}
	}
	return done{true}, nil
}

func describeAddresses(c *call) (any, error) {
	e := &c.state.EC2
	var out struct {
		Addresses []addressItem `xml:"addressesSet>item"`
	}
	for _, a := range ordered(e.Addresses) {
		if c.filtered(map[string][]string{"allocation-id": {a.ID}}, e.Tags[a.ID]) {
			out.Addresses = append(out.Addresses, addressItem{a.ID, a.IP, "vpc", a.Association, e.tags(a.ID)})
		}
	}
	return out, nil
}

type attachmentItem struct {
	ID string `xml:"attachmentId"`
}

type interfaceItem struct {
	ID          string          `xml:"networkInterfaceId"`
	Subnet      string          `xml:"subnetId"`
	Description string          `xml:"description"`
	Status      string          `xml:"status"`
	Attachment  *attachmentItem `xml:"attachment"`
	Tags        []tag           `xml:"tagSet>item"`
}

func (e *ec2State) interfaceItem(n *netInterface) interfaceItem {
	out := interfaceItem{ID: n.ID, Subnet: n.Subnet, Description: n.Description, Status: "available", Tags: e.tags(n.ID)}
	if n.Attachment != "" {
		out.Status, out.Attachment = "in-use", &attachmentItem{n.Attachment}
	}
	return out
}

// free is how many addresses a subnet has left: AWS keeps five of them.
func (e *ec2State) free(n *subnet) int {
	prefix, err := netip.ParsePrefix(n.CIDR)
	if err != nil {
		return 0
	}
	left := 1<<(32-prefix.Bits()) - 5
	for _, i := range e.Interfaces {
		if i.Subnet == n.ID {
			left--
		}
	}
	for _, i := range e.Instances {
		if i.Subnet == n.ID && i.now() != "terminated" {
			left--
		}
	}
	return left
}

// createInterface makes the same one again for the same token.
func createInterface(c *call) (any, error) {
	e := &c.state.EC2
	n := e.Subnets[c.str("SubnetId")]
	if n == nil {
		return nil, failf("InvalidSubnetID.NotFound", "The subnet ID '%s' does not exist", c.str("SubnetId"))
	}
	var made *netInterface
	for _, i := range e.Interfaces {
		if token := c.str("ClientToken"); token != "" && i.Client == token {
			made = i
		}
	}
	switch {
	case made != nil:
	case len(e.Interfaces) >= c.state.Quotas.limit("vpc", "L-DF5E4CA3"):
		return nil, failf("NetworkInterfaceLimitExceeded", "The maximum number of network interfaces has been reached.")
	case e.free(n) <= 0:
		return nil, failf("InsufficientFreeAddressesInSubnet", "The specified subnet does not have enough free addresses to satisfy the request.")
	default:
		made = &netInterface{ID: c.server.newID("eni"), Subnet: n.ID, Description: c.str("Description"), Client: c.str("ClientToken")}
		e.Interfaces[made.ID] = made
		e.tag(made.ID, c.specified())
	}
	var out struct {
		Interface interfaceItem `xml:"networkInterface"`
	}
	out.Interface = e.interfaceItem(made)
	return out, nil
}

func (c *call) networkInterface() (*netInterface, error) {
	n := c.state.EC2.Interfaces[c.str("NetworkInterfaceId")]
	if n == nil {
		return nil, failf("InvalidNetworkInterfaceID.NotFound", "The networkInterface ID '%s' does not exist", c.str("NetworkInterfaceId"))
	}
	return n, nil
}

func deleteInterface(c *call) (any, error) {
	n, err := c.networkInterface()
	if err != nil {
		return nil, err
	}
	if n.Attachment != "" {
		return nil, failf("InvalidNetworkInterface.InUse", "The networkInterface %s is in use", n.ID)
	}
	delete(c.state.EC2.Interfaces, n.ID)
	delete(c.state.EC2.Tags, n.ID)
	return done{true}, nil
}

func attachInterface(c *call) (any, error) {
	n, err := c.networkInterface()
	if err != nil {
		return nil, err
	}
	n.Attachment = c.server.newID("eni-attach")
	return attachmentItem{n.Attachment}, nil
}

func detachInterface(c *call) (any, error) {
	for _, n := range c.state.EC2.Interfaces {
		if n.Attachment == c.str("AttachmentId") {
			n.Attachment = ""
		}
	}
	return done{true}, nil
}

func describeInterfaces(c *call) (any, error) {
	e := &c.state.EC2
	var all []interfaceItem
	for _, n := range ordered(e.Interfaces) {
		if c.filtered(map[string][]string{"subnet-id": {n.Subnet}, "network-interface-id": {n.ID}}, e.Tags[n.ID]) {
			all = append(all, e.interfaceItem(n))
		}
	}
	var out struct {
		Interfaces []interfaceItem `xml:"networkInterfaceSet>item"`
		Next       string          `xml:"nextToken,omitempty"`
	}
	var err error
	out.Interfaces, out.Next, err = page(all, c.str("NextToken"), c.num("MaxResults", 3))
	return out, err
}
