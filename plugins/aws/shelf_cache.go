package aws

import (
	"context"
	"maps"
	"slices"

	awssdk "github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/elasticache"
	"github.com/aws/aws-sdk-go-v2/service/elasticache/types"
)

// cacheShelf keeps the tags of replication groups. ElastiCache shows and changes them only while the group is available, so each
// of these calls waits for that.
func cacheShelf() *shelf {
	read := func(ctx context.Context, s *site, arn string) (tags map[string]string, err error) {
		return tags, onceReady(ctx, arn, func() error {
			tags, err = cacheTags(ctx, s, arn)
			return err
		})
	}
	return &shelf{
		needs: slices.Concat(reading("elasticache:DescribeReplicationGroups"),
			changing([]string{"{arn}"}, "elasticache:ListTagsForResource", "elasticache:AddTagsToResource", "elasticache:RemoveTagsFromResource")),
		read: read,
		write: func(ctx context.Context, s *site, arn string, tags map[string]string) error {
			list := tagList(tags, func(k, v *string) types.Tag { return types.Tag{Key: k, Value: v} })
			return onceReady(ctx, arn, func() error {
				_, err := s.elasticache().AddTagsToResource(ctx, &elasticache.AddTagsToResourceInput{ResourceName: &arn, Tags: list})
				return err
			})
		},
		remove: func(ctx context.Context, s *site, arn string, tags map[string]string) error {
			return onceReady(ctx, arn, func() error {
				_, err := s.elasticache().RemoveTagsFromResource(ctx, &elasticache.RemoveTagsFromResourceInput{ResourceName: &arn, TagKeys: slices.Sorted(maps.Keys(tags))})
				return err
			})
		},
		find: func(ctx context.Context, s *site, key string) (map[string]map[string]string, error) {
			groups, err := cacheGroups(ctx, s, &elasticache.DescribeReplicationGroupsInput{})
			if err != nil {
				return nil, err
			}
			out := map[string]map[string]string{}
			for _, g := range groups {
				arn := awssdk.ToString(g.ARN)
				tags, err := read(ctx, s, arn)
				if err != nil {
					return nil, err
				}
				if _, ok := tags[key]; ok {
					out[arn] = tags
				}
			}
			return out, nil
		},
	}
}

// onceReady calls until the group is available.
func onceReady(ctx context.Context, arn string, call func() error) error {
	return poll(ctx, cacheSlow, arn+" to be available", func(context.Context) (bool, error) {
		err := call()
		if codeOf(err) == notReady {
			return false, nil
		}
		return err == nil, err
	})
}
