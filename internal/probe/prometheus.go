package probe

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"time"

	"github.com/gameday-toolkit/gameday/internal/probe/client"
	"github.com/gameday-toolkit/gameday/internal/probe/promql"
	"github.com/gameday-toolkit/gameday/internal/sample"
	"github.com/gameday-toolkit/gameday/plugins/sdk"
)

type prometheusConfig struct {
	URL              string            `json:"url"`
	Query            string            `json:"query"`
	Headers          map[string]string `json:"headers"`
	SensitiveHeaders map[string]string `json:"sensitive_headers"`
	Resolver         string            `json:"resolver"`
	TLS              *client.TLS       `json:"tls"`
	Expect           struct {
		Min *float64 `json:"min"`
		Max *float64 `json:"max"`
	} `json:"expect"`
}

type prometheusProber struct {
	client   *promql.Client
	query    string
	min, max *float64
}

func newPrometheus(cfg json.RawMessage, env Env) (Prober, error) {
	var c prometheusConfig
	if err := json.Unmarshal(cfg, &c); err != nil {
		return nil, fmt.Errorf("reading the prometheus probe: %w", err)
	}
	if c.Query == "" {
		return nil, errors.New("query must be a PromQL expression")
	}
	headers := maps.Clone(c.Headers)
	if headers == nil {
		headers = map[string]string{}
	}
	maps.Copy(headers, c.SensitiveHeaders)
	q, err := promql.New(promql.Config{URL: c.URL, Headers: headers, Resolver: env.resolver(c.Resolver), TLS: c.TLS})
	if err != nil {
		return nil, err
	}
	return &prometheusProber{client: q, query: c.Query, min: c.Expect.Min, max: c.Expect.Max}, nil
}

func (p *prometheusProber) Close() error {
	p.client.Close()
	return nil
}

// Probe is good if the expression has a value, and every series of it is within the limits. NaN is within none.
func (p *prometheusProber) Probe(ctx context.Context) Answer {
	series, err := p.client.Query(ctx, p.query, time.Time{})
	if err != nil {
		return p.failed(ctx, err)
	}
	if len(series) == 0 {
		return bad(sample.Body, "the expression has no value")
	}
	for _, s := range series {
		if p.min != nil && !(s.Value >= *p.min) {
			return bad(sample.Body, "%v is below expect.min", s.Value)
		}
		if p.max != nil && !(s.Value <= *p.max) {
			return bad(sample.Body, "%v is above expect.max", s.Value)
		}
	}
	return good()
}

func (p *prometheusProber) failed(ctx context.Context, err error) Answer {
	var wrong *promql.StatusError
	if errors.As(err, &wrong) {
		return bad(sample.Status, "%v", err)
	}
	a := failed(ctx, err, p.client.Dialer(), p.client.Host())
	if a.Class == sample.Other {
		a.Class = sample.Body
	}
	return a
}

func prometheusSchema() sdk.Schema {
	return sdk.Schema{
		Doc: "Evaluates a PromQL expression. Good is an expression that has a value, within the limits in every series.",
		Attributes: []sdk.Attribute{
			{Name: "url", Type: sdk.String, Required: true, Doc: "The Prometheus server: http://prometheus:9090"},
			{Name: "query", Type: sdk.String, Required: true, Doc: "Instant expression"},
			{Name: "headers", Type: sdk.StringMap, Doc: "Request headers"},
			{Name: "sensitive_headers", Type: sdk.StringMap, Sensitive: true, Doc: "Request headers whose values are never shown, such as Authorization"},
			client.ResolverAttribute(),
		},
		Blocks: []sdk.Block{client.TLSBlock(), {Name: "expect", Max: 1, Schema: sdk.Schema{
			Doc: "What a good answer is.",
			Attributes: []sdk.Attribute{
				{Name: "min", Type: sdk.Number, Doc: "Least good value"},
				{Name: "max", Type: sdk.Number, Doc: "Largest good value"},
				latencyAttribute(),
			},
		}}},
	}
}
