package aws

import (
	"context"
	"fmt"

	awssdk "github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
)

// ec2Shelf keeps the tags of instances, subnets, network ACLs and whatever else EC2 gives IDs to.
func ec2Shelf() *shelf {
	return &shelf{
		needs: append(reading("ec2:DescribeTags"), changing([]string{"{arn}"}, "ec2:CreateTags", "ec2:DeleteTags")...),
		read: func(ctx context.Context, s *site, arn string) (map[string]string, error) {
			tags, err := ec2Tags(ctx, s, "resource-id", resourceOf(arn))
			return tags[arn], err
		},
		write: func(ctx context.Context, s *site, arn string, tags map[string]string) error {
			_, err := s.ec2().CreateTags(ctx, &ec2.CreateTagsInput{Resources: []string{resourceOf(arn)}, Tags: ec2TagList(tags)})
			return err
		},
		remove: func(ctx context.Context, s *site, arn string, tags map[string]string) error {
			_, err := s.ec2().DeleteTags(ctx, &ec2.DeleteTagsInput{Resources: []string{resourceOf(arn)}, Tags: ec2TagList(tags)})
			return err
		},
		find: func(ctx context.Context, s *site, key string) (map[string]map[string]string, error) {
			return ec2Tags(ctx, s, "key", key)
		},
	}
}

// ec2Tags lists tags by ARN.
func ec2Tags(ctx context.Context, s *site, filter, value string) (map[string]map[string]string, error) {
	out := map[string]map[string]string{}
	pages := ec2.NewDescribeTagsPaginator(s.ec2(), &ec2.DescribeTagsInput{Filters: ec2Filters(filter, value)})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, err
		}
		for _, t := range page.Tags {
			arn := s.arn("ec2", fmt.Sprintf("%s/%s", t.ResourceType, awssdk.ToString(t.ResourceId)))
			if out[arn] == nil {
				out[arn] = map[string]string{}
			}
			out[arn][awssdk.ToString(t.Key)] = awssdk.ToString(t.Value)
		}
	}
	return out, nil
}

func ec2TagList(tags map[string]string) []types.Tag {
	var out []types.Tag
	for k, v := range tags {
		out = append(out, types.Tag{Key: new(k), Value: new(v)})
	}
	return out
}

// ec2TagMap is a resource's tags as it shows them itself.
func ec2TagMap(tags []types.Tag) map[string]string {
	out := map[string]string{}
	for _, t := range tags {
		out[awssdk.ToString(t.Key)] = awssdk.ToString(t.Value)
	}
	return out
}

// ec2Filters are pairs of a name and a value.
func ec2Filters(pairs ...string) []types.Filter {
	var out []types.Filter
	for i := 0; i+1 < len(pairs); i += 2 {
		out = append(out, types.Filter{Name: new(pairs[i]), Values: []string{pairs[i+1]}})
	}
	return out
}
