package supervisor

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"time"

	"github.com/miekg/dns"
	"golang.org/x/sync/errgroup"

	"github.com/gameday-toolkit/gameday/plugins/lab/internal/fabric"
	"github.com/gameday-toolkit/gameday/plugins/lab/internal/layout"
	"github.com/gameday-toolkit/gameday/plugins/lab/internal/orders"
	"github.com/gameday-toolkit/gameday/plugins/lab/internal/runner"
)

// edgeOf names the process of a region's load balancer and autoscaler.
func edgeOf(region string) string { return region + "-edge" }

const pollEvery = 25 * time.Millisecond

// start lays the network, starts the processes and waits until users would be served.
func (s *Supervisor) start(ctx context.Context) error {
	for _, link := range links(s.lab.Plan, s.lab.Settings.LinkDelay) {
		if err := s.fabric.Add(link); err != nil {
			return err
		}
	}
	for _, zone := range layout.Zones() {
		if err := s.runner.Start(s.spec(zone, "zone", zone)); err != nil {
			return err
		}
	}
	for _, region := range layout.Regions() {
		if err := s.runner.Start(s.spec(edgeOf(region), "edge", region)); err != nil {
			return err
		}
		store, err := orders.Connect(s.lab.ClientURLs(region), "supervisor", s.lab.Settings.ClientPing)
		if err != nil {
			return err
		}
		s.stores[region] = store
	}
	return s.waitUntilServing(ctx)
}

func (s *Supervisor) spec(name, role string, args ...string) runner.Spec {
	return runner.Spec{Name: name, Args: append([]string{"role", role, "-dir", string(s.dir)}, args...)}
}

// links lays the network. Between zones of a region run the routes, between the regions the leaf links, and into each
// zone the load balancer's front link.
func links(plan layout.Plan, delay time.Duration) []fabric.Spec {
	var out []fabric.Spec
	for _, from := range layout.Zones() {
		out = append(out, fabric.Spec{
			Name: "front:" + from, From: edgeOf(layout.RegionOf(from)), To: from,
			Listen: plan.Front(from), Target: plan.Shop(from),
		})
		for _, to := range layout.ZonesOf(layout.RegionOf(from)) {
			if from != to {
				out = append(out, fabric.Spec{
					Name: "route:" + from + ":" + to, From: from, To: to,
					Listen: plan.Route(from, to), Target: plan.Cluster(to),
				})
			}
		}
	}
	for _, west := range layout.ZonesOf(layout.West) {
		for _, east := range layout.ZonesOf(layout.East) {
			out = append(out, fabric.Spec{
				Name: "leaf:" + west + ":" + east, From: west, To: east,
				Listen: plan.LeafLink(west, east), Target: plan.Leaf(east), Rule: fabric.Rule{Delay: delay},
			})
		}
	}
	return out
}

func (s *Supervisor) waitUntilServing(ctx context.Context) error {
	g, all := errgroup.WithContext(ctx)
	g.Go(func() error { return s.createStreams(all) })
	g.Go(func() error {
		return s.poll(all, "east to take orders", func(ctx context.Context) error { return s.checkRegion(ctx, layout.East) })
	})
	for _, zone := range layout.Zones() {
		g.Go(func() error { return s.waitForZone(all, zone) })
	}
	if err := g.Wait(); err != nil {
		return err
	}
	return s.poll(ctx, "DNS", s.askDNS)
}

func (s *Supervisor) createStreams(ctx context.Context) error {
	if err := s.stores[layout.East].CreatePrimary(ctx, layout.East); err != nil {
		return err
	}
	if err := s.stores[layout.West].CreateMirror(ctx, layout.West, layout.East); err != nil {
		return err
	}
	return s.settleMirror(ctx, layout.West, layout.East)
}

// waitForZone waits until the zone's node is current and its load balancer sends it requests.
func (s *Supervisor) waitForZone(ctx context.Context, zone string) error {
	return s.poll(ctx, zone+" to be healthy", func(ctx context.Context) error {
		if err := s.get(ctx, "http://"+s.lab.Shop(zone)+"/currentz"); err != nil {
			return err
		}
		backends, err := s.backends(ctx, layout.RegionOf(zone))
		if err != nil {
			return err
		}
		for _, b := range backends {
			if b.Name == zone && b.Healthy {
				return nil
			}
		}
		return fmt.Errorf("the load balancer does not use %s yet", zone)
	})
}

// poll repeats a check, each with a deadline of its own, until it passes or the context ends.
func (s *Supervisor) poll(ctx context.Context, what string, check func(context.Context) error) error {
	for {
		one, cancel := context.WithTimeout(ctx, time.Second)
		err := check(one)
		cancel()
		if err == nil {
			return nil
		}
		if !sleep(ctx, pollEvery) {
			return fmt.Errorf("waiting for %s: %w (%w)", what, err, ctx.Err())
		}
	}
}

func sleep(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-ctx.Done():
		return false
	}
}

// get asks for a URL and wants 200.
func (s *Supervisor) get(ctx context.Context, url string) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return err
	}
	resp, err := s.http.Do(req)
	if err != nil {
		return err
	}
	defer func() { _ = resp.Body.Close() }()
	if resp.StatusCode != http.StatusOK {
		raw, _ := io.ReadAll(io.LimitReader(resp.Body, 200))
		return fmt.Errorf("%s answered %d: %s", url, resp.StatusCode, raw)
	}
	return nil
}

// checkRegion asks a region, through its load balancer, whether it would take an order now.
func (s *Supervisor) checkRegion(ctx context.Context, region string) error {
	return s.get(ctx, "http://"+s.lab.LB(region)+"/healthz")
}

// askDNS asks the lab's own DNS server, as a client would.
func (s *Supervisor) askDNS(ctx context.Context) error {
	q := new(dns.Msg)
	q.SetQuestion(dns.Fqdn(layout.Service), dns.TypeA)
	answer, err := dns.ExchangeContext(ctx, q, s.lab.DNS())
	if err != nil {
		return err
	}
	if len(answer.Answer) == 0 {
		return errors.New("DNS has no answer for " + layout.Service)
	}
	return nil
}

// resolve is what the DNS server answers.
func (s *Supervisor) resolve(name string) net.IP {
	switch name {
	case layout.Service:
		return net.ParseIP(layout.RegionIP(s.failover.Active()))
	case layout.East + "." + layout.Service:
		return net.ParseIP(layout.RegionIP(layout.East))
	case layout.West + "." + layout.Service:
		return net.ParseIP(layout.RegionIP(layout.West))
	}
	return nil
}
