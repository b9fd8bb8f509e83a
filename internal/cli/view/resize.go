package view

import (
	"fmt"
	"io"
	"sync"
	"time"

	"github.com/vbauerster/mpb/v8/cwriter"
	"github.com/vbauerster/mpb/v8/decor"
)

// A frame is drawn over the one before: mpb moves the cursor up by as many lines as it drew, and clears what is below. When
// the window is made narrower in between, the terminal folds the lines of the old frame, which then takes more rows than
// mpb knows of, and its upper part would stay for ever. So it is noted how wide each line was drawn, and the rows that came
// with the fold are cleared as well.

// folds knows the lines of the frame.
type folds struct {
	mu    sync.Mutex
	lines []*drawn
	term  int // the width of the terminal when it was last looked at
}

// drawn is how wide one line was, and in which width of the terminal; and the same before that.
type drawn struct{ term, width, oldTerm, oldWidth int }

// note is called when a line begins to be drawn in a terminal of a width.
func (f *folds) note(d *drawn, term int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if d.term != term {
		d.oldTerm, d.oldWidth = d.term, d.width
		d.term = term
	}
}

// drew is called with what a line left free, and the width of its bar.
func (f *folds) drew(d *drawn, st decor.Statistics, bar int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	d.width = min(d.term, d.term-max(0, st.AvailableWidth)+bar)
}

// narrowed says how many rows were added when the terminal became narrower since the last call.
func (f *folds) narrowed(term int) (rows int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	was := f.term
	f.term = term
	if term <= 0 || term >= was {
		return 0
	}
	for _, d := range f.lines {
		width := d.width
		if d.term == term { // it has been drawn anew already
			if width = 0; d.oldTerm == was {
				width = d.oldWidth
			}
		}
		rows += max(0, width-1) / term
	}
	return rows
}

// lookAtSize is how often the size of the terminal is asked for: more often than a frame is drawn.
const lookAtSize = 50 * time.Millisecond

// watchSize clears what a fold has left, until the view is closed.
func (v *Bars) watchSize() {
	ticker := time.NewTicker(lookAtSize)
	defer ticker.Stop()
	for {
		select {
		case <-ticker.C:
			v.askSize()
		case <-v.closing:
			return
		}
	}
}

// askSize waits in the queue once at most: a terminal that takes nothing must not lose its lines to this.
func (v *Bars) askSize() {
	if v.asked.Swap(true) {
		return
	}
	select {
	case v.queue <- func() error { v.asked.Store(false); return v.unfold() }:
	default:
		v.asked.Store(false)
	}
}

// unfold comes before every line too, so that what it clears is never a line that was just printed.
func (v *Bars) unfold() error {
	term, _, err := cwriter.GetSize(int(v.file.Fd()))
	if err != nil {
		return nil // it is no terminal
	}
	if rows := v.folds.narrowed(term); rows > 0 {
		_, err = io.WriteString(v.progress, fmt.Sprintf("\x1b[%dA\x1b[J", rows))
	}
	return err
}
