package aws_test

import (
	"context"
	"encoding/json"
	"fmt"

	awssdk "github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	dynamotypes "github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	lambdatypes "github.com/aws/aws-sdk-go-v2/service/lambda/types"

	"github.com/gameday-toolkit/gameday/plugins/sdk"
)

func (w *world) lambda() *lambda.Client     { return lambda.NewFromConfig(w.cfg) }
func (w *world) dynamodb() *dynamodb.Client { return dynamodb.NewFromConfig(w.cfg) }

// emptyZip is an archive with nothing in it.
func emptyZip() []byte { return append([]byte("PK\x05\x06"), make([]byte, 18)...) }

func (w *world) function(ctx context.Context) (sdk.Target, error) {
	name := fmt.Sprintf("resize-%d", serial.Add(1))
	role := "arn:aws:iam::" + w.account + ":role/gameday-test"
	if elsewhere != "" {
		made, err := w.role(ctx)
		if err != nil {
			return sdk.Target{}, err
		}
		role = made
	}
	out, err := w.lambda().CreateFunction(ctx, &lambda.CreateFunctionInput{
		FunctionName: &name, Role: &role, Runtime: lambdatypes.RuntimeProvidedal2023, Handler: new("bootstrap"),
		Code: &lambdatypes.FunctionCode{ZipFile: emptyZip()}, Tags: map[string]string{"test": w.mark},
	})
	if err != nil {
		return sdk.Target{}, err
	}
	w.later(func(ctx context.Context) error {
		_, err := w.lambda().DeleteFunction(ctx, &lambda.DeleteFunctionInput{FunctionName: &name})
		return err
	})
	return w.target("aws_function", awssdk.ToString(out.FunctionArn), name), nil
}

// role is one that functions can be created with.
func (w *world) role(ctx context.Context) (string, error) {
	name := fmt.Sprintf("gameday-test-%d", serial.Add(1))
	client := iam.NewFromConfig(w.cfg)
	out, err := client.CreateRole(ctx, &iam.CreateRoleInput{RoleName: &name, AssumeRolePolicyDocument: new(
		`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":"lambda.amazonaws.com"},"Action":"sts:AssumeRole"}]}`)})
	if err != nil {
		return "", err
	}
	w.later(func(ctx context.Context) error {
		_, err := client.DeleteRole(ctx, &iam.DeleteRoleInput{RoleName: &name})
		return err
	})
	return awssdk.ToString(out.Role.Arn), nil
}

// reserved is what is reserved for a function, or nil.
func (w *world) reserved(ctx context.Context, name string) (*int32, error) {
	out, err := w.lambda().GetFunctionConcurrency(ctx, &lambda.GetFunctionConcurrencyInput{FunctionName: &name})
	if err != nil {
		return nil, err
	}
	return out.ReservedConcurrentExecutions, nil
}

// table has 100 read and 50 write units, or as many as are asked for.
func (w *world) table(ctx context.Context, more ...func(*dynamodb.CreateTableInput)) (sdk.Target, error) {
	name := fmt.Sprintf("orders-%d", serial.Add(1))
	in := &dynamodb.CreateTableInput{
		TableName: &name, Tags: []dynamotypes.Tag{{Key: new("test"), Value: &w.mark}},
		AttributeDefinitions: []dynamotypes.AttributeDefinition{
			{AttributeName: new("run"), AttributeType: dynamotypes.ScalarAttributeTypeS}, {AttributeName: new("seq"), AttributeType: dynamotypes.ScalarAttributeTypeN},
		},
		KeySchema: []dynamotypes.KeySchemaElement{
			{AttributeName: new("run"), KeyType: dynamotypes.KeyTypeHash}, {AttributeName: new("seq"), KeyType: dynamotypes.KeyTypeRange},
		},
		ProvisionedThroughput: &dynamotypes.ProvisionedThroughput{ReadCapacityUnits: new(int64(100)), WriteCapacityUnits: new(int64(50))},
	}
	for _, fn := range more {
		fn(in)
	}
	if _, err := w.dynamodb().CreateTable(ctx, in); err != nil {
		return sdk.Target{}, err
	}
	w.later(func(ctx context.Context) error {
		_, err := w.dynamodb().DeleteTable(ctx, &dynamodb.DeleteTableInput{TableName: &name})
		return err
	})
	return w.target("aws_table", w.arn("dynamodb", "table/"+name), name), await(ctx, name+" to be active", func() (bool, error) {
		t, err := w.describedTable(ctx, name)
		return t.TableStatus == dynamotypes.TableStatusActive, err
	})
}

func onDemand(in *dynamodb.CreateTableInput) {
	in.BillingMode, in.ProvisionedThroughput = dynamotypes.BillingModePayPerRequest, nil
}

func (w *world) describedTable(ctx context.Context, name string) (dynamotypes.TableDescription, error) {
	out, err := w.dynamodb().DescribeTable(ctx, &dynamodb.DescribeTableInput{TableName: &name})
	if err != nil {
		return dynamotypes.TableDescription{}, err
	}
	return *out.Table, nil
}

// tableShot is the throughput of a table, with its tags.
func (w *world) tableShot(ctx context.Context, req sdk.Request) (string, error) {
	t, err := w.describedTable(ctx, req.Targets[0].Name)
	if err != nil {
		return "", err
	}
	tags, err := w.dynamodb().ListTagsOfResource(ctx, &dynamodb.ListTagsOfResourceInput{ResourceArn: &req.Targets[0].ID})
	if err != nil {
		return "", err
	}
	var most []int64
	if d := t.OnDemandThroughput; d != nil && (awssdk.ToInt64(d.MaxReadRequestUnits) > 0 || awssdk.ToInt64(d.MaxWriteRequestUnits) > 0) {
		most = []int64{awssdk.ToInt64(d.MaxReadRequestUnits), awssdk.ToInt64(d.MaxWriteRequestUnits)}
	}
	b, err := json.Marshal([]any{awssdk.ToInt64(t.ProvisionedThroughput.ReadCapacityUnits), awssdk.ToInt64(t.ProvisionedThroughput.WriteCapacityUnits), most, tags.Tags})
	return string(b), err
}

// addressCount is how many elastic IPs carry a tag of ours.
func (w *world) addressCount(ctx context.Context) (int, error) {
	out, err := w.ec2().DescribeAddresses(ctx, &ec2.DescribeAddressesInput{Filters: []types.Filter{{Name: new("tag-key"), Values: []string{"gameday:handle"}}}})
	if err != nil {
		return 0, err
	}
	return len(out.Addresses), nil
}

// interfacesIn are the network interfaces of a subnet.
func (w *world) interfacesIn(ctx context.Context, subnet string) ([]types.NetworkInterface, error) {
	var out []types.NetworkInterface
	pages := ec2.NewDescribeNetworkInterfacesPaginator(w.ec2(), &ec2.DescribeNetworkInterfacesInput{Filters: []types.Filter{{Name: new("subnet-id"), Values: []string{subnet}}}})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, err
		}
		out = append(out, page.NetworkInterfaces...)
	}
	return out, nil
}
