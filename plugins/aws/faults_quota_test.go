package aws_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/applicationautoscaling"
	scaling "github.com/aws/aws-sdk-go-v2/service/applicationautoscaling/types"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	dynamotypes "github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/stretchr/testify/require"

	"github.com/gameday-toolkit/gameday/plugins/aws/internal/awsfake"
	"github.com/gameday-toolkit/gameday/plugins/sdk"
	"github.com/gameday-toolkit/gameday/plugins/sdk/conformance"
)

func TestLambdaConcurrencyConforms(t *testing.T) {
	t.Parallel()
	for name, before := range map[string]*int32{"nothing was reserved": nil, "something was reserved": new(int32(7))} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			conform(t, w, conformance.Case{
				Fault: "aws_lambda_concurrency", Name: name,
				Setup: func(ctx context.Context) (sdk.Request, error) {
					f, err := w.function(ctx)
					if err == nil && before != nil {
						_, err = w.lambda().PutFunctionConcurrency(ctx, &lambda.PutFunctionConcurrencyInput{FunctionName: &f.Name, ReservedConcurrentExecutions: before})
					}
					return sdk.Request{Targets: []sdk.Target{f}}, err
				},
				Look: func(ctx context.Context, h sdk.Handle) (bool, error) {
					n, err := w.reserved(ctx, h.Targets[0].Name)
					return n != nil && *n == 0, err
				},
				Snapshot: func(ctx context.Context, req sdk.Request) (string, error) {
					n, err := w.reserved(ctx, req.Targets[0].Name)
					if err != nil {
						return "", err
					}
					tags, err := w.lambda().ListTags(ctx, &lambda.ListTagsInput{Resource: &req.Targets[0].ID})
					if err != nil {
						return "", err
					}
					if n == nil {
						return fmt.Sprint("none ", tags.Tags), nil
					}
					return fmt.Sprint(*n, tags.Tags), nil
				},
			})
		})
	}
}

func TestLambdaConcurrencyPlan(t *testing.T) {
	t.Parallel()
	w := fakeOnly(t)
	f, err := w.function(t.Context())
	require.NoError(t, err)
	l := w.plugin(t, nil)
	h := planned(t, l, "aws_lambda_concurrency", `{"reserved":50}`, f)
	require.Contains(t, h.Effects[1], "with a reserved concurrency of 50 (now: without reserved concurrency); of the account's 1000 concurrent executions 1000 are not reserved")
	require.Contains(t, h.Steps[0], "delete-function-concurrency")
	require.NoError(t, l.Inject(t.Context(), h))
	require.Contains(t, requireStatus(t, l, h, sdk.Active).Evidence, "950 are not reserved")

	_, err = w.lambda().PutFunctionConcurrency(t.Context(), &lambda.PutFunctionConcurrencyInput{FunctionName: &f.Name, ReservedConcurrentExecutions: new(int32(3))})
	require.NoError(t, err)
	require.ErrorContains(t, l.Revert(t.Context(), h), "is with a reserved concurrency of 3 now")
	_, err = w.lambda().DeleteFunctionConcurrency(t.Context(), &lambda.DeleteFunctionConcurrencyInput{FunctionName: &f.Name})
	require.NoError(t, err)
	require.NoError(t, l.Revert(t.Context(), h), "somebody else has undone it")
	w.requireNothingLeft(t)

	_, problems := prepare(t, l, "aws_lambda_concurrency", `{"reserved":950}`, f)
	require.Contains(t, problems[0].Summary, "Lambda keeps 100 executions that no function has reserved")
	_, err = w.lambda().PutProvisionedConcurrencyConfig(t.Context(), &lambda.PutProvisionedConcurrencyConfigInput{
		FunctionName: &f.Name, Qualifier: new("live"), ProvisionedConcurrentExecutions: new(int32(5)),
	})
	require.NoError(t, err)
	_, problems = prepare(t, l, "aws_lambda_concurrency", `{}`, f)
	require.Contains(t, problems[0].Summary, "has a provisioned concurrency of 5")
}

func TestTableCapacityConforms(t *testing.T) {
	t.Parallel()
	for name, more := range map[string][]func(*dynamodb.CreateTableInput){"provisioned": nil, "on demand": {onDemand}} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			if w.fake != nil {
				w.fake.Take(30 * time.Millisecond)
			}
			w.requireMaxThroughput(t, more)
			conform(t, w, conformance.Case{
				Fault: "aws_table_capacity", Name: name,
				Setup: func(ctx context.Context) (sdk.Request, error) {
					target, err := w.table(ctx, more...)
					return sdk.Request{Targets: []sdk.Target{target}, Config: []byte(`{"write":1}`)}, err
				},
				Look: func(ctx context.Context, h sdk.Handle) (bool, error) {
					shot, err := w.tableShot(ctx, sdk.Request{Targets: h.Targets})
					return strings.HasPrefix(shot, "[100,1,") || strings.Contains(shot, "[-1,1]"), err
				},
				Snapshot: w.tableShot, UsesUp: true,
			})
		})
	}
}

// requireMaxThroughput skips the test where the endpoint does not know a limit of tables on demand.
func (w *world) requireMaxThroughput(t *testing.T, more []func(*dynamodb.CreateTableInput)) {
	t.Helper()
	if elsewhere == "" || more == nil {
		return
	}
	target, err := w.table(t.Context(), more...)
	w.skipUnimplemented(t, err)
	require.NoError(t, err)
	_, err = w.dynamodb().UpdateTable(t.Context(), &dynamodb.UpdateTableInput{
		TableName: &target.Name, OnDemandThroughput: &dynamotypes.OnDemandThroughput{MaxWriteRequestUnits: new(int64(1)), MaxReadRequestUnits: new(int64(-1))},
	})
	if err == nil {
		var now dynamotypes.TableDescription
		if now, err = w.describedTable(t.Context(), target.Name); err == nil && now.OnDemandThroughput == nil {
			t.Skipf("the endpoint %s takes a limit of a table on demand and forgets it", elsewhere)
		}
	}
	if err != nil {
		t.Skipf("the endpoint %s does not know a limit of tables on demand: %v", elsewhere, err)
	}
}

func TestTableCapacityPlan(t *testing.T) {
	t.Parallel()
	w := fakeOnly(t)
	ctx := t.Context()
	target, err := w.table(ctx)
	require.NoError(t, err)
	l := w.plugin(t, nil)
	for config, says := range map[string]string{`{}`: "neither reads nor writes", `{"read":0}`: "at least 1 unit", `{"read":100,"write":60}`: "no more than the fault leaves it"} {
		_, problems := prepare(t, l, "aws_table_capacity", config, target)
		require.True(t, sdk.HasErrors(problems))
		require.Contains(t, problems[0].Summary, says)
	}
	require.NoError(t, w.fake.Decreases("us-east-1", target.Name, 3))
	_, err = applicationautoscaling.NewFromConfig(w.cfg).RegisterScalableTarget(ctx, &applicationautoscaling.RegisterScalableTargetInput{
		ServiceNamespace: scaling.ServiceNamespaceDynamodb, ScalableDimension: scaling.ScalableDimensionDynamoDBTableWriteCapacityUnits, ResourceId: new("table/" + target.Name),
	})
	require.NoError(t, err)
	h, problems := prepare(t, l, "aws_table_capacity", `{"read":5,"write":60}`, target)
	require.False(t, sdk.HasErrors(problems))
	require.Contains(t, problems[0].Summary, "3 times today")
	require.Contains(t, problems[1].Summary, "is scaled by Application Auto Scaling")
	require.Contains(t, h.Effects[1], "provisioned with 5 read and 50 write units, now provisioned with 100 read and 50 write units")
	require.NoError(t, l.Inject(ctx, h))
	// the scaling that the plan warned of
	_, err = w.dynamodb().UpdateTable(ctx, &dynamodb.UpdateTableInput{
		TableName: &target.Name, ProvisionedThroughput: &dynamotypes.ProvisionedThroughput{ReadCapacityUnits: new(int64(20)), WriteCapacityUnits: new(int64(50))},
	})
	require.NoError(t, err)
	require.ErrorContains(t, l.Revert(ctx, h), "conflict")

	other, err := w.table(ctx)
	require.NoError(t, err)
	require.NoError(t, w.fake.Decreases("us-east-1", other.Name, 4))
	_, problems = prepare(t, l, "aws_table_capacity", `{"read":5}`, other)
	require.True(t, sdk.HasErrors(problems))
	require.Contains(t, problems[0].Summary, "refuses to do it again now")
}

func (w *world) here() sdk.Target { return w.target("aws_region", w.account+"/"+w.region, w.region) }

func TestAddressesTakenConform(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	if w.fake != nil {
		w.fake.SetQuota(w.region, "ec2", "L-0263D0A3", 20)
	}
	conform(t, w, conformance.Case{
		Fault: "aws_capacity_taken", Name: "elastic IPs", Exclusive: true,
		Setup: func(context.Context) (sdk.Request, error) {
			return sdk.Request{Targets: []sdk.Target{w.here()}, Config: []byte(`{"most":2}`)}, nil
		},
		Look: func(ctx context.Context, _ sdk.Handle) (bool, error) {
			n, err := w.addressCount(ctx)
			return n >= 2, err
		},
		Snapshot: func(ctx context.Context, _ sdk.Request) (string, error) {
			n, err := w.addressCount(ctx)
			return fmt.Sprint(n), err
		},
	})
}

func TestInterfacesTakenConform(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	conform(t, w, conformance.Case{
		Fault: "aws_capacity_taken", Name: "network interfaces",
		Setup: func(ctx context.Context) (sdk.Request, error) {
			_, net, err := w.network(ctx, w.zone("a"))
			return sdk.Request{Targets: []sdk.Target{w.target("aws_subnet", w.arn("ec2", "subnet/"+net), net)}, Config: []byte(`{"most":3}`)}, err
		},
		Look: func(ctx context.Context, h sdk.Handle) (bool, error) {
			all, err := w.interfacesIn(ctx, h.Targets[0].Name)
			return len(all) >= 3, err
		},
		Snapshot: func(ctx context.Context, req sdk.Request) (string, error) {
			all, err := w.interfacesIn(ctx, req.Targets[0].Name)
			return fmt.Sprint(len(all)), err
		},
	})
}

// AWS's refusal is what the fault is for, wherever the quota was thought to be.
func TestCapacityTakenUntilTheQuota(t *testing.T) {
	t.Parallel()
	w := fakeOnly(t)
	ctx := t.Context()
	theirs, err := w.ec2().AllocateAddress(ctx, &ec2.AllocateAddressInput{})
	require.NoError(t, err)
	l := w.plugin(t, nil)

	h := planned(t, l, "aws_capacity_taken", `{"leave":1}`, w.here())
	require.Contains(t, h.Effects[1], "take 3 elastic IPs in us-east-1; EC2-VPC Elastic IPs (L-0263D0A3): 1 of 5 used, 4 left (80 %)")
	require.NoError(t, l.Inject(ctx, h))
	require.Contains(t, requireStatus(t, l, h, sdk.Active).Evidence, "3 of this fault; EC2-VPC Elastic IPs (L-0263D0A3): 4 of 5 used, 1 left (20 %)")
	require.NoError(t, l.Revert(ctx, h))

	h = injected(t, l, "aws_capacity_taken", `{"most":50}`, w.here())
	require.Contains(t, requireStatus(t, l, h, sdk.Active).Evidence, "4 of this fault, and AWS gave no more (AddressLimitExceeded)")
	_, problems := prepare(t, l, "aws_capacity_taken", `{"leave":0}`, w.here())
	require.Contains(t, problems[0].Summary, "No more than 0 elastic IPs are left already")

	left, err := w.plugin(t, nil).Sweep(ctx)
	require.NoError(t, err)
	require.Len(t, left, 1)
	require.Equal(t, h.ID, left[0].ID)
	require.NoError(t, w.plugin(t, nil).Revert(ctx, left[0]))
	all, err := w.ec2().DescribeAddresses(ctx, &ec2.DescribeAddressesInput{})
	require.NoError(t, err)
	require.Len(t, all.Addresses, 1)
	require.Equal(t, theirs.AllocationId, all.Addresses[0].AllocationId, "what somebody else has is left alone")
	w.requireNothingLeft(t)
}

// A subnet that is full gives no more network interfaces.
func TestCapacityTakenFillsASubnet(t *testing.T) {
	t.Parallel()
	w := fakeOnly(t)
	vpc, err := w.vpc(t.Context())
	require.NoError(t, err)
	net, err := w.ec2().CreateSubnet(t.Context(), &ec2.CreateSubnetInput{VpcId: &vpc, CidrBlock: new("10.77.9.0/28"), AvailabilityZone: new("us-east-1a")})
	require.NoError(t, err)
	l := w.plugin(t, nil)
	subnets := resolve(t, l, "aws_subnet", fmt.Sprintf(`{"ids":[%q]}`, *net.Subnet.SubnetId))
	h := injected(t, l, "aws_capacity_taken", `{"most":40}`, subnets...)
	require.Contains(t, requireStatus(t, l, h, sdk.Active).Evidence, "11 of this fault, and AWS gave no more (InsufficientFreeAddressesInSubnet)")
	require.NoError(t, l.Revert(t.Context(), h))
	all, err := w.interfacesIn(t.Context(), *net.Subnet.SubnetId)
	require.NoError(t, err)
	require.Empty(t, all)
}

// What somebody has taken into use is not taken away from them.
func TestCapacityTakenThatIsInUse(t *testing.T) {
	t.Parallel()
	w := fakeOnly(t)
	ctx := t.Context()
	l := w.plugin(t, nil)
	h := injected(t, l, "aws_capacity_taken", `{"most":2}`, w.here())
	all, err := w.ec2().DescribeAddresses(ctx, &ec2.DescribeAddressesInput{})
	require.NoError(t, err)
	used, err := w.ec2().AssociateAddress(ctx, &ec2.AssociateAddressInput{AllocationId: all.Addresses[0].AllocationId})
	require.NoError(t, err)
	require.ErrorContains(t, l.Revert(ctx, h), *all.Addresses[0].AllocationId+" was made by this fault and is in use now")
	n, err := w.addressCount(ctx)
	require.NoError(t, err)
	require.Equal(t, 1, n, "the other one is gone")
	_, err = w.ec2().DisassociateAddress(ctx, &ec2.DisassociateAddressInput{AssociationId: used.AssociationId})
	require.NoError(t, err)
	require.NoError(t, l.Revert(ctx, h))
	w.requireNothingLeft(t)
}

// Throttling, a refusal half-way and credentials that expire leave nothing behind, and nothing is taken twice.
func TestQuotaFaultsInBadMoments(t *testing.T) {
	t.Parallel()
	w := fakeOnly(t)
	ctx := t.Context()
	f, err := w.function(ctx)
	require.NoError(t, err)
	table, err := w.table(ctx)
	require.NoError(t, err)
	l := w.plugin(t, nil)
	for _, c := range []struct {
		fault, config, action string
		target                sdk.Target
	}{
		{"aws_lambda_concurrency", `{}`, "lambda:PutFunctionConcurrency", f},
		{"aws_table_capacity", `{"write":2}`, "dynamodb:UpdateTable", table},
		{"aws_capacity_taken", `{"most":4}`, "ec2:AllocateAddress", w.here()},
	} {
		h := planned(t, l, c.fault, c.config, c.target)
		w.fake.Throttle(c.action, 2)
		require.NoError(t, l.Inject(ctx, h), c.fault)
		requireStatus(t, l, h, sdk.Active)
		w.fake.Expire(true)
		require.ErrorContains(t, l.Revert(ctx, h), "expired", c.fault)
		w.fake.Expire(false)
		require.NoError(t, l.Revert(ctx, h), c.fault)

		h = planned(t, l, c.fault, c.config, c.target)
		w.fake.Deny(c.action)
		require.ErrorContains(t, l.Inject(ctx, h), "may not do "+c.action)
		require.NoError(t, l.Revert(ctx, h), c.fault)
		_, problems := prepare(t, l, c.fault, c.config, c.target)
		require.True(t, slices.ContainsFunc(problems, func(p sdk.Problem) bool { return p.Permission == c.action }), "%v", problems)
		w.fake.Allow()
		w.requireNothingLeft(t)
	}
	n, err := w.addressCount(ctx)
	require.NoError(t, err)
	require.Zero(t, n)
}

// An Inject that ends half-way has taken some, and all of them are given back.
func TestCapacityTakenHalfWay(t *testing.T) {
	t.Parallel()
	w := fakeOnly(t)
	ctx := t.Context()
	l := w.plugin(t, nil)
	h := planned(t, l, "aws_capacity_taken", `{"most":4}`, w.here())
	w.fake.Fail("ec2:AllocateAddress", 2, awsError("InternalError", 500))
	require.ErrorContains(t, l.Inject(ctx, h), "taking number 3 of 4")
	sent := slices.DeleteFunc(w.fake.Calls("ec2:AllocateAddress"), func(l awsfake.Logged) bool { return l.Code == "DryRunOperation" })
	require.Len(t, sent, 3, "two that worked, and one that nobody knows the end of: it is not sent again")
	requireStatus(t, l, h, sdk.Unknown)
	w.fake.Heal()
	require.NoError(t, l.Inject(ctx, h), "the rest")
	requireStatus(t, l, h, sdk.Active)
	n, err := w.addressCount(ctx)
	require.NoError(t, err)
	require.Equal(t, 4, n)
	require.NoError(t, l.Revert(ctx, h))
	w.requireNothingLeft(t)
}
