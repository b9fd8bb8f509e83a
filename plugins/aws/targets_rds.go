package aws

import (
	"context"
	"fmt"

	awssdk "github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/rds"
	"github.com/aws/aws-sdk-go-v2/service/rds/types"
)

// listDBInstances lists database instances, members of clusters included. An instance is in the zone of its primary.
func listDBInstances(ctx context.Context, s *site) ([]resource, error) {
	zones, err := zoneIDs(ctx, s)
	if err != nil {
		return nil, err
	}
	all, err := dbInstances(ctx, s, &rds.DescribeDBInstancesInput{})
	if err != nil {
		return nil, err
	}
	var out []resource
	for _, d := range all {
		id, zone := awssdk.ToString(d.DBInstanceIdentifier), awssdk.ToString(d.AvailabilityZone)
		out = append(out, resource{
			arn: awssdk.ToString(d.DBInstanceArn), id: id, name: id, zones: []string{zone, zones[zone]}, vpc: vpcOf(d), tags: tagMap(d.TagList, rdsTag),
			facts: []string{"engine", awssdk.ToString(d.Engine), "vpc", vpcOf(d), "cluster", awssdk.ToString(d.DBClusterIdentifier)},
		})
	}
	return out, nil
}

// listDBClusters lists database clusters. A cluster is in the zone of its writer.
func listDBClusters(ctx context.Context, s *site) ([]resource, error) {
	zones, err := zoneIDs(ctx, s)
	if err != nil {
		return nil, err
	}
	members, err := dbInstances(ctx, s, &rds.DescribeDBInstancesInput{})
	if err != nil {
		return nil, err
	}
	byID := map[string]types.DBInstance{}
	for _, d := range members {
		byID[awssdk.ToString(d.DBInstanceIdentifier)] = d
	}
	var out []resource
	for pages := rds.NewDescribeDBClustersPaginator(s.rds(), &rds.DescribeDBClustersInput{}); pages.HasMorePages(); {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, fmt.Errorf("listing database clusters: %w", err)
		}
		for _, c := range page.DBClusters {
			id, writer := awssdk.ToString(c.DBClusterIdentifier), byID[writerOf(c)]
			zone := awssdk.ToString(writer.AvailabilityZone)
			out = append(out, resource{
				arn: awssdk.ToString(c.DBClusterArn), id: id, name: id, zones: []string{zone, zones[zone]}, vpc: vpcOf(writer), tags: tagMap(c.TagList, rdsTag),
				facts: []string{"engine", awssdk.ToString(c.Engine), "vpc", vpcOf(writer)},
			})
		}
	}
	return out, nil
}

func rdsTag(t types.Tag) (key, value *string) { return t.Key, t.Value }

func vpcOf(d types.DBInstance) string {
	if d.DBSubnetGroup == nil {
		return ""
	}
	return awssdk.ToString(d.DBSubnetGroup.VpcId)
}

// writerOf is the member that takes writes. The cluster of a global database that is in another region has none.
func writerOf(c types.DBCluster) string {
	for _, m := range c.DBClusterMembers {
		if awssdk.ToBool(m.IsClusterWriter) {
			return awssdk.ToString(m.DBInstanceIdentifier)
		}
	}
	return ""
}

func dbInstances(ctx context.Context, s *site, in *rds.DescribeDBInstancesInput) ([]types.DBInstance, error) {
	var out []types.DBInstance
	for pages := rds.NewDescribeDBInstancesPaginator(s.rds(), in); pages.HasMorePages(); {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, fmt.Errorf("listing database instances: %w", err)
		}
		out = append(out, page.DBInstances...)
	}
	return out, nil
}

// dbInstance reads one database instance.
func dbInstance(ctx context.Context, s *site, id string) (types.DBInstance, error) {
	all, err := dbInstances(ctx, s, &rds.DescribeDBInstancesInput{DBInstanceIdentifier: &id})
	if err != nil {
		return types.DBInstance{}, err
	}
	if len(all) != 1 {
		return types.DBInstance{}, fmt.Errorf("reading the database instance %s: AWS shows %d", id, len(all))
	}
	return all[0], nil
}

// dbCluster reads one database cluster.
func dbCluster(ctx context.Context, s *site, id string) (types.DBCluster, error) {
	out, err := s.rds().DescribeDBClusters(ctx, &rds.DescribeDBClustersInput{DBClusterIdentifier: &id})
	if err != nil {
		return types.DBCluster{}, fmt.Errorf("reading the database cluster %s: %w", id, err)
	}
	if len(out.DBClusters) != 1 {
		return types.DBCluster{}, fmt.Errorf("reading the database cluster %s: AWS shows %d", id, len(out.DBClusters))
	}
	return out.DBClusters[0], nil
}
