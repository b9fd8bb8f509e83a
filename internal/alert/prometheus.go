package alert

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"time"

	"github.com/gameday-toolkit/gameday/internal/probe/client"
	"github.com/gameday-toolkit/gameday/internal/probe/promql"
	"github.com/gameday-toolkit/gameday/plugins/sdk"
)

type prometheusConfig struct {
	URL              string            `json:"url"`
	Alert            string            `json:"alert"`
	Labels           map[string]string `json:"labels"`
	Query            string            `json:"query"`
	Interval         client.Duration   `json:"interval"`
	Headers          map[string]string `json:"headers"`
	SensitiveHeaders map[string]string `json:"sensitive_headers"`
	Resolver         string            `json:"resolver"`
	TLS              *client.TLS       `json:"tls"`
}

type prometheus struct {
	prometheusConfig
	server promql.Config
}

func newPrometheus(cfg json.RawMessage, env Env) (Watcher, error) {
	var c prometheusConfig
	if err := json.Unmarshal(cfg, &c); err != nil {
		return nil, fmt.Errorf("reading the prometheus alert: %w", err)
	}
	if (c.Alert == "" && len(c.Labels) == 0) == (c.Query == "") {
		return nil, errors.New("a prometheus alert needs either alert or labels, or else a query")
	}
	if c.Interval <= 0 {
		c.Interval = client.Duration(time.Second)
	}
	if c.Resolver == "" {
		c.Resolver = env.Resolver
	}
	headers := map[string]string{}
	maps.Copy(headers, c.Headers)
	maps.Copy(headers, c.SensitiveHeaders)
	p := &prometheus{prometheusConfig: c, server: promql.Config{URL: c.URL, Headers: headers, Resolver: c.Resolver, TLS: c.TLS}}
	q, err := promql.New(p.server) // the mistakes in it belong to here
	if err != nil {
		return nil, err
	}
	q.Close()
	return p, nil
}

// Watch polls the server.
func (p *prometheus) Watch(ctx context.Context, base time.Time, emit func(State)) error {
	q, err := promql.New(p.server)
	if err != nil {
		return fmt.Errorf("watching the alert: %w", err)
	}
	defer q.Close()
	return Polled{Interval: time.Duration(p.Interval), Poll: func(ctx context.Context) (bool, string, error) { return p.poll(ctx, q) }}.Watch(ctx, base, emit)
}

func (p *prometheus) poll(ctx context.Context, q *promql.Client) (bool, string, error) {
	if p.Query != "" {
		return p.query(ctx, q)
	}
	var data struct {
		Alerts []struct {
			Labels      map[string]string `json:"labels"`
			Annotations map[string]string `json:"annotations"`
			State       string            `json:"state"`
		} `json:"alerts"`
	}
	if err := q.Get(ctx, "/api/v1/alerts", nil, &data); err != nil {
		return false, "", fmt.Errorf("reading the alerts: %w", err)
	}
	for _, a := range data.Alerts {
		if a.State == "firing" && matches(a.Labels, p.Alert, p.Labels) {
			return true, summary(a.Labels, a.Annotations), nil
		}
	}
	return false, "", nil
}

func (p *prometheus) query(ctx context.Context, q *promql.Client) (bool, string, error) {
	series, err := q.Query(ctx, p.Query, time.Time{})
	if err != nil {
		return false, "", fmt.Errorf("evaluating the query: %w", err)
	}
	for _, s := range series {
		if s.Value != 0 {
			return true, summary(s.Labels, nil), nil
		}
	}
	return false, "", nil
}

func prometheusSchema() sdk.Schema {
	return sdk.Schema{
		Doc: "Polls a Prometheus server for a firing alert.",
		Attributes: []sdk.Attribute{
			{Name: "url", Type: sdk.String, Required: true, Doc: "The Prometheus server: http://prometheus:9090"},
			{Name: "alert", Type: sdk.String, Doc: "Name of the alerting rule"},
			{Name: "labels", Type: sdk.StringMap, Doc: "Labels that the alert has"},
			{Name: "query", Type: sdk.String, Doc: "Instead of alert and labels: an expression that has a value other than 0 while the alert fires"},
			{Name: "interval", Type: sdk.Duration, Default: "1s", Doc: "Time between polls: the error of the time to detect"},
			{Name: "headers", Type: sdk.StringMap, Doc: "Request headers"},
			{Name: "sensitive_headers", Type: sdk.StringMap, Sensitive: true, Doc: "Request headers whose values are never shown, such as Authorization"},
			client.ResolverAttribute(),
		},
		Blocks: []sdk.Block{client.TLSBlock()},
	}
}
