package aws

import (
	"context"
	"errors"

	"github.com/gameday-toolkit/gameday/plugins/sdk"
)

type quotaConfig struct {
	ServiceCode string   `json:"service_code"`
	QuotaCode   string   `json:"quota_code"`
	QuotaName   string   `json:"quota_name"`
	Min         *float64 `json:"min"`
	MinPercent  *float64 `json:"min_percent"`
}

func quotaProbe(p *provider) sdk.Prober {
	return &prober[quotaConfig]{
		provider: p, needs: quotaNeeds(),
		schema: sdk.Schema{
			Doc: "How much of a service quota is left. What is used comes from the metric that Service Quotas names, which is minutes old, or is counted: elastic IPs, network interfaces, vCPUs of standard on-demand instances. " +
				"Where nobody knows what is used, the probe could not be asked, and proves nothing.",
			Attributes: []sdk.Attribute{
				{Name: "service_code", Type: sdk.String, Required: true, Doc: "The service as Service Quotas calls it, such as ec2."},
				{Name: "quota_code", Type: sdk.String, Doc: "The quota, such as L-0263D0A3. This or quota_name is required."},
				{Name: "quota_name", Type: sdk.String, Doc: "The quota's name, such as EC2-VPC Elastic IPs."},
				{Name: "min", Type: sdk.Number, Doc: "How much must be left. This or min_percent is required."},
				{Name: "min_percent", Type: sdk.Number, Doc: "How many percent of the quota must be left."},
			},
		},
		ask: func(ctx context.Context, s *site, c quotaConfig) (sdk.Observation, error) {
			if (c.QuotaCode == "") == (c.QuotaName == "") {
				return sdk.Observation{}, errors.New("the probe needs either quota_code or quota_name")
			}
			if c.Min == nil && c.MinPercent == nil {
				return sdk.Observation{}, errors.New("the probe has neither min nor min_percent: it would always be good")
			}
			h, err := s.headroom(ctx, c.ServiceCode, c.QuotaCode, c.QuotaName)
			if err != nil {
				return sdk.Observation{}, err
			}
			good := (c.Min == nil || h.left() >= *c.Min) && (c.MinPercent == nil || h.percent() >= *c.MinPercent)
			return seen(good, "%s", h), nil
		},
	}
}

// quotaNeeds are the permissions of reading a quota and its use.
func quotaNeeds() []need {
	return reading("servicequotas:GetServiceQuota", "servicequotas:GetAWSDefaultServiceQuota", "servicequotas:ListServiceQuotas", "servicequotas:ListAWSDefaultServiceQuotas",
		"cloudwatch:GetMetricData", "ec2:DescribeAddresses", "ec2:DescribeNetworkInterfaces", "ec2:DescribeInstances")
}
