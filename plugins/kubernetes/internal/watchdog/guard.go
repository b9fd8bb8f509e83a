package watchdog

import (
	"context"
	"fmt"
	"time"

	coordination "k8s.io/api/coordination/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/gameday-toolkit/gameday/plugins/kubernetes/internal/cluster"
)

// Guard is the watchdog's own side: it watches the Lease of one run.
type Guard struct {
	Cluster   *cluster.Cluster
	Namespace string
	Run       string
	// Version is that of the plugin, and Name that of the pod.
	Version, Name string
}

// Watch returns true when nobody has renewed the Lease for its whole length, and false when the Lease is gone or ctx has ended.
// After true the Lease is the watchdog's: nobody renews it any more.
func (g Guard) Watch(ctx context.Context) (bool, error) {
	l, err := g.announce(ctx)
	if absent(l, err) {
		return false, nil
	}
	if err != nil || taken(l) {
		return err == nil, err
	}
	w := newWaiting(l, time.Now())
	tick := time.NewTicker(w.interval)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return false, nil
		case <-tick.C:
		}
		l, err := get(ctx, g.Cluster, g.Namespace, g.Run)
		switch {
		case absent(l, err):
			return false, nil
		case err != nil: // and so a gap
			continue
		}
		if !w.over(l, time.Now()) {
			continue
		}
		if mine, err := g.take(ctx, l); mine || err != nil {
			return mine, err
		}
	}
}

// announce says in the Lease that it is watched.
func (g Guard) announce(ctx context.Context) (*coordination.Lease, error) {
	for {
		l, err := get(ctx, g.Cluster, g.Namespace, g.Run)
		if err != nil || absent(l, err) {
			return l, err
		}
		if l.Annotations == nil {
			l.Annotations = map[string]string{}
		}
		l.Annotations[watchedBy] = g.Version + " " + g.Name
		l, err = put(ctx, g.Cluster, l)
		if !apierrors.IsConflict(err) || ctx.Err() != nil {
			return l, err
		}
	}
}

// take makes the Lease the watchdog's, unless it was renewed after all.
func (g Guard) take(ctx context.Context, l *coordination.Lease) (bool, error) {
	holder := holderWatchdog
	l.Spec.HolderIdentity = &holder
	_, err := put(ctx, g.Cluster, l)
	switch {
	case apierrors.IsConflict(err) || apierrors.IsNotFound(err):
		return false, nil
	case err != nil && ctx.Err() == nil:
		return false, nil // it is looked again
	}
	return err == nil, err
}

// Finish deletes the Lease, and with it the Job and this pod.
func (g Guard) Finish(ctx context.Context) error {
	l, err := get(ctx, g.Cluster, g.Namespace, g.Run)
	if absent(l, err) {
		return nil
	}
	if err != nil {
		return err
	}
	ctx, cancel := cluster.Writing(ctx)
	defer cancel()
	after := metav1.DeletePropagationBackground
	err = g.Cluster.Typed.CoordinationV1().Leases(g.Namespace).Delete(ctx, l.Name, metav1.DeleteOptions{Preconditions: &metav1.Preconditions{UID: &l.UID}, PropagationPolicy: &after})
	if err != nil && !apierrors.IsNotFound(err) {
		return fmt.Errorf("deleting the lease %s/%s: %w", g.Namespace, l.Name, g.Cluster.Explain(err))
	}
	return nil
}

// waiting is for how long a Lease was seen without a renewal, by the clock of whoever looks: clocks of machines differ.
type waiting struct {
	length, interval time.Duration
	renewed          time.Time // as the Lease says
	since, seen      time.Time // by the clock here
}

// fewest is how often the Lease is looked at in its length, at least.
const fewest = 10

func newWaiting(l *coordination.Lease, now time.Time) *waiting {
	w := &waiting{length: 15 * time.Second, renewed: renewTime(l), since: now, seen: now}
	if s := l.Spec.LeaseDurationSeconds; s != nil && *s > 0 {
		w.length = time.Duration(*s) * time.Second
	}
	w.interval = min(time.Second, w.length/fewest)
	return w
}

// over looks at a Lease that was read just now. A gap in looking, because the API server did not answer or this machine stood still,
// begins the wait again: gameday could not renew either, and is to have the chance.
func (w *waiting) over(l *coordination.Lease, now time.Time) bool {
	if renewed := renewTime(l); !renewed.Equal(w.renewed) || now.Sub(w.seen) > 3*w.interval {
		w.renewed, w.since = renewed, now
	}
	w.seen = now
	return now.Sub(w.since) >= w.length
}

func renewTime(l *coordination.Lease) time.Time {
	if l.Spec.RenewTime == nil {
		return time.Time{}
	}
	return l.Spec.RenewTime.Time
}
