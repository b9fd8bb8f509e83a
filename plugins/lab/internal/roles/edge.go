package roles

import (
	"context"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/gameday-toolkit/gameday/plugins/lab/internal/autoscale"
	"github.com/gameday-toolkit/gameday/plugins/lab/internal/balancer"
	"github.com/gameday-toolkit/gameday/plugins/lab/internal/control"
	"github.com/gameday-toolkit/gameday/plugins/lab/internal/labdir"
	"github.com/gameday-toolkit/gameday/plugins/lab/internal/layout"
)

// reportTimeout bounds how long an event may hold up what caused it.
const reportTimeout = time.Second

// Edge runs a region's load balancer and its autoscaler until the context ends.
func Edge(ctx context.Context, dir labdir.Dir, region string) error {
	client, lab, err := control.Dial(dir)
	if err != nil {
		return err
	}
	e := &edge{client: client, region: region}
	e.lb = balancer.New(e.discover, e.backendChanged)
	scaler := autoscale.New(len(layout.ZonesOf(region)), e, e.scaled)
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error { e.lb.Run(ctx); return nil })
	g.Go(func() error { scaler.Run(ctx); return nil })
	g.Go(func() error { return serve(ctx, lab.LB(region), e.lb) })
	return g.Wait()
}

type edge struct {
	client *control.Client
	region string
	lb     *balancer.Balancer
}

func (e *edge) discover(ctx context.Context) ([]balancer.Backend, error) {
	got, err := e.client.Instances(ctx, e.region)
	if err != nil {
		return nil, err
	}
	var out []balancer.Backend
	for _, i := range got.Instances {
		if i.State == "running" {
			out = append(out, balancer.Backend{Name: i.Name, Zone: i.Zone, Addr: i.Addr})
		}
	}
	return out, nil
}

// Instances joins what the control API has with what the load balancer thinks of it.
func (e *edge) Instances(ctx context.Context) ([]autoscale.Instance, error) {
	got, err := e.client.Instances(ctx, e.region)
	if err != nil {
		return nil, err
	}
	healthy := map[string]bool{}
	for _, s := range e.lb.Status() {
		healthy[s.Name] = s.Healthy
	}
	var out []autoscale.Instance
	for _, i := range got.Instances {
		out = append(out, autoscale.Instance{
			Name: i.Name, Healthy: healthy[i.Name], Extra: i.Extra, Pending: i.State != "running",
		})
	}
	return out, nil
}

func (e *edge) Launch(ctx context.Context) (string, error) {
	i, err := e.client.Launch(ctx, e.region, false)
	return i.Name, err
}

func (e *edge) Terminate(ctx context.Context, name string) error {
	return e.client.Terminate(ctx, e.region, name)
}

func (e *edge) backendChanged(s balancer.Status) {
	if s.Healthy {
		e.report(control.Recovered, "load balancer "+e.region, s.Name, s.Name+" passes its health checks again: it gets requests")
		return
	}
	e.report(control.Detected, "load balancer "+e.region, s.Name, s.Name+" failed its health checks and gets no more requests: "+s.Reason)
}

func (e *edge) scaled(n autoscale.Note) {
	kind := control.Noticed
	if n.Denied {
		kind = control.Limited
	}
	e.report(kind, "autoscaler "+e.region, e.region, n.Summary)
}

func (e *edge) report(kind, source, subject, summary string) {
	ctx, cancel := context.WithTimeout(context.Background(), reportTimeout)
	defer cancel()
	// An event that cannot be told is lost; what it tells of has happened all the same.
	_ = e.client.Report(ctx, control.Event{
		At: time.Now(), Kind: kind, Source: source, Subject: subject, Summary: summary,
	})
}
