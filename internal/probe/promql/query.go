package promql

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/gameday-toolkit/gameday/internal/probe/client"
)

const maxAnswer = 4 << 20

// Config says where the server is.
type Config struct {
	URL      string // of the server: http://prometheus:9090, with a path prefix where there is one
	Headers  map[string]string
	Resolver string
	TLS      *client.TLS
}

// Series is one series of an answer. A scalar has no labels.
type Series struct {
	Labels map[string]string
	Value  float64
}

// Client asks one server. Close it.
type Client struct {
	base    *url.URL
	headers http.Header
	http    *http.Transport
	dialer  *client.Dialer
}

// StatusError is an answer with a status that is not 2xx.
type StatusError struct {
	Code    int
	Message string // what Prometheus says is wrong
}

func (e *StatusError) Error() string {
	return strings.TrimSuffix(fmt.Sprintf("status %d: %s", e.Code, e.Message), ": ")
}

// New makes a client. It opens no connection.
func New(c Config) (*Client, error) {
	base, err := url.Parse(c.URL)
	if err != nil {
		return nil, fmt.Errorf("reading url: %w", err)
	}
	if base.Scheme != "http" && base.Scheme != "https" || base.Host == "" {
		return nil, fmt.Errorf("url must start with http:// or https:// and name a host, not %q", base.Redacted())
	}
	transport, dialer, err := client.HTTP{Resolver: c.Resolver, TLS: c.TLS, KeepAlive: true}.Transport()
	if err != nil {
		return nil, err
	}
	q := &Client{base: base, headers: http.Header{"User-Agent": {"gameday"}}, http: transport, dialer: dialer}
	for name, value := range c.Headers {
		q.headers.Set(name, value)
	}
	return q, nil
}

// Close drops idle connections.
func (c *Client) Close() {
	c.http.CloseIdleConnections()
	c.dialer.Close()
}

// Host is the name of the server, and Dialer what connects to it: for whoever has to say why it did not answer.
func (c *Client) Host() string { return c.base.Hostname() }

// Dialer connects to the server.
func (c *Client) Dialer() *client.Dialer { return c.dialer }

// Query evaluates an instant expression at a time; zero is now, on the server's clock.
func (c *Client) Query(ctx context.Context, expr string, at time.Time) ([]Series, error) {
	form := url.Values{"query": {expr}}
	if !at.IsZero() {
		form.Set("time", strconv.FormatFloat(float64(at.UnixMilli())/1e3, 'f', 3, 64))
	}
	var data struct {
		ResultType string          `json:"resultType"`
		Result     json.RawMessage `json:"result"`
	}
	if err := c.Get(ctx, "/api/v1/query", form, &data); err != nil {
		return nil, err
	}
	return series(data.ResultType, data.Result)
}

// Get reads the data of a page of the API.
func (c *Client) Get(ctx context.Context, path string, form url.Values, data any) error {
	u := c.base.JoinPath(path)
	u.RawQuery = form.Encode()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, u.String(), nil)
	if err != nil {
		return err
	}
	request.Header = c.headers
	if user := c.base.User; user != nil {
		password, _ := user.Password()
		request.Header = c.headers.Clone()
		request.SetBasicAuth(user.Username(), password)
	}
	response, err := c.http.RoundTrip(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	body, err := io.ReadAll(io.LimitReader(response.Body, maxAnswer+1))
	if err != nil {
		return fmt.Errorf("reading the answer: %w", err)
	}
	if len(body) > maxAnswer {
		return fmt.Errorf("the answer is longer than %d bytes", maxAnswer)
	}
	return decode(response.StatusCode, body, data)
}

func decode(code int, body []byte, data any) error {
	var envelope struct {
		Status string          `json:"status"`
		Error  string          `json:"error"`
		Data   json.RawMessage `json:"data"`
	}
	err := json.Unmarshal(body, &envelope)
	if code/100 != 2 {
		return &StatusError{Code: code, Message: envelope.Error}
	}
	if err != nil {
		return fmt.Errorf("the answer is not Prometheus's: %w", err)
	}
	if envelope.Status != "success" {
		return fmt.Errorf("the server says %q: %s", envelope.Status, envelope.Error)
	}
	if err := json.Unmarshal(envelope.Data, data); err != nil {
		return fmt.Errorf("the answer is not Prometheus's: %w", err)
	}
	return nil
}

func series(kind string, result json.RawMessage) ([]Series, error) {
	switch kind {
	case "vector":
		var vector []struct {
			Metric map[string]string `json:"metric"`
			Value  value             `json:"value"`
		}
		if err := json.Unmarshal(result, &vector); err != nil {
			return nil, fmt.Errorf("reading a vector: %w", err)
		}
		out := make([]Series, len(vector))
		for i, v := range vector {
			out[i] = Series{Labels: v.Metric, Value: float64(v.Value)}
		}
		return out, nil
	case "scalar":
		var v value
		if err := json.Unmarshal(result, &v); err != nil {
			return nil, fmt.Errorf("reading a scalar: %w", err)
		}
		return []Series{{Value: float64(v)}}, nil
	default:
		return nil, fmt.Errorf("the expression gives a %s, not an instant vector or a scalar", kind)
	}
}

// value is [time, "number"].
type value float64

func (v *value) UnmarshalJSON(b []byte) error {
	var pair []any
	if err := json.Unmarshal(b, &pair); err != nil {
		return err
	}
	if len(pair) != 2 {
		return errors.New("a value is a time and a number")
	}
	text, _ := pair[1].(string)
	n, err := strconv.ParseFloat(text, 64)
	*v = value(n)
	return err
}
