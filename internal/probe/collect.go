package probe

import (
	"strings"
	"sync"
	"time"

	"github.com/gameday-toolkit/gameday/internal/sample"
)

// Bounds of what is collected before it is emitted.
const (
	flushEvery = 25 * time.Millisecond // well below the 50 ms that a guard counts on
	batchLen   = 1 << 10               // as many samples are emitted at once without waiting for the clock
	maxPending = 1 << 16               // with as many not yet emitted, the slots wait: a consumer that stalls starves the prober
	maxDetail  = 300                   // bytes of a detail
)

// Detail is an example of what was wrong with the answers of one class.
type Detail struct {
	Class sample.Class
	Text  string
}

// collector gathers samples of many slots and emits them from one goroutine.
type collector struct {
	emit func([]sample.Sample, []Detail)
	full chan struct{} // wakes the loop
	done chan struct{}

	mu      sync.Mutex
	room    sync.Cond
	samples []sample.Sample
	details []Detail
	seen    map[sample.Class]bool
}

func newCollector(emit func([]sample.Sample, []Detail)) *collector {
	c := &collector{emit: emit, full: make(chan struct{}, 1), done: make(chan struct{}), seen: map[sample.Class]bool{}}
	c.room.L = &c.mu
	return c
}

func (c *collector) add(x sample.Sample, detail string) {
	c.mu.Lock()
	for len(c.samples) >= maxPending {
		c.room.Wait()
	}
	c.samples = append(c.samples, x)
	if detail != "" && !c.seen[x.Class] {
		c.seen[x.Class] = true
		c.details = append(c.details, Detail{Class: x.Class, Text: oneLine(detail)})
	}
	wake := len(c.samples) == batchLen
	c.mu.Unlock()
	if wake {
		select {
		case c.full <- struct{}{}:
		default:
		}
	}
}

// loop emits until close, and then what is left. Two buffers take turns: one is filled while the other is emitted.
func (c *collector) loop() {
	tick := time.NewTicker(flushEvery)
	defer tick.Stop()
	spare := make([]sample.Sample, 0, batchLen)
	for open := true; open; {
		select {
		case <-tick.C:
		case <-c.full:
		case <-c.done:
			open = false
		}
		spare = c.flush(spare)
	}
}

func (c *collector) flush(spare []sample.Sample) []sample.Sample {
	c.mu.Lock()
	samples, details := c.samples, c.details
	c.samples, c.details = spare[:0], nil
	c.room.Broadcast()
	c.mu.Unlock()
	if len(samples) > 0 {
		c.emit(samples, details)
	}
	return samples
}

func (c *collector) close() { close(c.done) }

func oneLine(s string) string {
	s = strings.ToValidUTF8(strings.Join(strings.Fields(s), " "), "?")
	if len(s) > maxDetail {
		s = strings.ToValidUTF8(s[:maxDetail], "") + "..."
	}
	return s
}
