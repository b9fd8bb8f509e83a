package names

import (
	"context"
	"sync"
	"time"
)

// The health check behind the failover record.
const (
	CheckInterval  = time.Second
	CheckTimeout   = 800 * time.Millisecond
	CheckThreshold = 3
)

// Change is told when a region passes into health or out of it, or when users are sent elsewhere.
type Change struct {
	Region  string
	Healthy bool
	// Active is the region that the record points to now; Moved says whether this change moved it.
	Active string
	Moved  bool
	Reason string
}

// Failover decides which region the service's record points to. The primary is preferred. A region that fails
// CheckThreshold checks in a row is unhealthy, one good check makes it healthy again. When the primary is
// unhealthy and another region is healthy (which means that it can take orders), users go there; when none is healthy,
// the primary stays, because a wrong move can only make it worse.
type Failover struct {
	check  func(ctx context.Context, region string) error
	change func(Change)
	kick   chan struct{}

	mu      sync.Mutex
	primary string
	active  string
	regions []string
	bad     map[string]int
	reason  map[string]string
}

// NewFailover starts with every region healthy and users at the first.
func NewFailover(regions []string, check func(context.Context, string) error, change func(Change)) *Failover {
	f := &Failover{
		check: check, change: change, kick: make(chan struct{}, 1), regions: regions, primary: regions[0],
		active: regions[0], bad: map[string]int{}, reason: map[string]string{},
	}
	// The standby counts as unhealthy until a check says otherwise: at the start it cannot take orders.
	for _, r := range regions[1:] {
		f.bad[r] = CheckThreshold
	}
	return f
}

// Active is the region that users are sent to.
func (f *Failover) Active() string {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.active
}

// Healthy says what the checks think of a region.
func (f *Failover) Healthy(region string) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.bad[region] < CheckThreshold
}

// SetPrimary changes the preferred region and checks at once.
func (f *Failover) SetPrimary(region string) {
	f.mu.Lock()
	f.primary = region
	f.mu.Unlock()
	select {
	case f.kick <- struct{}{}:
	default:
	}
}

// Run checks the regions until the context ends.
func (f *Failover) Run(ctx context.Context) {
	tick := time.NewTicker(CheckInterval)
	defer tick.Stop()
	for {
		var wg sync.WaitGroup
		for _, region := range f.regions {
			wg.Go(func() { f.checkOne(ctx, region) })
		}
		wg.Wait()
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		case <-f.kick:
		}
	}
}

func (f *Failover) checkOne(ctx context.Context, region string) {
	ctx, cancel := context.WithTimeout(ctx, CheckTimeout)
	defer cancel()
	err := f.check(ctx, region)
	if err != nil && ctx.Err() == context.Canceled {
		return
	}
	if c, told := f.note(region, err); told {
		f.change(c)
	}
}

// note records one check and says whether anything changed by it.
func (f *Failover) note(region string, err error) (Change, bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	was, before := f.bad[region] < CheckThreshold, f.active
	if err == nil {
		f.bad[region], f.reason[region] = 0, ""
	} else {
		f.bad[region], f.reason[region] = min(f.bad[region]+1, CheckThreshold), err.Error()
	}
	f.active = f.choose()
	is := f.bad[region] < CheckThreshold
	c := Change{Region: region, Healthy: is, Active: f.active, Moved: f.active != before, Reason: f.reason[region]}
	return c, was != is || c.Moved
}

func (f *Failover) choose() string {
	if f.bad[f.primary] < CheckThreshold {
		return f.primary
	}
	for _, r := range f.regions {
		if f.bad[r] < CheckThreshold {
			return r
		}
	}
	return f.primary
}
