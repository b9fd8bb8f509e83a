package probe

import (
	"fmt"
	"math"
	"time"

	"github.com/gameday-toolkit/gameday/internal/sample"
)

// defaultTolerance is how late a sample may start and still be asked.
const defaultTolerance = 50 * time.Millisecond

// Options say when to ask and what counts as good.
type Options struct {
	Schedule sample.Schedule
	// Timeout cuts a question, counted from its intended start: what the prober was late is not given to the target on
	// top, and a target that hangs holds a slot for Timeout at the most.
	Timeout time.Duration
	// Latency is expect.latency: a good answer later than this is bad, and slow. 0: none.
	Latency time.Duration
	// Tolerance is how late a sample may start: above it, it is unsent. Default 50 ms, or half the timeout if that is less.
	Tolerance time.Duration
	// Slots is how many questions may be open at once. Default ceil(rate × timeout) + 1, so that a target that hangs can
	// never make the prober run out of them (Little's law).
	Slots int
}

func (o Options) withDefaults() (Options, error) {
	if !(o.Schedule.Rate > 0) || math.IsInf(o.Schedule.Rate, 0) {
		return o, fmt.Errorf("rate must be above zero, not %v", o.Schedule.Rate)
	}
	if o.Timeout <= 0 {
		return o, fmt.Errorf("timeout must be above zero, not %v", o.Timeout)
	}
	if o.Tolerance <= 0 {
		o.Tolerance = min(defaultTolerance, o.Timeout/2)
	}
	if o.Slots <= 0 {
		o.Slots = int(math.Ceil(o.Schedule.Rate*o.Timeout.Seconds())) + 1
	}
	return o, nil
}

// waiting is how many samples may wait for a slot: those of one tolerance, for none is asked after it.
func (o Options) waiting() int { return int(math.Ceil(o.Schedule.Rate*o.Tolerance.Seconds())) + 1 }
