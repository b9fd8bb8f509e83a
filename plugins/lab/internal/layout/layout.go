package layout

import (
	"fmt"
	"net"
	"strconv"
	"strings"
)

// The lab's fixed shape.
const (
	// East is the region that takes the orders when the lab comes up.
	East = "east"
	// West is the region that holds the asynchronous mirror.
	West = "west"
	// Domain is the DNS zone that the lab's DNS server is authoritative for.
	Domain = "lab.test."
	// Service is the name that users ask for; it follows the active region.
	Service = "shop.lab.test"
	// WrongAddress is where a wrong DNS answer points: nothing of the lab listens there.
	WrongAddress = "127.0.99.1"
	// Link is the name of the link between the regions.
	Link = "east-west"
	// MaxExtras is how many instances beyond its three zones a region has ports for.
	MaxExtras = 4
	// Size is how many ports a lab takes, from Plan.Base on.
	Size = 80

	loopback = "127.0.0.1"
)

// Offsets from Plan.Base.
const (
	offLB       = 0
	offDNS      = 1
	offControl  = 2
	offZones    = 10 // four ports for each of six zones
	offRoutes   = 34 // six directed routes for each of two regions
	offLeafs    = 46 // nine leaf links: each zone of west to each of east
	offFronts   = 55 // the load balancer's way into each zone
	offExtras   = 61 // a shop and its front, for each of four slots in two regions
	portsOfZone = 4
)

// Regions lists the regions.
func Regions() []string { return []string{East, West} }

// Other returns the region that is not r.
func Other(r string) string {
	if r == East {
		return West
	}
	return East
}

// ZonesOf lists the zones of a region.
func ZonesOf(region string) []string {
	return []string{region + "-a", region + "-b", region + "-c"}
}

// Zones lists all zones.
func Zones() []string { return append(ZonesOf(East), ZonesOf(West)...) }

// RegionOf returns the region of a zone or of an instance: east for east-a and for east-b-2.
func RegionOf(name string) string {
	region, _, _ := strings.Cut(name, "-")
	return region
}

// ZoneOf returns the zone of an instance: east-b for east-b-2.
func ZoneOf(instance string) string {
	parts := strings.SplitN(instance, "-", 3)
	return strings.Join(parts[:min(2, len(parts))], "-")
}

// Services lists the names that the DNS server answers.
func Services() []string {
	return []string{Service, East + "." + Service, West + "." + Service}
}

// RegionIP is the address of a region's load balancer. The regions have one port and differ in the address, so that
// an A record is all that a failover has to change.
func RegionIP(region string) string {
	if region == East {
		return "127.0.10.1"
	}
	return "127.0.20.1"
}

// Plan gives every part of the lab its address.
type Plan struct {
	// Base is the first of Size ports.
	Base int `json:"base_port"`
}

func (p Plan) at(offset int) string { return net.JoinHostPort(loopback, strconv.Itoa(p.Base+offset)) }

// Port is the port of both load balancers.
func (p Plan) Port() int { return p.Base + offLB }

// LB is the address of a region's load balancer.
func (p Plan) LB(region string) string {
	return net.JoinHostPort(RegionIP(region), strconv.Itoa(p.Port()))
}

// DNS is the address of the DNS server, UDP and TCP.
func (p Plan) DNS() string { return p.at(offDNS) }

// Control is the address of the supervisor's control API.
func (p Plan) Control() string { return p.at(offControl) }

// Shop is where the order service of a zone listens.
func (p Plan) Shop(zone string) string { return p.at(offZones + portsOfZone*zoneIndex(zone)) }

// Client is where the NATS node of a zone takes clients.
func (p Plan) Client(zone string) string { return p.at(offZones + portsOfZone*zoneIndex(zone) + 1) }

// Cluster is where the NATS node of a zone takes routes.
func (p Plan) Cluster(zone string) string { return p.at(offZones + portsOfZone*zoneIndex(zone) + 2) }

// Leaf is where the NATS node of a zone takes leaf nodes.
func (p Plan) Leaf(zone string) string { return p.at(offZones + portsOfZone*zoneIndex(zone) + 3) }

// Route is the link by which the node of one zone reaches the node of another in its region.
func (p Plan) Route(from, to string) string {
	return p.at(offRoutes + 6*regionIndex(from) + routeIndex(from, to))
}

// LeafLink is the link by which the node of a zone in the west reaches one in the east.
func (p Plan) LeafLink(west, east string) string {
	return p.at(offLeafs + 3*(zoneIndex(west)%3) + zoneIndex(east)%3)
}

// Front is the link by which the load balancer reaches the shop of a zone.
func (p Plan) Front(zone string) string { return p.at(offFronts + zoneIndex(zone)) }

// ExtraShop is where the shop of an extra instance listens.
func (p Plan) ExtraShop(region string, slot int) string {
	return p.at(offExtras + 2*MaxExtras*regionIndex(region) + 2*slot)
}

// ExtraFront is the link by which the load balancer reaches an extra instance.
func (p Plan) ExtraFront(region string, slot int) string {
	return p.at(offExtras + 2*MaxExtras*regionIndex(region) + 2*slot + 1)
}

// ClientURLs are the NATS URLs of a region, for nats.Connect.
func (p Plan) ClientURLs(region string) string {
	var urls []string
	for _, zone := range ZonesOf(region) {
		urls = append(urls, "nats://"+p.Client(zone))
	}
	return strings.Join(urls, ",")
}

func regionIndex(name string) int {
	if RegionOf(name) == East {
		return 0
	}
	return 1
}

func zoneIndex(zone string) int {
	for i, z := range Zones() {
		if z == zone {
			return i
		}
	}
	panic(fmt.Sprintf("layout: no zone %q", zone))
}

// routeIndex numbers the six ordered pairs of three zones.
func routeIndex(from, to string) int {
	f, t := zoneIndex(from)%3, zoneIndex(to)%3
	if t > f {
		t--
	}
	return 2*f + t
}
