package cli

import (
	"fmt"
	"time"

	"github.com/gameday-toolkit/gameday/internal/engine"
)

// schedule runs everything that can be run. One loop decides; what runs reports back to it. An item that comes earlier is
// not overtaken by a later one that needs what it waits for.
func (g *gate) schedule(stop <-chan engine.Stop) {
	s := &scheduler{gate: g, waiting: g.runnable(), done: make(chan *gateItem), kill: kills{make(chan struct{}), make(chan struct{})}}
	if g.flags.budget > 0 {
		s.deadline = g.start.Add(g.flags.budget)
	}
	for {
		s.launch()
		if len(s.running) == 0 {
			return
		}
		select {
		case it := <-s.done:
			s.over(it)
		case <-stop:
			s.abort()
		}
	}
}

// runnable are the items that could be planned.
func (g *gate) runnable() (out []*gateItem) {
	for _, it := range g.items {
		if it.broken == "" {
			out = append(out, it)
		}
	}
	return out
}

// kills tell what runs to stop: the first when it is closed, and the second to stop waiting for recovery as well.
type kills [2]chan struct{}

type scheduler struct {
	*gate
	waiting  []*gateItem
	running  []*gateItem
	done     chan *gateItem
	deadline time.Time
	kill     kills
	stopped  int // how many signals there were
}

// launch starts what does not overlap with what runs, and sets aside what would not be over in time.
func (s *scheduler) launch() {
	blocked := append([]*gateItem(nil), s.running...)
	var wait []*gateItem
	for _, it := range s.waiting {
		switch {
		case s.stopped > 0:
			it.refuse("the gate was aborted before it was started")
		case !s.inTime(it):
			it.refuse(fmt.Sprintf("not started: it takes up to %s, and of the budget of %s %s were left", round(it.expected), s.flags.budget, round(max(0, time.Until(s.deadline)))))
			s.tell(it, "not started")
		case len(s.running) >= s.flags.parallel || overlapsAny(it, blocked):
			wait, blocked = append(wait, it), append(blocked, it)
		default:
			s.running, blocked = append(s.running, it), append(blocked, it)
			s.tell(it, fmt.Sprintf("started%s", nth(len(it.attempts)+1)))
			number := len(it.attempts) + 1
			go func() {
				it.attempts = append(it.attempts, s.attempt(it, number, s.kill))
				s.done <- it
			}()
		}
	}
	s.waiting = wait
}

func overlapsAny(it *gateItem, others []*gateItem) bool {
	for _, o := range others {
		if o != it && it.overlaps(o) {
			return true
		}
	}
	return false
}

func (s *scheduler) inTime(it *gateItem) bool {
	return s.deadline.IsZero() || !time.Now().Add(it.expected).After(s.deadline)
}

// refuse: an item that has been tried keeps what came of that.
func (it *gateItem) refuse(why string) {
	if len(it.attempts) == 0 {
		it.unstarted = why
	}
}

// over takes an item that has run, and puts it back where another attempt could tell more.
func (s *scheduler) over(it *gateItem) {
	for i, r := range s.running {
		if r == it {
			s.running = append(s.running[:i:i], s.running[i+1:]...)
			break
		}
	}
	at := it.last()
	it.expected = at.took // it is known now
	s.tell(it, fmt.Sprintf("%s in %s: %s", s.paint(codeColour(at.code), codeWord(at.code)), round(at.took), at.why()))
	if s.stopped == 0 && it.again(s.flags) {
		s.waiting = append(s.waiting, it)
	}
}

// abort tells everything that runs to put everything back, once for each signal.
func (s *scheduler) abort() {
	if s.stopped < len(s.kill) {
		close(s.kill[s.stopped])
	}
	s.stopped++
}

func (g *gate) tell(it *gateItem, what string) {
	fmt.Fprintf(g.out, "%7s  %s  %s\n", round(time.Since(g.start)), g.paint(bold, it.Name), what)
}

func nth(n int) string {
	if n == 1 {
		return ""
	}
	return fmt.Sprintf(" again (attempt %d)", n)
}

func round(d time.Duration) time.Duration {
	if d < 10*time.Second {
		return d.Round(100 * time.Millisecond)
	}
	return d.Round(time.Second)
}

// codeWord is an exit code in the word that reports have for it.
func codeWord(code int) string {
	switch code {
	case ExitOK:
		return "PASS"
	case ExitFailed:
		return "FAIL"
	case ExitUntouched:
		return "NOT RUN"
	case ExitInconclusive:
		return "INCONCLUSIVE"
	case ExitAborted:
		return "ABORTED"
	}
	return "LEAKED"
}

func codeColour(code int) string {
	switch code {
	case ExitOK:
		return green
	case ExitInconclusive, ExitUntouched:
		return yellow
	}
	return red
}
