package aws

import (
	"context"
	"maps"
	"slices"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

// tableShelf keeps the tags of tables.
func tableShelf() *shelf {
	return &shelf{
		needs: append(reading("dynamodb:ListTables"), changing([]string{"{arn}"}, "dynamodb:ListTagsOfResource", "dynamodb:TagResource", "dynamodb:UntagResource")...),
		read:  tableTags,
		write: func(ctx context.Context, s *site, arn string, tags map[string]string) error {
			list := tagList(tags, func(k, v *string) types.Tag { return types.Tag{Key: k, Value: v} })
			_, err := s.dynamodb().TagResource(ctx, &dynamodb.TagResourceInput{ResourceArn: &arn, Tags: list})
			return err
		},
		remove: func(ctx context.Context, s *site, arn string, tags map[string]string) error {
			_, err := s.dynamodb().UntagResource(ctx, &dynamodb.UntagResourceInput{ResourceArn: &arn, TagKeys: slices.Sorted(maps.Keys(tags))})
			return err
		},
		find: func(ctx context.Context, s *site, key string) (map[string]map[string]string, error) {
			all, err := listTables(ctx, s)
			return withKey(all, key), err
		},
	}
}
