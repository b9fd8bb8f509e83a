package aws

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	awssdk "github.com/aws/aws-sdk-go-v2/aws"

	"github.com/gameday-toolkit/gameday/plugins/sdk"
)

// Version is the version of the plugin.
const Version = "0.1.0"

// provider is what a session knows.
type provider struct {
	settings settings
	cfg      awssdk.Config

	mu     sync.Mutex
	caller identity  // who we are, once AWS has said so
	lease  time.Time // when it ends
	// keepers renew what AWS would end by itself.
	keepers   map[string]*keeper
	spreading spreading
	// marking has a lock for each resource, held while it is looked at and marked, so that two faults of this process never both do so.
	marking locks
}

// New returns the plugin.
func New() *sdk.Plugin {
	p := &provider{settings: defaults()}
	out := &sdk.Plugin{
		Name: "aws", Version: Version,
		Doc: "Faults of an AWS account: zones, instances, Auto Scaling groups, load balancers. Nothing is changed in an account that " +
			"the block does not name in accounts. See docs/plugins/aws.md.",
		Config: configSchema(),
		Outputs: []sdk.Attribute{
			{Name: "account", Type: sdk.String, Doc: "The ID of the account that the credentials belong to."},
			{Name: "region", Type: sdk.String, Doc: "Where targets are looked for."},
			{Name: "partition", Type: sdk.String, Doc: "aws, aws-cn or aws-us-gov: the second part of every ARN."},
		},
		Configure: p.configure, Sweep: p.sweep, Leased: p.leased,
		Targets: p.targetTypes(),
		Faults:  map[string]sdk.Fault{},
		Actions: map[string]sdk.Action{},
		Probers: p.probers(), Ledgers: p.ledgers(),
		Alerts: map[string]sdk.Alert{"aws_cloudwatch": &cloudwatchAlert{p}},
	}
	for _, f := range faults() {
		out.Faults[f.name] = &carried{p, f}
	}
	for _, s := range steps() {
		out.Actions[s.name] = &taken{p, s}
	}
	out.Documents = map[string]sdk.Document{"iam": {
		Doc: "The least IAM policy for a scenario, or for all that the plugin can do.", Write: writePolicy(out),
	}}
	return out
}

// configure reads the configuration and asks AWS who we are. A block that says nothing, on a machine that has no
// credentials, is accepted: gameday sweep asks every plugin, and this one then has nothing to offer.
func (p *provider) configure(ctx context.Context, set sdk.Settings) (map[string]any, []sdk.Problem, error) {
	bare := len(set.Config) == 0 || string(set.Config) == "{}" || string(set.Config) == "null"
	s := defaults()
	if err := set.Decode(&s); err != nil {
		return nil, nil, err
	}
	if problems := s.check(); len(problems) > 0 {
		return nil, problems, nil
	}
	cfg, err := s.load(ctx, p.watch)
	if err != nil {
		return nil, []sdk.Problem{problem("profile", err.Error(), "See aws configure list-profiles.")}, nil
	}
	p.settings, p.cfg = s, cfg
	if cfg.Region == "" {
		if bare {
			return nothingKnown(), nil, nil
		}
		return nil, []sdk.Problem{problem("region", "No region is set", "Set region, AWS_REGION, or a region in the profile.")}, nil
	}
	who, err := p.identity(ctx)
	if err != nil {
		if bare && noCredentials(err) {
			return nothingKnown(), nil, nil
		}
		return nil, []sdk.Problem{problem("", "AWS does not say who we are", err.Error())}, nil
	}
	return map[string]any{"account": who.account, "region": cfg.Region, "partition": who.partition}, nil, nil
}

func nothingKnown() map[string]any {
	return map[string]any{"account": "", "region": "", "partition": ""}
}

// allowed says whether something may be changed in the account.
func (p *provider) allowed(account string) error {
	if slices.Contains(p.settings.Accounts, account) {
		return nil
	}
	return fmt.Errorf("the account %s is not among the accounts of the plugin's block (%q): nothing is changed in it", account, p.settings.Accounts)
}

// leased hears until when the lease lasts.
func (p *provider) leased(until time.Time) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.lease = until
}
