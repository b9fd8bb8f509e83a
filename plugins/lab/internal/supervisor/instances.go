package supervisor

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/gameday-toolkit/gameday/plugins/lab/internal/capacity"
	"github.com/gameday-toolkit/gameday/plugins/lab/internal/control"
	"github.com/gameday-toolkit/gameday/plugins/lab/internal/fabric"
	"github.com/gameday-toolkit/gameday/plugins/lab/internal/layout"
)

const (
	// BootTime is how long an instance takes from its launch to its start, as in a cloud.
	BootTime = time.Second
	// DrainTime is how long an instance that is given back still finishes its requests.
	DrainTime = time.Second
)

// The states of an instance.
const (
	statePending = "pending"
	stateRunning = "running"
)

// instanceBook is what the regions have beyond their zones.
type instanceBook struct {
	mu     sync.Mutex
	quotas map[string]*capacity.Quota
	extras []*extra
	serial int
}

type extra struct {
	control.Instance
	slot int
}

var errNoRoom = errors.New("no zone of the region can take an instance")

// used counts against the quota: the instances of the zones, dead or alive, and the extras.
func (b *instanceBook) used(region string) int {
	n := len(layout.ZonesOf(region))
	for _, e := range b.extras {
		if layout.RegionOf(e.Name) == region {
			n++
		}
	}
	return n
}

func (s *Supervisor) quotaState(region string) control.QuotaState {
	s.instances.mu.Lock()
	defer s.instances.mu.Unlock()
	return control.QuotaState{Limit: s.instances.quotas[region].Limit(), Used: s.instances.used(region)}
}

// listInstances lists the zones' own instances and the extras.
func (s *Supervisor) listInstances(region string) []control.Instance {
	var out []control.Instance
	for _, zone := range layout.ZonesOf(region) {
		out = append(out, control.Instance{
			Name: zone, Zone: zone, Addr: s.lab.Front(zone), Direct: s.lab.Shop(zone), State: stateRunning,
		})
	}
	s.instances.mu.Lock()
	defer s.instances.mu.Unlock()
	for _, e := range s.instances.extras {
		if layout.RegionOf(e.Name) == region {
			out = append(out, e.Instance)
		}
	}
	return out
}

// launch grants an instance, or says why not. It boots in the background.
func (s *Supervisor) launch(region string, dryRun bool) (control.Instance, error) {
	if err := s.ctx.Err(); err != nil {
		return control.Instance{}, err
	}
	impaired := s.impairedZones()
	b := &s.instances
	b.mu.Lock()
	defer b.mu.Unlock()
	if err := b.quotas[region].Ask(b.used(region), dryRun); err != nil || dryRun {
		return control.Instance{}, err
	}
	zone, slot := b.place(region, impaired)
	if zone == "" || slot < 0 {
		return control.Instance{}, errNoRoom
	}
	b.serial++
	e := &extra{slot: slot, Instance: control.Instance{
		Name: fmt.Sprintf("%s-%d", zone, b.serial+1), Zone: zone, Extra: true, State: statePending,
		Addr: s.lab.ExtraFront(region, slot), Direct: s.lab.ExtraShop(region, slot),
	}}
	b.extras = append(b.extras, e)
	s.wg.Go(func() { s.boot(e) })
	return e.Instance, nil
}

// place finds the zone with the fewest extras among those that nothing is wrong with, and a free slot.
func (b *instanceBook) place(region string, impaired map[string]bool) (string, int) {
	count := map[string]int{}
	taken := map[int]bool{}
	for _, e := range b.extras {
		if layout.RegionOf(e.Name) == region {
			count[e.Zone]++
			taken[e.slot] = true
		}
	}
	best := ""
	for _, zone := range layout.ZonesOf(region) {
		if !impaired[zone] && (best == "" || count[zone] < count[best]) {
			best = zone
		}
	}
	for slot := range layout.MaxExtras {
		if !taken[slot] {
			return best, slot
		}
	}
	return best, -1
}

// boot starts an instance after its boot time. One whose zone was lost meanwhile is given up.
func (s *Supervisor) boot(e *extra) {
	if !sleep(s.ctx, BootTime) {
		return
	}
	s.faults.acting.Lock()
	defer s.faults.acting.Unlock()
	if !s.known(e) {
		return
	}
	if err := s.bootNow(e); err != nil {
		s.forget(e)
		s.note(control.Noticed, "control api", e.Name, e.Name+" did not start: "+err.Error())
		return
	}
	s.instances.mu.Lock()
	e.State = stateRunning
	s.instances.mu.Unlock()
}

func (s *Supervisor) bootNow(e *extra) error {
	link := fabric.Spec{
		Name: "front:" + e.Name, From: edgeOf(layout.RegionOf(e.Name)), To: e.Zone, Listen: e.Addr, Target: e.Direct,
	}
	link.Rule = s.rule(link)
	if err := s.fabric.Add(link); err != nil {
		return err
	}
	return s.runner.Start(s.spec(e.Name, "shop", e.Name, e.Direct))
}

func (s *Supervisor) known(e *extra) bool {
	s.instances.mu.Lock()
	defer s.instances.mu.Unlock()
	return slices.Contains(s.instances.extras, e)
}

// forget ends an instance that is there or half there.
func (s *Supervisor) forget(e *extra) {
	s.instances.mu.Lock()
	s.instances.extras = slices.DeleteFunc(s.instances.extras, func(o *extra) bool { return o == e })
	s.instances.mu.Unlock()
	s.fabric.Remove("front:" + e.Name)
	s.runner.Remove(e.Name)
}

// terminate gives an extra instance back: no new requests, time for those under way, then the end.
func (s *Supervisor) terminate(ctx context.Context, region, name string) error {
	e := s.findExtra(func(e *extra) bool { return e.Name == name && layout.RegionOf(name) == region })
	if len(e) == 0 {
		return fmt.Errorf("%s has no extra instance %q", region, name)
	}
	s.instances.mu.Lock()
	e[0].State = "draining"
	s.instances.mu.Unlock()
	s.wg.Go(func() {
		sleep(s.ctx, DrainTime)
		s.forget(e[0])
	})
	return ctx.Err()
}

func (s *Supervisor) findExtra(match func(*extra) bool) []*extra {
	s.instances.mu.Lock()
	defer s.instances.mu.Unlock()
	var out []*extra
	for _, e := range s.instances.extras {
		if match(e) {
			out = append(out, e)
		}
	}
	return out
}
