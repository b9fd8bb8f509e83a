package supervisor

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"sync"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/gameday-toolkit/gameday/plugins/lab/internal/balancer"
	"github.com/gameday-toolkit/gameday/plugins/lab/internal/control"
	"github.com/gameday-toolkit/gameday/plugins/lab/internal/layout"
	"github.com/gameday-toolkit/gameday/plugins/lab/internal/runner"
)

// status gathers the whole lab; what does not answer in time is left out.
func (s *Supervisor) status(ctx context.Context) control.Status {
	st := control.Status{
		ID: s.lab.ID, Ready: s.isReady(), Uptime: time.Since(s.lab.Created), Active: s.role.current().Active,
		DNS: map[string]string{}, Regions: map[string]control.RegionStatus{}, Links: s.fabric.Rules(),
		Failures: s.dnsFailures(), Faults: s.faults.all(), Procs: map[string]control.ProcessStatus{},
	}
	for _, name := range layout.Services() {
		st.DNS[name] = s.resolve(name).String()
	}
	s.fillProcesses(&st)
	var mu sync.Mutex
	var wg sync.WaitGroup
	for _, region := range layout.Regions() {
		wg.Go(func() {
			r := s.regionStatus(ctx, region)
			mu.Lock()
			defer mu.Unlock()
			st.Regions[region] = r
		})
	}
	wg.Wait()
	trueLag(st.Regions)
	return st
}

// trueLag replaces what a mirror believes by what is so, where both regions answer: a mirror that has lost its origin
// believes that it is up to date for as long as it hears nothing.
func trueLag(regions map[string]control.RegionStatus) {
	for name, r := range regions {
		origin := regions[layout.Other(name)].Store
		if r.Store.Mirror && r.Store.Err == "" && origin.Err == "" && origin.LastSeq > r.Store.LastSeq {
			r.Store.Lag = origin.LastSeq - r.Store.LastSeq
			regions[name] = r
		}
	}
}

func (s *Supervisor) fillProcesses(st *control.Status) {
	views := s.runner.Views()
	views["supervisor"] = runner.View{ID: s.self, State: runner.Running}
	for name, v := range views {
		p := control.ProcessStatus{ID: v.ID, State: v.State}
		if info, err := v.Look(); err == nil {
			p.RSS = info.RSS
		}
		st.RSS += p.RSS
		st.Procs[name] = p
	}
}

func (s *Supervisor) regionStatus(ctx context.Context, region string) control.RegionStatus {
	r := control.RegionStatus{
		Role: s.roleOf(region), Healthy: s.failover.Healthy(region),
		Quota: s.quotaState(region), Instances: s.listInstances(region),
	}
	one, cancel := context.WithTimeout(ctx, lookTimeout)
	defer cancel()
	if backends, err := s.backends(one, region); err == nil {
		for _, b := range backends {
			r.Backends = append(r.Backends, control.Backend(b))
		}
	}
	info, err := s.look(ctx, region)
	if err != nil {
		r.Store.Err = err.Error()
		return r
	}
	r.Store = storeStatus(info)
	return r
}

func storeStatus(info *jetstream.StreamInfo) control.StoreStatus {
	out := control.StoreStatus{Messages: info.State.Msgs, LastSeq: info.State.LastSeq, Mirror: info.Config.Mirror != nil}
	if info.Cluster != nil {
		out.Leader = info.Cluster.Leader
	}
	if info.Mirror != nil {
		out.Lag, out.Seen = info.Mirror.Lag, info.Mirror.Active
	}
	return out
}

func (s *Supervisor) roleOf(region string) string {
	switch s.role.current().Active {
	case region:
		return "active"
	case "":
		return "fenced"
	}
	return "standby"
}

// backends asks a region's load balancer what it thinks.
func (s *Supervisor) backends(ctx context.Context, region string) ([]balancer.Status, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+s.lab.LB(region)+balancer.StatusPath, nil)
	if err != nil {
		return nil, err
	}
	resp, err := s.http.Do(req)
	if err != nil {
		return nil, err
	}
	defer func() { _ = resp.Body.Close() }()
	var out []balancer.Status
	return out, json.NewDecoder(io.LimitReader(resp.Body, 1<<20)).Decode(&out)
}
