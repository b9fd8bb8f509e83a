package kubernetes

import (
	"context"
	"fmt"

	"github.com/gameday-toolkit/gameday/plugins/kubernetes/internal/access"
	"github.com/gameday-toolkit/gameday/plugins/sdk"
)

// prober is one kind of probe. C are its attributes. A bad answer is of class status; an API server that does not answer is an
// error, since nothing is known of the workload then.
type prober[C any] struct {
	p        *provider
	schema   sdk.Schema
	defaults C
	needs    func(C) []access.Need
	ask      func(context.Context, *session, sdk.Request, C) (sdk.Observation, error)
}

// Schema describes the attributes of the probe's block.
func (p *prober[C]) Schema() sdk.Schema { return p.schema }

// Probe asks once.
func (p *prober[C]) Probe(ctx context.Context, req sdk.Request) (sdk.Observation, error) {
	c := p.defaults
	if err := req.Decode(&c); err != nil {
		return sdk.Observation{}, err
	}
	return p.ask(ctx, p.p.session(), req, c)
}

func (p *provider) probers() map[string]sdk.Prober {
	return map[string]sdk.Prober{
		"kubernetes_endpoints": p.endpoints(), "kubernetes_rollout": p.rollout(), "kubernetes_restarts": p.restarts(),
	}
}

func bad(format string, args ...any) (sdk.Observation, error) {
	return sdk.Observation{Class: "status", Detail: fmt.Sprintf(format, args...)}, nil
}

func good() (sdk.Observation, error) { return sdk.Observation{Good: true}, nil }
