package client

import (
	"context"
	"net"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"
)

// lingering is how long a connection that was given up may still take to tell the server so.
const lingering = time.Second

// PostgresPool keeps connections for their next use, the latest first. It makes as many as are asked for at once: who asks
// has a limit of its own. A connection that has died while it lay idle is found out by whoever uses it next, as it is by a
// service.
type PostgresPool struct {
	config *pgx.ConnConfig
	dialer *Dialer
	keep   bool

	life   context.Context
	stop   context.CancelFunc
	ending sync.WaitGroup

	mu   sync.Mutex
	idle []*pgx.Conn
}

// connecting marks the context of a connection that is being made. The driver dials without it only to cancel a query.
type connecting struct{}

func newPostgresPool(config *pgx.ConnConfig, dialer *Dialer, keep bool) *PostgresPool {
	p := &PostgresPool{config: config, dialer: dialer, keep: keep}
	p.life, p.stop = context.WithCancel(context.Background())
	config.LookupFunc = func(_ context.Context, host string) ([]string, error) { return []string{host}, nil } // the dialer's business
	config.DialFunc = p.dial
	return p
}

func (p *PostgresPool) dial(ctx context.Context, network, address string) (net.Conn, error) {
	if network == "unix" { // there is no name to look up
		return new(net.Dialer).DialContext(ctx, network, address)
	}
	if ctx.Value(connecting{}) != nil {
		return p.dialer.DialContext(ctx, network, address)
	}
	ctx, cancel := context.WithTimeout(ctx, lingering)
	defer cancel()
	defer context.AfterFunc(p.life, cancel)()
	conn, err := p.dialer.DialContext(ctx, network, address)
	if err == nil {
		err = conn.SetDeadline(time.Now().Add(lingering))
	}
	return conn, err
}

// Get gives a connection, which is new where none is idle. Give it back.
func (p *PostgresPool) Get(ctx context.Context) (*pgx.Conn, error) {
	if conn := p.pop(); conn != nil {
		return conn, nil
	}
	config := p.config.Copy()
	config.ConnectTimeout = share(ctx, 1+len(config.Fallbacks))
	return pgx.ConnectConfig(context.WithValue(ctx, connecting{}, true), config)
}

func (p *PostgresPool) pop() (conn *pgx.Conn) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if n := len(p.idle); n > 0 {
		conn, p.idle = p.idle[n-1], p.idle[:n-1]
	}
	return conn
}

// Put takes a connection back: to be used again, or where it is broken or in the middle of something, to be closed.
func (p *PostgresPool) Put(conn *pgx.Conn) {
	if p.keep && p.life.Err() == nil && !conn.IsClosed() && conn.PgConn().TxStatus() == 'I' {
		p.mu.Lock()
		defer p.mu.Unlock()
		p.idle = append(p.idle, conn)
		return
	}
	p.ending.Go(func() { p.end(conn) })
}

// end says goodbye. The driver may itself be about to cancel a query that was cut off and to close the connection after
// that; neither takes longer than lingering.
func (p *PostgresPool) end(conn *pgx.Conn) {
	ctx, cancel := context.WithTimeout(p.life, lingering)
	defer cancel()
	stop := context.AfterFunc(ctx, func() { _ = conn.PgConn().Conn().Close() })
	defer stop()
	_ = conn.Close(ctx)
	<-conn.PgConn().CleanupDone()
}

// Waiting says whether a lookup of one of the servers is under way right now.
func (p *PostgresPool) Waiting() bool {
	waiting := p.dialer.Waiting(p.config.Host)
	for _, f := range p.config.Fallbacks {
		waiting = waiting || p.dialer.Waiting(f.Host)
	}
	return waiting
}

// Close closes what is idle, and waits for what is ending.
func (p *PostgresPool) Close() {
	p.mu.Lock()
	idle := p.idle
	p.idle = nil
	p.mu.Unlock()
	for _, conn := range idle {
		p.ending.Go(func() { p.end(conn) })
	}
	all := make(chan struct{})
	go func() { p.ending.Wait(); close(all) }()
	select {
	case <-all:
	case <-time.After(lingering):
	}
	p.stop()
	<-all
	p.dialer.Close()
}
