package autoscale_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/gameday-toolkit/gameday/plugins/lab/internal/autoscale"
)

// region is a cloud whose instances become healthy two seconds after their launch.
type region struct {
	mu      sync.Mutex
	base    []autoscale.Instance
	extras  []autoscale.Instance
	born    map[string]time.Time
	deny    error
	asked   int
	serials int
}

func newRegion(healthy ...bool) *region {
	r := &region{born: map[string]time.Time{}}
	for i, h := range healthy {
		r.base = append(r.base, autoscale.Instance{Name: fmt.Sprintf("zone-%d", i), Healthy: h})
	}
	return r
}

func (r *region) Instances(context.Context) ([]autoscale.Instance, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	out := append([]autoscale.Instance(nil), r.base...)
	for _, e := range r.extras {
		e.Healthy = time.Since(r.born[e.Name]) >= 2*time.Second
		out = append(out, e)
	}
	return out, nil
}

func (r *region) Launch(context.Context) (string, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.asked++
	if r.deny != nil {
		return "", r.deny
	}
	r.serials++
	name := fmt.Sprintf("extra-%d", r.serials)
	r.extras = append(r.extras, autoscale.Instance{Name: name, Extra: true})
	r.born[name] = time.Now()
	return name, nil
}

func (r *region) Terminate(_ context.Context, name string) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	for i, e := range r.extras {
		if e.Name == name {
			r.extras = append(r.extras[:i], r.extras[i+1:]...)
			return nil
		}
	}
	return errors.New("no such instance")
}

// watch runs an autoscaler over a region for a while and returns what it said.
func watch(t *testing.T, r *region, steps ...func()) []string {
	var notes []string
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan struct{})
		a := autoscale.New(3, r, func(n autoscale.Note) { notes = append(notes, n.Summary) })
		go func() { defer close(done); a.Run(ctx) }()
		for _, step := range steps {
			step()
			synctest.Wait()
		}
		cancel()
		<-done
	})
	return notes
}

// change changes the region while the autoscaler works.
func (r *region) change(act func()) func() {
	return func() {
		r.mu.Lock()
		defer r.mu.Unlock()
		act()
	}
}

func (r *region) lose(zones ...int) func() {
	return r.change(func() {
		for _, z := range zones {
			r.base[z].Healthy = false
		}
	})
}

func wait(d time.Duration) func() { return func() { time.Sleep(d) } }

func TestLostCapacityIsReplacedOnce(t *testing.T) {
	r := newRegion(true, true, true)
	notes := watch(t, r, wait(1500*time.Millisecond), r.lose(2), wait(10*time.Second))
	require.Len(t, r.extras, 1, "one instance was missing: %v", notes)
	require.Equal(t, 1, r.asked)
	require.Contains(t, notes[0], "launched extra-1 (2 of 3 instances healthy)")
}

func TestADenialIsToldOnceAndAskedAgain(t *testing.T) {
	r := newRegion(true, true, true)
	r.deny = errors.New("QuotaExceeded: 3 of 3 instances are in use")
	notes := watch(t, r, wait(1500*time.Millisecond), r.lose(2), wait(20*time.Second), r.change(func() { r.deny = nil }), wait(5*time.Second))
	require.Len(t, notes, 2)
	require.Contains(t, notes[0], "denied: QuotaExceeded")
	require.Contains(t, notes[1], "launched", "as soon as the quota allows it")
	require.Greater(t, r.asked, 3, "it goes on asking")
}

func TestNothingIsReplacedWhileEverythingIsDown(t *testing.T) {
	r := newRegion(true, true, true)
	require.Empty(t, watch(t, r, wait(1500*time.Millisecond), r.lose(0, 1, 2), wait(20*time.Second)))
	require.Zero(t, r.asked)
}

func TestSurplusIsGivenBackWhenTheZoneReturns(t *testing.T) {
	r := newRegion(true, true, true)
	notes := watch(t, r, wait(1500*time.Millisecond), r.lose(2), wait(10*time.Second), r.change(func() { r.base[2].Healthy = true }), wait(15*time.Second))
	require.Empty(t, r.extras)
	require.Contains(t, strings.Join(notes, "\n"), "gave extra-1 back")
}

func TestABlipIsNotReplaced(t *testing.T) {
	r := newRegion(true, true, true)
	watch(t, r, wait(1500*time.Millisecond), r.change(func() { r.base[0].Healthy = false }), wait(time.Second),
		r.change(func() { r.base[0].Healthy = true }), wait(10*time.Second))
	require.Zero(t, r.asked)
}

func TestARegionThatIsStillStartingIsNotReplaced(t *testing.T) {
	r := newRegion(true, false, false)
	require.Empty(t, watch(t, r, wait(20*time.Second)))
	require.Zero(t, r.asked)
}
