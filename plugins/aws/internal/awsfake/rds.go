package awsfake

import (
	"maps"
	"slices"
	"time"
)

// rdsState is what RDS keeps for a region. Tags are by ARN.
type rdsState struct {
	Clusters  map[string]*dbCluster
	Instances map[string]*dbInstance
	Tags      map[string]map[string]string
}

// dbCluster has its writer move from Writer to Next when the time has come.
type dbCluster struct {
	ID, ARN, Engine, Mode string
	Members               []string
	Writer, Next          string
	At                    time.Time
}

func (d *dbCluster) settle() {
	if d.Next != "" && !time.Now().Before(d.At) {
		d.Writer, d.Next = d.Next, ""
	}
}

func (d *dbCluster) status() string {
	d.settle()
	if d.Next != "" {
		return "failing-over"
	}
	return "available"
}

// dbInstance changes Zone and Standby over when the time has come.
type dbInstance struct {
	ID, ARN, Engine, Cluster string
	Zone, Standby            string
	Tier                     int
	Swaps                    bool
	At                       time.Time
}

func (d *dbInstance) status() string {
	if d.Swaps && time.Now().Before(d.At) {
		return "rebooting"
	}
	if d.Swaps {
		d.Zone, d.Standby, d.Swaps = d.Standby, d.Zone, false
	}
	return "available"
}

func newRDS() rdsState {
	return rdsState{map[string]*dbCluster{}, map[string]*dbInstance{}, map[string]map[string]string{}}
}

func rdsOperations() map[string]handler {
	out := map[string]handler{
		"CreateDBCluster": createDBCluster, "DeleteDBCluster": deleteDBCluster, "DescribeDBClusters": describeDBClusters, "FailoverDBCluster": failoverDBCluster,
		"CreateDBInstance": createDBInstance, "DeleteDBInstance": deleteDBInstance, "DescribeDBInstances": describeDBInstances, "RebootDBInstance": rebootDBInstance,
		"AddTagsToResource": addRDSTags, "RemoveTagsFromResource": removeRDSTags, "ListTagsForResource": listRDSTags,
	}
	maps.Copy(out, globalDatabaseOperations())
	return out
}

type rdsTag struct{ Key, Value string }

type memberItem struct {
	ID     string `xml:"DBInstanceIdentifier"`
	Writer bool   `xml:"IsClusterWriter"`
	Tier   int    `xml:"PromotionTier"`
}

type clusterItem struct {
	ID      string       `xml:"DBClusterIdentifier"`
	ARN     string       `xml:"DBClusterArn"`
	Engine  string       `xml:"Engine"`
	Mode    string       `xml:"EngineMode"`
	Status  string       `xml:"Status"`
	Members []memberItem `xml:"DBClusterMembers>DBClusterMember"`
	Tags    []rdsTag     `xml:"TagList>Tag"`
}

type clusterAnswer struct {
	Cluster clusterItem `xml:"DBCluster"`
}

func (r *rdsState) clusterItem(d *dbCluster) clusterItem {
	out := clusterItem{ID: d.ID, ARN: d.ARN, Engine: d.Engine, Mode: d.Mode, Status: d.status(), Tags: r.tags(d.ARN)}
	for _, m := range d.Members {
		out.Members = append(out.Members, memberItem{m, m == d.Writer, r.Instances[m].Tier})
	}
	return out
}

func (r *rdsState) tags(arn string) (out []rdsTag) {
	for _, k := range slices.Sorted(maps.Keys(r.Tags[arn])) {
		out = append(out, rdsTag{k, r.Tags[arn][k]})
	}
	return out
}

func (c *call) rdsARN(kind, id string) string {
	arn := "arn:aws:rds:" + c.region + ":" + Account + ":" + kind + ":" + id
	c.state.RDS.Tags[arn] = map[string]string{}
	for _, t := range c.records("Tags.Tag") {
		c.state.RDS.Tags[arn][t.Get("Key")] = t.Get("Value")
	}
	return arn
}

func createDBCluster(c *call) (any, error) {
	id := c.str("DBClusterIdentifier")
	if c.state.RDS.Clusters[id] != nil {
		return nil, failf("DBClusterAlreadyExistsFault", "DB Cluster already exists")
	}
	mode := c.str("EngineMode")
	if mode == "" {
		mode = "provisioned"
	}
	d := &dbCluster{ID: id, ARN: c.rdsARN("cluster", id), Engine: c.str("Engine"), Mode: mode}
	c.state.RDS.Clusters[id] = d
	return clusterAnswer{c.state.RDS.clusterItem(d)}, nil
}

func (c *call) dbCluster() (*dbCluster, error) {
	d := c.state.RDS.Clusters[c.str("DBClusterIdentifier")]
	if d == nil {
		return nil, &Error{"DBClusterNotFoundFault", "DBCluster " + c.str("DBClusterIdentifier") + " not found.", 404}
	}
	return d, nil
}

func deleteDBCluster(c *call) (any, error) {
	d, err := c.dbCluster()
	if err != nil {
		return nil, err
	}
	if len(d.Members) > 0 {
		return nil, failf("InvalidDBClusterStateFault", "Cluster cannot be deleted, it still contains DB instances in non-deleting state.")
	}
	delete(c.state.RDS.Clusters, d.ID)
	delete(c.state.RDS.Tags, d.ARN)
	return nil, nil
}

func describeDBClusters(c *call) (any, error) {
	var all []clusterItem
	if c.str("DBClusterIdentifier") != "" {
		if _, err := c.dbCluster(); err != nil {
			return nil, err
		}
	}
	for _, d := range ordered(c.state.RDS.Clusters) {
		if id := c.str("DBClusterIdentifier"); id == "" || id == d.ID {
			all = append(all, c.state.RDS.clusterItem(d))
		}
	}
	var out struct {
		Marker   string        `xml:"Marker,omitempty"`
		Clusters []clusterItem `xml:"DBClusters>DBCluster"`
	}
	var err error
	out.Clusters, out.Marker, err = page(all, c.str("Marker"), c.num("MaxRecords", 2))
	return out, err
}

// failoverDBCluster goes to the reader that is named, or to that with the lowest tier.
func failoverDBCluster(c *call) (any, error) {
	d, err := c.dbCluster()
	if err != nil {
		return nil, err
	}
	if d.status() != "available" {
		return nil, failf("InvalidDBClusterStateFault", "DB cluster %s is not in the available state", d.ID)
	}
	to := c.str("TargetDBInstanceIdentifier")
	for _, m := range d.Members {
		best := to == "" || c.state.RDS.Instances[m].Tier < c.state.RDS.Instances[to].Tier
		if c.str("TargetDBInstanceIdentifier") == "" && m != d.Writer && best {
			to = m
		}
	}
	if to == "" || to == d.Writer || !slices.Contains(d.Members, to) {
		return nil, failf("InvalidDBInstanceState", "There is no reader %q in the cluster to fail over to", to)
	}
	d.Next, d.At = to, c.server.when()
	return clusterAnswer{c.state.RDS.clusterItem(d)}, nil
}

type dbInstanceItem struct {
	ID      string   `xml:"DBInstanceIdentifier"`
	ARN     string   `xml:"DBInstanceArn"`
	Engine  string   `xml:"Engine"`
	Status  string   `xml:"DBInstanceStatus"`
	Zone    string   `xml:"AvailabilityZone"`
	Standby string   `xml:"SecondaryAvailabilityZone,omitempty"`
	MultiAZ bool     `xml:"MultiAZ"`
	Cluster string   `xml:"DBClusterIdentifier,omitempty"`
	VPC     string   `xml:"DBSubnetGroup>VpcId"`
	Tags    []rdsTag `xml:"TagList>Tag"`
}

// databaseVPC is where all databases and caches are.
const databaseVPC = "vpc-databases"

type dbInstanceAnswer struct {
	Instance dbInstanceItem `xml:"DBInstance"`
}

func (r *rdsState) instanceItem(d *dbInstance) dbInstanceItem {
	status := d.status()
	return dbInstanceItem{d.ID, d.ARN, d.Engine, status, d.Zone, d.Standby, d.Standby != "", d.Cluster, databaseVPC, r.tags(d.ARN)}
}

func createDBInstance(c *call) (any, error) {
	id, zones := c.str("DBInstanceIdentifier"), zonesOf(c.region)
	d := &dbInstance{ID: id, Engine: c.str("Engine"), Zone: c.str("AvailabilityZone"), Tier: c.num("PromotionTier", 1), Cluster: c.str("DBClusterIdentifier")}
	if d.Zone == "" {
		d.Zone = zones[0][0]
	}
	if c.flag("MultiAZ") {
		d.Standby = zones[1][0]
	}
	if d.Cluster != "" {
		k, err := c.dbCluster()
		if err != nil {
			return nil, err
		}
		if len(k.Members) == 0 {
			k.Writer = id
		}
		k.Members = append(k.Members, id)
	}
	d.ARN = c.rdsARN("db", id)
	c.state.RDS.Instances[id] = d
	return dbInstanceAnswer{c.state.RDS.instanceItem(d)}, nil
}

func (c *call) dbInstance() (*dbInstance, error) {
	d := c.state.RDS.Instances[c.str("DBInstanceIdentifier")]
	if d == nil {
		return nil, &Error{"DBInstanceNotFound", "DBInstance " + c.str("DBInstanceIdentifier") + " not found.", 404}
	}
	return d, nil
}

func deleteDBInstance(c *call) (any, error) {
	d, err := c.dbInstance()
	if err != nil {
		return nil, err
	}
	if k := c.state.RDS.Clusters[d.Cluster]; k != nil {
		k.Members = slices.DeleteFunc(k.Members, func(m string) bool { return m == d.ID })
	}
	delete(c.state.RDS.Instances, d.ID)
	delete(c.state.RDS.Tags, d.ARN)
	return nil, nil
}

func describeDBInstances(c *call) (any, error) {
	if c.str("DBInstanceIdentifier") != "" {
		if _, err := c.dbInstance(); err != nil {
			return nil, err
		}
	}
	var all []dbInstanceItem
	for _, d := range ordered(c.state.RDS.Instances) {
		if id := c.str("DBInstanceIdentifier"); id == "" || id == d.ID {
			all = append(all, c.state.RDS.instanceItem(d))
		}
	}
	var out struct {
		Marker    string           `xml:"Marker,omitempty"`
		Instances []dbInstanceItem `xml:"DBInstances>DBInstance"`
	}
	var err error
	out.Instances, out.Marker, err = page(all, c.str("Marker"), c.num("MaxRecords", 2))
	return out, err
}

func rebootDBInstance(c *call) (any, error) {
	d, err := c.dbInstance()
	if err != nil {
		return nil, err
	}
	switch {
	case d.status() != "available":
		return nil, failf("InvalidDBInstanceState", "Instance %s is not in available state", d.ID)
	case c.flag("ForceFailover") && d.Standby == "":
		return nil, failf("InvalidParameterCombination", "Cannot force failover: the instance is not Multi-AZ")
	}
	if c.flag("ForceFailover") {
		d.Swaps, d.At = true, c.server.when()
	}
	return dbInstanceAnswer{c.state.RDS.instanceItem(d)}, nil
}

// taggedDB is the tags of what the call names by ARN.
func (c *call) taggedDB() (map[string]string, error) {
	tags := c.state.RDS.Tags[c.str("ResourceName")]
	if tags == nil {
		return nil, &Error{"DBInstanceNotFound", "there is no " + c.str("ResourceName"), 404}
	}
	return tags, nil
}

func addRDSTags(c *call) (any, error) {
	tags, err := c.taggedDB()
	if err != nil {
		return nil, err
	}
	for _, t := range c.records("Tags.Tag") {
		tags[t.Get("Key")] = t.Get("Value")
	}
	return nil, nil
}

func removeRDSTags(c *call) (any, error) {
	tags, err := c.taggedDB()
	for _, k := range c.list("TagKeys.member") {
		delete(tags, k)
	}
	return nil, err
}

func listRDSTags(c *call) (any, error) {
	_, err := c.taggedDB()
	var out struct {
		Tags []rdsTag `xml:"TagList>Tag"`
	}
	out.Tags = c.state.RDS.tags(c.str("ResourceName"))
	return out, err
}
