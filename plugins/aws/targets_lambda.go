package aws

import (
	"context"
	"fmt"

	awssdk "github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"
)

func (s *site) lambda() *lambda.Client { return lambda.NewFromConfig(s.cfg) }

func listFunctions(ctx context.Context, s *site) ([]resource, error) {
	var all []types.FunctionConfiguration
	for pages := lambda.NewListFunctionsPaginator(s.lambda(), &lambda.ListFunctionsInput{}); pages.HasMorePages(); {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, fmt.Errorf("listing functions: %w", err)
		}
		all = append(all, page.Functions...)
	}
	out := make([]resource, len(all))
	return out, every(ctx, len(all), func(ctx context.Context, i int) error {
		f := all[i]
		r := resource{arn: awssdk.ToString(f.FunctionArn), id: awssdk.ToString(f.FunctionName), name: awssdk.ToString(f.FunctionName)}
		if f.VpcConfig != nil {
			r.vpc = awssdk.ToString(f.VpcConfig.VpcId)
		}
		r.facts = []string{"runtime", string(f.Runtime), "vpc", r.vpc}
		var err error
		r.tags, err = functionTags(ctx, s, r.arn)
		out[i] = r
		return err
	})
}

// functionTags are none for a function that is gone.
func functionTags(ctx context.Context, s *site, arn string) (map[string]string, error) {
	out, err := s.lambda().ListTags(ctx, &lambda.ListTagsInput{Resource: &arn})
	if err != nil {
		return nil, unlessMissing(err)
	}
	return out.Tags, nil
}
