package probe

import (
	"bytes"
	"fmt"
	"net/http"
	"regexp"
	"slices"

	"github.com/gameday-toolkit/gameday/internal/probe/client"
	"github.com/gameday-toolkit/gameday/internal/sample"
	"github.com/gameday-toolkit/gameday/plugins/sdk"
)

type httpExpect struct {
	Status       []int             `json:"status"`
	BodyContains string            `json:"body_contains"`
	BodyRegex    string            `json:"body_regex"`
	Headers      map[string]string `json:"headers"`
}

type httpCheck struct {
	httpExpect
	contains  []byte
	regex     *regexp.Regexp
	needsBody bool
}

func (e httpExpect) check() (*httpCheck, error) {
	c := &httpCheck{httpExpect: e, contains: []byte(e.BodyContains), needsBody: e.BodyContains != "" || e.BodyRegex != ""}
	if e.BodyRegex != "" {
		regex, err := regexp.Compile(e.BodyRegex)
		if err != nil {
			return nil, fmt.Errorf("reading expect.body_regex: %w", err)
		}
		c.regex = regex
	}
	return c, nil
}

func (c *httpCheck) judge(r *http.Response, body []byte) Answer {
	if !c.statusOK(r.StatusCode) {
		return bad(sample.Status, "status %d %s", r.StatusCode, http.StatusText(r.StatusCode))
	}
	for name, want := range c.Headers {
		if got := r.Header.Get(name); got != want {
			return bad(sample.Body, "header %s is not as expected", name)
		}
	}
	if len(c.contains) > 0 && !bytes.Contains(body, c.contains) {
		return bad(sample.Body, "body does not contain %q (%d bytes)", c.BodyContains, len(body))
	}
	if c.regex != nil && !c.regex.Match(body) {
		return bad(sample.Body, "body does not match %q (%d bytes)", c.BodyRegex, len(body))
	}
	return good()
}

func (c *httpCheck) statusOK(code int) bool {
	if len(c.Status) == 0 {
		return code/100 == 2
	}
	return slices.Contains(c.Status, code)
}

func httpSchema() sdk.Schema {
	return sdk.Schema{
		Doc: "Sends an HTTP request.",
		Attributes: []sdk.Attribute{
			{Name: "url", Type: sdk.String, Required: true, Doc: "What to request: http:// or https://"},
			{Name: "method", Type: sdk.String, Default: "GET", Doc: "Request method"},
			{Name: "headers", Type: sdk.StringMap, Doc: "Request headers"},
			{Name: "sensitive_headers", Type: sdk.StringMap, Sensitive: true, Doc: "Request headers whose values are never shown, such as Authorization"},
			{Name: "body", Type: sdk.String, Doc: "Request body"},
			{Name: "keepalive", Type: sdk.Bool, Default: true,
				Doc: "Use connections again, as most clients do: they keep going to the old address after DNS has moved. false: each request looks the name up (within its TTL) and dials anew"},
			{Name: "follow_redirects", Type: sdk.Bool, Default: false, Doc: "Follow redirects instead of judging them"},
			{Name: "http2", Type: sdk.Bool, Default: false, Doc: "Speak HTTP/2, over http:// too (h2c with prior knowledge)"},
			client.ResolverAttribute(),
		},
		Blocks: []sdk.Block{client.TLSBlock(), {Name: "expect", Max: 1, Schema: sdk.Schema{
			Doc: "What a good answer is.",
			Attributes: []sdk.Attribute{
				{Name: "status", Type: sdk.NumberList, Doc: "Good status codes. Default: 200 to 299"},
				{Name: "body_contains", Type: sdk.String, Doc: "Text that the first MiB of the body contains"},
				{Name: "body_regex", Type: sdk.String, Doc: "Regular expression (RE2) that the first MiB of the body matches"},
				{Name: "headers", Type: sdk.StringMap, Doc: "Response headers and their exact values"},
				latencyAttribute(),
			},
		}}},
	}
}
