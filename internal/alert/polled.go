package alert

import (
	"context"
	"time"
)

// patience is what one poll may take, where the interval is shorter.
const patience = 5 * time.Second

// Polled is a Watcher that asks again and again.
type Polled struct {
	Interval time.Duration
	// Poll asks once, and answers with one line for people.
	Poll func(context.Context) (firing bool, summary string, err error)
}

// Watch places a change at the start of the poll that shows it. Its error reaches back to the start of the last poll that
// worked.
func (p Polled) Watch(ctx context.Context, base time.Time, emit func(State)) error {
	tick := time.NewTicker(p.Interval)
	defer tick.Stop()
	first, shown, lastGood := true, State{}, time.Duration(-1)
	for {
		s := p.look(ctx, time.Since(base))
		if ctx.Err() != nil {
			return nil
		}
		if s.Err != nil {
			s.Firing = shown.Firing
		} else {
			if lastGood >= 0 {
				s.Poll = s.At - lastGood
			}
			lastGood = s.At
		}
		if first || s.Firing != shown.Firing || (s.Err != nil) != (shown.Err != nil) {
			emit(s)
			first, shown = false, s
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return nil
		}
	}
}

func (p Polled) look(ctx context.Context, at time.Duration) State {
	ctx, cancel := context.WithTimeout(ctx, max(p.Interval, patience))
	defer cancel()
	firing, text, err := p.Poll(ctx)
	return State{At: at, Firing: firing, Poll: p.Interval, Err: err, Summary: clip(text)}
}
