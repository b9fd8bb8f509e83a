package aws

import (
	"context"
	"fmt"
	"maps"
	"slices"

	"github.com/aws/aws-sdk-go-v2/service/rds"
	"github.com/aws/aws-sdk-go-v2/service/rds/types"
)

// rdsShelf keeps the tags of database instances and clusters.
func rdsShelf() *shelf {
	return &shelf{
		needs: slices.Concat(reading("rds:DescribeDBInstances", "rds:DescribeDBClusters"),
			changing([]string{"{arn}"}, "rds:ListTagsForResource", "rds:AddTagsToResource", "rds:RemoveTagsFromResource")),
		read: func(ctx context.Context, s *site, arn string) (map[string]string, error) {
			out, err := s.rds().ListTagsForResource(ctx, &rds.ListTagsForResourceInput{ResourceName: &arn})
			if err != nil {
				return nil, unlessMissing(err)
			}
			return tagMap(out.TagList, rdsTag), nil
		},
		write: func(ctx context.Context, s *site, arn string, tags map[string]string) error {
			list := tagList(tags, func(k, v *string) types.Tag { return types.Tag{Key: k, Value: v} })
			_, err := s.rds().AddTagsToResource(ctx, &rds.AddTagsToResourceInput{ResourceName: &arn, Tags: list})
			return err
		},
		remove: func(ctx context.Context, s *site, arn string, tags map[string]string) error {
			_, err := s.rds().RemoveTagsFromResource(ctx, &rds.RemoveTagsFromResourceInput{ResourceName: &arn, TagKeys: slices.Sorted(maps.Keys(tags))})
			return err
		},
		find: func(ctx context.Context, s *site, key string) (map[string]map[string]string, error) {
			instances, err := listDBInstances(ctx, s)
			if err != nil {
				return nil, err
			}
			clusters, err := listDBClusters(ctx, s)
			if err != nil {
				return nil, fmt.Errorf("looking for marks: %w", err)
			}
			return withKey(slices.Concat(instances, clusters), key), nil
		},
	}
}

// unlessMissing is the error, but for the one that there is no such resource.
func unlessMissing(err error) error {
	if missing(err) {
		return nil
	}
	return err
}
