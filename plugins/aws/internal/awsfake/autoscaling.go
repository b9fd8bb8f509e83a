package awsfake

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"
)

// autoscalingState is what Auto Scaling keeps for a region.
type autoscalingState struct {
	Groups map[string]*group
}

type group struct {
	Name, UUID, Template string
	Min, Max, Desired    int
	Subnets              []string
	Suspended            []string
	Tags                 map[string]groupTag
}

type groupTag struct {
	Value     string
	Propagate bool
}

func autoscalingOperations() map[string]handler {
	return map[string]handler{
		"CreateAutoScalingGroup": createGroup, "UpdateAutoScalingGroup": updateGroup, "DeleteAutoScalingGroup": deleteGroup,
		"DescribeAutoScalingGroups": describeGroups, "SuspendProcesses": suspendProcesses, "ResumeProcesses": resumeProcesses,
		"CreateOrUpdateTags": createGroupTags, "DeleteTags": deleteGroupTags, "DescribeTags": describeGroupTags,
	}
}

// processes are what a group does by itself.
func processes() []string {
	return []string{"Launch", "Terminate", "AddToLoadBalancer", "AlarmNotification", "AZRebalance", "HealthCheck", "InstanceRefresh", "ReplaceUnhealthy", "ScheduledActions"}
}

func (g *group) arn(region string) string {
	return fmt.Sprintf("arn:aws:autoscaling:%s:%s:autoScalingGroup:%s:autoScalingGroupName/%s", region, Account, g.UUID, g.Name)
}

func (c *call) group() (*group, error) {
	g := c.state.AutoScaling.Groups[c.str("AutoScalingGroupName")]
	if g == nil {
		return nil, failf("ValidationError", "AutoScalingGroup name not found - %s", c.str("AutoScalingGroupName"))
	}
	return g, nil
}

func createGroup(c *call) (any, error) {
	name := c.str("AutoScalingGroupName")
	if c.state.AutoScaling.Groups[name] != nil {
		return nil, failf("AlreadyExists", "AutoScalingGroup by this name already exists - %s", name)
	}
	g := &group{
		Name: name, UUID: c.server.newID("group"), Template: c.str("LaunchTemplate.LaunchTemplateId"), Tags: map[string]groupTag{},
		Min: c.num("MinSize", 0), Max: c.num("MaxSize", 0), Desired: c.num("DesiredCapacity", c.num("MinSize", 0)),
		Subnets: strings.Split(c.str("VPCZoneIdentifier"), ","),
	}
	if c.state.EC2.Templates[g.Template] == nil {
		return nil, failf("ValidationError", "You must use a valid fully-formed launch template.")
	}
	for _, t := range c.records("Tags.member") {
		g.Tags[t.Get("Key")] = groupTag{t.Get("Value"), t.Get("PropagateAtLaunch") == "true"}
	}
	if err := g.check(c); err != nil {
		return nil, err
	}
	c.state.AutoScaling.Groups[name] = g
	return nil, nil
}

func (g *group) check(c *call) error {
	if g.Min > g.Max || g.Desired > g.Max || g.Desired < g.Min {
		return failf("ValidationError", "Desired capacity:%d must be between the specified min size:%d and max size:%d", g.Desired, g.Min, g.Max)
	}
	for _, n := range g.Subnets {
		if c.state.EC2.Subnets[n] == nil {
			return failf("ValidationError", "The subnet ID '%s' does not exist", n)
		}
	}
	return nil
}

func updateGroup(c *call) (any, error) {
	g, err := c.group()
	if err != nil {
		return nil, err
	}
	now := *g
	now.Min, now.Max, now.Desired = c.num("MinSize", g.Min), c.num("MaxSize", g.Max), c.num("DesiredCapacity", g.Desired)
	if c.str("DesiredCapacity") == "" { // AWS moves it into the new limits by itself
		now.Desired = min(max(now.Desired, now.Min), now.Max)
	}
	if s := c.str("VPCZoneIdentifier"); s != "" {
		now.Subnets = strings.Split(s, ",")
	}
	if err := now.check(c); err != nil {
		return nil, err
	}
	*g = now
	return nil, nil
}

func deleteGroup(c *call) (any, error) {
	g, err := c.group()
	if err != nil {
		return nil, err
	}
	if g.Desired > 0 && !c.flag("ForceDelete") {
		return nil, failf("ResourceInUse", "You cannot delete an AutoScalingGroup while there are instances or pending Spot instance request(s) still in the group.")
	}
	for _, i := range g.instances(c.state) {
		i.turn(c, "shutting-down", "terminated")
	}
	delete(c.state.AutoScaling.Groups, g.Name)
	return nil, nil
}

type groupItem struct {
	Name      string            `xml:"AutoScalingGroupName"`
	ARN       string            `xml:"AutoScalingGroupARN"`
	Min       int               `xml:"MinSize"`
	Max       int               `xml:"MaxSize"`
	Desired   int               `xml:"DesiredCapacity"`
	Subnets   string            `xml:"VPCZoneIdentifier"`
	Zones     []string          `xml:"AvailabilityZones>member"`
	Instances []groupInstance   `xml:"Instances>member"`
	Suspended []suspendedItem   `xml:"SuspendedProcesses>member"`
	Tags      []groupTagItem    `xml:"Tags>member"`
	Template  templateReference `xml:"LaunchTemplate"`
	Created   time.Time         `xml:"CreatedTime"`
	Cooldown  int               `xml:"DefaultCooldown"`
	Health    string            `xml:"HealthCheckType"`
}

type templateReference struct {
	ID string `xml:"LaunchTemplateId"`
}

type groupInstance struct {
	ID        string `xml:"InstanceId"`
	Zone      string `xml:"AvailabilityZone"`
	Lifecycle string `xml:"LifecycleState"`
	Health    string `xml:"HealthStatus"`
}

type suspendedItem struct {
	Name   string `xml:"ProcessName"`
	Reason string `xml:"SuspensionReason"`
}

type groupTagItem struct {
	Key       string `xml:"Key"`
	Value     string `xml:"Value"`
	ID        string `xml:"ResourceId"`
	Type      string `xml:"ResourceType"`
	Propagate bool   `xml:"PropagateAtLaunch"`
}

func (g *group) tagItems() (out []groupTagItem) {
	for _, k := range slices.Sorted(maps.Keys(g.Tags)) {
		out = append(out, groupTagItem{k, g.Tags[k].Value, g.Name, "auto-scaling-group", g.Tags[k].Propagate})
	}
	return out
}

func (g *group) item(c *call) groupItem {
	out := groupItem{
		Name: g.Name, ARN: g.arn(c.region), Min: g.Min, Max: g.Max, Desired: g.Desired, Subnets: strings.Join(g.Subnets, ","),
		Tags: g.tagItems(), Template: templateReference{g.Template}, Created: time.Unix(0, 0).UTC(), Cooldown: 300, Health: "EC2",
	}
	for _, n := range g.Subnets {
		if s := c.state.EC2.Subnets[n]; s != nil && !slices.Contains(out.Zones, s.Zone) {
			out.Zones = append(out.Zones, s.Zone)
		}
	}
	for _, i := range g.instances(c.state) {
		out.Instances = append(out.Instances, groupInstance{i.ID, i.Zone, "InService", "Healthy"})
	}
	for _, p := range g.Suspended {
		out.Suspended = append(out.Suspended, suspendedItem{p, "User suspended at the user's request"})
	}
	return out
}

func describeGroups(c *call) (any, error) {
	var all []groupItem
	for _, g := range ordered(c.state.AutoScaling.Groups) {
		if named(c.list("AutoScalingGroupNames.member"), g.Name) {
			all = append(all, g.item(c))
		}
	}
	var out struct {
		Groups []groupItem `xml:"AutoScalingGroups>member"`
		Next   string      `xml:"NextToken,omitempty"`
	}
	var err error
	out.Groups, out.Next, err = page(all, c.str("NextToken"), c.num("MaxRecords", 2))
	return out, err
}

// processesOf are the processes that a call is about; all of them if it names none.
func (c *call) processesOf() ([]string, error) {
	wanted := c.list("ScalingProcesses.member")
	for _, p := range wanted {
		if !slices.Contains(processes(), p) {
			return nil, failf("ValidationError", "Invalid process name: %s", p)
		}
	}
	if len(wanted) == 0 {
		wanted = processes()
	}
	return wanted, nil
}

func suspendProcesses(c *call) (any, error) {
	g, err := c.group()
	if err != nil {
		return nil, err
	}
	wanted, err := c.processesOf()
	for _, p := range wanted {
		if !slices.Contains(g.Suspended, p) {
			g.Suspended = append(g.Suspended, p)
		}
	}
	slices.Sort(g.Suspended)
	return nil, err
}

func resumeProcesses(c *call) (any, error) {
	g, err := c.group()
	if err != nil {
		return nil, err
	}
	wanted, err := c.processesOf()
	if err != nil {
		return nil, err
	}
	g.Suspended = slices.DeleteFunc(g.Suspended, func(p string) bool { return slices.Contains(wanted, p) })
	return nil, nil
}

func createGroupTags(c *call) (any, error) {
	for _, t := range c.records("Tags.member") {
		g := c.state.AutoScaling.Groups[t.Get("ResourceId")]
		if g == nil {
			return nil, failf("ValidationError", "AutoScalingGroup name not found - %s", t.Get("ResourceId"))
		}
		g.Tags[t.Get("Key")] = groupTag{t.Get("Value"), t.Get("PropagateAtLaunch") == "true"}
	}
	return nil, nil
}

func deleteGroupTags(c *call) (any, error) {
	for _, t := range c.records("Tags.member") {
		if g := c.state.AutoScaling.Groups[t.Get("ResourceId")]; g != nil {
			delete(g.Tags, t.Get("Key"))
		}
	}
	return nil, nil
}

func describeGroupTags(c *call) (any, error) {
	var all []groupTagItem
	for _, g := range ordered(c.state.AutoScaling.Groups) {
		for _, t := range g.tagItems() {
			if fitsTagFilters(c, t) {
				all = append(all, t)
			}
		}
	}
	var out struct {
		Tags []groupTagItem `xml:"Tags>member"`
		Next string         `xml:"NextToken,omitempty"`
	}
	var err error
	out.Tags, out.Next, err = page(all, c.str("NextToken"), c.num("MaxRecords", 50))
	return out, err
}

func fitsTagFilters(c *call, t groupTagItem) bool {
	for _, f := range c.records("Filters.member") {
		have := map[string]string{"auto-scaling-group": t.ID, "key": t.Key, "value": t.Value}[f.Get("Name")]
		if !slices.Contains(values(f, "Values.member"), have) {
			return false
		}
	}
	return true
}

// instances are those that the group has started and that are not gone.
func (g *group) instances(s *state) (out []*instance) {
	for _, i := range ordered(s.EC2.Instances) {
		if s.EC2.Tags[i.ID]["aws:autoscaling:groupName"] == g.Name && i.Is != "terminated" {
			out = append(out, i)
		}
	}
	return out
}

func (g *group) does(process string) bool { return !slices.Contains(g.Suspended, process) }

// settle does what the groups do by themselves, after each change: unhealthy instances and those in zones that the group has left
// are replaced, and there are as many as are desired.
func (s *state) settle(c *call) {
	for _, g := range ordered(s.AutoScaling.Groups) {
		for _, i := range g.instances(s) {
			unhealthy := i.Is == "stopped" && g.does("HealthCheck") && g.does("ReplaceUnhealthy")
			misplaced := !slices.Contains(g.Subnets, i.Subnet) && g.does("AZRebalance")
			if (unhealthy || misplaced) && g.does("Terminate") {
				i.turn(c, "shutting-down", "terminated")
			}
		}
		have := g.instances(s)
		for n := len(have); n > g.Desired && g.does("Terminate"); n-- {
			have[n-1].turn(c, "shutting-down", "terminated")
		}
		for n := len(have); n < g.Desired && g.does("Launch"); n++ {
			g.launch(c, g.Subnets[n%len(g.Subnets)])
		}
	}
}

func (g *group) launch(c *call, subnet string) {
	e := &c.state.EC2
	n := e.Subnets[subnet]
	i := &instance{
		ID: c.server.newID("i"), Image: e.Templates[g.Template].Image, Type: e.Templates[g.Template].Type, VPC: n.VPC, Subnet: n.ID, Zone: n.Zone, RootDevice: "ebs",
	}
	i.turn(c, "pending", "running")
	e.Instances[i.ID] = i
	e.tag(i.ID, map[string]string{"aws:autoscaling:groupName": g.Name})
	for k, t := range g.Tags {
		if t.Propagate {
			e.tag(i.ID, map[string]string{k: t.Value})
		}
	}
}
