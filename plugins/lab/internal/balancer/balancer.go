package balancer

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httputil"
	"sync"
	"sync/atomic"
	"time"
)

// How the load balancer decides and waits.
const (
	CheckInterval    = 500 * time.Millisecond
	CheckTimeout     = 400 * time.Millisecond
	FallThreshold    = 3
	RiseThreshold    = 2
	DialTimeout      = 300 * time.Millisecond
	ResponseTimeout  = 1500 * time.Millisecond
	DiscoverInterval = 500 * time.Millisecond
)

// StatusPath is where the load balancer says what it thinks of its backends.
const StatusPath = "/_lb/status"

const idleConnsPerBackend = 64

// Backend is where an instance is reached.
type Backend struct {
	Name string
	Zone string
	Addr string
}

// Status is what the load balancer thinks of a backend.
type Status struct {
	Name    string `json:"name"`
	Zone    string `json:"zone"`
	Addr    string `json:"addr"`
	Healthy bool   `json:"healthy"`
	Reason  string `json:"reason,omitempty"`
}

// Balancer spreads requests round robin over the healthy backends. When none is healthy it tries them all: a check that
// fails everywhere at once is likelier wrong than right.
type Balancer struct {
	discover func(context.Context) ([]Backend, error)
	change   func(Status)
	proxy    *httputil.ReverseProxy
	checks   *http.Client
	next     atomic.Uint64

	mu       sync.Mutex
	backends []*backend
}

type backend struct {
	Backend
	healthy bool
	known   bool // has been healthy or unhealthy before: its first verdict is not news
	streak  int  // checks in a row that disagree with healthy
	reason  string
}

type addrKey struct{}

// New returns a balancer; change is told when a backend passes into health or out of it.
func New(discover func(context.Context) ([]Backend, error), change func(Status)) *Balancer {
	transport := &http.Transport{
		DialContext:           (&net.Dialer{Timeout: DialTimeout}).DialContext,
		ResponseHeaderTimeout: ResponseTimeout, MaxIdleConnsPerHost: idleConnsPerBackend,
		IdleConnTimeout: 30 * time.Second, DisableCompression: true,
	}
	b := &Balancer{discover: discover, change: change}
	b.checks = &http.Client{Timeout: CheckTimeout, Transport: &http.Transport{
		DialContext: (&net.Dialer{Timeout: DialTimeout}).DialContext, DisableKeepAlives: true,
	}}
	b.proxy = &httputil.ReverseProxy{
		Transport: transport, ErrorHandler: proxyError,
		// A client that goes away in the middle of an answer is its own business, and not worth a log line each.
		ErrorLog: log.New(io.Discard, "", 0),
		Rewrite: func(r *httputil.ProxyRequest) {
			r.Out.URL.Scheme = "http"
			r.Out.URL.Host, _ = r.In.Context().Value(addrKey{}).(string)
			r.SetXForwarded()
		},
	}
	return b
}

func proxyError(w http.ResponseWriter, _ *http.Request, err error) {
	status := http.StatusBadGateway
	var timeout net.Error
	if errors.As(err, &timeout) && timeout.Timeout() || errors.Is(err, context.DeadlineExceeded) {
		status = http.StatusGatewayTimeout
	}
	http.Error(w, "load balancer: "+err.Error(), status)
}

func (b *Balancer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.URL.Path == StatusPath {
		w.Header().Set("Content-Type", "application/json")
		_ = json.NewEncoder(w).Encode(b.Status())
		return
	}
	addr := b.pick()
	if addr == "" {
		http.Error(w, "load balancer: no backend", http.StatusServiceUnavailable)
		return
	}
	b.proxy.ServeHTTP(w, r.WithContext(context.WithValue(r.Context(), addrKey{}, addr)))
}

func (b *Balancer) pick() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	candidates := make([]string, 0, len(b.backends))
	for _, be := range b.backends {
		if be.healthy {
			candidates = append(candidates, be.Addr)
		}
	}
	if len(candidates) == 0 {
		for _, be := range b.backends {
			candidates = append(candidates, be.Addr)
		}
	}
	if len(candidates) == 0 {
		return ""
	}
	return candidates[b.next.Add(1)%uint64(len(candidates))]
}

// Status lists the backends in the order of discovery.
func (b *Balancer) Status() []Status {
	b.mu.Lock()
	defer b.mu.Unlock()
	out := make([]Status, 0, len(b.backends))
	for _, be := range b.backends {
		out = append(out, be.status())
	}
	return out
}

func (be *backend) status() Status {
	return Status{Name: be.Name, Zone: be.Zone, Addr: be.Addr, Healthy: be.healthy, Reason: be.reason}
}
