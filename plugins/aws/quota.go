package aws

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	awssdk "github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	ec2types "github.com/aws/aws-sdk-go-v2/service/ec2/types"
	"github.com/aws/aws-sdk-go-v2/service/servicequotas"
	"github.com/aws/aws-sdk-go-v2/service/servicequotas/types"
)

// The quotas that this plugin counts the use of by itself, where Service Quotas names no metric for it.
const (
	quotaAddresses  = "L-0263D0A3" // EC2-VPC elastic IPs
	quotaInterfaces = "L-DF5E4CA3" // network interfaces of a region
	quotaInstances  = "L-1216C47A" // vCPUs of running on-demand standard instances
)

// Usage metrics come every few minutes.
const (
	usagePeriod = 5 * time.Minute
	usageWindow = time.Hour
)

func (s *site) servicequotas() *servicequotas.Client { return servicequotas.NewFromConfig(s.cfg) }

// headroom is how much of a quota is left.
type headroom struct {
	code, name  string
	value, used float64
}

func (h headroom) left() float64 { return h.value - h.used }

// percent is what is left, of the whole. A quota of nothing has nothing left.
func (h headroom) percent() float64 {
	if h.value <= 0 {
		return 0
	}
	return 100 * h.left() / h.value
}

func (h headroom) String() string {
	return fmt.Sprintf("%s (%s): %v of %v used, %v left (%.0f %%)", h.name, h.code, h.used, h.value, h.left(), h.percent())
}

// headroom reads a quota, by its code or by its name, and how much of it is used.
func (s *site) headroom(ctx context.Context, service, code, name string) (headroom, error) {
	q, err := s.quota(ctx, service, code, name)
	if err != nil {
		return headroom{}, err
	}
	out := headroom{code: awssdk.ToString(q.QuotaCode), name: awssdk.ToString(q.QuotaName), value: awssdk.ToFloat64(q.Value)}
	out.used, err = s.used(ctx, q)
	if err != nil {
		return out, fmt.Errorf("reading how much of the quota %s (%s) is used: %w", out.name, out.code, err)
	}
	return out, nil
}

// quota is the one that applies to the account, or AWS's default where none was ever applied.
func (s *site) quota(ctx context.Context, service, code, name string) (types.ServiceQuota, error) {
	if code == "" {
		return s.quotaNamed(ctx, service, name)
	}
	out, err := s.servicequotas().GetServiceQuota(ctx, &servicequotas.GetServiceQuotaInput{ServiceCode: &service, QuotaCode: &code})
	if err == nil {
		return *out.Quota, nil
	}
	if !missing(err) {
		return types.ServiceQuota{}, fmt.Errorf("reading the quota %s of %s: %w", code, service, err)
	}
	def, err := s.servicequotas().GetAWSDefaultServiceQuota(ctx, &servicequotas.GetAWSDefaultServiceQuotaInput{ServiceCode: &service, QuotaCode: &code})
	if err != nil {
		return types.ServiceQuota{}, fmt.Errorf("reading the quota %s of %s: %w", code, service, err)
	}
	return *def.Quota, nil
}

func (s *site) quotaNamed(ctx context.Context, service, name string) (types.ServiceQuota, error) {
	fits := func(q types.ServiceQuota) bool { return strings.EqualFold(awssdk.ToString(q.QuotaName), name) }
	for pages := servicequotas.NewListServiceQuotasPaginator(s.servicequotas(), &servicequotas.ListServiceQuotasInput{ServiceCode: &service}); pages.HasMorePages(); {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return types.ServiceQuota{}, fmt.Errorf("listing the quotas of %s: %w", service, err)
		}
		for _, q := range page.Quotas {
			if fits(q) {
				return q, nil
			}
		}
	}
	for pages := servicequotas.NewListAWSDefaultServiceQuotasPaginator(s.servicequotas(), &servicequotas.ListAWSDefaultServiceQuotasInput{ServiceCode: &service}); pages.HasMorePages(); {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return types.ServiceQuota{}, fmt.Errorf("listing the default quotas of %s: %w", service, err)
		}
		for _, q := range page.Quotas {
			if fits(q) {
				return q, nil
			}
		}
	}
	return types.ServiceQuota{}, fmt.Errorf("%s has no quota named %q: aws service-quotas list-service-quotas --service-code %s shows them", service, name, service)
}

// used is how much of a quota is used: by its metric, or counted.
func (s *site) used(ctx context.Context, q types.ServiceQuota) (float64, error) {
	if m := q.UsageMetric; m != nil && awssdk.ToString(m.MetricName) != "" {
		statistic := awssdk.ToString(m.MetricStatisticRecommendation)
		if statistic == "" {
			statistic = "Maximum"
		}
		value, _, err := s.latest(ctx, series{awssdk.ToString(m.MetricNamespace), awssdk.ToString(m.MetricName), statistic, m.MetricDimensions, usagePeriod}, usageWindow)
		return value, err
	}
	switch awssdk.ToString(q.QuotaCode) {
	case quotaAddresses:
		all, err := addresses(ctx, s)
		return float64(len(all)), err
	case quotaInterfaces:
		all, err := interfaces(ctx, s)
		return float64(len(all)), err
	case quotaInstances:
		return s.standardCPUs(ctx)
	}
	return 0, errors.New("there is no metric for it in Service Quotas, and this plugin cannot count it")
}

// standardCPUs counts the vCPUs of running on-demand instances of the families A, C, D, H, I, M, R, T and Z.
func (s *site) standardCPUs(ctx context.Context) (float64, error) {
	all, err := instances(ctx, s, &ec2.DescribeInstancesInput{Filters: ec2Filters("instance-state-name", "running")})
	total := 0.0
	for _, i := range all {
		family := string(i.InstanceType)
		if i.InstanceLifecycle != "" || family == "" || i.CpuOptions == nil || !strings.Contains("acdhimrtz", family[:1]) {
			continue
		}
		total += float64(awssdk.ToInt32(i.CpuOptions.CoreCount) * awssdk.ToInt32(i.CpuOptions.ThreadsPerCore))
	}
	return total, err
}

// addresses lists elastic IPs.
func addresses(ctx context.Context, s *site, filters ...ec2types.Filter) ([]ec2types.Address, error) {
	out, err := s.ec2().DescribeAddresses(ctx, &ec2.DescribeAddressesInput{Filters: filters})
	if err != nil {
		return nil, fmt.Errorf("listing elastic IPs: %w", err)
	}
	return out.Addresses, nil
}

// interfaces lists network interfaces.
func interfaces(ctx context.Context, s *site, filters ...ec2types.Filter) ([]ec2types.NetworkInterface, error) {
	var out []ec2types.NetworkInterface
	for pages := ec2.NewDescribeNetworkInterfacesPaginator(s.ec2(), &ec2.DescribeNetworkInterfacesInput{Filters: filters}); pages.HasMorePages(); {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, fmt.Errorf("listing network interfaces: %w", err)
		}
		out = append(out, page.NetworkInterfaces...)
	}
	return out, nil
}
