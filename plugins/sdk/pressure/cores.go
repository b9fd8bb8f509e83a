package pressure

import (
	"context"
	"runtime"
	"sync"
	"time"
)

// period is how often a core alternates between work and rest: short enough that users see a slow machine and not a
// stuttering one.
const period = 20 * time.Millisecond

// Cores keeps processors busy until ctx ends, each in a thread of its own and for a share (0 to 1) of its time. Whoever calls it waits
// for the end with the function that it returns.
func Cores(ctx context.Context, shares ...float64) (wait func()) {
	runtime.GOMAXPROCS(max(runtime.GOMAXPROCS(0), len(shares)+1))
	var all sync.WaitGroup
	for _, share := range shares {
		all.Go(func() {
			runtime.LockOSThread()
			core(ctx, share)
		})
	}
	return all.Wait
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
