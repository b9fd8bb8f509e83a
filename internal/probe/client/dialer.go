package client

import (
	"context"
	"net"
	"net/netip"
	"time"
)

// Dialer connects by the system's resolver, or by one of our own.
type Dialer struct {
	resolver *Resolver // nil: the system's
	dialer   net.Dialer
}

// NewDialer makes a dialer; an empty server means the system's resolver. Close it.
func NewDialer(server string) (*Dialer, error) {
	d := &Dialer{dialer: net.Dialer{KeepAlive: 15 * time.Second}}
	if server == "" {
		return d, nil
	}
	r, err := NewResolver(server)
	if err != nil {
		return nil, err
	}
	d.resolver = r
	return d, nil
}

// Close ends lookups under way. Connections that were made stay.
func (d *Dialer) Close() {
	if d.resolver != nil {
		d.resolver.Close()
	}
}

// Waiting says whether a lookup of the host is under way right now.
func (d *Dialer) Waiting(host string) bool { return d.resolver != nil && d.resolver.Waiting(host) }

// DialContext connects to host:port. The addresses of a name are tried in the order of the answer, each with its share of
// the time that is left, as net.Dialer does.
func (d *Dialer) DialContext(ctx context.Context, network, address string) (net.Conn, error) {
	if d.resolver == nil {
		return d.dialer.DialContext(ctx, network, address)
	}
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		return nil, err
	}
	if _, err := netip.ParseAddr(host); err == nil {
		return d.dialer.DialContext(ctx, network, address)
	}
	addrs, err := d.resolver.Lookup(ctx, host)
	if err != nil {
		return nil, err
	}
	return d.dialAny(ctx, network, addrs, port)
}

func (d *Dialer) dialAny(ctx context.Context, network string, addrs []netip.Addr, port string) (net.Conn, error) {
	var first error
	for i, a := range addrs {
		conn, err := d.dialOne(ctx, network, net.JoinHostPort(a.String(), port), len(addrs)-i)
		if err == nil {
			return conn, nil
		}
		if first == nil {
			first = err
		}
		if ctx.Err() != nil {
			break
		}
	}
	return nil, first
}

func (d *Dialer) dialOne(ctx context.Context, network, address string, left int) (net.Conn, error) {
	if deadline, ok := ctx.Deadline(); ok && left > 1 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, time.Until(deadline)/time.Duration(left))
		defer cancel()
	}
	conn, err := d.dialer.DialContext(ctx, network, address)
	if err != nil {
		return nil, err
	}
	return conn, nil
}
