package awsfake

import (
	"net/url"
	"strings"
)

// targetGroup has targets, of which those that are running instances are healthy.
type targetGroup struct {
	ARN, Name string
	Targets   []string
}

func targetGroupOperations() map[string]handler {
	return map[string]handler{
		"CreateTargetGroup": createTargetGroup, "DeleteTargetGroup": deleteTargetGroup, "DescribeTargetGroups": describeTargetGroups,
		"RegisterTargets": registerTargets, "DescribeTargetHealth": describeTargetHealth,
	}
}

type targetGroupItem struct {
	ARN  string `xml:"TargetGroupArn"`
	Name string `xml:"TargetGroupName"`
}

type targetGroupAnswer struct {
	Groups []targetGroupItem `xml:"TargetGroups>member"`
}

func createTargetGroup(c *call) (any, error) {
	g := &targetGroup{Name: c.str("Name"), ARN: "arn:aws:elasticloadbalancing:" + c.region + ":" + Account + ":targetgroup/" + c.str("Name") + "/" + c.server.newID("tg")}
	c.state.ELB.Groups[g.ARN] = g
	return targetGroupAnswer{[]targetGroupItem{{g.ARN, g.Name}}}, nil
}

func (c *call) targetGroup() (*targetGroup, error) {
	g := c.state.ELB.Groups[c.str("TargetGroupArn")]
	if g == nil {
		return nil, failf("TargetGroupNotFound", "One or more target groups not found")
	}
	return g, nil
}

func deleteTargetGroup(c *call) (any, error) {
	delete(c.state.ELB.Groups, c.str("TargetGroupArn"))
	return nil, nil
}

func describeTargetGroups(c *call) (any, error) {
	var out targetGroupAnswer
	names := c.list("Names.member")
	for _, g := range ordered(c.state.ELB.Groups) {
		if named(names, g.Name) {
			out.Groups = append(out.Groups, targetGroupItem{g.ARN, g.Name})
		}
	}
	if len(names) > 0 && len(out.Groups) == 0 {
		return nil, failf("TargetGroupNotFound", "One or more target groups not found")
	}
	return out, nil
}

func registerTargets(c *call) (any, error) {
	g, err := c.targetGroup()
	if err != nil {
		return nil, err
	}
	for _, t := range c.records("Targets.member") {
		g.Targets = append(g.Targets, target(t))
	}
	return nil, nil
}

// target keeps a target with its zone, if it has one.
func target(t url.Values) string { return t.Get("Id") + "@" + t.Get("AvailabilityZone") }

type targetItem struct {
	ID     string `xml:"Target>Id"`
	Zone   string `xml:"Target>AvailabilityZone,omitempty"`
	State  string `xml:"TargetHealth>State"`
	Reason string `xml:"TargetHealth>Reason,omitempty"`
}

func describeTargetHealth(c *call) (any, error) {
	g, err := c.targetGroup()
	if err != nil {
		return nil, err
	}
	var out struct {
		Targets []targetItem `xml:"TargetHealthDescriptions>member"`
	}
	for _, t := range g.Targets {
		id, zone, _ := strings.Cut(t, "@")
		one := targetItem{id, zone, "healthy", ""}
		if i := c.state.EC2.Instances[id]; i != nil && i.now() != "running" {
			one.State, one.Reason = "unused", "Target.InvalidState"
		}
		out.Targets = append(out.Targets, one)
	}
	return out, nil
}
