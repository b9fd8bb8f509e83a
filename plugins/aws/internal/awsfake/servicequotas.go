package awsfake

// quotaState is what Service Quotas keeps for a region, by service and code. Applied quotas stand over the defaults.
type quotaState struct {
	Default, Applied map[string]*quota
}

type quota struct {
	ServiceCode, QuotaCode, QuotaName string
	Value                             float64
	UsageMetric                       *usageMetric `json:",omitempty"`
}

type usageMetric struct {
	MetricNamespace, MetricName, MetricStatisticRecommendation string
	MetricDimensions                                           map[string]string
}

func newQuotas() quotaState {
	out := quotaState{map[string]*quota{}, map[string]*quota{}}
	for _, q := range []*quota{
		{"ec2", "L-0263D0A3", "EC2-VPC Elastic IPs", 5, nil},
		{"vpc", "L-DF5E4CA3", "Network interfaces per Region", 5000, nil},
		{"ec2", "L-1216C47A", "Running On-Demand Standard (A, C, D, H, I, M, R, T, Z) instances", 32, nil},
		{"lambda", "L-B99A9384", "Concurrent executions", 1000, &usageMetric{"AWS/Lambda", "ConcurrentExecutions", "Maximum", map[string]string{}}},
		{"dynamodb", "L-F98FE922", "Maximum number of tables", 2500, &usageMetric{"AWS/Usage", "ResourceCount", "Maximum",
			map[string]string{"Service": "DynamoDB", "Resource": "TableCount", "Type": "Resource", "Class": "None"}}},
		{"ec2", "L-0E3CBAB9", "Burst buckets", 10, nil},
	} {
		out.Default[q.ServiceCode+" "+q.QuotaCode] = q
	}
	return out
}

func quotaOperations() map[string]handler {
	return map[string]handler{
		"GetServiceQuota": getQuota(false), "GetAWSDefaultServiceQuota": getQuota(true),
		"ListServiceQuotas": listQuotas(false), "ListAWSDefaultServiceQuotas": listQuotas(true),
	}
}

// SetQuota is a quota that AWS has granted.
func (s *Server) SetQuota(region, service, code string, value float64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	q := s.region(region).now.Quotas
	granted := *q.Default[service+" "+code]
	granted.Value = value
	q.Applied[service+" "+code] = &granted
}

// limit is the quota that applies.
func (q quotaState) limit(service, code string) int {
	if granted := q.Applied[service+" "+code]; granted != nil {
		return int(granted.Value)
	}
	return int(q.Default[service+" "+code].Value)
}

func (q quotaState) all(defaults bool) map[string]*quota {
	if defaults {
		return q.Default
	}
	return q.Applied
}

func getQuota(defaults bool) handler {
	return func(c *call) (any, error) {
		var in struct{ ServiceCode, QuotaCode string }
		if err := c.decode(&in); err != nil {
			return nil, err
		}
		q := c.state.Quotas.all(defaults)[in.ServiceCode+" "+in.QuotaCode]
		if q == nil {
			return nil, failf("NoSuchResourceException", "The request failed because the specified service quota does not exist.")
		}
		return struct{ Quota *quota }{q}, nil
	}
}

func listQuotas(defaults bool) handler {
	return func(c *call) (any, error) {
		var in struct {
			ServiceCode, NextToken string
			MaxResults             int
		}
		if err := c.decode(&in); err != nil {
			return nil, err
		}
		var all []*quota
		for _, q := range ordered(c.state.Quotas.all(defaults)) {
			if q.ServiceCode == in.ServiceCode {
				all = append(all, q)
			}
		}
		var out struct {
			Quotas    []*quota
			NextToken string `json:",omitempty"`
		}
		var err error
		out.Quotas, out.NextToken, err = page(all, in.NextToken, 2)
		return out, err
	}
}
