package action

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"strings"

	"github.com/gameday-toolkit/gameday/plugins/sdk"
)

type httpConfig struct {
	Method  string            `json:"method"`
	URL     string            `json:"url"`
	Headers map[string]string `json:"headers"`
	Body    string            `json:"body"`
	Status  []int             `json:"status"`
}

func httpSchema() sdk.Schema {
	return sdk.Schema{
		Doc: "Sends one HTTP request. It has succeeded when the status of the answer is one of those expected.",
		Attributes: []sdk.Attribute{
			{Name: "method", Type: sdk.String, Default: "POST", Doc: "The request method"},
			{Name: "url", Type: sdk.String, Required: true, Doc: "Where to send it"},
			{Name: "headers", Type: sdk.StringMap, Doc: "Request headers"},
			{Name: "body", Type: sdk.String, Doc: "The request body"},
			{Name: "status", Type: sdk.NumberList, Doc: "Status codes that mean success; any 2xx where not set"},
		},
	}
}

func runHTTP(ctx context.Context, env Env, config json.RawMessage) (Said, error) {
	var c httpConfig
	if err := decode(config, &c); err != nil {
		return Said{}, err
	}
	req, err := http.NewRequestWithContext(ctx, c.Method, c.URL, strings.NewReader(c.Body))
	if err != nil {
		return Said{}, fmt.Errorf("making the request: %w", err)
	}
	for k, v := range c.Headers {
		req.Header.Set(k, v)
	}
	resp, err := client(env.Resolver).Do(req)
	if err != nil {
		return Said{}, fmt.Errorf("sending the request: %w", err)
	}
	defer resp.Body.Close()
	var out head
	if _, err := io.Copy(&out, io.LimitReader(resp.Body, 1<<20)); err != nil {
		return Said{}, fmt.Errorf("reading the answer: %w", err)
	}
	said := Said{What: strings.TrimSpace(resp.Status + " " + out.String())}
	if !c.expects(resp.StatusCode) {
		return said, fmt.Errorf("%s %s answered %s", c.Method, c.URL, said.What)
	}
	return said, nil
}

func (c httpConfig) expects(status int) bool {
	if len(c.Status) == 0 {
		return status/100 == 2
	}
	return slices.Contains(c.Status, status)
}

// client makes one connection for one request: a step of a runbook is rare, and must not meet a stale connection.
func client(resolver string) *http.Client {
	d := &net.Dialer{}
	if resolver != "" {
		d.Resolver = &net.Resolver{PreferGo: true, Dial: func(ctx context.Context, network, _ string) (net.Conn, error) {
			return (&net.Dialer{}).DialContext(ctx, network, resolver)
		}}
	}
	return &http.Client{Transport: &http.Transport{DialContext: d.DialContext, DisableKeepAlives: true}}
}
