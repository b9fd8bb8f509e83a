package conformance

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// leaseReverts renews while it injects, and then no more.
func leaseReverts(ctx context.Context, st *stage) error {
	i, err := st.openFor(ctx, st.Lease)
	if err != nil {
		return err
	}
	renewing, stop := context.WithCancel(ctx)
	stopped := make(chan struct{})
	go func() {
		defer close(stopped)
		for renewing.Err() == nil && i.Renew(renewing) == nil {
			pause(renewing, st.Lease/5)
		}
	}()
	h, err := st.prepare(ctx, i, st.req)
	if err == nil {
		err = i.Inject(ctx, h)
	}
	stop()
	<-stopped
	if err != nil {
		return err
	}
	for !i.gone() {
		if pause(ctx, 20*time.Millisecond); ctx.Err() != nil {
			return errors.New("the plugin did not end itself after its lease")
		}
	}
	if err := st.look(ctx, h, false); err != nil {
		return fmt.Errorf("after the lease expired: %w", err)
	}
	return st.unchanged(ctx)
}

// pause waits, unless ctx ends before.
func pause(ctx context.Context, d time.Duration) {
	select {
	case <-ctx.Done():
	case <-time.After(d):
	}
}
