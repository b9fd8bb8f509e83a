package history

import (
	"testing"

	"github.com/gameday-toolkit/gameday/internal/journal"
)

// FuzzFold feeds a fold with bodies that no run of ours would write: it must not panic, and must go on.
func FuzzFold(f *testing.F) {
	kinds := []journal.Kind{
		journal.RunStarted, journal.PlanKind, journal.Phase, journal.ProbeStarted, journal.SampleBlock, journal.ProbeDetail,
		journal.RatioPoint, journal.FaultPrepared, journal.FaultInjecting, journal.FaultReverted, journal.ActionPrepared,
		journal.ActionStuck, journal.RecordBlock, journal.LedgerReadBack, journal.AlertState, journal.EventSeen, journal.RunEnded,
	}
	f.Add(uint8(3), []byte(`{"addr":"probe.p","schedule":{"rate":50}}`), uint8(4), []byte("probe.p\x00\x01\x02\x03\x04\x05"))
	f.Add(uint8(7), []byte(`{"addr":"fault.f","handle":{"id":"h"}}`), uint8(9), []byte(`{"addr":"fault.f"}`))
	f.Add(uint8(1), []byte(`{"faults":[{"addr":"fault.f"}],"slos":null}`), uint8(12), []byte("l\x00\x01\x00\x05\x02\x03"))
	f.Fuzz(func(t *testing.T, k1 uint8, b1 []byte, k2 uint8, b2 []byte) {
		fold := NewFold()
		fold.Apply(journal.Entry{Seq: 1, Kind: kinds[int(k1)%len(kinds)], Body: b1})
		fold.Apply(journal.Entry{Seq: 2, Kind: kinds[int(k2)%len(kinds)], Body: b2})
		_ = fold.Run().Outstanding()
		if fold.Run().LastSeq != 2 {
			t.Fatal("the fold stopped")
		}
	})
}
