package aws

import (
	"context"
	"fmt"

	awssdk "github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

func (s *site) dynamodb() *dynamodb.Client { return dynamodb.NewFromConfig(s.cfg) }

func listTables(ctx context.Context, s *site) ([]resource, error) {
	var names []string
	for pages := dynamodb.NewListTablesPaginator(s.dynamodb(), &dynamodb.ListTablesInput{}); pages.HasMorePages(); {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, fmt.Errorf("listing tables: %w", err)
		}
		names = append(names, page.TableNames...)
	}
	out := make([]resource, len(names))
	return out, every(ctx, len(names), func(ctx context.Context, i int) error {
		r := resource{arn: s.arn("dynamodb", "table/"+names[i]), id: names[i], name: names[i]}
		tags, err := tableTags(ctx, s, r.arn)
		r.tags, out[i] = tags, r
		return err
	})
}

// tableTags are none for a table that is gone.
func tableTags(ctx context.Context, s *site, arn string) (map[string]string, error) {
	all := map[string]string{}
	for token := (*string)(nil); ; {
		out, err := s.dynamodb().ListTagsOfResource(ctx, &dynamodb.ListTagsOfResourceInput{ResourceArn: &arn, NextToken: token})
		if err != nil {
			return nil, unlessMissing(err)
		}
		for k, v := range tagMap(out.Tags, func(t types.Tag) (key, value *string) { return t.Key, t.Value }) {
			all[k] = v
		}
		if token = out.NextToken; awssdk.ToString(token) == "" {
			return all, nil
		}
	}
}

// table reads one table.
func table(ctx context.Context, s *site, name string) (*types.TableDescription, error) {
	out, err := s.dynamodb().DescribeTable(ctx, &dynamodb.DescribeTableInput{TableName: &name})
	if err != nil {
		return nil, fmt.Errorf("reading the table %s: %w", name, err)
	}
	return out.Table, nil
}
