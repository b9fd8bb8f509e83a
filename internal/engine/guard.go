package engine

import (
	"time"

	"github.com/gameday-toolkit/gameday/internal/journal"
)

type guardState struct {
	Guard
	since  time.Time // when the condition became true; zero while it is not
	at     time.Duration
	failed bool
	seen   map[string]float64 // by the last Eval
	known  bool
}

// checkGuards evaluates every guard and aborts on the first whose condition has held long enough. A guard that cannot be
// evaluated protects nobody: that ends the run too.
func (l *loop) checkGuards() {
	l.watch.update(l.now())
	if l.abort != nil || l.phase == journal.Preflight {
		return
	}
	for _, g := range l.guards {
		tripped, known, values, err := g.Eval(l.value)
		g.seen, g.known = values, known
		switch {
		case err != nil:
			if !g.failed {
				g.failed = true
				l.end("engine", g.Addr+" cannot be evaluated: "+err.Error())
			}
			return
		case !known || !tripped:
			g.since = time.Time{}
			continue
		case g.since.IsZero():
			g.since, g.at = time.Now(), l.now()
		}
		if time.Since(g.since) >= g.For {
			l.record(journal.GuardTripped, journal.GuardBody{Addr: g.Addr, Expr: g.Expr, Since: g.at, Values: values})
			l.end("guard", g.Addr+" tripped: "+g.Expr)
			return
		}
	}
}
