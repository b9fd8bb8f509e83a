package dns

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"strings"

	"github.com/gameday-toolkit/gameday/plugins/dns/internal/divert"
	"github.com/gameday-toolkit/gameday/plugins/dns/internal/forward"
	"github.com/gameday-toolkit/gameday/plugins/dns/internal/netns"
	"github.com/gameday-toolkit/gameday/plugins/dns/internal/rule"
)

// forwarding is the forwarder for one server in one namespace. Several faults share it, so that each query meets all rules.
type forwarding struct {
	key   string
	uses  int // needs the provider's lock
	local netip.AddrPort
	set   *rule.Set
	serve *forward.Forwarder
	dials *netns.Dialer
}

// join finds the forwarder for a server, or starts it.
func (p *provider) join(in netns.Ref, server netip.Addr) (*forwarding, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	key := in.ID + "/" + server.String()
	f := p.forwards[key]
	if f == nil {
		var err error
		if f, err = newForwarding(in, server); err != nil {
			return nil, err
		}
		f.key, p.forwards[key] = key, f
	}
	f.uses++
	return f, nil
}

// leave takes a rule away, and ends the forwarder with the last of them.
func (p *provider) leave(f *forwarding, id string) {
	f.set.Drop(id)
	p.mu.Lock()
	f.uses--
	last := f.uses == 0
	if last {
		delete(p.forwards, f.key)
	}
	p.mu.Unlock()
	if last {
		f.serve.Stop()
		_ = f.dials.Close()
	}
}

// drain ends a rule, so that what it delays goes on at once, and waits for the answers under way.
func (p *provider) drain(ctx context.Context, in netns.Ref, id string) {
	p.mu.Lock()
	var open []*forwarding
	for key, f := range p.forwards {
		if strings.HasPrefix(key, in.ID+"/") {
			open = append(open, f)
		}
	}
	p.mu.Unlock()
	ctx, cancel := context.WithTimeout(ctx, drainFor)
	defer cancel()
	for _, f := range open {
		f.set.Drop(id)
	}
	for _, f := range open {
		f.serve.Drain(ctx)
	}
}

// dnsPort is where servers are asked.
const dnsPort = 53

func newForwarding(in netns.Ref, server netip.Addr) (*forwarding, error) {
	local, err := localFor(in, server)
	if err != nil {
		return nil, err
	}
	ns, err := in.Open()
	if err != nil {
		return nil, err
	}
	d, err := netns.NewDialer(ns, divert.Mark)
	if err != nil {
		return nil, err
	}
	udp, tcp, err := d.Listen(local)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("listening on %s: %w", local, err), d.Close())
	}
	f := &forwarding{dials: d, set: rule.NewSet(), local: udp.LocalAddr().(*net.UDPAddr).AddrPort()}
	f.serve = &forward.Forwarder{Rules: f.set, Server: netip.AddrPortFrom(server, dnsPort), Dial: d.Dial}
	if err := f.serve.Start(udp, tcp); err != nil {
		return nil, errors.Join(err, d.Close())
	}
	return f, nil
}

// localFor is the namespace's own address on the way to a server, which is the server's where that is one of them.
func localFor(in netns.Ref, server netip.Addr) (local netip.Addr, err error) {
	ns, err := in.Open()
	if err != nil {
		return local, err
	}
	defer func() { _ = ns.Close() }()
	err = netns.Do(ns, func() error {
		c, err := net.DialUDP("udp", nil, net.UDPAddrFromAddrPort(netip.AddrPortFrom(server, dnsPort))) // which sends nothing
		if err != nil {
			return err
		}
		local = c.LocalAddr().(*net.UDPAddr).AddrPort().Addr().Unmap()
		return c.Close()
	})
	return local, err
}
