package aws

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"

	awssdk "github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch/schemas"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"
	smithyhttp "github.com/aws/smithy-go/transport/http"
	"github.com/aws/smithy-go/transport/http/protocol/awsquery"
)

// cloudwatch speaks the protocol that the plugin's block asks for: many emulators do not know the SDK's own.
func (s *site) cloudwatch() *cloudwatch.Client {
	return cloudwatch.NewFromConfig(s.cfg, func(o *cloudwatch.Options) {
		if s.settings.CloudWatchProtocol == "query" {
			o.Protocol = awsquery.New(schemas.GraniteServiceVersion20100801)
		}
	})
}

// cloudwatchError says of an error what may be behind it: an endpoint that does not know the protocol answers 404.
func (s *site) cloudwatchError(act string, err error) error {
	if err == nil {
		return nil
	}
	var answer *smithyhttp.ResponseError
	if s.settings.CloudWatchProtocol != "query" && errors.As(err, &answer) && answer.HTTPStatusCode() == http.StatusNotFound {
		return fmt.Errorf(`%s: the endpoint may not know the protocol: set cloudwatch_protocol = "query" in the plugin's block: %w`, act, err)
	}
	return fmt.Errorf("%s: %w", act, err)
}

// alarm is a metric alarm or a composite one.
type alarm struct {
	name, state, reason string
	since               time.Time
}

func (a alarm) String() string {
	text := fmt.Sprintf("%s is in %s since %s", a.name, a.state, a.since.UTC().Format(time.RFC3339))
	if a.reason != "" {
		text += ": " + a.reason
	}
	return text
}

// alarmNamed reads the state of one alarm.
func alarmNamed(ctx context.Context, s *site, name string) (alarm, error) {
	out, err := s.cloudwatch().DescribeAlarms(ctx, &cloudwatch.DescribeAlarmsInput{
		AlarmNames: []string{name}, AlarmTypes: []types.AlarmType{types.AlarmTypeMetricAlarm, types.AlarmTypeCompositeAlarm},
	})
	if err != nil {
		return alarm{}, s.cloudwatchError("reading the alarm "+name, err)
	}
	for _, a := range out.MetricAlarms {
		return alarm{name, string(a.StateValue), awssdk.ToString(a.StateReason), awssdk.ToTime(a.StateUpdatedTimestamp)}, nil
	}
	for _, a := range out.CompositeAlarms {
		return alarm{name, string(a.StateValue), awssdk.ToString(a.StateReason), awssdk.ToTime(a.StateUpdatedTimestamp)}, nil
	}
	return alarm{}, fmt.Errorf("there is no alarm %s in account %s, region %s", name, s.account, s.region)
}

// series is one statistic of one metric.
type series struct {
	namespace, metric, statistic string
	dimensions                   map[string]string
	period                       time.Duration
}

func (q series) String() string {
	var of []string
	for _, k := range slices.Sorted(maps.Keys(q.dimensions)) {
		of = append(of, k+"="+q.dimensions[k])
	}
	return fmt.Sprintf("%s %s of %s{%s}", q.statistic, q.metric, q.namespace, strings.Join(of, ","))
}

// errNoData says that CloudWatch has no datapoint to answer with.
var errNoData = errors.New("no data")

// latest is the newest value within a window that ends now. CloudWatch has no datapoint at all for a metric that nobody sends.
func (s *site) latest(ctx context.Context, q series, window time.Duration) (value float64, at time.Time, err error) {
	stat := &types.MetricStat{
		Metric: &types.Metric{Namespace: &q.namespace, MetricName: &q.metric}, Period: new(int32(q.period / time.Second)), Stat: &q.statistic,
	}
	for _, k := range slices.Sorted(maps.Keys(q.dimensions)) {
		stat.Metric.Dimensions = append(stat.Metric.Dimensions, types.Dimension{Name: new(k), Value: new(q.dimensions[k])})
	}
	end := time.Now()
	pages := cloudwatch.NewGetMetricDataPaginator(s.cloudwatch(), &cloudwatch.GetMetricDataInput{
		StartTime: new(end.Add(-window)), EndTime: &end, ScanBy: types.ScanByTimestampDescending,
		MetricDataQueries: []types.MetricDataQuery{{Id: new("m"), MetricStat: stat}},
	})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return 0, at, s.cloudwatchError("reading "+q.String(), err)
		}
		for _, r := range page.MetricDataResults {
			for i, t := range r.Timestamps {
				if i < len(r.Values) && t.After(at) {
					value, at = r.Values[i], t
				}
			}
		}
	}
	if at.IsZero() {
		return 0, at, fmt.Errorf("%s has no datapoint in the last %v: %w", q, window, errNoData)
	}
	return value, at, nil
}
