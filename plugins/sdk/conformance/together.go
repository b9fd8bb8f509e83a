package conformance

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/gameday-toolkit/gameday/plugins/sdk"
)

// twoOnOneTarget has two runs at the same targets, at once and one after the other. The second may be refused at any time. When both
// are reverted, the older first, nothing is left, and none of them has taken the other for the normal state.
func twoOnOneTarget(ctx context.Context, st *stage) error {
	for _, atOnce := range []bool{true, false} {
		i, err := st.open(ctx)
		if err == nil {
			err = st.fresh(ctx)
		}
		if err != nil {
			return err
		}
		handles, err := st.pair(ctx, i)
		if err != nil {
			return err
		}
		injectBoth(ctx, i, handles, atOnce)
		for n, h := range handles {
			if err := i.Revert(ctx, h); err != nil {
				return fmt.Errorf("two faults on one target (at once: %t), reverting number %d: %w", atOnce, n+1, err)
			}
		}
		for _, h := range handles {
			if err := st.settled(ctx, i, h, sdk.Inactive); err != nil {
				return fmt.Errorf("two faults on one target (at once: %t), both reverted: %w", atOnce, err)
			}
		}
	}
	return nil
}

// pair prepares one fault for two runs. A plugin that refuses the second is done with it.
func (st *stage) pair(ctx context.Context, i *instance) ([]sdk.Handle, error) {
	first, err := st.prepare(ctx, i, st.req)
	if err != nil {
		return nil, err
	}
	second, err := st.prepare(ctx, i, withRun(st.req, "too"))
	if err != nil {
		return []sdk.Handle{first}, nil
	}
	return []sdk.Handle{first, second}, nil
}

func injectBoth(ctx context.Context, i *instance, handles []sdk.Handle, atOnce bool) {
	var all sync.WaitGroup
	for _, h := range handles {
		all.Go(func() { _ = i.Inject(ctx, h) }) // refused or not, it is reverted
		if !atOnce {
			all.Wait()
		}
	}
	all.Wait()
}

// cutShort gives up on Inspect and on Revert while they run. That may fail; the next Revert has to do the rest.
func cutShort(ctx context.Context, st *stage) error {
	i, err := st.open(ctx)
	if err != nil {
		return err
	}
	usual, err := st.usualRevert(ctx, i)
	if err != nil {
		return err
	}
	for _, part := range fractions() {
		if err := st.fresh(ctx); err != nil {
			return err
		}
		h, err := st.inject(ctx, i)
		if err != nil {
			return err
		}
		for _, call := range []func(context.Context) error{
			func(ctx context.Context) error { _, err := i.Inspect(ctx, h); return err },
			func(ctx context.Context) error { return i.Revert(ctx, h) },
		} {
			short, cancel := context.WithTimeout(ctx, time.Duration(part*float64(usual)))
			_ = call(short) // with an error or without
			cancel()
		}
		if err := st.revert(ctx, i, h); err != nil {
			return fmt.Errorf("a Revert that was given up after %.0f %% of its time, and another one: %w", 100*part, err)
		}
	}
	return nil
}

// usualRevert measures how long Revert takes.
func (st *stage) usualRevert(ctx context.Context, i *instance) (time.Duration, error) {
	h, err := st.inject(ctx, i)
	if err != nil {
		return 0, err
	}
	began := time.Now()
	if err := i.Revert(ctx, h); err != nil {
		return 0, err
	}
	took := time.Since(began)
	return took, st.settled(ctx, i, h, sdk.Inactive)
}

// handleOfAnotherVersion reverts what a handle of another version of the plugin says. To refuse is right, and so is to do it; to do
// nothing and call it done is not.
func handleOfAnotherVersion(ctx context.Context, st *stage) error {
	i, err := st.open(ctx)
	if err != nil {
		return err
	}
	h, err := st.inject(ctx, i)
	if err != nil {
		return err
	}
	for _, version := range slices.Compact([]string{"0.0.1", h.Version}) {
		old := h
		old.Version = version
		err := i.Revert(ctx, old)
		if err != nil && version != h.Version {
			continue
		}
		if err == nil {
			err = st.settled(ctx, i, old, sdk.Inactive)
		}
		if err != nil {
			return fmt.Errorf("a handle of version %s: %w", version, err)
		}
	}
	return nil
}
