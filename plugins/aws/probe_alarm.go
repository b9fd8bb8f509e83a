package aws

import (
	"context"

	"github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"

	"github.com/gameday-toolkit/gameday/plugins/sdk"
)

type alarmConfig struct {
	Alarm            string `json:"alarm"`
	InsufficientData string `json:"insufficient_data"`
}

func alarmProbe(p *provider) sdk.Prober {
	return &prober[alarmConfig]{
		provider: p, defaults: alarmConfig{InsufficientData: "bad"}, needs: reading("cloudwatch:DescribeAlarms"),
		schema: sdk.Schema{
			Doc: "A CloudWatch alarm, of a metric or composite: good in OK, bad in ALARM. An alarm that does not exist cannot be asked, and proves nothing.",
			Attributes: []sdk.Attribute{
				{Name: "alarm", Type: sdk.String, Required: true, Doc: "The name of the alarm."},
				{Name: "insufficient_data", Type: sdk.String, Default: "bad", OneOf: []string{"bad", "good"}, Doc: "What INSUFFICIENT_DATA counts as."},
			},
		},
		ask: func(ctx context.Context, s *site, c alarmConfig) (sdk.Observation, error) {
			a, err := alarmNamed(ctx, s, c.Alarm)
			if err != nil {
				return sdk.Observation{}, err
			}
			good := a.state == string(types.StateValueOk) || a.state == string(types.StateValueInsufficientData) && c.InsufficientData == "good"
			return seen(good, "%s", a), nil
		},
	}
}
