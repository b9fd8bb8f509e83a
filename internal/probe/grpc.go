package probe

import (
	"context"
	"encoding/json"
	"fmt"
	"net"
	"strings"
	"sync"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/backoff"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/status"

	"github.com/gameday-toolkit/gameday/internal/probe/client"
	"github.com/gameday-toolkit/gameday/internal/sample"
	"github.com/gameday-toolkit/gameday/plugins/sdk"
)

type grpcConfig struct {
	Address   string      `json:"address"`
	Service   string      `json:"service"`
	KeepAlive *bool       `json:"keepalive"`
	Resolver  string      `json:"resolver"`
	TLS       *client.TLS `json:"tls"`
}

type grpcProber struct {
	address, host, service string
	creds                  credentials.TransportCredentials
	dialer                 *client.Dialer
	shared                 *grpc.ClientConn // nil: each question dials anew

	mu       sync.Mutex
	lastDial error // gRPC flattens it into a string
}

func newGRPC(cfg json.RawMessage, env Env) (Prober, error) {
	var c grpcConfig
	if err := json.Unmarshal(cfg, &c); err != nil {
		return nil, fmt.Errorf("reading the grpc probe: %w", err)
	}
	host, _, err := net.SplitHostPort(c.Address)
	if err != nil {
		return nil, fmt.Errorf("address must be \"host:port\": %w", err)
	}
	p := &grpcProber{address: c.Address, host: host, service: c.Service, creds: insecure.NewCredentials()}
	if c.TLS != nil {
		config, err := c.TLS.Config()
		if err != nil {
			return nil, err
		}
		p.creds = credentials.NewTLS(config)
	}
	if p.dialer, err = client.NewDialer(env.resolver(c.Resolver)); err != nil {
		return nil, err
	}
	if c.KeepAlive == nil || *c.KeepAlive {
		p.shared, err = p.connect()
	}
	return p, err
}

// connect makes a connection that tries again after a second at most: gRPC's own two minutes of back-off would measure
// its patience, and not the target's recovery.
func (p *grpcProber) connect() (*grpc.ClientConn, error) {
	return grpc.NewClient("passthrough:///"+p.address,
		grpc.WithTransportCredentials(p.creds),
		grpc.WithContextDialer(p.dial),
		grpc.WithNoProxy(),
		grpc.WithIdleTimeout(0),
		grpc.WithConnectParams(grpc.ConnectParams{MinConnectTimeout: time.Second,
			Backoff: backoff.Config{BaseDelay: 50 * time.Millisecond, Multiplier: 1.6, Jitter: 0.2, MaxDelay: time.Second}}))
}

func (p *grpcProber) dial(ctx context.Context, address string) (net.Conn, error) {
	conn, err := p.dialer.DialContext(ctx, "tcp", address)
	p.mu.Lock()
	defer p.mu.Unlock()
	p.lastDial = err
	return conn, err
}

func (p *grpcProber) Close() error {
	defer p.dialer.Close()
	if p.shared == nil {
		return nil
	}
	return p.shared.Close()
}

func (p *grpcProber) Probe(ctx context.Context) Answer {
	conn := p.shared
	if conn == nil {
		var err error
		if conn, err = p.connect(); err != nil {
			return bad(sample.Other, "%v", err)
		}
		defer conn.Close()
	}
	r, err := grpc_health_v1.NewHealthClient(conn).Check(ctx, &grpc_health_v1.HealthCheckRequest{Service: p.service})
	if err != nil {
		return p.failed(ctx, err)
	}
	if r.GetStatus() != grpc_health_v1.HealthCheckResponse_SERVING {
		return bad(sample.Status, "%s", r.GetStatus())
	}
	return good()
}

func (p *grpcProber) failed(ctx context.Context, err error) Answer {
	s := status.Convert(err)
	text := s.Code().String() + ": " + s.Message()
	if ctx.Err() != nil || s.Code() == codes.DeadlineExceeded || s.Code() == codes.Canceled {
		a := failed(ctx, context.DeadlineExceeded, p.dialer, p.host)
		if a.Class == sample.Timeout {
			a.Detail = text
		}
		return a
	}
	if s.Code() != codes.Unavailable {
		return bad(sample.Status, "%s", text)
	}
	return bad(p.unavailable(s.Message()), "%s", text)
}

// unavailable says why there was no connection. The server may also have answered Unavailable itself.
func (p *grpcProber) unavailable(message string) sample.Class {
	p.mu.Lock()
	dial := p.lastDial
	p.mu.Unlock()
	switch {
	case dial != nil && strings.Contains(message, "dialing"):
		return client.Classify(dial)
	case strings.Contains(message, "authentication handshake failed"):
		return sample.TLS
	case strings.Contains(message, "connection") || strings.Contains(message, "transport") || strings.Contains(message, "EOF"):
		return sample.Reset
	default:
		return sample.Status
	}
}

func grpcSchema() sdk.Schema {
	return sdk.Schema{
		Doc: "Asks a server's standard health service (grpc.health.v1.Health/Check) whether it is SERVING.",
		Attributes: []sdk.Attribute{
			{Name: "address", Type: sdk.String, Required: true, Doc: "\"host:port\""},
			{Name: "service", Type: sdk.String, Doc: "Service to ask about. Default: the server as a whole"},
			{Name: "keepalive", Type: sdk.Bool, Default: true, Doc: "Use one connection for all questions. false: each question dials anew"},
			client.ResolverAttribute(),
		},
		Blocks: []sdk.Block{client.TLSBlock(), {Name: "expect", Max: 1, Schema: sdk.Schema{
			Doc: "What a good answer is, beyond SERVING.", Attributes: []sdk.Attribute{latencyAttribute()},
		}}},
	}
}
