package lab

import (
	"context"
	"errors"
	"fmt"

	"github.com/gameday-toolkit/gameday/plugins/lab/internal/labdir"
	"github.com/gameday-toolkit/gameday/plugins/lab/internal/layout"
	"github.com/gameday-toolkit/gameday/plugins/sdk"
)

// failover moves the service between the regions; back as well as there.
type failover struct{ p *provider }

type failoverConfig struct {
	To string `json:"to"`
}

func (*failover) Schema() sdk.Schema {
	return sdk.Schema{
		Doc: "Moves the service to a region and returns when users are served there. Where the region's mirror can " +
			"still catch up it does, and nothing is lost; otherwise what the mirror has not got is lost. Moving back " +
			"first rebuilds the region from the other one.",
		Attributes: []sdk.Attribute{{
			Name: "to", Type: sdk.String, Required: true, OneOf: layout.Regions(), Doc: "The region that is to take the orders.",
		}},
	}
}

// Check says whether there is a lab, and whether there would be anything to do.
func (a *failover) Check(ctx context.Context, req sdk.Request) ([]sdk.Problem, error) {
	var c failoverConfig
	if err := req.Decode(&c); err != nil {
		return nil, err
	}
	w, err := a.p.open(ctx)
	if errors.Is(err, labdir.ErrNoLab) {
		return []sdk.Problem{a.p.noLab()}, nil
	}
	if err != nil {
		return nil, err
	}
	w.Close()
	return nil, nil
}

// Run moves the service.
func (a *failover) Run(ctx context.Context, req sdk.Request) (string, error) {
	var c failoverConfig
	if err := req.Decode(&c); err != nil {
		return "", err
	}
	w, err := a.p.open(ctx)
	if err != nil {
		return "", err
	}
	defer w.Close()
	result, err := w.Failover(ctx, c.To)
	if err != nil {
		return "", fmt.Errorf("failing over to %s: %w", c.To, err)
	}
	return result.Summary, nil
}
