package engine

import (
	"context"
	"fmt"
	"runtime/debug"
	"time"

	"github.com/gameday-toolkit/gameday/internal/journal"
)

// tick is how often guards, releases and the view are looked at. Together with the probes' flush it keeps the time from
// a guard's condition to the first revert below 250 ms.
const tick = 50 * time.Millisecond

// loop owns all state of a run. Everything that happens comes to its one goroutine as a function to call: workers, which
// wait for the world, post what they learned and never touch the state themselves.
type loop struct {
	Config
	base   time.Time
	events chan func()
	closed chan struct{}

	workers int
	// sources end with the measurement, ledgers before it, steps with the abort.
	sources, ledgers, steps           context.Context
	stopSources, stopLedgers, stopNow context.CancelFunc
	ledgerWorkers                     int

	phase    journal.PhaseName
	phaseEnd time.Time // zero where it is not known
	abort    *journal.AbortBody
	hurry    bool // a second stop: wait for nothing but the reverts
	broken   error

	watch     *watch
	timeline  []*step
	guards    []*guardState
	readBacks int // outstanding
	readStage map[string]bool
	clock     clockWatch
	lastLive  time.Time
	lastSync  time.Time
	unsynced  bool // an entry that is not a block has not been synced
}

func (l *loop) now() time.Duration { return time.Since(l.base) }

// post hands f to the loop; after the end of the run it is dropped.
func (l *loop) post(f func()) {
	select {
	case l.events <- f:
	case <-l.closed:
	}
}

// work runs f beside the loop and calls what it returns on the loop. A panic becomes an abort.
func (l *loop) work(name string, count *int, f func() (then func())) {
	l.workers++
	if count != nil {
		*count++
	}
	go func() {
		var then func()
		defer func() {
			if p := recover(); p != nil {
				what := fmt.Sprintf("%s panicked: %v", name, p)
				stack := string(debug.Stack())
				then = func() { l.trouble("", what+"\n"+stack); l.end("engine", what) }
			}
			l.post(func() {
				l.workers--
				if count != nil {
					*count--
				}
				if then != nil {
					then()
				}
			})
		}()
		then = f()
	}()
}

// pump works off events until done, until the deadline (where there is one) or until the run is aborted.
func (l *loop) pump(done func() bool, deadline time.Time) {
	l.pumpThrough(func() bool { return l.abort != nil || done() }, deadline)
}

// pumpThrough works off events until done or until the deadline, abort or not.
func (l *loop) pumpThrough(done func() bool, deadline time.Time) {
	l.phaseEnd = deadline
	ticker := time.NewTicker(tick)
	defer ticker.Stop()
	var out <-chan time.Time
	if !deadline.IsZero() {
		t := time.NewTimer(time.Until(deadline))
		defer t.Stop()
		out = t.C
	}
	for !done() {
		select {
		case f := <-l.events:
			f()
		case s := <-l.Stop:
			l.stop(s)
		case t := <-l.Trouble:
			l.external(t)
		case n := <-l.Notes:
			l.record(journal.Note, n)
		case <-ticker.C:
			l.tick()
		case <-out:
			return
		}
	}
}

func never() bool { return false }

func (l *loop) tick() {
	now := time.Now()
	l.clock.look(l)
	l.checkGuards()
	l.checkReleases()
	if now.Sub(l.lastLive) >= 200*time.Millisecond {
		l.lastLive = now
		l.Observer.Live(l.snapshot())
	}
	if l.unsynced || now.Sub(l.lastSync) >= time.Second {
		l.lastSync, l.unsynced = now, false
		l.failed(l.Journal.Sync())
	}
}

// stop is a person's wish: the first aborts, a second one ends the waiting.
func (l *loop) stop(s Stop) {
	if l.abort != nil {
		l.hurry = l.hurry || !s.Once
		return
	}
	l.end(s.By, s.Reason)
}

func (l *loop) external(t Trouble) {
	l.trouble(t.Addr, t.What)
	if t.Fatal {
		l.end("engine", t.What)
	}
}

// end aborts the run, once. Steps in progress are cancelled; the phases see to the reverts.
func (l *loop) end(by, reason string) {
	if l.abort != nil {
		return
	}
	l.abort = &journal.AbortBody{By: by, Reason: reason}
	l.record(journal.Abort, *l.abort)
	l.stopNow()
}
