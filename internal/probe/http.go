package probe

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"

	"github.com/gameday-toolkit/gameday/internal/probe/client"
	"github.com/gameday-toolkit/gameday/internal/probe/h1"
)

// The http kind asks by package h1, which costs little. HTTP/2 and redirects are left to net/http. Bodies are read into
// buffers that are used again.

type httpConfig struct {
	Method           string            `json:"method"`
	URL              string            `json:"url"`
	Headers          map[string]string `json:"headers"`
	SensitiveHeaders map[string]string `json:"sensitive_headers"`
	Body             string            `json:"body"`
	KeepAlive        *bool             `json:"keepalive"`
	Resolver         string            `json:"resolver"`
	FollowRedirects  bool              `json:"follow_redirects"`
	HTTP2            bool              `json:"http2"`
	TLS              *client.TLS       `json:"tls"`
	Expect           httpExpect        `json:"expect"`
}

type httpProber struct {
	pattern   *http.Request
	body      []byte
	plain     *h1.Client        // nil where round is used
	round     http.RoundTripper // for HTTP/2 and redirects
	transport *http.Transport
	dialer    *client.Dialer
	expect    *httpCheck
	buffers   bufferPool
}

func newHTTP(cfg json.RawMessage, env Env) (Prober, error) {
	var c httpConfig
	if err := json.Unmarshal(cfg, &c); err != nil {
		return nil, fmt.Errorf("reading the http probe: %w", err)
	}
	request, err := c.request()
	if err != nil {
		return nil, err
	}
	check, err := c.Expect.check()
	if err != nil {
		return nil, err
	}
	transport, dialer, err := c.client(env).Transport()
	if err != nil {
		return nil, err
	}
	p := &httpProber{pattern: request, body: []byte(c.Body), round: transport, transport: transport, dialer: dialer, expect: check, buffers: newBufferPool()}
	switch {
	case c.FollowRedirects:
		p.round = follower{&http.Client{Transport: transport}}
	case !c.HTTP2:
		if p.plain, err = h1.New(request, p.body, !transport.DisableKeepAlives); err != nil {
			return nil, err
		}
		p.plain.Dial, p.plain.TLS = dialer.DialContext, transport.TLSClientConfig
	}
	return p, nil
}

func (c *httpConfig) client(env Env) client.HTTP {
	keep := c.KeepAlive == nil || *c.KeepAlive
	return client.HTTP{Resolver: env.resolver(c.Resolver), TLS: c.TLS, KeepAlive: keep, HTTP2: c.HTTP2}
}

func (c *httpConfig) request() (*http.Request, error) {
	u, err := url.Parse(c.URL)
	if err != nil {
		return nil, fmt.Errorf("reading url: %w", err)
	}
	if u.Scheme != "http" && u.Scheme != "https" || u.Host == "" {
		return nil, fmt.Errorf("url must start with http:// or https:// and name a host, not %q", u.Redacted())
	}
	request, err := http.NewRequest(strings.ToUpper(c.Method), u.String(), nil)
	if err != nil {
		return nil, fmt.Errorf("making the request: %w", err)
	}
	request.Header.Set("User-Agent", "gameday")
	for _, headers := range []map[string]string{c.Headers, c.SensitiveHeaders} {
		for name, value := range headers {
			request.Header.Set(name, value)
		}
	}
	if host := request.Header.Get("Host"); host != "" {
		request.Host = host
	}
	if u.User != nil && request.Header.Get("Authorization") == "" {
		password, _ := u.User.Password()
		request.SetBasicAuth(u.User.Username(), password)
	}
	return request, nil
}

func (p *httpProber) Probe(ctx context.Context) (a Answer) {
	use := func(r *http.Response) (ended bool, err error) {
		buffer := p.buffers.get()
		defer p.buffers.put(buffer)
		body, ended, err := buffer.drain(r.Body, p.expect.needsBody)
		if err != nil {
			return false, fmt.Errorf("reading the body: %w", err)
		}
		a = p.expect.judge(r, body)
		return ended, nil
	}
	ask := p.roundTrip
	if p.plain != nil {
		ask = p.plain.Ask
	}
	if err := ask(ctx, use); err != nil {
		return failed(ctx, err, p.dialer, p.pattern.URL.Hostname())
	}
	return a
}

// roundTrip asks by net/http.
func (p *httpProber) roundTrip(ctx context.Context, use func(*http.Response) (bool, error)) error {
	request := p.pattern.WithContext(ctx)
	if len(p.body) > 0 {
		request.ContentLength = int64(len(p.body))
		request.Body = io.NopCloser(bytes.NewReader(p.body))
		request.GetBody = func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(p.body)), nil }
	}
	response, err := p.round.RoundTrip(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	_, err = use(response)
	return err
}

func (p *httpProber) Close() error {
	if p.plain != nil {
		p.plain.Close()
	}
	p.transport.CloseIdleConnections()
	p.dialer.Close()
	return nil
}

// follower follows redirects, as browsers do.
type follower struct{ client *http.Client }

func (f follower) RoundTrip(r *http.Request) (*http.Response, error) {
	response, err := f.client.Do(r)
	if e := (*url.Error)(nil); errors.As(err, &e) { // it would repeat the URL, where secrets may be
		err = e.Err
	}
	return response, err
}
