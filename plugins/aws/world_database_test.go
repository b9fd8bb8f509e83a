package aws_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	awssdk "github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/elasticache"
	"github.com/aws/aws-sdk-go-v2/service/rds"
	rdstypes "github.com/aws/aws-sdk-go-v2/service/rds/types"

	"github.com/gameday-toolkit/gameday/plugins/sdk"
)

func (w *world) rds() *rds.Client { return rds.NewFromConfig(w.cfg) }
func (w *world) cache() *elasticache.Client {
	return elasticache.NewFromConfig(w.cfg)
}

// await waits until something is so.
func await(ctx context.Context, what string, done func() (bool, error)) error {
	for {
		ok, err := done()
		if ok || err != nil {
			return err
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("waiting for %s: %w", what, context.Cause(ctx))
		case <-time.After(20 * time.Millisecond):
		}
	}
}

// cluster is an Aurora cluster with a writer in zone a, and readers in b and in c.
func (w *world) cluster(ctx context.Context) (sdk.Target, error) {
	id := fmt.Sprintf("orders-%d", serial.Add(1))
	out, err := w.rds().CreateDBCluster(ctx, &rds.CreateDBClusterInput{
		DBClusterIdentifier: &id, Engine: new("aurora-postgresql"), MasterUsername: new("gameday"), MasterUserPassword: new("not-a-secret-1"),
		Tags: []rdstypes.Tag{{Key: new("test"), Value: &w.mark}},
	})
	if err != nil {
		return sdk.Target{}, err
	}
	w.later(func(ctx context.Context) error {
		_, err := w.rds().DeleteDBCluster(ctx, &rds.DeleteDBClusterInput{DBClusterIdentifier: &id, SkipFinalSnapshot: new(true)})
		return err
	})
	for i, letter := range []string{"a", "b", "c"} {
		if err := w.database(ctx, &rds.CreateDBInstanceInput{
			DBInstanceIdentifier: new(id + "-" + letter), DBClusterIdentifier: &id, AvailabilityZone: new(w.zone(letter)), PromotionTier: new(int32(i)),
		}); err != nil {
			return sdk.Target{}, err
		}
	}
	return w.target("aws_db_cluster", awssdk.ToString(out.DBCluster.DBClusterArn), id), nil
}

func (w *world) database(ctx context.Context, in *rds.CreateDBInstanceInput) error {
	in.DBInstanceClass = new("db.t3.medium")
	if in.Engine = new("postgres"); in.DBClusterIdentifier != nil {
		in.Engine = new("aurora-postgresql")
	}
	in.Tags = []rdstypes.Tag{{Key: new("test"), Value: &w.mark}}
	if _, err := w.rds().CreateDBInstance(ctx, in); err != nil {
		return err
	}
	w.later(func(ctx context.Context) error {
		_, err := w.rds().DeleteDBInstance(ctx, &rds.DeleteDBInstanceInput{DBInstanceIdentifier: in.DBInstanceIdentifier, SkipFinalSnapshot: new(true)})
		return err
	})
	return await(ctx, *in.DBInstanceIdentifier+" to be available", func() (bool, error) {
		d, err := w.describedDB(ctx, *in.DBInstanceIdentifier)
		return awssdk.ToString(d.DBInstanceStatus) == "available", err
	})
}

// multiAZ is an instance with a standby.
func (w *world) multiAZ(ctx context.Context) (sdk.Target, error) {
	id := fmt.Sprintf("ledger-%d", serial.Add(1))
	err := w.database(ctx, &rds.CreateDBInstanceInput{
		DBInstanceIdentifier: &id, MultiAZ: new(true), AllocatedStorage: new(int32(20)), MasterUsername: new("gameday"), MasterUserPassword: new("not-a-secret-1"),
	})
	return w.target("aws_db_instance", w.arn("rds", "db:"+id), id), err
}

func (w *world) describedDB(ctx context.Context, id string) (rdstypes.DBInstance, error) {
	out, err := w.rds().DescribeDBInstances(ctx, &rds.DescribeDBInstancesInput{DBInstanceIdentifier: &id})
	if err != nil {
		return rdstypes.DBInstance{}, err
	}
	return out.DBInstances[0], nil
}

// writer is where a database takes writes, and whether AWS is done with it.
func (w *world) writer(ctx context.Context, t sdk.Target) (place, status string, err error) {
	if t.Type == "aws_db_instance" {
		d, err := w.describedDB(ctx, t.Name)
		return awssdk.ToString(d.AvailabilityZone), awssdk.ToString(d.DBInstanceStatus), err
	}
	out, err := w.rds().DescribeDBClusters(ctx, &rds.DescribeDBClustersInput{DBClusterIdentifier: &t.Name})
	if err != nil {
		return "", "", err
	}
	for _, m := range out.DBClusters[0].DBClusterMembers {
		if awssdk.ToBool(m.IsClusterWriter) {
			place = awssdk.ToString(m.DBInstanceIdentifier)
		}
	}
	return place, awssdk.ToString(out.DBClusters[0].Status), nil
}

// rdsMarks are the tags of a database that are ours.
func (w *world) rdsMarks(ctx context.Context, t sdk.Target) (string, error) {
	out, err := w.rds().ListTagsForResource(ctx, &rds.ListTagsForResourceInput{ResourceName: &t.ID})
	if err != nil {
		return "", err
	}
	var marks []string
	for _, tag := range out.TagList {
		if strings.HasPrefix(*tag.Key, "gameday") {
			marks = append(marks, *tag.Key+"="+*tag.Value)
		}
	}
	return strings.Join(marks, ","), nil
}

// cacheGroup is a replication group with a primary and a replica in each of its shards.
func (w *world) cacheGroup(ctx context.Context, shards int32) (sdk.Target, error) {
	id := fmt.Sprintf("session-%d", serial.Add(1))
	in := &elasticache.CreateReplicationGroupInput{
		ReplicationGroupId: &id, ReplicationGroupDescription: new("a test of gameday"), AutomaticFailoverEnabled: new(true), Engine: new("valkey"), CacheNodeType: new("cache.t3.micro"),
	}
	if shards > 1 {
		in.NumNodeGroups, in.ReplicasPerNodeGroup = &shards, new(int32(1))
	} else {
		in.NumCacheClusters = new(int32(2))
	}
	out, err := w.cache().CreateReplicationGroup(ctx, in)
	if err != nil {
		return sdk.Target{}, err
	}
	w.later(func(ctx context.Context) error {
		_, err := w.cache().DeleteReplicationGroup(ctx, &elasticache.DeleteReplicationGroupInput{ReplicationGroupId: &id})
		return err
	})
	return w.target("aws_cache_group", awssdk.ToString(out.ReplicationGroup.ARN), id), await(ctx, id+" to be available", func() (bool, error) {
		status, _, err := w.cachePrimary(ctx, id)
		return status == "available", err
	})
}

// cachePrimary is the primary of the first shard, where ElastiCache tells.
func (w *world) cachePrimary(ctx context.Context, id string) (status, primary string, err error) {
	out, err := w.cache().DescribeReplicationGroups(ctx, &elasticache.DescribeReplicationGroupsInput{ReplicationGroupId: &id})
	if err != nil {
		return "", "", err
	}
	g := out.ReplicationGroups[0]
	for _, n := range g.NodeGroups {
		for _, m := range n.NodeGroupMembers {
			if awssdk.ToString(m.CurrentRole) == "primary" {
				primary = awssdk.ToString(m.CacheClusterId)
			}
		}
	}
	return awssdk.ToString(g.Status), primary, nil
}

// cacheMarks waits until the group is available, since it shows no tags before.
func (w *world) cacheMarks(ctx context.Context, t sdk.Target) (string, error) {
	if err := await(ctx, t.Name+" to be available", func() (bool, error) {
		status, _, err := w.cachePrimary(ctx, t.Name)
		return status == "available", err
	}); err != nil {
		return "", err
	}
	out, err := w.cache().ListTagsForResource(ctx, &elasticache.ListTagsForResourceInput{ResourceName: &t.ID})
	if err != nil {
		return "", err
	}
	var marks []string
	for _, tag := range out.TagList {
		if strings.HasPrefix(*tag.Key, "gameday") {
			marks = append(marks, *tag.Key+"="+*tag.Value)
		}
	}
	return strings.Join(marks, ","), nil
}

// requireFailover skips the test where the endpoint takes a failover and does nothing.
func (w *world) requireFailover(t *testing.T, fail func(context.Context) error, moved func(context.Context) (bool, error)) {
	t.Helper()
	if elsewhere == "" {
		return
	}
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	err := fail(ctx)
	w.skipUnimplemented(t, err)
	if err == nil {
		err = await(ctx, "the failover", func() (bool, error) { return moved(ctx) })
	}
	if err != nil {
		t.Skipf("the endpoint %s does not carry a failover out: %v", elsewhere, err)
	}
}
