package aws

import (
	"context"

	"github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"

	"github.com/gameday-toolkit/gameday/plugins/sdk"
)

// cloudwatchAlert is an alarm that somebody is woken by. It fires in ALARM only; what happens without data is for the alarm's
// own treatment of missing data to say.
type cloudwatchAlert struct{ *provider }

func (a *cloudwatchAlert) Schema() sdk.Schema {
	return sdk.Schema{
		Doc: "A CloudWatch alarm, of a metric or composite, fires when it is in ALARM.",
		Attributes: []sdk.Attribute{
			{Name: "alarm", Type: sdk.String, Required: true, Doc: "The name of the alarm."},
		},
	}
}

func (a *cloudwatchAlert) permissions() []need { return reading("cloudwatch:DescribeAlarms") }

// Poll asks CloudWatch once. The summary tells since when.
func (a *cloudwatchAlert) Poll(ctx context.Context, req sdk.Request) (sdk.AlertState, error) {
	var c struct {
		Alarm string `json:"alarm"`
	}
	if err := req.Decode(&c); err != nil {
		return sdk.AlertState{}, err
	}
	s, err := a.site(ctx, "")
	if err != nil {
		return sdk.AlertState{}, err
	}
	now, err := alarmNamed(ctx, s, c.Alarm)
	if err != nil {
		return sdk.AlertState{}, err
	}
	return sdk.AlertState{Firing: now.state == string(types.StateValueAlarm), Summary: now.String()}, nil
}
