package autoscale

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// How the autoscaler decides.
const (
	Interval = time.Second
	// LossTicks is for how many looks in a row capacity must be missing before it is replaced.
	LossTicks = 2
	// SurplusTicks is for how many looks in a row there must be too much before some is given back.
	SurplusTicks = 8
	// Backoff is the pause after the control API has denied a launch.
	Backoff = 2 * time.Second
	// LaunchPatience is how long a launch may take before it counts as lost.
	LaunchPatience = 15 * time.Second
)

// Instance is one of the region's instances, as the load balancer and the control API see it.
type Instance struct {
	Name    string
	Healthy bool
	Extra   bool
	Pending bool
}

// Region is what the autoscaler sees of its region and may do there.
type Region interface {
	Instances(context.Context) ([]Instance, error)
	Launch(context.Context) (string, error)
	Terminate(ctx context.Context, name string) error
}

// Note is something the autoscaler did or was denied.
type Note struct {
	Denied  bool
	Summary string
}

// Autoscaler works for one region.
type Autoscaler struct {
	desired int
	region  Region
	note    func(Note)

	warm     bool // the region has been complete once: while it starts, nothing is lost yet
	missing  int
	surplus  int
	until    time.Time // no launches before
	denied   string    // the denial told last, so that each is told once
	launched map[string]time.Time
}

// New returns an autoscaler that wants so many healthy instances.
func New(desired int, region Region, note func(Note)) *Autoscaler {
	return &Autoscaler{desired: desired, region: region, note: note, launched: map[string]time.Time{}}
}

// Run looks once every Interval until the context ends.
func (a *Autoscaler) Run(ctx context.Context) {
	tick := time.NewTicker(Interval)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			one, cancel := context.WithTimeout(ctx, Interval)
			a.look(one)
			cancel()
		}
	}
}

func (a *Autoscaler) look(ctx context.Context) {
	all, err := a.region.Instances(ctx)
	if err != nil {
		return // whoever cannot see must not act
	}
	healthy := 0
	for _, i := range all {
		if i.Healthy {
			healthy++
			delete(a.launched, i.Name)
		}
	}
	missing := a.desired - healthy - a.coming()
	a.count(healthy, missing)
	switch {
	case !a.warm:
		a.warm = healthy >= a.desired
	case healthy == 0:
		// Everything at once is an outage of something else: replacing it all would not help, and would use up the quota.
	case a.missing >= LossTicks && time.Now().After(a.until):
		a.replace(ctx, healthy, missing)
	case a.surplus >= SurplusTicks:
		a.giveBack(ctx, all)
	}
}

func (a *Autoscaler) count(healthy, missing int) {
	a.missing++
	if missing <= 0 {
		a.missing = 0
	}
	a.surplus++
	if healthy <= a.desired {
		a.surplus = 0
	}
}

// coming counts the launches that may still become healthy.
func (a *Autoscaler) coming() int {
	for name, at := range a.launched {
		if time.Since(at) > LaunchPatience {
			delete(a.launched, name)
		}
	}
	return len(a.launched)
}

func (a *Autoscaler) replace(ctx context.Context, healthy, missing int) {
	for range missing {
		name, err := a.region.Launch(ctx)
		if err != nil {
			a.until = time.Now().Add(Backoff)
			if said := err.Error(); said != a.denied {
				a.denied = said
				a.note(Note{Denied: true, Summary: fmt.Sprintf(
					"asked for capacity (%d of %d instances healthy) and was denied: %s", healthy, a.desired, said)})
			}
			return
		}
		a.denied = ""
		a.launched[name] = time.Now()
		a.note(Note{Summary: fmt.Sprintf("launched %s (%d of %d instances healthy)", name, healthy, a.desired)})
	}
}

func (a *Autoscaler) giveBack(ctx context.Context, all []Instance) {
	for i := len(all) - 1; i >= 0; i-- {
		if !all[i].Extra {
			continue
		}
		a.surplus = 0
		if err := a.region.Terminate(ctx, all[i].Name); err != nil && !errors.Is(err, context.Canceled) {
			a.note(Note{Summary: fmt.Sprintf("could not give %s back: %v", all[i].Name, err)})
			return
		}
		a.note(Note{Summary: fmt.Sprintf("gave %s back: more than %d instances are healthy", all[i].Name, a.desired)})
		return
	}
}
