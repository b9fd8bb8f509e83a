package awsfake

import (
	"fmt"
	"maps"
	"slices"
)

// elbState is what Elastic Load Balancing keeps for a region, by ARN.
type elbState struct {
	Balancers map[string]*balancer
	Tags      map[string]map[string]string
	Groups    map[string]*targetGroup
}

type balancer struct {
	ARN, Name, Type, VPC string
	Subnets              []string
	Attributes           map[string]string
}

func elbOperations() map[string]handler {
	out := map[string]handler{
		"CreateLoadBalancer": createBalancer, "DeleteLoadBalancer": deleteBalancer, "DescribeLoadBalancers": describeBalancers,
		"ModifyLoadBalancerAttributes": modifyBalancer, "AddTags": addELBTags, "RemoveTags": removeELBTags, "DescribeTags": describeELBTags,
	}
	maps.Copy(out, targetGroupOperations())
	return out
}

type balancerItem struct {
	ARN   string        `xml:"LoadBalancerArn"`
	Name  string        `xml:"LoadBalancerName"`
	DNS   string        `xml:"DNSName"`
	Type  string        `xml:"Type"`
	VPC   string        `xml:"VpcId"`
	State string        `xml:"State>Code"`
	Zones []balancerNet `xml:"AvailabilityZones>member"`
}

type balancerNet struct {
	Zone   string `xml:"ZoneName"`
	Subnet string `xml:"SubnetId"`
}

type balancerAnswer struct {
	Balancers []balancerItem `xml:"LoadBalancers>member"`
	Next      string         `xml:"NextMarker,omitempty"`
}

func (b *balancer) item(c *call) balancerItem {
	out := balancerItem{b.ARN, b.Name, b.Name + ".elb.amazonaws.com", b.Type, b.VPC, "active", nil}
	for _, n := range b.Subnets {
		if s := c.state.EC2.Subnets[n]; s != nil {
			out.Zones = append(out.Zones, balancerNet{s.Zone, n})
		}
	}
	return out
}

func createBalancer(c *call) (any, error) {
	kind := c.str("Type")
	if kind == "" {
		kind = "application"
	}
	short := map[string]string{"application": "app", "network": "net"}[kind]
	b := &balancer{
		Name: c.str("Name"), Type: kind, Subnets: c.list("Subnets.member"), Attributes: map[string]string{},
		ARN: fmt.Sprintf("arn:aws:elasticloadbalancing:%s:%s:loadbalancer/%s/%s/%s", c.region, Account, short, c.str("Name"), c.server.newID("lb")),
	}
	for _, n := range b.Subnets {
		s := c.state.EC2.Subnets[n]
		if s == nil {
			return nil, failf("SubnetNotFound", "The subnet ID '%s' is not valid", n)
		}
		b.VPC = s.VPC
	}
	c.state.ELB.Balancers[b.ARN] = b
	c.state.ELB.Tags[b.ARN] = map[string]string{}
	for _, t := range c.records("Tags.member") {
		c.state.ELB.Tags[b.ARN][t.Get("Key")] = t.Get("Value")
	}
	return balancerAnswer{Balancers: []balancerItem{b.item(c)}}, nil
}

func deleteBalancer(c *call) (any, error) {
	delete(c.state.ELB.Balancers, c.str("LoadBalancerArn"))
	delete(c.state.ELB.Tags, c.str("LoadBalancerArn"))
	return nil, nil
}

func describeBalancers(c *call) (any, error) {
	wanted := c.list("LoadBalancerArns.member")
	for _, arn := range wanted {
		if c.state.ELB.Balancers[arn] == nil {
			return nil, failf("LoadBalancerNotFound", "One or more load balancers not found")
		}
	}
	var all []balancerItem
	for _, b := range ordered(c.state.ELB.Balancers) {
		if named(wanted, b.ARN) {
			all = append(all, b.item(c))
		}
	}
	var out balancerAnswer
	var err error
	out.Balancers, out.Next, err = page(all, c.str("Marker"), c.num("PageSize", 2))
	return out, err
}

func modifyBalancer(c *call) (any, error) {
	b := c.state.ELB.Balancers[c.str("LoadBalancerArn")]
	if b == nil {
		return nil, failf("LoadBalancerNotFound", "One or more load balancers not found")
	}
	for _, a := range c.records("Attributes.member") {
		b.Attributes[a.Get("Key")] = a.Get("Value")
	}
	return nil, nil
}

func addELBTags(c *call) (any, error) {
	for _, arn := range c.list("ResourceArns.member") {
		if c.state.ELB.Tags[arn] == nil {
			return nil, failf("LoadBalancerNotFound", "One or more load balancers not found")
		}
		for _, t := range c.records("Tags.member") {
			c.state.ELB.Tags[arn][t.Get("Key")] = t.Get("Value")
		}
	}
	return nil, nil
}

func removeELBTags(c *call) (any, error) {
	for _, arn := range c.list("ResourceArns.member") {
		for _, k := range c.list("TagKeys.member") {
			delete(c.state.ELB.Tags[arn], k)
		}
	}
	return nil, nil
}

type elbTags struct {
	ARN  string   `xml:"ResourceArn"`
	Tags []elbTag `xml:"Tags>member"`
}

type elbTag struct{ Key, Value string }

func describeELBTags(c *call) (any, error) {
	var out struct {
		All []elbTags `xml:"TagDescriptions>member"`
	}
	wanted := c.list("ResourceArns.member")
	if len(wanted) > 20 {
		return nil, failf("ValidationError", "The maximum number of resources is 20")
	}
	for _, arn := range wanted {
		tags, ok := c.state.ELB.Tags[arn]
		if !ok {
			return nil, failf("LoadBalancerNotFound", "One or more load balancers not found")
		}
		one := elbTags{ARN: arn}
		for _, k := range slices.Sorted(maps.Keys(tags)) {
			one.Tags = append(one.Tags, elbTag{k, tags[k]})
		}
		out.All = append(out.All, one)
	}
	return out, nil
}
