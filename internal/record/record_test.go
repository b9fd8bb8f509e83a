package record

import (
	"math"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/gameday-toolkit/gameday/internal/varint"
)

func TestBlockRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var in []Record
		for range rapid.IntRange(0, 50).Draw(t, "n") {
			r := Record{Seq: rapid.Uint64().Draw(t, "seq"), Worker: rapid.Uint16().Draw(t, "worker"), Outcome: Outcome(rapid.IntRange(1, 3).Draw(t, "outcome"))}
			r.Attempt = time.Duration(rapid.Int64Range(0, 1e14).Draw(t, "attempt"))
			r.Acked = r.Attempt + time.Duration(rapid.Int64Range(0, 1e11).Draw(t, "took"))
			in = append(in, r)
		}
		var out []Record
		require.NoError(t, DecodeBlock(AppendBlock(nil, in), func(r Record) bool { out = append(out, r); return true }))
		require.Equal(t, in, out)
	})
}

func TestSeqsRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		set := rapid.SliceOfN(rapid.Bool(), 0, 200).Draw(t, "set")
		n := uint64(len(set))
		b := AppendSeqs(nil, n, func(k uint64) bool { return set[k] })
		got, last := make([]bool, len(set)), -1
		require.NoError(t, DecodeSeqs(b, n, func(k uint64) bool {
			require.Greater(t, int(k), last, "ascending, none twice")
			got[k], last = true, int(k)
			return true
		}))
		require.Equal(t, set, got)
	})
}

func TestALedgerThatLostNothingIsSmall(t *testing.T) {
	require.LessOrEqual(t, len(AppendSeqs(nil, 100_000, func(uint64) bool { return true })), 4)
}

func TestCorruptSetIsAnError(t *testing.T) {
	b := AppendSeqs(nil, 10, func(k uint64) bool { return k == 9 })
	require.ErrorIs(t, DecodeSeqs(b, 9, func(uint64) bool { return true }), varint.ErrMalformed)
	require.ErrorIs(t, DecodeSeqs([]byte{5}, 100, func(uint64) bool { return true }), varint.ErrMalformed)
}

func FuzzDecode(f *testing.F) {
	f.Add(AppendBlock(nil, []Record{{Seq: 3, Outcome: OK}}))
	f.Add(AppendSeqs(nil, 5, func(uint64) bool { return true }))
	f.Add([]byte{255, 255, 255, 255, 255, 255, 255, 255, 255, 1, 3})
	f.Fuzz(func(t *testing.T, b []byte) {
		_ = DecodeBlock(b, func(Record) bool { return true })
		_ = DecodeSeqs(b, 1000, func(k uint64) bool { return k < 1000 || k == math.MaxUint64 })
	})
}
