package backlog

import (
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/gameday-toolkit/gameday/internal/history"
	"github.com/gameday-toolkit/gameday/internal/journal"
	"github.com/gameday-toolkit/gameday/internal/measure"
)

// TestARecordWithHolesIsNoReasonToPanic takes entries out of a run with every kind of miss.
func TestARecordWithHolesIsNoReasonToPanic(t *testing.T) {
	s := healthy().with(func(s *story) {
		s.down = []span{{11 * sec, 45 * sec}}
		s.lost, s.strange, s.alert = span{8 * sec, 36 * sec}, 2, nil
	})
	all := s.written()
	rapid.Check(t, func(t *rapid.T) {
		f := history.NewFold()
		seq := uint64(0)
		for _, e := range all {
			if rapid.IntRange(0, 3).Draw(t, "drop "+string(e.Kind)) == 0 {
				continue
			}
			if rapid.IntRange(0, 9).Draw(t, "spoil "+string(e.Kind)) == 0 {
				e.Body = []byte("{")
			}
			seq++
			f.Apply(journal.Entry{Seq: seq, At: e.At, Kind: e.Kind, Body: e.Body})
		}
		run := f.Run()
		result := measure.Evaluate(run)
		require.NotEqual(t, measure.ExitPass, result.Exit)
		require.Equal(t, Find(run, result), Find(run, result))
	})
}
