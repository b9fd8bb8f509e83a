package engine

import "time"

// snapshot is what a person sees of the present.
func (l *loop) snapshot() Snapshot {
	now := l.now()
	out := Snapshot{Elapsed: now, Phase: l.phase}
	if !l.phaseEnd.IsZero() {
		out.Left = max(0, time.Until(l.phaseEnd))
	}
	for _, s := range l.watch.slos {
		sli, known := s.sli(now)
		out.SLOs = append(out.SLOs, LiveSLO{Addr: s.Addr, SLI: sli, Target: s.target, Known: known, Violated: s.violated})
	}
	for _, s := range l.timeline {
		if s.fault == nil {
			continue
		}
		f := LiveFault{Addr: s.addr, State: string(s.state)}
		if s.state == active {
			f.Left = max(0, time.Until(s.holdEnd))
		}
		out.Faults = append(out.Faults, f)
	}
	for _, g := range l.guards {
		out.Guards = append(out.Guards, g.snapshot())
	}
	return out
}

func (g *guardState) snapshot() LiveGuard {
	out := LiveGuard{Addr: g.Addr, Known: g.known, Near: -1, For: g.For, Values: g.seen}
	if !g.since.IsZero() {
		out.Held = min(time.Since(g.since), g.For) // after the abort nobody counts any more
	}
	if g.known && g.Near != nil {
		if near, ok := g.Near(); ok {
			out.Near = near
		}
	}
	return out
}
