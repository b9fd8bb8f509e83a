package aws

import (
	"context"
	"fmt"
	"time"

	awssdk "github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/elasticache"
	"github.com/aws/aws-sdk-go-v2/service/elasticache/types"
)

// listCacheGroups lists replication groups with the zones of their primaries. Of a group in cluster mode AWS does not say which node
// is the primary, so it is in no zone.
func listCacheGroups(ctx context.Context, s *site) ([]resource, error) {
	zones, err := zoneIDs(ctx, s)
	if err != nil {
		return nil, err
	}
	groups, err := cacheGroups(ctx, s, &elasticache.DescribeReplicationGroupsInput{})
	if err != nil || len(groups) == 0 {
		return nil, err
	}
	vpcs, err := cacheVPCs(ctx, s)
	if err != nil {
		return nil, err
	}
	var out []resource
	for _, g := range groups {
		arn, id := awssdk.ToString(g.ARN), awssdk.ToString(g.ReplicationGroupId)
		tags, err := cacheTags(ctx, s, arn)
		if err != nil && codeOf(err) != notReady {
			return nil, fmt.Errorf("reading the tags of %s: %w", id, err)
		}
		r := resource{arn: arn, id: id, name: id, tags: tags, facts: []string{"engine", awssdk.ToString(g.Engine)}}
		if len(g.MemberClusters) > 0 {
			r.vpc = vpcs[g.MemberClusters[0]]
			r.facts = append(r.facts, "vpc", r.vpc)
		}
		for _, n := range g.NodeGroups {
			if p, ok := primaryOf(n); ok {
				zone := awssdk.ToString(p.PreferredAvailabilityZone)
				r.zones = append(r.zones, zone, zones[zone])
			}
		}
		out = append(out, r)
	}
	return out, nil
}

// primaryOf is the node that takes writes, where AWS says which one that is.
func primaryOf(n types.NodeGroup) (types.NodeGroupMember, bool) {
	for _, m := range n.NodeGroupMembers {
		if awssdk.ToString(m.CurrentRole) == "primary" {
			return m, true
		}
	}
	return types.NodeGroupMember{}, false
}

// cacheVPCs are the VPCs of all cache clusters, by ID.
func cacheVPCs(ctx context.Context, s *site) (map[string]string, error) {
	nets := map[string]string{}
	for pages := elasticache.NewDescribeCacheSubnetGroupsPaginator(s.elasticache(), &elasticache.DescribeCacheSubnetGroupsInput{}); pages.HasMorePages(); {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, fmt.Errorf("listing the subnet groups of caches: %w", err)
		}
		for _, g := range page.CacheSubnetGroups {
			nets[awssdk.ToString(g.CacheSubnetGroupName)] = awssdk.ToString(g.VpcId)
		}
	}
	out := map[string]string{}
	for pages := elasticache.NewDescribeCacheClustersPaginator(s.elasticache(), &elasticache.DescribeCacheClustersInput{}); pages.HasMorePages(); {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, fmt.Errorf("listing cache clusters: %w", err)
		}
		for _, c := range page.CacheClusters {
			out[awssdk.ToString(c.CacheClusterId)] = nets[awssdk.ToString(c.CacheSubnetGroupName)]
		}
	}
	return out, nil
}

func cacheGroups(ctx context.Context, s *site, in *elasticache.DescribeReplicationGroupsInput) ([]types.ReplicationGroup, error) {
	var out []types.ReplicationGroup
	for pages := elasticache.NewDescribeReplicationGroupsPaginator(s.elasticache(), in); pages.HasMorePages(); {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, fmt.Errorf("listing replication groups: %w", err)
		}
		out = append(out, page.ReplicationGroups...)
	}
	return out, nil
}

// cacheGroup reads one replication group.
func cacheGroup(ctx context.Context, s *site, id string) (types.ReplicationGroup, error) {
	all, err := cacheGroups(ctx, s, &elasticache.DescribeReplicationGroupsInput{ReplicationGroupId: &id})
	if err != nil {
		return types.ReplicationGroup{}, err
	}
	if len(all) != 1 {
		return types.ReplicationGroup{}, fmt.Errorf("reading the replication group %s: AWS shows %d", id, len(all))
	}
	return all[0], nil
}

// notReady is how ElastiCache refuses even to show tags while it changes something.
const notReady = "InvalidReplicationGroupState"

// cacheSlow is how long ElastiCache may take to fail over and to replace the node that was the primary.
const cacheSlow = 20 * time.Minute

func cacheTags(ctx context.Context, s *site, arn string) (map[string]string, error) {
	out, err := s.elasticache().ListTagsForResource(ctx, &elasticache.ListTagsForResourceInput{ResourceName: &arn})
	if err != nil {
		return nil, unlessMissing(err)
	}
	return tagMap(out.TagList, func(t types.Tag) (key, value *string) { return t.Key, t.Value }), nil
}
