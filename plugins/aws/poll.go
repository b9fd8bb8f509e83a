package aws

import (
	"context"
	"fmt"
	"time"
)

// How often a change that AWS carries out is looked at: soon at first, since some take no time, and then less often, since
// reads are throttled as well.
const (
	firstLook = 50 * time.Millisecond
	lastLook  = 5 * time.Second
)

// poll looks until it is done, for at most limit.
func poll(ctx context.Context, limit time.Duration, what string, done func(context.Context) (bool, error)) error {
	ctx, cancel := context.WithTimeoutCause(ctx, limit, fmt.Errorf("waited %v for %s", limit, what))
	defer cancel()
	for pause := firstLook; ; pause = min(2*pause, lastLook) {
		ok, err := done(ctx)
		if ok && err == nil {
			return nil
		}
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		if err != nil {
			return err
		}
		if err := rest(ctx, pause); err != nil {
			return err
		}
	}
}

// rest lets some time pass, unless ctx ends before.
func rest(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-t.C:
		return nil
	}
}
