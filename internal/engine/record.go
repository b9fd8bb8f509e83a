package engine

import (
	"time"

	"github.com/gameday-toolkit/gameday/internal/journal"
	"github.com/gameday-toolkit/gameday/internal/plan"
)

// record writes an entry that happened now.
func (l *loop) record(kind journal.Kind, body any) { l.recordAt(l.now(), kind, body) }

// recordAt writes an entry that happened at a time that a worker has noted.
func (l *loop) recordAt(at time.Duration, kind journal.Kind, body any) {
	_, err := l.Journal.Append(at, kind, l.encode(kind, body))
	l.unsynced = true // a kill -9 must not take with it what happened to the target
	l.Observer.Entry(at, kind, body)
	l.failed(err)
}

// recordSync writes an entry and returns when it is on the disk.
func (l *loop) recordSync(kind journal.Kind, body any) error {
	at := l.now()
	_, err := l.Journal.AppendSync(at, kind, l.encode(kind, body))
	l.Observer.Entry(at, kind, body)
	l.failed(err)
	return err
}

func (l *loop) block(kind journal.Kind, addr string, block []byte) {
	_, err := l.Journal.Append(l.now(), kind, journal.EncodeBlock(addr, block))
	l.failed(err)
}

// encode keeps secrets out of the journal: an error message of a target may well quote one. The plan is written without
// any, and must stay what its hash says.
func (l *loop) encode(kind journal.Kind, body any) []byte {
	b := journal.Encode(body)
	if kind == journal.PlanKind {
		return b
	}
	return plan.RedactEntry(b, l.Plan.Secrets)
}

// failed ends the run when the journal cannot be written: without it nothing would be proven. The reverts go on.
func (l *loop) failed(err error) {
	if err == nil || l.broken != nil {
		return
	}
	l.broken = err
	l.end("engine", "the journal cannot be written: "+err.Error())
}

func (l *loop) trouble(addr, what string) {
	l.record(journal.Trouble, journal.TroubleBody{Addr: addr, What: plan.Redact(what, l.Plan.Secrets)})
}
