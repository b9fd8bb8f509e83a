package api

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"syscall"
	"time"
)

// What a server answers, beyond a plain failure. Test for them with errors.Is.
var (
	ErrNotFound = errors.New("there is no such thing on the server")
	ErrExists   = errors.New("it is on the server already")
)

const (
	answerWithin = 5 * time.Second
	maxAnswer    = 8 << 20
)

// Proxy is one way through the server: whoever connects to Listen is connected to Upstream.
type Proxy struct {
	Name     string  `json:"name"`
	Listen   string  `json:"listen"`
	Upstream string  `json:"upstream"`
	Enabled  bool    `json:"enabled"`
	Toxics   []Toxic `json:"toxics"`
}

// Toxic is one thing that is wrong with the way.
type Toxic struct {
	Name       string         `json:"name"`
	Type       string         `json:"type"`
	Stream     string         `json:"stream"`
	Toxicity   float64        `json:"toxicity"`
	Attributes map[string]any `json:"attributes"`
}

// Same says whether the server shows what was asked for. Attributes that a newer server knows beyond those do not count.
func (t Toxic) Same(shown Toxic) bool {
	if t.Type != shown.Type || t.Stream != shown.Stream || float32(t.Toxicity) != float32(shown.Toxicity) {
		return false
	}
	for name, v := range t.Attributes {
		if fmt.Sprint(number(v)) != fmt.Sprint(number(shown.Attributes[name])) {
			return false
		}
	}
	return true
}

// number gives all that JSON and Go make of an attribute one form.
func number(v any) any {
	switch n := v.(type) {
	case float64:
		return int64(n)
	case int:
		return int64(n)
	}
	return v
}

// String is what people are told of a toxic.
func (t Toxic) String() string {
	var parts []string
	for _, name := range slices.Sorted(maps.Keys(t.Attributes)) {
		parts = append(parts, fmt.Sprintf("%s=%v", name, number(t.Attributes[name])))
	}
	return fmt.Sprintf("%s %s %s on %g %% of the connections", t.Type, t.Stream, strings.Join(parts, " "), 100*t.Toxicity)
}

// Server is where the interface is, such as http://127.0.0.1:8474.
type Server struct{ URL string }

// Proxies lists the proxies by name.
func (s Server) Proxies(ctx context.Context) ([]Proxy, error) {
	byName := map[string]Proxy{}
	if err := s.call(ctx, http.MethodGet, "/proxies", nil, &byName); err != nil {
		return nil, fmt.Errorf("listing the proxies: %w", err)
	}
	return slices.SortedFunc(maps.Values(byName), func(a, b Proxy) int { return cmp.Compare(a.Name, b.Name) }), nil
}

// Proxy reads one proxy.
func (s Server) Proxy(ctx context.Context, name string) (Proxy, error) {
	var p Proxy
	if err := s.call(ctx, http.MethodGet, "/proxies/"+url.PathEscape(name), nil, &p); err != nil {
		return p, fmt.Errorf("reading the proxy %s: %w", name, err)
	}
	return p, nil
}

// Add puts a toxic on a proxy. One of that name that is there already is ErrExists.
func (s Server) Add(ctx context.Context, proxy string, t Toxic) error {
	if err := s.call(ctx, http.MethodPost, "/proxies/"+url.PathEscape(proxy)+"/toxics", t, nil); err != nil {
		return fmt.Errorf("adding the toxic %s to the proxy %s: %w", t.Name, proxy, err)
	}
	return nil
}

// Remove takes a toxic off a proxy.
func (s Server) Remove(ctx context.Context, proxy, toxic string) error {
	if err := s.call(ctx, http.MethodDelete, s.toxic(proxy, toxic), nil, nil); err != nil {
		return fmt.Errorf("taking the toxic %s off the proxy %s: %w", toxic, proxy, err)
	}
	return nil
}

// ByHand is the command with which a person takes a toxic off.
func (s Server) ByHand(proxy, toxic string) string {
	return fmt.Sprintf("curl -X DELETE '%s%s'", s.URL, s.toxic(proxy, toxic))
}

func (s Server) toxic(proxy, toxic string) string {
	return "/proxies/" + url.PathEscape(proxy) + "/toxics/" + url.PathEscape(toxic)
}

// client goes straight to the server, and never over a connection that may have died meanwhile.
func client() *http.Client {
	return &http.Client{
		Transport:     &http.Transport{DisableKeepAlives: true},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

// call makes one request and reads the answer into out.
func (s Server) call(ctx context.Context, method, path string, in, out any) error {
	ctx, cancel := context.WithTimeoutCause(ctx, answerWithin, s.silent())
	defer cancel()
	body, err := json.Marshal(in)
	if err != nil {
		return err
	}
	if in == nil {
		body = nil
	}
	req, err := http.NewRequestWithContext(ctx, method, s.URL+path, bytes.NewReader(body))
	if err != nil {
		return err
	}
	req.Header.Set("User-Agent", "gameday-plugin-proxy")
	resp, err := client().Do(req)
	if err != nil {
		return s.unreachable(ctx, err)
	}
	defer func() { _ = resp.Body.Close() }()
	answer, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer))
	if err != nil {
		return s.unreachable(ctx, err)
	}
	return understand(resp.StatusCode, answer, out)
}

// silent is what a server that takes the request and does not answer most likely suffers from.
func (s Server) silent() error {
	return fmt.Errorf("the Toxiproxy at %s gives no answer within %v; it cannot while a client of the proxy takes no data, and never again once such a client has gone: let the client go on, or start the Toxiproxy again",
		s.URL, answerWithin)
}

func (s Server) unreachable(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	return fmt.Errorf("asking the Toxiproxy at %s: %w", s.URL, err)
}

func understand(status int, answer []byte, out any) error {
	switch {
	case status == http.StatusNotFound:
		return ErrNotFound
	case status == http.StatusConflict:
		return ErrExists
	case status >= http.StatusMultipleChoices:
		return fmt.Errorf("the Toxiproxy says %d: %s", status, strings.TrimSpace(string(answer[:min(len(answer), 200)])))
	case out == nil:
		return nil
	}
	if err := json.Unmarshal(answer, out); err != nil {
		return fmt.Errorf("understanding the Toxiproxy: %w", err)
	}
	return nil
}

// IsAbsent says whether an error means that nothing listens at the address.
func IsAbsent(err error) bool { return errors.Is(err, syscall.ECONNREFUSED) }
