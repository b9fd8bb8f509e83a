package awsfake

import (
	"maps"
	"slices"
	"strings"
)

// ec2State is what EC2 keeps for a region.
type ec2State struct {
	Region    string
	VPCs      map[string]*vpc
	Subnets   map[string]*subnet
	Instances map[string]*instance
	ACLs      map[string]*networkACL
	Templates map[string]*template
	// Addresses are elastic IPs; interfaces only those that were made by themselves.
	Addresses  map[string]*address
	Interfaces map[string]*netInterface
	// Tags of everything that has an ID.
	Tags map[string]map[string]string
}

func newEC2(region string) ec2State {
	return ec2State{
		Region: region, VPCs: map[string]*vpc{}, Subnets: map[string]*subnet{}, Instances: map[string]*instance{},
		ACLs: map[string]*networkACL{}, Templates: map[string]*template{}, Addresses: map[string]*address{}, Interfaces: map[string]*netInterface{}, Tags: map[string]map[string]string{},
	}
}

func ec2Operations() map[string]handler {
	out := map[string]handler{
		"DescribeRegions": describeRegions, "DescribeAvailabilityZones": describeZones,
		"CreateTags": createTags, "DeleteTags": deleteTags, "DescribeTags": describeTags,
	}
	for _, more := range []map[string]handler{vpcOperations(), instanceOperations(), aclOperations(), templateOperations(), addressOperations()} {
		maps.Copy(out, more)
	}
	for name, fn := range out {
		if !strings.HasPrefix(name, "Describe") {
			out[name] = dryRun(fn)
		}
	}
	return out
}

// dryRun answers a dry run as AWS does: with an error that says it would have worked.
func dryRun(fn handler) handler {
	return func(c *call) (any, error) {
		if c.flag("DryRun") {
			return nil, &Error{"DryRunOperation", "Request would have succeeded, but DryRun flag is set.", 412}
		}
		return fn(c)
	}
}

// done is the answer of operations that say nothing but that they worked.
type done struct {
	Return bool `xml:"return"`
}

// Regions are the regions that the account has.
func Regions() []string { return []string{"eu-west-1", "us-east-1"} }

// zonesOf are a region's zones: names and IDs. The account's us-east-1a is not everybody's.
func zonesOf(region string) [][2]string {
	id := map[string]string{"us-east-1": "use1-az", "eu-west-1": "euw1-az"}[region]
	return [][2]string{{region + "a", id + "2"}, {region + "b", id + "1"}, {region + "c", id + "3"}}
}

func zoneID(region, name string) string {
	for _, z := range zonesOf(region) {
		if z[0] == name {
			return z[1]
		}
	}
	return ""
}

type regionItem struct {
	Name   string `xml:"regionName"`
	Status string `xml:"optInStatus"`
}

func describeRegions(*call) (any, error) {
	var out struct {
		Regions []regionItem `xml:"regionInfo>item"`
	}
	for _, r := range Regions() {
		out.Regions = append(out.Regions, regionItem{r, "opt-in-not-required"})
	}
	return out, nil
}

type zoneItem struct {
	Name   string `xml:"zoneName"`
	ID     string `xml:"zoneId"`
	State  string `xml:"zoneState"`
	Region string `xml:"regionName"`
	Type   string `xml:"zoneType"`
}

func describeZones(c *call) (any, error) {
	var out struct {
		Zones []zoneItem `xml:"availabilityZoneInfo>item"`
	}
	for _, z := range zonesOf(c.region) {
		out.Zones = append(out.Zones, zoneItem{z[0], z[1], "available", c.region, "availability-zone"})
	}
	return out, nil
}

// tag is one of a resource, as answers have it.
type tag struct {
	Key   string `xml:"key"`
	Value string `xml:"value"`
}

func (e *ec2State) tags(id string) (out []tag) {
	for _, k := range slices.Sorted(maps.Keys(e.Tags[id])) {
		out = append(out, tag{k, e.Tags[id][k]})
	}
	return out
}

// exists says whether anything has the ID, and what it is.
func (e *ec2State) exists(id string) (string, bool) {
	switch {
	case e.VPCs[id] != nil:
		return "vpc", true
	case e.Subnets[id] != nil:
		return "subnet", true
	case e.Instances[id] != nil:
		return "instance", true
	case e.ACLs[id] != nil:
		return "network-acl", true
	case e.Addresses[id] != nil:
		return "elastic-ip", true
	case e.Interfaces[id] != nil:
		return "network-interface", true
	}
	return "", false
}

func (e *ec2State) tag(id string, tags map[string]string) {
	if e.Tags[id] == nil {
		e.Tags[id] = map[string]string{}
	}
	maps.Copy(e.Tags[id], tags)
}

func createTags(c *call) (any, error) {
	e := &c.state.EC2
	for _, id := range c.list("ResourceId") {
		if _, ok := e.exists(id); !ok {
			return nil, failf("InvalidID", "The ID '%s' is not valid", id)
		}
	}
	for _, id := range c.list("ResourceId") {
		for _, t := range c.records("Tag") {
			if len(t.Get("Value")) > 256 || len(t.Get("Key")) > 128 {
				return nil, failf("InvalidParameterValue", "Tag value exceeds the maximum length of 256 characters")
			}
			e.tag(id, map[string]string{t.Get("Key"): t.Get("Value")})
		}
	}
	return done{true}, nil
}

// deleteTags removes a tag that is given with a value only if it has that value.
func deleteTags(c *call) (any, error) {
	e := &c.state.EC2
	for _, id := range c.list("ResourceId") {
		for _, t := range c.records("Tag") {
			if _, given := t["Value"]; !given || e.Tags[id][t.Get("Key")] == t.Get("Value") {
				delete(e.Tags[id], t.Get("Key"))
			}
		}
	}
	return done{true}, nil
}

type tagItem struct {
	tag
	ID   string `xml:"resourceId"`
	Type string `xml:"resourceType"`
}

func describeTags(c *call) (any, error) {
	e := &c.state.EC2
	var all []tagItem
	for _, id := range slices.Sorted(maps.Keys(e.Tags)) {
		kind, _ := e.exists(id)
		for _, t := range e.tags(id) {
			if c.filtered(map[string][]string{"resource-id": {id}, "resource-type": {kind}, "key": {t.Key}, "value": {t.Value}}, nil) {
				all = append(all, tagItem{t, id, kind})
			}
		}
	}
	var out struct {
		Tags []tagItem `xml:"tagSet>item"`
		Next string    `xml:"nextToken,omitempty"`
	}
	var err error
	out.Tags, out.Next, err = page(all, c.str("NextToken"), c.num("MaxResults", 1000))
	return out, err
}

// filtered says whether something has the facts and tags that the filters ask for.
func (c *call) filtered(facts map[string][]string, tags map[string]string) bool {
	for _, f := range c.records("Filter") {
		have := facts[f.Get("Name")]
		if key, ok := strings.CutPrefix(f.Get("Name"), "tag:"); ok {
			if v, ok := tags[key]; ok {
				have = []string{v}
			}
		}
		if f.Get("Name") == "tag-key" {
			have = slices.Collect(maps.Keys(tags))
		}
		if !slices.ContainsFunc(values(f, "Value"), func(want string) bool { return slices.Contains(have, want) }) {
			return false
		}
	}
	return true
}

// specified are the tags that a call gives to what it creates.
func (c *call) specified() map[string]string {
	out := map[string]string{}
	for _, s := range c.records("TagSpecification") {
		for i := 1; ; i++ {
			prefix := "Tag." + string(rune('0'+i)) + "."
			key := s.Get(prefix + "Key")
			if key == "" {
				break
			}
			out[key] = s.Get(prefix + "Value")
		}
	}
	return out
}
