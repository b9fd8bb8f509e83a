package aws

import (
	"context"
	"maps"
	"slices"

	"github.com/aws/aws-sdk-go-v2/service/lambda"
)

// functionShelf keeps the tags of functions.
func functionShelf() *shelf {
	return &shelf{
		needs: append(reading("lambda:ListFunctions"), changing([]string{"{arn}"}, "lambda:ListTags", "lambda:TagResource", "lambda:UntagResource")...),
		read:  functionTags,
		write: func(ctx context.Context, s *site, arn string, tags map[string]string) error {
			_, err := s.lambda().TagResource(ctx, &lambda.TagResourceInput{Resource: &arn, Tags: tags})
			return err
		},
		remove: func(ctx context.Context, s *site, arn string, tags map[string]string) error {
			_, err := s.lambda().UntagResource(ctx, &lambda.UntagResourceInput{Resource: &arn, TagKeys: slices.Sorted(maps.Keys(tags))})
			return err
		},
		find: func(ctx context.Context, s *site, key string) (map[string]map[string]string, error) {
			all, err := listFunctions(ctx, s)
			return withKey(all, key), err
		},
	}
}
