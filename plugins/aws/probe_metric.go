package aws

import (
	"context"
	"errors"
	"time"

	"github.com/gameday-toolkit/gameday/plugins/sdk"
)

type metricConfig struct {
	Namespace  string            `json:"namespace"`
	Metric     string            `json:"metric"`
	Dimensions map[string]string `json:"dimensions"`
	Statistic  string            `json:"statistic"`
	Period     sdk.Span          `json:"period"`
	Window     sdk.Span          `json:"window"`
	Min        *float64          `json:"min"`
	Max        *float64          `json:"max"`
}

func metricProbe(p *provider) sdk.Prober {
	return &prober[metricConfig]{
		provider: p, defaults: metricConfig{Statistic: "Average", Period: sdk.Span(time.Minute), Window: sdk.Span(5 * time.Minute)},
		needs: reading("cloudwatch:GetMetricData"),
		schema: sdk.Schema{
			Doc: "The newest value of a CloudWatch metric, against a least or a largest one. Without a datapoint the probe could not be asked, and proves nothing. CloudWatch charges for GetMetricData.",
			Attributes: []sdk.Attribute{
				{Name: "namespace", Type: sdk.String, Required: true, Doc: "Such as AWS/ApplicationELB."},
				{Name: "metric", Type: sdk.String, Required: true, Doc: "Such as HTTPCode_Target_5XX_Count."},
				{Name: "dimensions", Type: sdk.StringMap, Doc: "All the dimensions of the metric: CloudWatch knows no part of them."},
				{Name: "statistic", Type: sdk.String, Default: "Average", Doc: "Average, Sum, Minimum, Maximum, SampleCount, or a percentile such as p99."},
				{Name: "period", Type: sdk.Duration, Default: "1m0s", Doc: "The length of time that one value stands for."},
				{Name: "window", Type: sdk.Duration, Default: "5m0s", Doc: "How old the newest value may be. At least the period, and as much as the metric comes late."},
				{Name: "min", Type: sdk.Number, Doc: "The least value that is good."},
				{Name: "max", Type: sdk.Number, Doc: "The largest value that is good."},
			},
		},
		ask: askMetric,
	}
}

func askMetric(ctx context.Context, s *site, c metricConfig) (sdk.Observation, error) {
	if c.Min == nil && c.Max == nil {
		return sdk.Observation{}, errors.New("the probe has neither min nor max: every value would be good")
	}
	q := series{c.Namespace, c.Metric, c.Statistic, c.Dimensions, time.Duration(c.Period)}
	if q.period < time.Second || time.Duration(c.Window) < q.period {
		return sdk.Observation{}, errors.New("the period must be a second or more, and the window no shorter than the period")
	}
	value, at, err := s.latest(ctx, q, time.Duration(c.Window))
	if err != nil {
		return sdk.Observation{}, err
	}
	good := (c.Min == nil || value >= *c.Min) && (c.Max == nil || value <= *c.Max)
	return seen(good, "%s was %v at %s", q, value, at.UTC().Format(time.RFC3339)), nil
}
