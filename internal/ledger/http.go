package ledger

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"strconv"
	"strings"
	"sync/atomic"

	"github.com/gameday-toolkit/gameday/internal/probe/client"
	"github.com/gameday-toolkit/gameday/internal/record"
	"github.com/gameday-toolkit/gameday/plugins/sdk"
)

// The protocol is that of docs/ledger-protocol.md.

const (
	pageLimit = 1000
	maxPage   = 8 << 20
	maxDrain  = 64 << 10
)

type httpConfig struct {
	Write     httpTarget  `json:"write"`
	Read      *httpTarget `json:"read"`
	Workers   int         `json:"workers"`
	KeepAlive *bool       `json:"keepalive"`
	Resolver  string      `json:"resolver"`
	TLS       *client.TLS `json:"tls"`
}

type httpTarget struct {
	Method           string            `json:"method"`
	URL              string            `json:"url"`
	Headers          map[string]string `json:"headers"`
	SensitiveHeaders map[string]string `json:"sensitive_headers"`
}

type httpStore struct {
	write, read *http.Request // the patterns of all requests
	workers     int
	transport   *http.Transport
	dialer      *client.Dialer
}

func newHTTP(cfg json.RawMessage, env Env) (Store, error) {
	var c httpConfig
	if err := json.Unmarshal(cfg, &c); err != nil {
		return nil, fmt.Errorf("reading the http ledger: %w", err)
	}
	if c.Read == nil || c.Read.URL == "" {
		c.Read = &httpTarget{URL: c.Write.URL, Headers: c.Write.Headers, SensitiveHeaders: c.Write.SensitiveHeaders}
	}
	if c.Resolver == "" {
		c.Resolver = env.Resolver
	}
	write, err := c.Write.request(http.MethodPost)
	if err != nil {
		return nil, fmt.Errorf("write: %w", err)
	}
	read, err := c.Read.request(http.MethodGet)
	if err != nil {
		return nil, fmt.Errorf("read: %w", err)
	}
	s := &httpStore{write: write, read: read, workers: c.Workers}
	keep := c.KeepAlive == nil || *c.KeepAlive
	s.transport, s.dialer, err = client.HTTP{Resolver: c.Resolver, TLS: c.TLS, KeepAlive: keep}.Transport()
	return s, err
}

func (t *httpTarget) request(method string) (*http.Request, error) {
	u, err := url.Parse(t.URL)
	if err != nil {
		return nil, fmt.Errorf("reading url: %w", err)
	}
	if u.Scheme != "http" && u.Scheme != "https" || u.Host == "" {
		return nil, fmt.Errorf("url must start with http:// or https:// and name a host, not %q", u.Redacted())
	}
	if t.Method != "" {
		method = strings.ToUpper(t.Method)
	}
	request, err := http.NewRequest(method, u.String(), nil)
	if err != nil {
		return nil, fmt.Errorf("making the request: %w", err)
	}
	request.Header.Set("User-Agent", "gameday")
	for _, headers := range []map[string]string{t.Headers, t.SensitiveHeaders} {
		for name, value := range headers {
			request.Header.Set(name, value)
		}
	}
	if host := request.Header.Get("Host"); host != "" {
		request.Host = host
	}
	return request, nil
}

func (s *httpStore) Workers() int { return s.workers }

func (s *httpStore) Close() error {
	s.transport.CloseIdleConnections()
	s.dialer.Close()
	return nil
}

// Write posts the record. Without a connection nothing was sent, so that an error then is a Fail; with one, only the
// server's own refusal is.
func (s *httpStore) Write(ctx context.Context, e Entry) (record.Outcome, string) {
	body, err := json.Marshal(e)
	if err != nil {
		return record.Fail, err.Error()
	}
	var connected atomic.Bool
	request := s.write.Clone(httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{GotConn: func(httptrace.GotConnInfo) { connected.Store(true) }}))
	request.Header.Set("Content-Type", "application/json")
	request.Body, request.ContentLength = io.NopCloser(bytes.NewReader(body)), int64(len(body))
	request.GetBody = func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(body)), nil }
	response, err := s.transport.RoundTrip(request)
	if err != nil {
		if connected.Load() {
			return record.Info, err.Error()
		}
		return record.Fail, err.Error()
	}
	defer response.Body.Close()
	_, _ = io.CopyN(io.Discard, response.Body, maxDrain) // the status is the answer; this is for the connection's next use
	return outcome(response.StatusCode)
}

// outcome reads the status as the protocol has it. 202 is no acknowledgement: it promises nothing about durability.
func outcome(code int) (record.Outcome, string) {
	switch {
	case code == http.StatusCreated, code == http.StatusOK, code == http.StatusNoContent:
		return record.OK, ""
	case code/100 == 4:
		return record.Fail, "status " + strconv.Itoa(code)
	default:
		return record.Info, "status " + strconv.Itoa(code)
	}
}

func (s *httpStore) Read(ctx context.Context, run, cursor string) (Page, error) {
	request := s.read.Clone(ctx)
	query := request.URL.Query()
	query.Set("run", run)
	query.Set("limit", strconv.Itoa(pageLimit))
	if cursor != "" {
		query.Set("after", cursor)
	}
	request.URL.RawQuery = query.Encode()
	response, err := s.transport.RoundTrip(request)
	if err != nil {
		return Page{}, err
	}
	defer response.Body.Close()
	body, err := io.ReadAll(io.LimitReader(response.Body, maxPage+1))
	switch {
	case err != nil:
		return Page{}, err
	case response.StatusCode != http.StatusOK:
		return Page{}, fmt.Errorf("status %d", response.StatusCode)
	case len(body) > maxPage:
		return Page{}, &FinalError{fmt.Errorf("a page is longer than %d bytes", maxPage)}
	}
	return decodePage(body)
}

// decodePage takes the cursor as a string or as a number: both are common, and either may be left out at the end.
func decodePage(body []byte) (Page, error) {
	var raw struct {
		Records []json.RawMessage `json:"records"`
		Next    json.RawMessage   `json:"next"`
	}
	if err := json.Unmarshal(body, &raw); err != nil {
		return Page{}, fmt.Errorf("the page is not that of a ledger: %w", err)
	}
	if raw.Records == nil {
		return Page{}, errors.New("the page is not that of a ledger: it has no records")
	}
	var page Page
	for _, r := range raw.Records {
		if e, err := decodeEntry(r); err == nil {
			page.Entries = append(page.Entries, e)
		} else {
			page.Strange = append(page.Strange, fmt.Sprintf("not a record: %s", clip(string(r))))
		}
	}
	if next := strings.Trim(string(raw.Next), `"`); next != "null" && next != "0" {
		page.Next = next
	}
	return page, nil
}

// decodeEntry insists on a sequence number: without one, zero would be taken for read back.
func decodeEntry(b []byte) (Entry, error) {
	var e struct {
		Entry
		Seq *uint64 `json:"seq"`
	}
	if err := json.Unmarshal(b, &e); err != nil {
		return Entry{}, err
	}
	if e.Seq == nil {
		return Entry{}, errors.New("no seq")
	}
	e.Entry.Seq = *e.Seq
	return e.Entry, nil
}

func httpSchema() sdk.Schema {
	target := func(doc, method string) sdk.Schema {
		return sdk.Schema{Doc: doc, Attributes: []sdk.Attribute{
			{Name: "url", Type: sdk.String, Required: true, Doc: "http:// or https://"},
			{Name: "method", Type: sdk.String, Default: method, Doc: "Request method"},
			{Name: "headers", Type: sdk.StringMap, Doc: "Request headers"},
			{Name: "sensitive_headers", Type: sdk.StringMap, Sensitive: true, Doc: "Request headers whose values are never shown, such as Authorization"},
		}}
	}
	return sdk.Schema{
		Doc: "Writes and reads records by the protocol of docs/ledger-protocol.md.",
		Attributes: []sdk.Attribute{
			{Name: "workers", Type: sdk.Number, Doc: "Attempts that may be open at once. Default: as many as the rate and the timeout can need"},
			{Name: "keepalive", Type: sdk.Bool, Default: true, Doc: "Use connections again, as most clients do. false: each request looks the name up (within its TTL) and dials anew"},
			client.ResolverAttribute(),
		},
		Blocks: []sdk.Block{
			{Name: "write", Min: 1, Max: 1, Schema: target("Where records are written.", http.MethodPost)},
			{Name: "read", Max: 1, Schema: target("Where records are read back. Default: where they are written.", http.MethodGet)},
			client.TLSBlock(),
		},
	}
}
