package worker

import (
	"context"
	"runtime"
	"sync"
	"time"
)

// period is how often a core alternates between work and rest: short enough that users see a slow machine and not a
// stuttering one.
const period = 20 * time.Millisecond

// burn keeps cores busy, each in a thread of its own.
func burn(ctx context.Context, s Spec, ready func() error) error {
	runtime.GOMAXPROCS(s.Cores + 1)
	var all sync.WaitGroup
	defer all.Wait()
	for range s.Cores {
		all.Go(func() {
			runtime.LockOSThread()
			core(ctx, s.Percent/100)
		})
	}
	if err := ready(); err != nil {
		return err
	}
	<-ctx.Done()
	return nil
}

func core(ctx context.Context, share float64) {
	work := time.Duration(share * float64(period))
	for next := time.Now(); ctx.Err() == nil; {
		for end := next.Add(work); time.Now().Before(end); {
		}
		next = next.Add(period)
		if now := time.Now(); next.Before(now) {
			next = now // the machine is busy: what was missed is not made up for
		}
		time.Sleep(time.Until(next))
	}
}
