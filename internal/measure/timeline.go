package measure

import (
	"math"
	"time"

	"github.com/gameday-toolkit/gameday/internal/history"
	"github.com/gameday-toolkit/gameday/internal/journal"
)

// The names of the three stretches of a run that statistics are given for.
const (
	Baseline = "baseline"
	During   = "fault"
	After    = "recovery"
)

// never is a moment that did not come.
const never = time.Duration(math.MaxInt64)

// timeline is where the three stretches begin. A stretch that the run did not come to begins never.
type timeline struct {
	start  time.Duration // of the baseline
	fault  time.Duration // the first injection, or else the inject phase
	revert time.Duration // the beginning of the reverts
	end    time.Duration // of the record
}

func timelineOf(r *history.Run) timeline {
	t := timeline{start: never, fault: never, revert: never, end: r.LastAt}
	if p, ok := r.Phase(journal.Baseline); ok {
		t.start, t.fault = p.From, p.To
	}
	if p, ok := r.Phase(journal.Observe); ok {
		t.fault = p.From
	}
	if f := r.FirstFault(); f != nil {
		t.fault = f.Injecting.At
	}
	if p, ok := r.Phase(journal.Reverting); ok {
		t.revert = p.From
	} else if p, ok := r.Phase(journal.Recovery); ok {
		t.revert = p.From
	}
	if r.Ended != nil {
		t.end = r.Ended.At
	}
	return t
}

// stretch says where a sample counts. One that was still under way when the fault came is no part of the baseline.
func (t timeline) stretch(intended, ended time.Duration) string {
	switch {
	case intended < t.start:
		return ""
	case intended >= t.revert:
		return After
	case intended < t.fault && (ended < t.fault || t.fault == never):
		return Baseline
	default:
		return During
	}
}

// revertOf is when the fault began to be taken away: with its own revert, or with that of all. The reverts of a run go
// one after the other, and whichever came first may have been what helped.
func (t timeline) revertOf(f *history.Fault) time.Duration {
	if f.Reverting == nil {
		return never
	}
	if f.Reverting.At >= t.revert {
		return t.revert
	}
	return f.Reverting.At
}

// lastRevert is when the last of the faults began to be taken away, each with its own revert or with that of all.
func (t timeline) lastRevert(r *history.Run) time.Duration {
	last := time.Duration(0)
	for _, f := range r.Faults {
		if f.Injecting != nil {
			last = max(last, min(t.revert, t.revertOf(f)))
		}
	}
	return last
}

// tookEffect is the moment at which a fault took effect, as far as it is known: from the call of Inject to the proof.
func tookEffect(f *history.Fault) (Interval, bool) {
	if f == nil || f.Injecting == nil || f.Active == nil {
		return Interval{}, false
	}
	return Interval{Lo: f.Injecting.At, Hi: max(f.Injecting.At, f.Active.At)}, true
}
