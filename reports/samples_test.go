package reports

import (
	"encoding/csv"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/gameday-toolkit/gameday/internal/journal"
	"github.com/gameday-toolkit/gameday/internal/record"
	"github.com/gameday-toolkit/gameday/internal/sample"
)

func TestEverySampleAndRecordIsInTheTables(t *testing.T) {
	const probe, ledger = `probe.http.shop["a,\"b\""]`, "ledger.http.orders"
	sched := sample.Schedule{Rate: 10}
	at := func(k uint64, o sample.Outcome, c sample.Class) sample.Sample {
		return sample.Sample{Seq: k, Intended: sched.Intended(k), Started: sched.Intended(k), Ended: sched.Intended(k) + 3*ms, Outcome: o, Class: c}
	}
	block := sample.AppendBlock(nil, []sample.Sample{at(0, sample.Good, 0), at(1, sample.Bad, sample.Timeout), at(3, sample.Unsent, sample.NoSlot)})
	records := record.AppendBlock(nil, []record.Record{{Seq: 0, Attempt: 10 * ms, Acked: 12 * ms, Outcome: record.OK}, {Seq: 1, Attempt: 20 * ms, Acked: 1020 * ms, Outcome: record.Info}})
	run := recordedRun(
		entry(0, journal.ProbeStarted, journal.ProbeBody{Addr: probe, Schedule: sched, Timeout: s}),
		journal.Entry{At: s, Kind: journal.SampleBlock, Body: journal.EncodeBlock(probe, block)},
		journal.Entry{At: s, Kind: journal.RecordBlock, Body: journal.EncodeBlock(ledger, records)})

	dir := filepath.Join(t.TempDir(), "out")
	require.NoError(t, WriteSamples(dir, run))
	require.Equal(t, [][]string{
		{"probe", "seq", "intended_ns", "ended_ns", "latency_ns", "outcome", "class"},
		{probe, "0", "0", "3000000", "3000000", "good", ""},
		{probe, "1", "100000000", "103000000", "3000000", "bad", "timeout"},
	}, table(t, filepath.Join(dir, "samples.csv"))[:3])
	unsent := table(t, filepath.Join(dir, "samples.csv"))[3]
	require.Equal(t, []string{probe, "3"}, unsent[:2], "number 2 was never recorded")
	require.Equal(t, "unsent", unsent[5])
	require.Equal(t, [][]string{
		{"ledger", "seq", "attempt_ns", "acked_ns", "outcome"},
		{ledger, "0", "10000000", "12000000", "ok"}, {ledger, "1", "20000000", "1020000000", "info"},
	}, table(t, filepath.Join(dir, "records.csv")))
}

func table(t *testing.T, path string) [][]string {
	t.Helper()
	b, err := os.ReadFile(path)
	require.NoError(t, err)
	rows, err := csv.NewReader(strings.NewReader(string(b))).ReadAll()
	require.NoError(t, err)
	return rows
}
