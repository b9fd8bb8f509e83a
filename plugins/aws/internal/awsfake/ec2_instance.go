package awsfake

import (
	"time"
)

// instance changes its state by itself, from Was to Is, when the time has come.
type instance struct {
	ID, Image, Type, VPC, Subnet, Zone string
	Was, Is                            string
	At                                 time.Time
	Reason, Lifecycle, RootDevice      string
	Hibernates                         bool
	Reboots                            int
}

func (i *instance) now() string {
	if i.Was != "" && time.Now().Before(i.At) {
		return i.Was
	}
	return i.Is
}

// turn begins a change of state. Needs the server's lock.
func (i *instance) turn(c *call, through, to string) {
	i.Was, i.Is, i.At = through, to, c.server.when()
}

func instanceOperations() map[string]handler {
	return map[string]handler{
		"DescribeImages": describeImages, "RunInstances": runInstances, "DescribeInstances": describeInstances,
		"DescribeInstanceStatus": describeInstanceStatus, "DescribeInstanceTypes": describeInstanceTypes,
		"StopInstances": turning("stopping", "stopped"), "StartInstances": turning("pending", "running"),
		"TerminateInstances": turning("shutting-down", "terminated"), "RebootInstances": rebootInstances,
	}
}

// The images that there are: one with its root on a volume, and one with its root on an instance store.
const (
	Image              = "ami-00000000000000001"
	ImageInstanceStore = "ami-00000000000000002"
)

type imageItem struct {
	ID    string `xml:"imageId"`
	State string `xml:"imageState"`
	Root  string `xml:"rootDeviceType"`
}

func describeImages(*call) (any, error) {
	var out struct {
		Images []imageItem `xml:"imagesSet>item"`
	}
	out.Images = []imageItem{{Image, "available", "ebs"}, {ImageInstanceStore, "available", "instance-store"}}
	return out, nil
}

type stateItem struct {
	Code int    `xml:"code"`
	Name string `xml:"name"`
}

func stateOf(name string) stateItem {
	return stateItem{map[string]int{"pending": 0, "running": 16, "shutting-down": 32, "terminated": 48, "stopping": 64, "stopped": 80}[name], name}
}

type instanceItem struct {
	ID        string    `xml:"instanceId"`
	Image     string    `xml:"imageId"`
	State     stateItem `xml:"instanceState"`
	Reason    string    `xml:"reason"`
	Type      string    `xml:"instanceType"`
	Zone      string    `xml:"placement>availabilityZone"`
	VPC       string    `xml:"vpcId"`
	Subnet    string    `xml:"subnetId"`
	Root      string    `xml:"rootDeviceType"`
	Lifecycle string    `xml:"instanceLifecycle,omitempty"`
	Hibernate bool      `xml:"hibernationOptions>configured"`
	Cores     int       `xml:"cpuOptions>coreCount"`
	Threads   int       `xml:"cpuOptions>threadsPerCore"`
	Tags      []tag     `xml:"tagSet>item"`
}

type reservation struct {
	ID        string         `xml:"reservationId"`
	Owner     string         `xml:"ownerId"`
	Instances []instanceItem `xml:"instancesSet>item"`
}

func (e *ec2State) instanceItem(i *instance) instanceItem {
	return instanceItem{
		i.ID, i.Image, stateOf(i.now()), i.Reason, i.Type, i.Zone, i.VPC, i.Subnet, i.RootDevice, i.Lifecycle, i.Hibernates, 1, 2, e.tags(i.ID),
	}
}

func runInstances(c *call) (any, error) {
	e := &c.state.EC2
	n := e.Subnets[c.str("SubnetId")]
	if n == nil {
		return nil, failf("InvalidSubnetID.NotFound", "The subnet ID '%s' does not exist", c.str("SubnetId"))
	}
	out := reservation{ID: c.server.newID("r"), Owner: Account}
	for range c.num("MinCount", 1) {
		i := &instance{
			ID: c.server.newID("i"), Image: c.str("ImageId"), Type: c.str("InstanceType"), VPC: n.VPC, Subnet: n.ID, Zone: n.Zone,
			RootDevice: "ebs", Hibernates: c.flag("HibernationOptions.Configured"),
		}
		if c.str("InstanceMarketOptions.MarketType") == "spot" {
			i.Lifecycle = "spot"
		}
		if i.Image == ImageInstanceStore {
			i.RootDevice = "instance-store"
		}
		i.turn(c, "pending", "running")
		e.Instances[i.ID] = i
		e.tag(i.ID, c.specified())
		out.Instances = append(out.Instances, e.instanceItem(i))
	}
	return out, nil
}

func (c *call) instances() (out []*instance, err error) {
	for _, id := range c.list("InstanceId") {
		i := c.state.EC2.Instances[id]
		if i == nil {
			return nil, failf("InvalidInstanceID.NotFound", "The instance ID '%s' does not exist", id)
		}
		out = append(out, i)
	}
	return out, nil
}

func describeInstances(c *call) (any, error) {
	e := &c.state.EC2
	if _, err := c.instances(); err != nil {
		return nil, err
	}
	var all []reservation
	for _, i := range ordered(e.Instances) {
		facts := map[string][]string{
			"instance-id": {i.ID}, "vpc-id": {i.VPC}, "subnet-id": {i.Subnet}, "availability-zone": {i.Zone}, "instance-state-name": {i.now()},
		}
		if c.filtered(facts, e.Tags[i.ID]) && named(c.list("InstanceId"), i.ID) {
			all = append(all, reservation{"r-" + i.ID, Account, []instanceItem{e.instanceItem(i)}})
		}
	}
	var out struct {
		Reservations []reservation `xml:"reservationSet>item"`
		Next         string        `xml:"nextToken,omitempty"`
	}
	var err error
	out.Reservations, out.Next, err = page(all, c.str("NextToken"), c.num("MaxResults", 3))
	return out, err
}

type statusItem struct {
	ID       string    `xml:"instanceId"`
	State    stateItem `xml:"instanceState"`
	Instance string    `xml:"instanceStatus>status"`
	System   string    `xml:"systemStatus>status"`
}

func describeInstanceStatus(c *call) (any, error) {
	all, err := c.instances()
	if err != nil {
		return nil, err
	}
	var out struct {
		Statuses []statusItem `xml:"instanceStatusSet>item"`
	}
	for _, i := range all {
		if i.now() == "running" {
			out.Statuses = append(out.Statuses, statusItem{i.ID, stateOf("running"), "ok", "ok"})
		}
	}
	return out, nil
}

type typeItem struct {
	Type    string `xml:"instanceType"`
	Storage bool   `xml:"instanceStorageSupported"`
}

// describeInstanceTypes knows that a d in the family (m5d) means disks.
func describeInstanceTypes(c *call) (any, error) {
	var out struct {
		Types []typeItem `xml:"instanceTypeSet>item"`
	}
	for _, t := range c.list("InstanceType") {
		out.Types = append(out.Types, typeItem{t, len(t) > 2 && t[2] == 'd'})
	}
	return out, nil
}

type turned struct {
	ID       string    `xml:"instanceId"`
	Current  stateItem `xml:"currentState"`
	Previous stateItem `xml:"previousState"`
}

// turning is an operation that takes instances from one state to another.
func turning(through, to string) handler {
	return func(c *call) (any, error) {
		all, err := c.instances()
		if err != nil {
			return nil, err
		}
		for _, i := range all {
			if err := i.mayTurn(to); err != nil {
				return nil, err
			}
		}
		var out struct {
			Instances []turned `xml:"instancesSet>item"`
		}
		for _, i := range all {
			was := i.now()
			if was != to && was != through {
				i.turn(c, through, to)
			}
			if to == "terminated" {
				i.Reason = "User initiated"
			}
			out.Instances = append(out.Instances, turned{i.ID, stateOf(i.now()), stateOf(was)})
		}
		return out, nil
	}
}

func (i *instance) mayTurn(to string) error {
	was := i.now()
	wrong := failf("IncorrectInstanceState", "The instance '%s' is not in a state from which it can be %s (it is %s).", i.ID, to, was)
	switch {
	case to == "terminated":
		return nil
	case was == "terminated" || was == "shutting-down":
		return wrong
	case to == "running" && was == "stopping":
		return wrong
	case to == "stopped" && i.RootDevice == "instance-store":
		return failf("UnsupportedOperation", "The instance '%s' does not have an 'ebs' root device type and cannot be stopped.", i.ID)
	}
	return nil
}

func rebootInstances(c *call) (any, error) {
	all, err := c.instances()
	for _, i := range all {
		i.Reboots++
	}
	return done{true}, err
}
