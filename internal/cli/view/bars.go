package view

import (
	"fmt"
	"io"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/vbauerster/mpb/v8"
	"github.com/vbauerster/mpb/v8/decor"

	"github.com/gameday-toolkit/gameday/internal/engine"
	"github.com/gameday-toolkit/gameday/internal/journal"
	"github.com/gameday-toolkit/gameday/internal/plan"
)

// Bars is the view for terminals: what happens goes by as lines, and below them stand the phase, the SLOs, the faults
// and how to stop.
//
//	inject      [=========>                    ]  31s left
//	checkout    [=====================>        ]  71.20 %  target 99 %  VIOLATED
//	lose_zone   [==============>               ]  active, 24s left
//	Ctrl-C aborts and puts everything back
//
// Bars are drawn from the last snapshot, at mpb's own pace. Nothing here calls into mpb from the engine's loop.
type Bars struct {
	*Lines
	now   atomic.Pointer[engine.Snapshot]
	phase atomic.Pointer[phaseStart]
	hint  atomic.Pointer[string]

	length   time.Duration // of the inject phase, as planned
	file     *os.File
	folds    folds
	asked    atomic.Bool // for the size of the terminal
	closing  chan struct{}
	watching sync.WaitGroup
	progress *mpb.Progress
	bars     []*mpb.Bar
}

type phaseStart struct {
	name journal.PhaseName
	at   time.Time
}

// maxBars of a kind are shown; a terminal has only so many lines.
const maxBars = 6

// NewBars returns a view for a terminal.
func NewBars(out *os.File, o Options) *Bars {
	v := &Bars{Lines: &Lines{Options: o, queue: make(chan func() error, queued), done: make(chan struct{})}, file: out, closing: make(chan struct{})}
	v.now.Store(&engine.Snapshot{})
	v.phase.Store(&phaseStart{at: time.Now()})
	v.Hint("Ctrl-C aborts and puts everything back")
	v.progress = mpb.New(mpb.WithOutput(out), mpb.WithWidth(34), mpb.WithRefreshRate(200*time.Millisecond), mpb.WithAutoRefresh())
	v.out = func(line string) error {
		if err := v.unfold(); err != nil {
			return err
		}
		_, err := io.WriteString(v.progress, line+"\n")
		return err
	}
	v.begin()
	v.watching.Go(v.watchSize)
	return v
}

// Hint sets the last line.
func (v *Bars) Hint(text string) { v.hint.Store(&text) }

// Live takes the present state.
func (v *Bars) Live(s engine.Snapshot) { v.now.Store(&s) }

// Entry adds a line, and the bars when it is known what there is to show.
func (v *Bars) Entry(at time.Duration, kind journal.Kind, body any) {
	v.Lines.Entry(at, kind, body)
	switch b := body.(type) {
	case *plan.Plan:
		v.do(func() error { return v.build(b) })
	case journal.PhaseBody:
		v.phase.Store(&phaseStart{b.Name, time.Now()})
	}
}

// Close removes the bars.
func (v *Bars) Close() {
	close(v.closing)
	v.watching.Wait()
	v.do(func() error {
		for _, b := range v.bars {
			b.Abort(true)
		}
		v.progress.Wait()
		return nil
	})
	v.Lines.Close()
}

// bar is what one line shows at a moment.
type bar struct {
	label  string
	share  float64 // 0 to 1; below 0 there is no bar
	after  string
	colour string
}

func (v *Bars) build(p *plan.Plan) error {
	v.length = injectLength(p)
	column := len("recovery")
	for _, s := range p.SLOs {
		column = max(column, len(last(s.Addr)))
	}
	for _, f := range p.Faults {
		column = max(column, len(last(f.Addr)))
	}
	draws := []func() bar{v.phaseBar}
	for i := range min(len(p.SLOs), maxBars) {
		draws = append(draws, func() bar { return v.sloBar(i) })
	}
	for i := range min(len(p.Faults), maxBars) {
		draws = append(draws, func() bar { return v.faultBar(i) })
	}
	for _, draw := range draws {
		if err := v.add(min(column, 28), draw); err != nil {
			return err
		}
	}
	return v.add(0, func() bar { return bar{label: *v.hint.Load(), share: -1, colour: dim} })
}

func (v *Bars) add(column int, draw func() bar) error {
	style, line := mpb.BarStyle().Build(), &drawn{}
	v.folds.mu.Lock()
	v.folds.lines = append(v.folds.lines, line)
	v.folds.mu.Unlock()
	fill := mpb.BarFillerFunc(func(w io.Writer, st decor.Statistics) error {
		b := draw()
		if b.share < 0 {
			v.folds.drew(line, st, 0)
			return nil
		}
		v.folds.drew(line, st, min(st.RequestedWidth, max(0, st.AvailableWidth)))
		st.Total, st.Current = 1000, int64(1000*min(b.share, 1))
		return style.Fill(w, st)
	})
	b, err := v.progress.Add(0, fill,
		mpb.PrependDecorators(decor.Any(func(st decor.Statistics) string {
			v.folds.note(line, st.AvailableWidth)
			b := draw()
			if column == 0 {
				return v.Paint(b.colour, clean(b.label))
			}
			return pad(clean(b.label), column) + " "
		})),
		mpb.AppendDecorators(decor.Any(func(decor.Statistics) string {
			b := draw()
			return v.Paint(b.colour, b.after)
		})))
	if err == nil {
		v.bars = append(v.bars, b)
	}
	return err
}

func pad(s string, n int) string {
	if len(s) > n {
		return s[:n]
	}
	return s + strings.Repeat(" ", n-len(s))
}

// last is the name of a block without its kind and type.
func last(addr string) string { return addr[strings.LastIndex(addr, ".")+1:] }

func (v *Bars) phaseBar() bar {
	ph, s := v.phase.Load(), v.now.Load()
	gone := time.Since(ph.at)
	b := bar{label: string(ph.name), share: 0, after: "for " + seconds(gone.Round(time.Second)), colour: bold}
	switch {
	case s.Left > 0 && s.Phase == ph.name:
		b.share, b.after = float64(gone)/float64(gone+s.Left), seconds(s.Left.Round(time.Second))+" left"
	case ph.name == journal.Observe && v.length > 0:
		b.share = min(1, float64(gone)/float64(v.length))
		if gone < v.length { // beyond that a runbook takes longer than its faults, and nobody knows how long
			b.after += " of at most " + seconds(v.length.Round(time.Second))
		}
	}
	return b
}

// injectLength is how long the inject phase lasts at most, not counting what steps of the runbook take: those that wait
// for one begin when it does.
func injectLength(p *plan.Plan) (length time.Duration) {
	begins := map[string]time.Duration{}
	for range len(p.Faults) + len(p.Actions) { // so many steps may stand in a row
		for _, f := range p.Faults {
			begins[f.Addr] = beginOf(f.When, begins)
		}
		for _, a := range p.Actions {
			begins[a.Addr] = beginOf(a.When, begins)
		}
	}
	for _, f := range p.Faults {
		length = max(length, begins[f.Addr]+time.Duration(f.Hold))
	}
	return length
}

func beginOf(w plan.When, begins map[string]time.Duration) time.Duration {
	last := time.Duration(0)
	for _, addr := range w.After {
		last = max(last, begins[addr])
	}
	return last + time.Duration(w.At)
}

func (v *Bars) sloBar(i int) bar {
	s := v.now.Load()
	if i >= len(s.SLOs) {
		return bar{label: "...", share: 0}
	}
	o := s.SLOs[i]
	b := bar{label: last(o.Addr), share: o.SLI, after: fmt.Sprintf("%6.2f %%  target %g %%", 100*o.SLI, 100*o.Target), colour: green}
	switch {
	case !o.Known:
		b.after, b.colour = "no answers yet", dim
	case o.Violated:
		b.after, b.colour = b.after+"  VIOLATED", red
	}
	return b
}

func (v *Bars) faultBar(i int) bar {
	s := v.now.Load()
	if i >= len(s.Faults) {
		return bar{label: "...", share: 0}
	}
	f := s.Faults[i]
	b := bar{label: last(f.Addr), after: f.State, colour: dim}
	if f.State == "active" {
		b.share, b.after, b.colour = 1, "active, "+seconds(f.Left.Round(time.Second))+" left", yellow
	}
	return b
}
