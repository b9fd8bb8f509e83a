package awsfake

import (
	"fmt"
	"maps"
	"slices"
	"time"
)

// cacheState is what ElastiCache keeps for a region.
type cacheState struct {
	Groups map[string]*cacheGroup
	Events []cacheEvent
}

// cacheGroup is a replication group. It is busy until At, and shows no tags until then.
type cacheGroup struct {
	ID, ARN       string
	Shards        []*shard
	ClusterMode   bool
	AutomaticOver bool
	At            time.Time
	Tags          map[string]string
}

// shard has its primary move from Primary to Next when the group is available again.
type shard struct {
	ID      string
	Nodes   []string
	Zones   []string
	Primary int
	Next    int
}

type cacheEvent struct {
	Group, Message string
	At             time.Time
}

func (g *cacheGroup) status() string {
	if time.Now().Before(g.At) {
		return "modifying"
	}
	for _, n := range g.Shards {
		n.Primary = n.Next
	}
	return "available"
}

func newCache() cacheState { return cacheState{Groups: map[string]*cacheGroup{}} }

func cacheOperations() map[string]handler {
	return map[string]handler{
		"CreateReplicationGroup": createCacheGroup, "DeleteReplicationGroup": deleteCacheGroup, "DescribeReplicationGroups": describeCacheGroups,
		"DescribeCacheClusters": describeCacheClusters, "DescribeCacheSubnetGroups": describeCacheNets, "TestFailover": testFailover,
		"DescribeEvents": describeCacheEvents, "AddTagsToResource": addCacheTags, "RemoveTagsFromResource": removeCacheTags, "ListTagsForResource": listCacheTags,
	}
}

type nodeItem struct {
	Cluster string `xml:"CacheClusterId"`
	Node    string `xml:"CacheNodeId"`
	Zone    string `xml:"PreferredAvailabilityZone"`
	Role    string `xml:"CurrentRole,omitempty"`
}

type shardItem struct {
	ID     string     `xml:"NodeGroupId"`
	Status string     `xml:"Status"`
	Nodes  []nodeItem `xml:"NodeGroupMembers>NodeGroupMember"`
}

type cacheGroupItem struct {
	ID       string      `xml:"ReplicationGroupId"`
	ARN      string      `xml:"ARN"`
	Status   string      `xml:"Status"`
	Failover string      `xml:"AutomaticFailover"`
	Engine   string      `xml:"Engine"`
	Cluster  bool        `xml:"ClusterEnabled"`
	Members  []string    `xml:"MemberClusters>ClusterId"`
	Shards   []shardItem `xml:"NodeGroups>NodeGroup"`
}

type cacheAnswer struct {
	Group cacheGroupItem `xml:"ReplicationGroup"`
}

// item tells the roles only where ElastiCache does.
func (g *cacheGroup) item() cacheGroupItem {
	out := cacheGroupItem{ID: g.ID, ARN: g.ARN, Status: g.status(), Failover: "disabled", Engine: "valkey", Cluster: g.ClusterMode}
	if g.AutomaticOver {
		out.Failover = "enabled"
	}
	for _, n := range g.Shards {
		one := shardItem{ID: n.ID, Status: out.Status}
		for i, id := range n.Nodes {
			node := nodeItem{Cluster: id, Node: "0001", Zone: n.Zones[i]}
			if !g.ClusterMode {
				node.Role = map[bool]string{true: "primary", false: "replica"}[i == n.Primary]
			}
			one.Nodes = append(one.Nodes, node)
			out.Members = append(out.Members, id)
		}
		out.Shards = append(out.Shards, one)
	}
	return out
}

func createCacheGroup(c *call) (any, error) {
	g := &cacheGroup{
		ID: c.str("ReplicationGroupId"), AutomaticOver: c.flag("AutomaticFailoverEnabled"), ClusterMode: c.num("NumNodeGroups", 1) > 1, Tags: map[string]string{},
	}
	g.ARN = "arn:aws:elasticache:" + c.region + ":" + Account + ":replicationgroup:" + g.ID
	for _, t := range c.records("Tags.Tag") {
		g.Tags[t.Get("Key")] = t.Get("Value")
	}
	nodes, zones := c.num("NumCacheClusters", c.num("ReplicasPerNodeGroup", 0)+1), zonesOf(c.region)
	for i := range c.num("NumNodeGroups", 1) {
		n := &shard{ID: fmt.Sprintf("%04d", i+1)}
		for k := range nodes {
			id := fmt.Sprintf("%s-%03d", g.ID, k+1)
			if g.ClusterMode {
				id = fmt.Sprintf("%s-%s-%03d", g.ID, n.ID, k+1)
			}
			n.Nodes, n.Zones = append(n.Nodes, id), append(n.Zones, zones[k%len(zones)][0])
		}
		g.Shards = append(g.Shards, n)
	}
	c.state.Cache.Groups[g.ID] = g
	return cacheAnswer{g.item()}, nil
}

func (c *call) cacheGroup() (*cacheGroup, error) {
	g := c.state.Cache.Groups[c.str("ReplicationGroupId")]
	if g == nil {
		return nil, &Error{"ReplicationGroupNotFoundFault", "ReplicationGroup " + c.str("ReplicationGroupId") + " not found.", 404}
	}
	return g, nil
}

func deleteCacheGroup(c *call) (any, error) {
	g, err := c.cacheGroup()
	if err == nil {
		delete(c.state.Cache.Groups, g.ID)
	}
	return nil, err
}

func describeCacheGroups(c *call) (any, error) {
	if c.str("ReplicationGroupId") != "" {
		if _, err := c.cacheGroup(); err != nil {
			return nil, err
		}
	}
	var all []cacheGroupItem
	for _, g := range ordered(c.state.Cache.Groups) {
		if id := c.str("ReplicationGroupId"); id == "" || id == g.ID {
			all = append(all, g.item())
		}
	}
	var out struct {
		Marker string           `xml:"Marker,omitempty"`
		Groups []cacheGroupItem `xml:"ReplicationGroups>ReplicationGroup"`
	}
	var err error
	out.Groups, out.Marker, err = page(all, c.str("Marker"), c.num("MaxRecords", 2))
	return out, err
}

type cacheClusterItem struct {
	ID  string `xml:"CacheClusterId"`
	Net string `xml:"CacheSubnetGroupName"`
}

func describeCacheClusters(c *call) (any, error) {
	var out struct {
		Clusters []cacheClusterItem `xml:"CacheClusters>CacheCluster"`
	}
	for _, g := range ordered(c.state.Cache.Groups) {
		for _, id := range g.item().Members {
			out.Clusters = append(out.Clusters, cacheClusterItem{id, "default"})
		}
	}
	return out, nil
}

type cacheNetItem struct {
	Name string `xml:"CacheSubnetGroupName"`
	VPC  string `xml:"VpcId"`
}

func describeCacheNets(*call) (any, error) {
	var out struct {
		Nets []cacheNetItem `xml:"CacheSubnetGroups>CacheSubnetGroup"`
	}
	out.Nets = []cacheNetItem{{"default", databaseVPC}}
	return out, nil
}

// testFailover makes the next replica the primary, and tells of it in an event once it is done.
func testFailover(c *call) (any, error) {
	g, err := c.cacheGroup()
	if err != nil {
		return nil, err
	}
	if g.status() != "available" {
		return nil, failf("InvalidReplicationGroupState", "Replication group %s must be in available state.", g.ID)
	}
	for _, n := range g.Shards {
		if n.ID != c.str("NodeGroupId") {
			continue
		}
		if !g.AutomaticOver || len(n.Nodes) < 2 {
			return nil, failf("TestFailoverNotAvailableFault", "Test failover is not available")
		}
		n.Next, g.At = (n.Primary+1)%len(n.Nodes), c.server.when()
		c.state.Cache.Events = append(c.state.Cache.Events,
			cacheEvent{g.ID, "Test Failover API called for node group " + n.ID, time.Now()},
			cacheEvent{g.ID, fmt.Sprintf("Failover from primary node %s to replica node %s completed", n.Nodes[n.Primary], n.Nodes[n.Next]), g.At})
		return cacheAnswer{g.item()}, nil
	}
	return nil, &Error{"NodeGroupNotFoundFault", "NodeGroup not found.", 404}
}

type cacheEventItem struct {
	Source  string    `xml:"SourceIdentifier"`
	Type    string    `xml:"SourceType"`
	Message string    `xml:"Message"`
	Date    time.Time `xml:"Date"`
}

func describeCacheEvents(c *call) (any, error) {
	var all []cacheEventItem
	for _, e := range c.state.Cache.Events {
		if e.Group == c.str("SourceIdentifier") && time.Now().After(e.At) {
			all = append(all, cacheEventItem{e.Group, "replication-group", e.Message, e.At.UTC()})
		}
	}
	var out struct {
		Marker string           `xml:"Marker,omitempty"`
		Events []cacheEventItem `xml:"Events>Event"`
	}
	var err error
	out.Events, out.Marker, err = page(all, c.str("Marker"), c.num("MaxRecords", 2))
	return out, err
}

// taggedCache finds a group by ARN. It shows its tags only while it is available.
func (c *call) taggedCache() (*cacheGroup, error) {
	for _, g := range c.state.Cache.Groups {
		if g.ARN != c.str("ResourceName") {
			continue
		}
		if g.status() != "available" {
			return nil, failf("InvalidReplicationGroupState", "Replication group %s must be in available state.", g.ID)
		}
		return g, nil
	}
	return nil, &Error{"ReplicationGroupNotFoundFault", "there is no " + c.str("ResourceName"), 404}
}

func addCacheTags(c *call) (any, error) {
	g, err := c.taggedCache()
	if err != nil {
		return nil, err
	}
	for _, t := range c.records("Tags.Tag") {
		g.Tags[t.Get("Key")] = t.Get("Value")
	}
	return nil, nil
}

func removeCacheTags(c *call) (any, error) {
	g, err := c.taggedCache()
	if err != nil {
		return nil, err
	}
	for _, k := range c.list("TagKeys.member") {
		delete(g.Tags, k)
	}
	return nil, nil
}

func listCacheTags(c *call) (any, error) {
	g, err := c.taggedCache()
	if err != nil {
		return nil, err
	}
	var out struct {
		Tags []rdsTag `xml:"TagList>Tag"`
	}
	for _, k := range slices.Sorted(maps.Keys(g.Tags)) {
		out.Tags = append(out.Tags, rdsTag{k, g.Tags[k]})
	}
	return out, nil
}
