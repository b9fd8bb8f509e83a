package engine

import (
	"context"
	"fmt"
	"time"

	"github.com/gameday-toolkit/gameday/internal/journal"
	"github.com/gameday-toolkit/gameday/internal/undo"
	"github.com/gameday-toolkit/gameday/plugins/sdk"
)

// checkReleases looks for the moment when the service has recovered although the fault is still there: then the ledgers
// are read back for the first time, and the faults with release = "recovered" need not be held any longer.
func (l *loop) checkReleases() {
	if l.phase != journal.Observe || l.abort != nil {
		return
	}
	for _, s := range l.timeline {
		if s.state != active || !l.recovered(s) || !l.quiet() {
			continue
		}
		l.readBack("recovery")
		if s.fault.Release == "recovered" && l.readBacks == 0 {
			l.release(s, "every objective that waits on it has been stable")
		}
	}
}

// quiet says that no step is under way or waiting that could still disturb what has recovered.
func (l *loop) quiet() bool {
	for _, s := range l.timeline {
		if s.state == waiting || s.state == preparing || s.state == injecting || s.state == running {
			return false
		}
	}
	return true
}

// recovered says whether every recovery objective that waits on the fault has been stable. Where nothing has been
// violated yet, the outage may still be on its way (a DNS answer that lives on, a health check that has yet to fail): then
// it takes rto + stable_for until nothing more can come that the objective would mind.
func (l *loop) recovered(s *step) bool {
	now, any := l.now(), false
	for _, o := range l.Plan.Objectives {
		f, ok := l.Plan.FaultOf(o)
		if o.RTO == nil || !ok || f.Addr != s.addr {
			continue
		}
		any = true
		slo := l.watch.slo(o.SLO)
		if slo == nil || !slo.known || slo.violated {
			return false
		}
		if wait := time.Duration(o.StableFor); slo.ever && now-slo.last < wait {
			return false
		} else if !slo.ever && now-s.activeAt < time.Duration(*o.RTO)+wait {
			return false
		}
	}
	return any
}

// readBack reads every ledger, once for each stage.
func (l *loop) readBack(stage string) {
	if l.readStage[stage] {
		return
	}
	l.readStage[stage] = true
	for _, g := range l.Ledgers {
		l.readBacks++
		l.work("reading back "+g.Addr, nil, func() func() {
			ctx, cancel := context.WithTimeout(context.WithoutCancel(l.sources), readBackTimeout)
			defer cancel()
			from := l.now()
			b := g.ReadBack(ctx, l.base)
			b.Addr, b.Stage, b.From, b.To = g.Addr, stage, from, l.now()
			return func() {
				l.readBacks--
				l.record(journal.LedgerReadBack, b)
			}
		})
	}
}

const readBackTimeout = time.Minute

// release reverts one fault in the middle of the run.
func (l *loop) release(s *step, reason string) {
	if s.state != active || l.abort != nil {
		return
	}
	s.state = reverting
	items := []undo.Item{l.undoItem(s, reason)}
	l.work("reverting "+s.addr, nil, func() func() {
		l.lookAgain(s)
		left := undo.All(l.steps, items, l.step, l.Undo)
		return func() { l.reverted(items, left) }
	})
}

// lookAgain records whether the target still shows the fault at the end of its time. One that went away by itself, a
// process that a supervisor has restarted, means that the service was not tested for as long as it seems.
func (l *loop) lookAgain(s *step) {
	ctx, cancel := context.WithTimeout(l.steps, lookTimeout)
	defer cancel()
	body := journal.StepBody{Addr: s.addr, Handle: s.handle.ID}
	p, err := l.Open(ctx, s.fault.Plugin)
	if err == nil {
		var st sdk.State
		st, err = p.Inspect(ctx, *s.handle)
		if body.Evidence = st.Evidence; err == nil && st.Status != sdk.Active {
			err = fmt.Errorf("the target no longer shows the fault (%s: %s)", st.Status, st.Evidence)
		}
	}
	body.Err = text(err)
	l.step(journal.FaultStillThere, body)
}

// lookTimeout bounds what a last look may add to hold.
const lookTimeout = 5 * time.Second

// step records a step of an undo at the time it happened; undo calls it from a worker.
func (l *loop) step(kind journal.Kind, body journal.StepBody) {
	at := l.now()
	l.post(func() { l.recordAt(at, kind, body) })
}

func (l *loop) reverted(items, left []undo.Item) {
	gone := map[string]bool{}
	for _, it := range left {
		gone[it.Addr] = true
	}
	for _, it := range items {
		for _, s := range l.timeline {
			if s.addr != it.Addr {
				continue
			}
			s.state = reverted
			if gone[it.Addr] {
				s.state = stuck
				l.end("engine", it.Addr+" could not be reverted")
			}
		}
	}
	l.failed(l.Journal.Sync())
}
