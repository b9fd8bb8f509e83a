package watchdog

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// renewFrom has the Lease of a run renewed from now on.
func (k *Keeper) renewFrom(run string) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.ready[run] = false
	if k.done != nil {
		return
	}
	ctx, stop := context.WithCancel(context.Background())
	k.stop, k.done = stop, make(chan struct{})
	go k.renewals(ctx, k.done)
}

// forget ends the renewals of a run, and waits for the one in progress when it was the last run.
func (k *Keeper) forget(run string) {
	k.mu.Lock()
	delete(k.ready, run)
	done := k.done
	if len(k.ready) > 0 || done == nil {
		k.mu.Unlock()
		return
	}
	k.stop()
	k.stop, k.done = nil, nil
	k.mu.Unlock()
	<-done
}

// renewals renews every Lease, some times in its length, for as long as gameday's own lease lasts.
func (k *Keeper) renewals(ctx context.Context, done chan<- struct{}) {
	defer close(done)
	tick := time.NewTicker(k.config.Lease / perLease)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		for _, run := range k.due() {
			if err := k.renew(ctx, run); err != nil && ctx.Err() == nil {
				_, _ = fmt.Fprintf(k.log, "gameday-plugin-kubernetes: renewing the watchdog of the run %s: %v\n", run, err)
			}
		}
	}
}

// due are the runs whose Leases are to be renewed now.
func (k *Keeper) due() []string {
	k.mu.Lock()
	defer k.mu.Unlock()
	if !time.Now().Before(k.until) {
		return nil
	}
	return slices.Sorted(maps.Keys(k.ready))
}

func (k *Keeper) renew(ctx context.Context, run string) error {
	for {
		l, err := get(ctx, k.cluster, k.namespace, run)
		switch {
		case err != nil:
			return err
		case taken(l):
			return errTaken
		case l.DeletionTimestamp != nil:
			return nil
		}
		l.Spec.RenewTime = &metav1.MicroTime{Time: time.Now()}
		if _, err = put(ctx, k.cluster, l); !apierrors.IsConflict(err) || ctx.Err() != nil { // the other side has written, which it does twice at most
			return err
		}
	}
}
