package aws

import (
	"context"
	"fmt"

	"github.com/gameday-toolkit/gameday/plugins/sdk"
)

// prober is a question to AWS. C has a field for each attribute of the block, and starts with the defaults.
type prober[C any] struct {
	*provider
	schema   sdk.Schema
	defaults C
	needs    []need
	ask      func(context.Context, *site, C) (sdk.Observation, error)
}

// Schema describes the attributes of the probe's block.
func (p *prober[C]) Schema() sdk.Schema { return p.schema }

func (p *prober[C]) permissions() []need { return p.needs }

// Probe asks once.
func (p *prober[C]) Probe(ctx context.Context, req sdk.Request) (sdk.Observation, error) {
	c := p.defaults
	if err := req.Decode(&c); err != nil {
		return sdk.Observation{}, err
	}
	s, err := p.site(ctx, "")
	if err != nil {
		return sdk.Observation{}, err
	}
	return p.ask(ctx, s, c)
}

// seen is an answer that either is what is expected or is not. What it says is there in either case.
func seen(good bool, format string, args ...any) sdk.Observation {
	out := sdk.Observation{Good: good, Detail: fmt.Sprintf(format, args...)}
	if !good {
		out.Class = "status"
	}
	return out
}

// probers are all probes of the plugin. A new one is named here.
func (p *provider) probers() map[string]sdk.Prober {
	return map[string]sdk.Prober{
		"aws_alarm": alarmProbe(p), "aws_metric": metricProbe(p), "aws_target_health": targetHealthProbe(p), "aws_quota_headroom": quotaProbe(p),
	}
}
