package dns

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"time"

	"github.com/gameday-toolkit/gameday/plugins/dns/internal/resolver"
	"github.com/gameday-toolkit/gameday/plugins/dns/internal/rule"
	"github.com/gameday-toolkit/gameday/plugins/sdk"
)

// ruled is a failure at a resolver, which has a process and a clock of its own: it ends a rule that nobody renews.
type ruled struct {
	Control string `json:"control"`
	ID      string `json:"id"` // of the resolver
	Rule    string `json:"rule"`
}

func (d *ruled) client() resolver.Client { return resolver.Client{Socket: d.Control} }

// info asks the resolver, and says whether it is the one that was planned for.
func (d *ruled) info(ctx context.Context) (resolver.Info, bool, error) {
	info, err := d.client().Info(ctx)
	if errors.Is(err, resolver.ErrNone) {
		return info, false, nil
	}
	return info, err == nil && info.ID == d.ID, err
}

func (d *ruled) inject(ctx context.Context, p *provider, h sdk.Handle, r rule.Rule) error {
	p.release(d.ID + "/" + d.Rule)
	_, same, err := d.info(ctx)
	if err != nil {
		return err
	}
	if !same {
		return errors.New("the resolver is gone, or has been started again since the plan was made: plan again")
	}
	left := p.windTime()
	if left == 0 {
		return errors.New("there is no lease")
	}
	if err := d.client().Put(ctx, d.Rule, h.Run, r, left); err != nil {
		return err
	}
	p.hold(d.ID+"/"+d.Rule, func(ctx context.Context, left time.Duration) error {
		err := d.client().Renew(ctx, d.Rule, left)
		if errors.Is(err, resolver.ErrLapsed) || errors.Is(err, resolver.ErrNone) {
			return errLapsed
		}
		return err
	}, func() {})
	return nil
}

func (d *ruled) inspect(ctx context.Context) (sdk.State, error) {
	info, same, err := d.info(ctx)
	if err != nil {
		return sdk.State{}, err
	}
	if !same {
		return inactive("the resolver behind %s is gone, or has been started again since, and its rules with it", d.Control), nil
	}
	for _, e := range info.Rules {
		if e.ID == d.Rule {
			return active("the resolver %s has this rule, which it ends in %.1f s unless it is renewed; it has hit %d queries", info.Listen, e.Left.Seconds(), e.Hits), nil
		}
	}
	return inactive("the resolver %s has no such rule", info.Listen), nil
}

func (d *ruled) revert(ctx context.Context, p *provider) error {
	p.pause(d.ID + "/" + d.Rule)
	_, same, err := d.info(ctx)
	if err != nil || !same {
		return err
	}
	return d.client().Drop(ctx, d.Rule)
}

func (d *ruled) byHand() []string {
	return []string{
		fmt.Sprintf("curl --unix-socket %s -X DELETE http://resolver/rules/%s", d.Control, url.PathEscape(d.Rule)),
		"or start the resolver again: it has no rules then",
	}
}

func (p *provider) planResolver(ctx context.Context, req sdk.Request, r rule.Rule, t sdk.Target) (planned, []sdk.Problem, error) {
	d := &ruled{Control: p.resolver().Socket, ID: t.ID, Rule: handleID(req)}
	_, same, err := d.info(ctx)
	if err != nil {
		return planned{}, nil, err
	}
	if !same {
		return planned{}, []sdk.Problem{problem("targets", t.Name+" is gone, or has been started again", "Plan again.")}, nil
	}
	return planned{
		item: item{Resolver: d}, steps: d.byHand(), effect: fmt.Sprintf("%s %s, by the resolver %s", r, r.Answer(), t.Name),
	}, nil, nil
}
