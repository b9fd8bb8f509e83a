package aws_test

import (
	"context"
	"encoding/json"
	"fmt"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch/schemas"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	elb "github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2"
	elbtypes "github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2/types"
	"github.com/aws/smithy-go/transport/http/protocol/awsquery"
	"github.com/stretchr/testify/require"

	"github.com/gameday-toolkit/gameday/plugins/aws"
	"github.com/gameday-toolkit/gameday/plugins/aws/internal/awsfake"
	"github.com/gameday-toolkit/gameday/plugins/sdk"
	"github.com/gameday-toolkit/gameday/plugins/sdk/conformance"
)

// cloudwatchProtocol is the one that AWS and most emulators understand.
func cloudwatchProtocol() string {
	if elsewhere != "" {
		return "query"
	}
	return "cbor"
}

func (w *world) cloudwatch(protocol string) *cloudwatch.Client {
	return cloudwatch.NewFromConfig(w.cfg, func(o *cloudwatch.Options) {
		if protocol == "query" {
			o.Protocol = awsquery.New(schemas.GraniteServiceVersion20100801)
		}
	})
}

// alarm is one that is in OK.
func (w *world) alarm(ctx context.Context, protocol string) (string, error) {
	name := fmt.Sprintf("checkout-5xx-%d", serial.Add(1))
	cw := w.cloudwatch(protocol)
	_, err := cw.PutMetricAlarm(ctx, &cloudwatch.PutMetricAlarmInput{
		AlarmName: &name, ComparisonOperator: types.ComparisonOperatorGreaterThanThreshold, EvaluationPeriods: new(int32(1)),
		Namespace: new("gameday/test"), MetricName: new("errors"), Period: new(int32(60)), Statistic: types.StatisticSum, Threshold: new(1.0),
	})
	if err != nil {
		return "", err
	}
	w.later(func(ctx context.Context) error {
		_, err := cw.DeleteAlarms(ctx, &cloudwatch.DeleteAlarmsInput{AlarmNames: []string{name}})
		return err
	})
	return name, w.setAlarm(ctx, protocol, name, types.StateValueOk)
}

func (w *world) setAlarm(ctx context.Context, protocol, name string, state types.StateValue) error {
	_, err := w.cloudwatch(protocol).SetAlarmState(ctx, &cloudwatch.SetAlarmStateInput{AlarmName: &name, StateValue: state, StateReason: new("the test says so")})
	return err
}

func probe(t *testing.T, l *sdk.Local, kind, config string) (sdk.Observation, error) {
	t.Helper()
	return l.Probe(t.Context(), kind, sdk.Request{ID: "probe." + kind + ".x", Config: json.RawMessage(config)})
}

func requireProbe(t *testing.T, l *sdk.Local, kind, config string, good bool, says string) {
	t.Helper()
	got, err := probe(t, l, kind, config)
	require.NoError(t, err)
	require.Equal(t, good, got.Good, got.Detail)
	require.Contains(t, got.Detail, says)
	if !good {
		require.Equal(t, "status", got.Class)
	}
}

func TestCloudWatchAlertConforms(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	protocol := cloudwatchProtocol()
	name, err := w.alarm(t.Context(), protocol)
	w.skipUnimplemented(t, err)
	require.NoError(t, err)
	set := func(state types.StateValue) func(context.Context, sdk.Request) error {
		return func(ctx context.Context, _ sdk.Request) error { return w.setAlarm(ctx, protocol, name, state) }
	}
	s := conformance.Subject{
		New: aws.New, Config: w.config(map[string]any{"cloudwatch_protocol": protocol}), Timeout: w.patience(),
		Alerts: []conformance.AlertCase{{
			Alert: "aws_cloudwatch",
			Setup: func(context.Context) (sdk.Request, error) {
				return sdk.Request{Config: fmt.Appendf(nil, `{"alarm":%q}`, name)}, nil
			},
			Fire: set(types.StateValueAlarm), Resolve: set(types.StateValueOk),
		}},
	}
	if elsewhere == "" {
		s.Binary = binary(t)
	}
	requireConforms(t, s)
}

// requireConforms is for subjects that leave most of the plugin out.
func requireConforms(t *testing.T, s conformance.Subject) {
	t.Helper()
	for _, r := range conformance.Verify(t.Context(), s) {
		if r.Check != "Describe" {
			require.NoError(t, r.Err, r.String())
		}
	}
}

// The SDK's own protocol and the older one say the same.
func TestAlarmsInBothProtocols(t *testing.T) {
	t.Parallel()
	w := fakeOnly(t)
	for _, protocol := range []string{"cbor", "query"} {
		name, err := w.alarm(t.Context(), protocol)
		require.NoError(t, err)
		l := w.plugin(t, map[string]any{"cloudwatch_protocol": protocol})
		config := fmt.Sprintf(`{"alarm":%q}`, name)
		requireProbe(t, l, "aws_alarm", config, true, name+" is in OK since 20")
		require.NoError(t, w.setAlarm(t.Context(), protocol, name, types.StateValueInsufficientData))
		requireProbe(t, l, "aws_alarm", config, false, "INSUFFICIENT_DATA")
		requireProbe(t, l, "aws_alarm", fmt.Sprintf(`{"alarm":%q,"insufficient_data":"good"}`, name), true, "INSUFFICIENT_DATA")
		before := time.Now().Add(-time.Second)
		require.NoError(t, w.setAlarm(t.Context(), protocol, name, types.StateValueAlarm))
		requireProbe(t, l, "aws_alarm", config, false, "the test says so")
		state, err := l.Poll(t.Context(), "aws_cloudwatch", sdk.Request{ID: "alert.aws_cloudwatch.x", Config: []byte(config)})
		require.NoError(t, err)
		require.True(t, state.Firing)
		require.Contains(t, state.Summary, "since "+before.UTC().Format("2006-01-02T15:"))
		_, err = probe(t, l, "aws_alarm", `{"alarm":"nobody-wrote-it"}`)
		require.ErrorContains(t, err, "there is no alarm nobody-wrote-it")
	}
	name := "everything"
	_, err := w.cloudwatch("cbor").PutCompositeAlarm(t.Context(), &cloudwatch.PutCompositeAlarmInput{AlarmName: &name, AlarmRule: new("ALARM(x)")})
	require.NoError(t, err)
	require.NoError(t, w.setAlarm(t.Context(), "cbor", name, types.StateValueAlarm))
	requireProbe(t, w.plugin(t, nil), "aws_alarm", `{"alarm":"everything"}`, false, "everything is in ALARM")
}

func TestEndpointThatKnowsOnlyQueries(t *testing.T) {
	t.Parallel()
	w := fakeOnly(t)
	w.fake.QueryOnly()
	name, err := w.alarm(t.Context(), "query")
	require.NoError(t, err)
	config := fmt.Sprintf(`{"alarm":%q}`, name)
	_, err = probe(t, w.plugin(t, nil), "aws_alarm", config)
	require.ErrorContains(t, err, `set cloudwatch_protocol = "query"`)
	requireProbe(t, w.plugin(t, map[string]any{"cloudwatch_protocol": "query"}), "aws_alarm", config, true, "OK")
}

func TestMetricProbe(t *testing.T) {
	t.Parallel()
	for _, protocol := range []string{"cbor", "query"} {
		w := fakeOnly(t)
		l := w.plugin(t, map[string]any{"cloudwatch_protocol": protocol})
		ask := `{"namespace":"gameday/test","metric":"latency","dimensions":{"service":"checkout"},"statistic":%q,"min":%d,"max":%d}`
		_, err := probe(t, l, "aws_metric", fmt.Sprintf(ask, "Average", 0, 100))
		require.ErrorContains(t, err, "Average latency of gameday/test{service=checkout} has no datapoint in the last 5m0s")
		_, err = probe(t, l, "aws_metric", `{"namespace":"gameday/test","metric":"latency"}`)
		require.ErrorContains(t, err, "neither min nor max")

		var data []types.MetricDatum
		for _, v := range []float64{10, 20, 60} {
			data = append(data, types.MetricDatum{MetricName: new("latency"), Value: new(v), Dimensions: []types.Dimension{{Name: new("service"), Value: new("checkout")}}})
		}
		old := types.MetricDatum{MetricName: new("latency"), Value: new(9000.0), Timestamp: new(time.Now().Add(-2 * time.Minute)), Dimensions: data[0].Dimensions}
		_, err = w.cloudwatch(protocol).PutMetricData(t.Context(), &cloudwatch.PutMetricDataInput{Namespace: new("gameday/test"), MetricData: append(data, old)})
		require.NoError(t, err)
		requireProbe(t, l, "aws_metric", fmt.Sprintf(ask, "Average", 0, 30), true, "was 30")
		requireProbe(t, l, "aws_metric", fmt.Sprintf(ask, "Sum", 0, 30), false, "was 90")
		requireProbe(t, l, "aws_metric", fmt.Sprintf(ask, "p99", 100, 200), false, "was 60")
	}
}

// targetGroup has two instances, one in each of two zones.
func (w *world) targetGroup(t *testing.T) (name string, ids []string) {
	t.Helper()
	ctx := t.Context()
	vpc, err := w.vpc(ctx)
	w.skipUnimplemented(t, err)
	require.NoError(t, err)
	name = fmt.Sprintf("checkout-%d", serial.Add(1))
	client := elb.NewFromConfig(w.cfg)
	out, err := client.CreateTargetGroup(ctx, &elb.CreateTargetGroupInput{Name: &name, VpcId: &vpc, Port: new(int32(80)), Protocol: elbtypes.ProtocolEnumHttp})
	w.skipUnimplemented(t, err)
	require.NoError(t, err)
	arn := out.TargetGroups[0].TargetGroupArn
	w.later(func(ctx context.Context) error {
		_, err := client.DeleteTargetGroup(ctx, &elb.DeleteTargetGroupInput{TargetGroupArn: arn})
		return err
	})
	for _, letter := range []string{"a", "b"} {
		net, err := w.subnet(ctx, vpc, w.zone(letter))
		require.NoError(t, err)
		id, err := w.instance(ctx, net)
		require.NoError(t, err)
		ids = append(ids, id)
		_, err = client.RegisterTargets(ctx, &elb.RegisterTargetsInput{TargetGroupArn: arn, Targets: []elbtypes.TargetDescription{{Id: &id}}})
		require.NoError(t, err)
	}
	return name, ids
}

func TestTargetHealthProbe(t *testing.T) {
	t.Parallel()
	w := fakeOnly(t)
	name, ids := w.targetGroup(t)
	l := w.plugin(t, nil)
	with := func(more string) string { return fmt.Sprintf(`{"target_group":%q%s}`, name, more) }
	requireProbe(t, l, "aws_target_health", with(`,"min_percent":100`), true, "2 of 2 targets are healthy")
	requireProbe(t, l, "aws_target_health", with(`,"zones":["us-east-1a","us-east-1b"]`), true, "us-east-1a: 1 of 1 targets are healthy; us-east-1b: 1 of 1")

	_, err := w.ec2().StopInstances(t.Context(), &ec2.StopInstancesInput{InstanceIds: ids[:1]})
	require.NoError(t, err)
	requireProbe(t, l, "aws_target_health", with(``), true, "1 of 2 targets are healthy, 1 unused Target.InvalidState")
	requireProbe(t, l, "aws_target_health", with(`,"min_percent":51`), false, "1 of 2")
	requireProbe(t, l, "aws_target_health", with(`,"min_healthy":2`), false, "1 of 2")
	requireProbe(t, l, "aws_target_health", with(`,"zones":["us-east-1a"]`), false, "us-east-1a: 0 of 1")
	requireProbe(t, l, "aws_target_health", with(`,"zones":["us-east-1c"],"min_healthy":0`), false, "0 of 0")
	_, err = probe(t, l, "aws_target_health", `{"target_group":"nobody-made-it"}`)
	require.ErrorContains(t, err, "nobody-made-it")
}

func TestQuotaHeadroomProbe(t *testing.T) {
	t.Parallel()
	w := fakeOnly(t)
	l := w.plugin(t, nil)
	for range 3 {
		_, err := w.ec2().AllocateAddress(t.Context(), &ec2.AllocateAddressInput{})
		require.NoError(t, err)
	}
	requireProbe(t, l, "aws_quota_headroom", `{"service_code":"ec2","quota_code":"L-0263D0A3","min":2}`, true, "EC2-VPC Elastic IPs (L-0263D0A3): 3 of 5 used, 2 left (40 %)")
	requireProbe(t, l, "aws_quota_headroom", `{"service_code":"ec2","quota_name":"ec2-vpc elastic ips","min_percent":50}`, false, "2 left")
	w.fake.SetQuota("us-east-1", "ec2", "L-0263D0A3", 10)
	requireProbe(t, l, "aws_quota_headroom", `{"service_code":"ec2","quota_name":"EC2-VPC Elastic IPs","min_percent":50}`, true, "7 left (70 %)")

	w.fake.Measure("us-east-1", "AWS/Lambda", "ConcurrentExecutions", nil, 990)
	requireProbe(t, l, "aws_quota_headroom", `{"service_code":"lambda","quota_code":"L-B99A9384","min":100}`, false, "990 of 1000 used")
	_, subnet, err := w.network(t.Context(), w.zone("a"))
	require.NoError(t, err)
	_, err = w.instance(t.Context(), subnet)
	require.NoError(t, err)
	requireProbe(t, l, "aws_quota_headroom", `{"service_code":"ec2","quota_code":"L-1216C47A","min":30}`, true, "2 of 32 used")

	for config, says := range map[string]string{
		`{"service_code":"ec2","quota_code":"L-0E3CBAB9","min":1}`:      "there is no metric for it",
		`{"service_code":"dynamodb","quota_code":"L-F98FE922","min":1}`: "has no datapoint",
		`{"service_code":"ec2","quota_name":"Free lunches","min":1}`:    `no quota named "Free lunches"`,
		`{"service_code":"ec2","quota_code":"L-0263D0A3"}`:              "neither min nor min_percent",
		`{"service_code":"ec2","min":1}`:                                "either quota_code or quota_name",
	} {
		_, err := probe(t, l, "aws_quota_headroom", config)
		require.ErrorContains(t, err, says, config)
	}
}

// What AWS does not answer is no answer, and no good one.
func TestProbesInBadMoments(t *testing.T) {
	t.Parallel()
	w := fakeOnly(t)
	l := w.plugin(t, nil)
	name, err := w.alarm(t.Context(), "cbor")
	require.NoError(t, err)
	config := fmt.Sprintf(`{"alarm":%q}`, name)
	w.fake.Throttle("cloudwatch:DescribeAlarms", 2)
	requireProbe(t, l, "aws_alarm", config, true, "OK")
	w.fake.Deny("cloudwatch:DescribeAlarms")
	_, err = probe(t, l, "aws_alarm", config)
	require.ErrorContains(t, err, "may not do cloudwatch:DescribeAlarms")
	w.fake.Allow()
	w.fake.Expire(true)
	_, err = probe(t, l, "aws_alarm", config)
	require.ErrorContains(t, err, "expired")
	w.fake.Expire(false)
	w.fake.Fail("cloudwatch:DescribeAlarms", 0, awsfake.Error{Code: "InternalServiceFault", Message: "oh", Status: 500})
	_, err = probe(t, l, "aws_alarm", config)
	require.Error(t, err)
}

func awsError(code string, status int) awsfake.Error {
	return awsfake.Error{Code: code, Message: "the test says so", Status: status}
}
