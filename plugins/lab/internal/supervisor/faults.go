package supervisor

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/nats-io/nats.go/jetstream"
	"golang.org/x/sync/errgroup"

	"github.com/gameday-toolkit/gameday/plugins/lab/internal/control"
	"github.com/gameday-toolkit/gameday/plugins/lab/internal/layout"
)

const (
	// HealTimeout is how long a healed part may take to work again before the healing counts as failed.
	HealTimeout = 60 * time.Second

	actTimeout  = 10 * time.Second
	expiryEvery = 2 * time.Second
	frozenMode  = "freeze"
)

// inject enters a record, keeps it on disk, and only then makes it true.
func (s *Supervisor) inject(ctx context.Context, r control.Record) error {
	s.faults.acting.Lock()
	defer s.faults.acting.Unlock()
	r.Created = time.Now()
	r.Expires = r.Created.Add(s.lab.Settings.FaultTTL)
	if r.Kind == control.QuotaExhaustion {
		r.Limits = map[string]int{}
		for _, region := range r.Targets {
			r.Limits[region] = s.quotaState(region).Used + r.Headroom
		}
	}
	r, err := s.faults.add(r)
	if err != nil {
		return err
	}
	if r.State == control.Active {
		return nil
	}
	if err := s.dir.SaveFaults(s.faults.all()); err != nil {
		s.faults.remove(r.Key())
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, actTimeout)
	defer cancel()
	if err := s.apply(ctx, r); err != nil {
		return fmt.Errorf("injecting %s: %w", r.ID, err)
	}
	s.faults.setState(r.Key(), control.Active)
	return s.dir.SaveFaults(s.faults.all())
}

func (s *Supervisor) apply(ctx context.Context, r control.Record) error {
	switch r.Kind {
	case control.ZoneIsolation, control.ZoneLatency, control.LinkLatency:
		s.applyNetwork()
	case control.DNSFailure:
		s.dns.Fail(s.dnsFailures())
	case control.QuotaExhaustion:
		for region, limit := range r.Limits {
			s.instances.quotas[region].Clamp(r.Key(), limit)
		}
	case control.ZoneOutage:
		return s.takeDown(ctx, r, r.Targets, nil)
	case control.RegionOutage:
		s.applyNetwork()
		var zones, edges []string
		for _, region := range r.Targets {
			zones = append(zones, layout.ZonesOf(region)...)
			edges = append(edges, edgeOf(region))
		}
		return s.takeDown(ctx, r, zones, edges)
	default:
		return fmt.Errorf("the lab knows no fault of the kind %q", r.Kind)
	}
	return nil
}

// takeDown kills or freezes zones with all that runs in them. Extra instances are frozen with their zone, but die for
// good with it: a cloud does not bring an instance back.
func (s *Supervisor) takeDown(ctx context.Context, r control.Record, zones, others []string) error {
	names := append(slices.Clone(zones), others...)
	extras := s.findExtra(func(e *extra) bool { return slices.Contains(zones, e.Zone) })
	for _, e := range extras {
		names = append(names, e.Name)
	}
	if err := s.runner.Hold(ctx, r.Key(), r.Mode == frozenMode, names...); err != nil {
		return err
	}
	if r.Mode != frozenMode {
		for _, e := range extras {
			s.forget(e)
		}
	}
	return nil
}

// heal undoes a record and waits until what it hurt works again; only then is the record gone. Healing what is not there
// is no error, and a healing that was cut short can be done again.
func (s *Supervisor) heal(ctx context.Context, key string) error {
	r, ok, err := s.undo(key)
	if err != nil {
		return fmt.Errorf("healing %s: %w", r.ID, err)
	}
	if !ok {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, HealTimeout)
	defer cancel()
	if err := s.waitHealed(ctx, r); err != nil {
		return fmt.Errorf("healing %s: %w", r.ID, err)
	}
	s.faults.remove(key)
	return s.dir.SaveFaults(s.faults.all())
}

// undo takes a record's effect away; false if there is no such record. An inject of the same fault that is still on its
// way is refused when it arrives.
func (s *Supervisor) undo(key string) (control.Record, bool, error) {
	s.faults.acting.Lock()
	defer s.faults.acting.Unlock()
	s.faults.markHealed(key)
	r, ok := s.faults.find(key)
	if !ok || !s.faults.setState(key, control.Reverting) {
		return r, false, nil
	}
	if err := s.dir.SaveFaults(s.faults.all()); err != nil {
		return r, true, err
	}
	s.applyNetwork()
	s.dns.Fail(s.dnsFailures())
	for _, quota := range s.instances.quotas {
		quota.Unclamp(r.Key())
	}
	_, err := s.runner.Release(key)
	return r, true, err
}

// waitHealed waits for the zones that the fault hurt, but for those that another fault still holds, and then for the
// mirror.
func (s *Supervisor) waitHealed(ctx context.Context, r control.Record) error {
	g, all := errgroup.WithContext(ctx)
	impaired := s.impairedZones()
	for _, zone := range zonesOf(r) {
		if !impaired[zone] {
			g.Go(func() error { return s.waitForZone(all, zone) })
		}
	}
	if err := g.Wait(); err != nil {
		return err
	}
	switch r.Kind {
	case control.QuotaExhaustion, control.DNSFailure, control.ZoneLatency:
		return nil
	}
	return s.settle(ctx)
}

// settle waits until every region that can has a leader, and the mirror has what its origin has.
func (s *Supervisor) settle(ctx context.Context) error {
	answering := map[string]*jetstream.StreamInfo{}
	for _, region := range layout.Regions() {
		if !s.quorum(region) {
			continue
		}
		if err := s.stores[region].WaitFor(ctx, region+" to have a leader", func(i *jetstream.StreamInfo) bool {
			answering[region] = i
			return true
		}); err != nil {
			return err
		}
	}
	for _, region := range layout.Regions() {
		mirror, of := answering[region], layout.Other(region)
		if mirror == nil || mirror.Config.Mirror == nil || answering[of] == nil || s.linkCut() {
			continue
		}
		if err := s.settleMirror(ctx, region, of); err != nil {
			return err
		}
	}
	return nil
}

// quorum says whether the faults leave a region enough zones to agree on anything.
func (s *Supervisor) quorum(region string) bool {
	impaired, left := s.impairedZones(), 0
	for _, zone := range layout.ZonesOf(region) {
		if !impaired[zone] {
			left++
		}
	}
	return left >= 2
}

// zonesOf are the zones whose health a fault touches.
func zonesOf(r control.Record) []string {
	switch r.Kind {
	case control.ZoneOutage, control.ZoneIsolation, control.ZoneLatency:
		return r.Targets
	case control.RegionOutage:
		var out []string
		for _, region := range r.Targets {
			out = append(out, layout.ZonesOf(region)...)
		}
		return out
	}
	return nil
}

// impairedZones are those that some fault in force has taken away.
func (s *Supervisor) impairedZones() map[string]bool {
	out := map[string]bool{}
	for _, r := range s.faults.inForce() {
		if r.Kind == control.ZoneLatency {
			continue // slow is not gone
		}
		for _, zone := range zonesOf(r) {
			out[zone] = true
		}
	}
	return out
}

// expireFaults heals what nobody has reverted in time: the lab's own clock, below every engine and plugin.
func (s *Supervisor) expireFaults(ctx context.Context) {
	for sleep(ctx, expiryEvery) {
		for _, r := range s.faults.all() {
			if time.Now().Before(r.Expires) {
				continue
			}
			err := s.heal(ctx, r.Key())
			if err == nil || errors.Is(err, context.Canceled) {
				s.note(control.Noticed, "lab", r.ID, "healed "+r.Key()+": it was older than "+s.lab.Settings.FaultTTL.String())
			}
		}
	}
}
