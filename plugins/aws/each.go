package aws

import (
	"context"
	"sync"

	"golang.org/x/sync/errgroup"
)

// width is how many resources are dealt with at a time. AWS throttles an account as a whole, so more would not be faster.
const width = 8

// every does something for each of n, some at a time, and stops at the first that fails.
func every(ctx context.Context, n int, do func(context.Context, int) error) error {
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(width)
	for i := range n {
		group.Go(func() error {
			if ctx.Err() != nil {
				return context.Cause(ctx)
			}
			return do(ctx, i)
		})
	}
	return group.Wait()
}

// each does something for each of n, some at a time, whatever fails, and returns what failed.
func each(n int, do func(int) error) []error {
	errs := make([]error, n)
	var group errgroup.Group
	group.SetLimit(width)
	for i := range n {
		group.Go(func() error {
			errs[i] = do(i)
			return nil
		})
	}
	_ = group.Wait() // the errors are in their places
	return errs
}

// locks are locks by name. Names are few: those of what one process changes.
type locks struct {
	mu     sync.Mutex
	byName map[string]*sync.Mutex
}

// lock takes the lock of a name, and returns what gives it back.
func (l *locks) lock(name string) (unlock func()) {
	l.mu.Lock()
	one := l.byName[name]
	if one == nil {
		if l.byName == nil {
			l.byName = map[string]*sync.Mutex{}
		}
		one = &sync.Mutex{}
		l.byName[name] = one
	}
	l.mu.Unlock()
	one.Lock()
	return one.Unlock
}
