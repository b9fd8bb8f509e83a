package engine

import (
	"time"

	"github.com/gameday-toolkit/gameday/internal/journal"
)

// clockWatch notices when the wall clock is set while the run goes on. Offsets come from the monotonic clock and are not
// affected; times that the system under test reports are.
type clockWatch struct {
	wall time.Time // of offset zero, without its monotonic reading
	off  time.Duration
	next time.Time
}

// smallStep is what a clock may be moved by without anybody noticing: NTP slews more than that in a minute.
const smallStep = 200 * time.Millisecond

func (c *clockWatch) look(l *loop) {
	now := time.Now()
	if now.Before(c.next) {
		return
	}
	c.next = now.Add(time.Second)
	off := now.Round(0).Sub(c.wall) - now.Sub(l.base)
	if step := off - c.off; step.Abs() >= smallStep {
		c.off = off
		l.record(journal.ClockStep, journal.ClockBody{Step: step})
	}
}
