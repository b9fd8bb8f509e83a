package view

import (
	"fmt"
	"io"
	"sync"
	"sync/atomic"
	"time"

	"github.com/gameday-toolkit/gameday/internal/engine"
	"github.com/gameday-toolkit/gameday/internal/journal"
)

// A view is called by the engine's loop, which also has to start the reverts: it must never wait for a terminal that is
// stopped, a pipe that nobody reads or a pager. So lines go through a queue of bounded length to a goroutine that may
// wait as long as it likes, and that nobody waits for longer than a moment at the end.

const (
	queued  = 1024
	lastOut = 2 * time.Second
)

// Options are what views have in common.
type Options struct {
	Paint Paint
	// Quiet shows only what somebody should look at.
	Quiet bool
	// Redact takes sensitive values out of a text.
	Redact func(string) string
}

// Lines is the view for pipes, files and CI: one line for each event.
type Lines struct {
	Options
	start atomic.Pointer[time.Time]
	told  atomic.Pointer[string] // the last trouble
	blind sync.Map               // of the SLOs whose last poll failed, by address

	queue   chan func() error
	out     func(line string) error
	dropped atomic.Int64
	end     sync.Once
	done    chan struct{}
}

// NewLines returns a view that prints on w.
func NewLines(w io.Writer, o Options) *Lines {
	v := &Lines{Options: o, queue: make(chan func() error, queued), done: make(chan struct{})}
	v.out = func(line string) error {
		_, err := io.WriteString(w, line+"\n")
		return err
	}
	v.begin()
	return v
}

// begin starts the goroutine that prints. Close waits for it.
func (v *Lines) begin() {
	now := time.Now()
	v.start.Store(&now)
	go func() {
		defer close(v.done)
		broken := false
		for print := range v.queue {
			if !broken {
				broken = print() != nil // the terminal is gone: go on without
			}
		}
	}()
}

// Entry prints one line.
func (v *Lines) Entry(at time.Duration, kind journal.Kind, body any) {
	if s, ok := body.(journal.Started); ok {
		v.start.Store(&s.Wall)
	}
	if p, ok := body.(journal.PointBody); ok && !v.news(p) {
		return
	}
	switch b := body.(type) {
	case journal.TroubleBody:
		v.told.Store(&b.What)
	case journal.AbortBody:
		if told := v.told.Load(); told != nil && *told == b.Reason { // the line above says it
			b.Reason = ""
			body = b
		}
	}
	text, l := describe(kind, body)
	if text == "" || l == quiet || v.Quiet && l < warn {
		return
	}
	v.print(v.line(at, l.colour(), text))
}

// news says whether a poll is the first that failed, or the first that worked again: there are many of them.
func (v *Lines) news(p journal.PointBody) bool {
	if p.Err == "" {
		_, was := v.blind.LoadAndDelete(p.Addr)
		return was
	}
	_, was := v.blind.LoadOrStore(p.Addr, true)
	return !was
}

// line is the time of the wall, the time since the run began, and a text.
func (v *Lines) line(at time.Duration, colour, text string) string {
	return v.Paint(dim, stamp(*v.start.Load(), at)) + "  " + v.Paint(colour, clean(v.Redact(text)))
}

// Live shows nothing: every change has its line.
func (v *Lines) Live(engine.Snapshot) {}

// Say prints a word of our own.
func (v *Lines) Say(text string) { v.print(v.line(time.Since(*v.start.Load()), bold, text)) }

func (v *Lines) print(line string) { v.do(func() error { return v.out(line) }) }

func (v *Lines) do(f func() error) {
	select {
	case v.queue <- f:
	default:
		v.dropped.Add(1)
	}
}

// Close returns when everything is printed, or nobody seems to read. Nothing may be shown after it.
func (v *Lines) Close() {
	v.end.Do(func() {
		if n := v.dropped.Load(); n > 0 {
			v.print(fmt.Sprintf("(%d lines could not be shown in time; the journal has them)", n))
		}
		close(v.queue)
	})
	select {
	case <-v.done:
	case <-time.After(lastOut):
	}
}
