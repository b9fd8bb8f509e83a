package aws

import (
	"context"
	"fmt"
	"net/url"
	"strings"

	awssdk "github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/arn"
	"github.com/aws/aws-sdk-go-v2/service/arczonalshift"
	"github.com/aws/aws-sdk-go-v2/service/autoscaling"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/elasticache"
	elb "github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2"
	"github.com/aws/aws-sdk-go-v2/service/fis"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/rds"
	"github.com/aws/aws-sdk-go-v2/service/route53"
	"github.com/aws/aws-sdk-go-v2/service/route53resolver"
	"github.com/aws/aws-sdk-go-v2/service/sts"
)

// identity is who the credentials belong to.
type identity struct {
	account, partition, arn string
}

// identity asks AWS, once in the life of the process: the account behind a set of credentials does not change.
func (p *provider) identity(ctx context.Context) (identity, error) {
	if known := p.who(); known.account != "" {
		return known, nil
	}
	out, err := sts.NewFromConfig(p.cfg).GetCallerIdentity(ctx, &sts.GetCallerIdentityInput{})
	if err != nil {
		return identity{}, fmt.Errorf("asking for the account: %w", err)
	}
	who := identity{account: awssdk.ToString(out.Account), arn: awssdk.ToString(out.Arn), partition: "aws"}
	if a, err := arn.Parse(who.arn); err == nil {
		who.partition = a.Partition
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.caller = who
	return who, nil
}

// site is one account in one region. Its clients share the connections of the plugin, and are cheap to make.
type site struct {
	*provider
	identity
	region string
	cfg    awssdk.Config
}

// site is the account in a region, by default the one of the plugin's block.
func (p *provider) site(ctx context.Context, region string) (*site, error) {
	who, err := p.identity(ctx)
	if err != nil {
		return nil, err
	}
	cfg := p.cfg.Copy()
	if region != "" {
		cfg.Region = region
	}
	return &site{provider: p, identity: who, region: cfg.Region, cfg: cfg}, nil
}

func (s *site) ec2() *ec2.Client                  { return ec2.NewFromConfig(s.cfg) }
func (s *site) iam() *iam.Client                  { return iam.NewFromConfig(s.cfg) }
func (s *site) autoscaling() *autoscaling.Client  { return autoscaling.NewFromConfig(s.cfg) }
func (s *site) elb() *elb.Client                  { return elb.NewFromConfig(s.cfg) }
func (s *site) zonalshift() *arczonalshift.Client { return arczonalshift.NewFromConfig(s.cfg) }
func (s *site) rds() *rds.Client                  { return rds.NewFromConfig(s.cfg) }
func (s *site) elasticache() *elasticache.Client  { return elasticache.NewFromConfig(s.cfg) }
func (s *site) fis() *fis.Client                  { return fis.NewFromConfig(s.cfg) }
func (s *site) route53() *route53.Client          { return route53.NewFromConfig(s.cfg) }
func (s *site) resolver() *route53resolver.Client { return route53resolver.NewFromConfig(s.cfg) }

// arn names a resource of this account in this region.
func (s *site) arn(service, resource string) string {
	return fmt.Sprintf("arn:%s:%s:%s:%s:%s", s.partition, service, s.region, s.account, resource)
}

// endpoint is the host that the plugin talks to instead of AWS, or nothing.
func (p *provider) endpoint() string {
	u, err := url.Parse(awssdk.ToString(p.cfg.BaseEndpoint))
	if err != nil {
		return ""
	}
	return u.Host
}

// attrs are the facts about where a target is.
func (s *site) attrs(more ...string) map[string]string {
	out := map[string]string{"account": s.account, "region": s.region}
	for i := 0; i+1 < len(more); i += 2 {
		if more[i+1] != "" {
			out[more[i]] = more[i+1]
		}
	}
	return out
}

// resourceOf is the last part of an ARN: the ID of an instance or a subnet.
func resourceOf(arn string) string {
	return arn[strings.LastIndexAny(arn, "/:")+1:]
}
