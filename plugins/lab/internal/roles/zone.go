package roles

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"time"

	"github.com/nats-io/nats.go"
	"golang.org/x/sync/errgroup"

	"github.com/gameday-toolkit/gameday/plugins/lab/internal/control"
	"github.com/gameday-toolkit/gameday/plugins/lab/internal/labdir"
	"github.com/gameday-toolkit/gameday/plugins/lab/internal/layout"
	"github.com/gameday-toolkit/gameday/plugins/lab/internal/node"
	"github.com/gameday-toolkit/gameday/plugins/lab/internal/orders"
	"github.com/gameday-toolkit/gameday/plugins/lab/internal/shop"
)

// Zone runs the NATS node and the shop of a zone until the context ends.
func Zone(ctx context.Context, dir labdir.Dir, zone string) error {
	client, lab, err := control.Dial(dir)
	if err != nil {
		return err
	}
	ns, err := node.Start(dir, lab.Plan, zone, dir.Path("logs/"+zone+"-nats.log"))
	if err != nil {
		return err
	}
	defer ns.Shutdown()
	store, err := orders.Connect("nats://"+lab.Client(zone), "shop "+zone, lab.Settings.ClientPing, nats.InProcessServer(ns))
	if err != nil {
		return err
	}
	defer store.Close()
	return serveShop(ctx, client, store, lab.Shop(zone), shop.Config{
		Instance: zone, Zone: zone, Region: layout.RegionOf(zone), Capacity: lab.Settings.Capacity,
		Current: func() error { return node.Current(ns) },
	})
}

// Shop runs an extra instance in a zone, on the node that the zone has, until the context ends.
func Shop(ctx context.Context, dir labdir.Dir, instance, listen string) error {
	client, lab, err := control.Dial(dir)
	if err != nil {
		return err
	}
	zone := layout.ZoneOf(instance)
	store, err := orders.Connect("nats://"+lab.Client(zone), "shop "+instance, lab.Settings.ClientPing)
	if err != nil {
		return err
	}
	defer store.Close()
	return serveShop(ctx, client, store, listen, shop.Config{
		Instance: instance, Zone: zone, Region: layout.RegionOf(zone), Capacity: lab.Settings.Capacity,
	})
}

func serveShop(ctx context.Context, client *control.Client, store *orders.Store, listen string, cfg shop.Config) error {
	s := shop.New(cfg, store)
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error { follow(ctx, client, s, cfg.Instance); return nil })
	g.Go(func() error { s.Watch(ctx); return nil })
	g.Go(func() error { return serve(ctx, listen, s.Handler()) })
	return g.Wait()
}

// follow keeps the shop's idea of the active region up to date. While the control plane is away the last word holds.
func follow(ctx context.Context, client *control.Client, s *shop.Shop, instance string) {
	const retryAfter = 100 * time.Millisecond
	for version := 0; ctx.Err() == nil; {
		role, err := client.Role(ctx, instance, version)
		if err != nil {
			pause(ctx, retryAfter)
			continue
		}
		if role.Version != version {
			s.SetActive(role.Active)
			version = role.Version
		}
	}
}

func pause(ctx context.Context, d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
	case <-ctx.Done():
	}
}

// serve answers HTTP until the context ends.
func serve(ctx context.Context, listen string, handler http.Handler) error {
	ln, err := (&net.ListenConfig{}).Listen(ctx, "tcp", listen)
	if err != nil {
		return fmt.Errorf("listening: %w", err)
	}
	srv := &http.Server{Handler: handler, ReadHeaderTimeout: 5 * time.Second, IdleTimeout: time.Minute}
	stop := context.AfterFunc(ctx, func() { _ = srv.Close() })
	defer stop()
	if err := srv.Serve(ln); !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("serving: %w", err)
	}
	return nil
}
