package sample

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

func TestBlockRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		sched := Schedule{Phase: time.Duration(rapid.Int64Range(0, 1e12).Draw(t, "phase")), Rate: rapid.Float64Range(0.1, 20000).Draw(t, "rate")}
		var in []Sample
		for range rapid.IntRange(0, 50).Draw(t, "n") {
			k := rapid.Uint64Range(0, 1e7).Draw(t, "k")
			s := Sample{Seq: k, Intended: sched.Intended(k), Outcome: Outcome(rapid.IntRange(1, 3).Draw(t, "o")), Class: Class(rapid.IntRange(0, int(numClasses)-1).Draw(t, "c"))}
			s.Started = s.Intended + time.Duration(rapid.Int64Range(0, 1e9).Draw(t, "late"))
			s.Ended = s.Started + time.Duration(rapid.Int64Range(0, 1e10).Draw(t, "took"))
			in = append(in, s)
		}
		var out []Sample
		require.NoError(t, DecodeBlock(AppendBlock(nil, in), sched, func(s Sample) bool { out = append(out, s); return true }))
		require.Equal(t, in, out)
	})
}

func TestSeqIsTheFirstSampleAtOrAfter(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		sched := Schedule{Phase: time.Duration(rapid.Int64Range(0, 1e10).Draw(t, "phase")), Rate: rapid.Float64Range(0.1, 20000).Draw(t, "rate")}
		at := time.Duration(rapid.Int64Range(0, 1e13).Draw(t, "at"))
		k := sched.Seq(at)
		require.GreaterOrEqual(t, sched.Intended(k), at)
		if k > 0 {
			require.Less(t, sched.Intended(k-1), at)
		}
	})
}

func TestSeriesGivesBackWhatWasAdded(t *testing.T) {
	s := Series{Schedule: Schedule{Phase: time.Second, Rate: 100}}
	for _, k := range []uint64{5, 2, 40000} { // completion order is not schedule order
		at := s.Schedule.Intended(k)
		require.True(t, s.Add(Sample{Seq: k, Intended: at, Started: at, Ended: at + 3*time.Millisecond, Outcome: Bad, Class: Timeout}))
	}
	require.False(t, s.Add(Sample{Seq: 1 << 60}), "a corrupt sequence number must not allocate")
	var seqs []uint64
	for x := range s.Between(0, time.Hour) {
		require.Equal(t, 3*time.Millisecond, x.Latency())
		require.Equal(t, Timeout, x.Class)
		seqs = append(seqs, x.Seq)
	}
	require.Equal(t, []uint64{2, 5, 40000}, seqs)
}

func FuzzDecodeBlock(f *testing.F) {
	f.Add(AppendBlock(nil, []Sample{{Seq: 3, Outcome: Good}}))
	f.Fuzz(func(t *testing.T, b []byte) {
		_ = DecodeBlock(b, Schedule{Rate: 50}, func(Sample) bool { return true })
	})
}

func TestAGapInTheSeriesTakesNoMemory(t *testing.T) {
	s := Series{Schedule: Schedule{Rate: 1000}}
	require.True(t, s.Add(Sample{Seq: 0, Outcome: Good}))
	require.True(t, s.Add(Sample{Seq: maxGap, Intended: s.Schedule.Intended(maxGap), Outcome: Good}))
	kept := 0
	for _, c := range s.chunks {
		if c != nil {
			kept++
		}
	}
	require.Equal(t, 2, kept)
	n := 0
	for range s.Between(0, 1<<62) {
		n++
	}
	require.Equal(t, 2, n)
	require.Equal(t, Missing, s.At(maxGap/2).Outcome)
}

func TestForgottenSamplesAreGone(t *testing.T) {
	s := Series{Schedule: Schedule{Rate: 1000}}
	for k := range uint64(3 * chunkLen) {
		require.True(t, s.Add(Sample{Seq: k, Intended: s.Schedule.Intended(k), Ended: s.Schedule.Intended(k), Outcome: Good}))
	}
	s.Forget(2*chunkLen + 5)
	n := 0
	for x := range s.Between(0, time.Hour) {
		require.GreaterOrEqual(t, x.Seq, uint64(2*chunkLen))
		n++
	}
	require.Equal(t, chunkLen, n)
	require.Equal(t, Missing, s.At(7).Outcome)
	require.True(t, s.Add(Sample{Seq: 9, Outcome: Bad}), "a late one may still come")
	require.EqualValues(t, 3*chunkLen, s.Len())
}
