package reports

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/gameday-toolkit/gameday/internal/history"
	"github.com/gameday-toolkit/gameday/internal/journal"
	"github.com/gameday-toolkit/gameday/internal/measure"
	"github.com/gameday-toolkit/gameday/internal/plan"
	"github.com/gameday-toolkit/gameday/internal/sample"
)

// BenchmarkTenMillionSamples is the whole way from a journal on disk to all files of the report. The bar is 10 s and
// 300 MB: MB-peak is the most memory that the process ever held.
func BenchmarkTenMillionSamples(b *testing.B) {
	path := filepath.Join(b.TempDir(), "journal")
	writeTenMillion(b, path)
	require.NoError(b, os.WriteFile("/proc/self/clear_refs", []byte("5"), 0)) // the peak so far was the writing
	dir := b.TempDir()
	for b.Loop() {
		run, err := history.Load(path)
		require.NoError(b, err)
		require.NoError(b, WriteAll(dir, Build(run, measure.Evaluate(run), nil)))
	}
	b.ReportMetric(peakMB(b), "MB-peak")
	page, err := os.Stat(filepath.Join(dir, "report.html"))
	require.NoError(b, err)
	b.ReportMetric(float64(page.Size())/1e3, "kB-page")
}

// writeTenMillion is 1,000 s at 10,000 a second, bad from 300 s to 320 s.
func writeTenMillion(b *testing.B, path string) {
	w, err := journal.Create(path)
	require.NoError(b, err)
	add := func(at time.Duration, kind journal.Kind, body []byte) {
		_, err := w.Append(at, kind, body)
		require.NoError(b, err)
	}
	p := azPlan()
	p.Probes = []plan.Probe{{Addr: "probe.http.checkout", Type: "http", Rate: 10000, Timeout: plan.Duration(s)}}
	sched := sample.Schedule{Rate: 10000}
	add(0, journal.RunStarted, journal.Encode(journal.Started{Run: "r", Format: 1, PlanHash: p.Hash()}))
	add(0, journal.PlanKind, journal.Encode(p))
	add(0, journal.Phase, journal.Encode(journal.PhaseBody{Name: journal.Baseline}))
	add(0, journal.ProbeStarted, journal.Encode(journal.ProbeBody{Addr: "probe.http.checkout", Schedule: sched, Timeout: s}))
	block := make([]sample.Sample, 1000)
	for k := uint64(0); k < 1e7; k += uint64(len(block)) {
		at := sched.Intended(k)
		for i := range block {
			x := sample.Sample{Seq: k + uint64(i), Intended: sched.Intended(k + uint64(i)), Outcome: sample.Good}
			x.Started = x.Intended
			x.Ended = x.Started + 2*ms + time.Duration(noise(int(x.Seq))*float64(3*ms))
			if at >= 300*s && at < 320*s {
				x.Outcome, x.Class = sample.Bad, sample.Status
			}
			block[i] = x
		}
		switch at {
		case 299 * s:
			add(at, journal.Phase, journal.Encode(journal.PhaseBody{Name: journal.Observe}))
			add(at, journal.FaultPrepared, journal.Encode(journal.HandleBody{Addr: lose, Plugin: "lab"}))
			add(at, journal.FaultInjecting, journal.Encode(journal.StepBody{Addr: lose}))
			add(at+s/2, journal.FaultActive, journal.Encode(journal.StepBody{Addr: lose}))
		case 400 * s:
			add(at, journal.Phase, journal.Encode(journal.PhaseBody{Name: journal.Reverting}))
			add(at, journal.FaultReverting, journal.Encode(journal.StepBody{Addr: lose}))
			add(at+s/2, journal.FaultReverted, journal.Encode(journal.StepBody{Addr: lose}))
			add(at+s/2, journal.Phase, journal.Encode(journal.PhaseBody{Name: journal.Recovery}))
		}
		add(at, journal.SampleBlock, journal.EncodeBlock("probe.http.checkout", sample.AppendBlock(nil, block)))
	}
	add(1000*s, journal.RunEnded, journal.Encode(journal.EndedBody{}))
	require.NoError(b, w.Close())
}

func peakMB(b *testing.B) float64 {
	status, err := os.ReadFile("/proc/self/status")
	require.NoError(b, err)
	for _, line := range strings.Split(string(status), "\n") {
		var kb float64
		if n, _ := fmt.Sscanf(line, "VmHWM: %f kB", &kb); n == 1 {
			return kb / 1e3
		}
	}
	b.Fatal("no VmHWM in /proc/self/status")
	return 0
}

// BenchmarkRender is the renderers alone, on a large estate.
func BenchmarkRender(b *testing.B) {
	m := many()
	for b.Loop() {
		require.NoError(b, WriteAll(b.TempDir(), m))
	}
}
