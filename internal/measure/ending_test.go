package measure

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/gameday-toolkit/gameday/internal/journal"
)

// TestADamagedJournalIsNeverClean damages a run that would have passed at each of its entries: what lies behind the damage
// may be an injection, whatever the sound part shows.
func TestADamagedJournalIsNeverClean(t *testing.T) {
	s := healthy()
	s.probe.Schedule.Rate = 20
	all := s.written()
	for i := range all {
		r := folded(all[:i])
		r.File.Ending = journal.Tampered
		got := Evaluate(r)
		require.Equal(t, ExitLeaked, got.Exit, "damaged at entry %d (%s): %s", i+1, all[i].Kind, got.Why)
		require.Equal(t, Leaked, got.Verdict)
		require.Contains(t, got.Why, fmt.Sprintf("the journal is damaged at entry %d: what was injected after that is not known", i+1))
		require.Contains(t, got.Why, "gameday sweep")
	}
	cut := append(all[:20:20], journal.Entry{At: all[20].At, Kind: journal.Trouble, Body: journal.Encode(journal.TroubleBody{What: "cut off", Lost: true})})
	got := Evaluate(folded(append(cut, journal.Entry{At: all[20].At, Kind: journal.Recovered, Body: journal.Encode(journal.EndedBody{})})))
	require.Equal(t, ExitLeaked, got.Exit, "a recovery of what could be read proves nothing about the rest")
	require.Contains(t, got.Why, "damaged at entry 21")
	ended := folded(all)
	ended.File.Ending = journal.Tampered
	require.Equal(t, ExitInconclusive, Evaluate(ended).Exit, "damaged after the run had ended with nothing outstanding")
}

// TestATornTailHidesNoInjection tears the same run at each of its entries. A handle is on disk, synced, before anything is
// changed, so that a write that was cut off cannot have been that of a change that was made: what is outstanding is what
// the sound part shows, and no more.
func TestATornTailHidesNoInjection(t *testing.T) {
	s := healthy()
	s.probe.Schedule.Rate = 20
	all := s.written()
	there := false
	for i, e := range all {
		r := folded(all[:i])
		r.File.Ending = journal.Torn
		want := ExitInconclusive
		if there {
			want = ExitLeaked
		}
		require.Equal(t, want, Evaluate(r).Exit, "torn in entry %d (%s)", i+1, e.Kind)
		switch e.Kind {
		case journal.FaultPrepared:
			there = true
		case journal.FaultReverted:
			there = false
		}
	}
}
