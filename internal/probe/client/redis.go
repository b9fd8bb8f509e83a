package client

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"strings"
	"sync"
	"time"

	"github.com/gomodule/redigo/redis"

	"github.com/gameday-toolkit/gameday/internal/sample"
	"github.com/gameday-toolkit/gameday/plugins/sdk"
)

// Redis says how a Redis server is reached.
type Redis struct {
	Hosts    []string `json:"hosts"`
	Role     string   `json:"role"`
	User     string   `json:"user"`
	Password string   `json:"password"`
	Database int      `json:"database"`
	Resolver string   `json:"resolver"`
	TLS      *TLS     `json:"tls"`
}

// RedisAttributes describe Redis, but for its tls block.
func RedisAttributes() []sdk.Attribute {
	return []sdk.Attribute{
		{Name: "hosts", Type: sdk.StringList, Required: true, Doc: "Servers, tried in this order: \"host:port\", or the path of a Unix socket"},
		{Name: "user", Type: sdk.String, Doc: "User of the access control list. Default: the default user"},
		{Name: "password", Type: sdk.String, Sensitive: true, Doc: "Password of user"},
		{Name: "database", Type: sdk.Number, Default: 0, Doc: "Number of the database"},
		RedisRole("any"), ResolverAttribute(),
	}
}

// RedisRole describes the attribute by which a client follows a failover.
func RedisRole(otherwise any) sdk.Attribute {
	return sdk.Attribute{Name: "role", Type: sdk.String, Default: otherwise, OneOf: []string{"any", "primary", "replica"},
		Doc: "Which of the servers will do. With several hosts, primary follows a failover. Each connection is asked, which takes a round trip"}
}

// RedisPool keeps connections for their next use, the latest first, as PostgresPool does.
type RedisPool struct {
	config Redis
	tls    *tls.Config
	dialer *Dialer
	keep   bool

	mu   sync.Mutex
	idle []*RedisConn
}

// RedisConn is a connection whose reads and writes end with the context that it was taken with.
type RedisConn struct {
	redis.Conn
	net  net.Conn
	stop func() bool
}

// Pool makes a pool that opens no connection yet. keep says whether connections are used again.
func (r Redis) Pool(keep bool) (*RedisPool, error) {
	if len(r.Hosts) == 0 {
		return nil, errors.New("hosts must name a server")
	}
	for _, h := range r.Hosts {
		if _, _, err := net.SplitHostPort(h); err != nil && !strings.HasPrefix(h, "/") {
			return nil, fmt.Errorf("hosts must be \"host:port\": %w", err)
		}
	}
	p := &RedisPool{config: r, keep: keep}
	var err error
	if r.TLS != nil {
		if p.tls, err = r.TLS.Config(); err != nil {
			return nil, err
		}
	}
	p.dialer, err = NewDialer(r.Resolver)
	return p, err
}

// Get gives a connection, which is new where none is idle. Give it back.
func (p *RedisPool) Get(ctx context.Context) (*RedisConn, error) {
	conn := p.pop()
	if conn == nil {
		var err error
		if conn, err = p.connect(ctx); err != nil {
			return nil, err
		}
	}
	_ = conn.net.SetDeadline(time.Time{})
	conn.stop = context.AfterFunc(ctx, func() { _ = conn.net.SetDeadline(time.Unix(1, 0)) })
	return conn, nil
}

func (p *RedisPool) pop() (conn *RedisConn) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if n := len(p.idle); n > 0 {
		conn, p.idle = p.idle[n-1], p.idle[:n-1]
	}
	return conn
}

// Put takes a connection back: to be used again, or after any failure of the connection itself, to be closed.
func (p *RedisPool) Put(conn *RedisConn) {
	if !conn.stop() || !p.keep || conn.Err() != nil {
		_ = conn.Close()
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.idle = append(p.idle, conn)
}

// untimed keeps the client from setting deadlines: it would clear the one that the context has set.
type untimed struct{ net.Conn }

func (untimed) SetDeadline(time.Time) error      { return nil }
func (untimed) SetReadDeadline(time.Time) error  { return nil }
func (untimed) SetWriteDeadline(time.Time) error { return nil }

// connect tries the servers in their order, each with its share of the time that is left.
func (p *RedisPool) connect(ctx context.Context) (*RedisConn, error) {
	var failures []error
	for i, h := range p.config.Hosts {
		conn, err := p.connectTo(ctx, h, len(p.config.Hosts)-i)
		if err == nil {
			return conn, nil
		}
		failures = append(failures, fmt.Errorf("%s: %w", h, err))
	}
	return nil, errors.Join(failures...)
}

func (p *RedisPool) connectTo(ctx context.Context, host string, left int) (*RedisConn, error) {
	if limit := share(ctx, left); limit > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, limit)
		defer cancel()
	}
	raw, err := p.dial(ctx, host)
	if err != nil {
		return nil, err
	}
	defer context.AfterFunc(ctx, func() { _ = raw.SetDeadline(time.Unix(1, 0)) })()
	conn := &RedisConn{Conn: redis.NewConn(untimed{raw}, 0, 0), net: raw}
	if err := p.greet(conn); err != nil {
		_ = conn.Close()
		return nil, err
	}
	return conn, nil
}

func (p *RedisPool) dial(ctx context.Context, host string) (net.Conn, error) {
	if strings.HasPrefix(host, "/") {
		return new(net.Dialer).DialContext(ctx, "unix", host)
	}
	raw, err := p.dialer.DialContext(ctx, "tcp", host)
	if err != nil || p.tls == nil {
		return raw, err
	}
	config := p.tls.Clone()
	if config.ServerName == "" {
		config.ServerName, _, _ = net.SplitHostPort(host)
	}
	secure := tls.Client(raw, config)
	if err := secure.HandshakeContext(ctx); err != nil {
		_ = raw.Close()
		return nil, fmt.Errorf("TLS handshake: %w", err)
	}
	return secure, nil
}

// greet says who we are, and asks who is there.
func (p *RedisPool) greet(conn redis.Conn) error {
	c := p.config
	if c.Password != "" {
		credentials := []any{c.Password}
		if c.User != "" {
			credentials = []any{c.User, c.Password}
		}
		if _, err := conn.Do("AUTH", credentials...); err != nil {
			return fmt.Errorf("authenticating: %w", err)
		}
	}
	if c.Database != 0 {
		if _, err := conn.Do("SELECT", c.Database); err != nil {
			return fmt.Errorf("selecting the database: %w", err)
		}
	}
	if c.Role == "" || c.Role == "any" {
		return nil
	}
	role, err := redis.Values(conn.Do("ROLE"))
	if err != nil {
		return fmt.Errorf("asking for the role: %w", err)
	}
	is := "replica"
	if name, _ := redis.String(role[0], nil); name == "master" {
		is = "primary"
	}
	if is != c.Role {
		return &roleError{is: is, want: c.Role}
	}
	return nil
}

// roleError is a server that is there, and is not the one that is wanted.
type roleError struct{ is, want string }

func (e *roleError) Error() string { return "is a " + e.is + ", and no " + e.want }

// Waiting says whether a lookup of one of the servers is under way right now.
func (p *RedisPool) Waiting() bool {
	for _, h := range p.config.Hosts {
		if host, _, err := net.SplitHostPort(h); err == nil && p.dialer.Waiting(host) {
			return true
		}
	}
	return false
}

// Close closes what is idle.
func (p *RedisPool) Close() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, conn := range p.idle {
		_ = conn.Close()
	}
	p.idle = nil
	p.dialer.Close()
}

// ClassifyRedis says what kind of failure an error of Redis is. A server that answers with an error of its own is there:
// that is Status, except where the answer is that nobody is let in.
func ClassifyRedis(err error) sample.Class {
	var answer redis.Error
	var role *roleError
	switch {
	case errors.As(err, &answer):
		for _, word := range []string{"LOADING ", "ERR max number of clients"} {
			if strings.HasPrefix(string(answer), word) {
				return sample.Refused
			}
		}
		return sample.Status
	case errors.As(err, &role) && Classify(err) == sample.Other:
		return sample.Status
	}
	return Classify(err)
}
