package backlog

import (
	"fmt"

	"github.com/gameday-toolkit/gameday/internal/measure"
	"github.com/gameday-toolkit/gameday/internal/plan"
)

// dataLost fires for an rpo objective that failed by how far the loss reaches back.
func dataLost(v *view) []miss {
	return v.objectives(measure.KindRPO, measure.Fail, func(o measure.ObjectiveResult, p plan.Objective) []miss {
		if o.Time == nil || o.Time.Hi == 0 || o.Time.Hi <= dur(p.RPO) {
			return nil
		}
		return []miss{of(o, high, fmt.Sprintf("The loss reaches back %s, and %s are allowed.", o.Value, measure.Seconds(dur(p.RPO))))}
	})
}

// ledgers makes a finding for each ledger of which something was counted.
func (v *view) ledgers(s severity, count func(measure.LedgerResult) uint64, say func(measure.LedgerResult) string) []miss {
	var found []miss
	for _, l := range v.result.Ledgers {
		if count(l) == 0 {
			continue
		}
		m := miss{subject: l.Addr, severe: s, detail: say(l), fault: l.Fault}
		for _, p := range v.plan.Ledgers {
			if p.Addr == l.Addr {
				m.pos = p.Pos
			}
		}
		for _, b := range v.run.Ledger(l.Addr).ReadBacks {
			m.entries = append(m.entries, b.Seq)
		}
		found = append(found, m)
	}
	return found
}

// lostAfter goes by the figures of the ledger, which are those of an objective on it: of several, the one with the most
// records lost after its fault.
func lostAfter(v *view) []miss {
	return v.ledgers(critical, func(l measure.LedgerResult) uint64 { return l.LostAfter }, func(l measure.LedgerResult) string {
		return fmt.Sprintf("%s records that were acknowledged after the failure are lost, from %s to %s of the run.",
			measure.Count(l.LostAfter), measure.Seconds(l.AfterSpan.From), measure.Seconds(l.AfterSpan.To))
	})
}

func duplicated(v *view) []miss {
	return v.ledgers(medium, func(l measure.LedgerResult) uint64 { return l.Duplicated }, func(l measure.LedgerResult) string {
		return fmt.Sprintf("%s records were read back more than once.", measure.Count(l.Duplicated))
	})
}

func unexpected(v *view) []miss {
	return v.ledgers(high, func(l measure.LedgerResult) uint64 { return l.Unexpected }, func(l measure.LedgerResult) string {
		return fmt.Sprintf("%s records were read back that nobody attempted, or whose attempt had surely failed.", measure.Count(l.Unexpected))
	})
}

func resurfaced(v *view) []miss {
	return v.ledgers(high, func(l measure.LedgerResult) uint64 { return l.Resurfaced }, func(l measure.LedgerResult) string {
		return fmt.Sprintf("%s acknowledged records were missing after the recovery, and came back when the fault was taken away.", measure.Count(l.Resurfaced))
	})
}
