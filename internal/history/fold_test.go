package history

import (
	"fmt"
	"path/filepath"
	"runtime"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/gameday-toolkit/gameday/internal/journal"
	"github.com/gameday-toolkit/gameday/internal/plan"
	"github.com/gameday-toolkit/gameday/internal/record"
	"github.com/gameday-toolkit/gameday/internal/sample"
	"github.com/gameday-toolkit/gameday/plugins/sdk"
)

// script feeds a fold as a journal would.
type script struct {
	f   *Fold
	seq uint64
}

func newScript() *script { return &script{f: NewFold()} }

func (s *script) add(at time.Duration, kind journal.Kind, body any) *script {
	b, ok := body.([]byte)
	if !ok {
		b = journal.Encode(body)
	}
	s.seq++
	s.f.Apply(journal.Entry{Seq: s.seq, At: at, Kind: kind, Body: b})
	return s
}

func handleOf(addr string) journal.HandleBody {
	return journal.HandleBody{Addr: addr, Plugin: "lab", Handle: sdk.Handle{ID: addr + "#1"}}
}

func TestARunIsFolded(t *testing.T) {
	p := plan.Plan{Draft: plan.Draft{
		SLOs:    []plan.SLO{{Addr: "slo.s", Ratio: &plan.Ratio{}}},
		Faults:  []plan.Fault{{Addr: "fault.a"}, {Addr: "fault.b"}},
		Ledgers: []plan.Ledger{{Addr: "ledger.l"}}, Alerts: []plan.Alert{{Addr: "alert.x"}},
	}}
	sched := sample.Schedule{Phase: time.Second, Rate: 100}
	block := sample.AppendBlock(nil, []sample.Sample{{Seq: 0, Intended: time.Second, Started: time.Second, Ended: 2 * time.Second, Outcome: sample.Good}})
	records := record.AppendBlock(nil, []record.Record{{Seq: 4, Attempt: 1, Acked: 2, Outcome: record.OK}})
	s := newScript().
		add(0, journal.RunStarted, journal.Started{Run: "r1", Seed: 7}).
		add(1, journal.PlanKind, p).
		add(2, journal.Phase, journal.PhaseBody{Name: journal.Preflight}).
		add(3, journal.Check, journal.CheckBody{Name: "probe", OK: true}).
		add(4, journal.Phase, journal.PhaseBody{Name: journal.Baseline}).
		add(5, journal.ProbeStarted, journal.ProbeBody{Addr: "probe.p", Schedule: sched}).
		add(6, journal.SampleBlock, journal.EncodeBlock("probe.p", block)).
		add(7, journal.RecordBlock, journal.EncodeBlock("ledger.l", records)).
		add(8, journal.AlertState, journal.AlertBody{Addr: "alert.x", Firing: true}).
		add(9, journal.FaultPrepared, handleOf("fault.b")).
		add(10, journal.FaultInjecting, journal.StepBody{Addr: "fault.b"}).
		add(12, journal.FaultActive, journal.StepBody{Addr: "fault.b", Evidence: "gone"}).
		add(20, "something.newer", journal.NoteBody{}).
		add(30, journal.RunEnded, journal.EndedBody{Reason: "done"})
	r := s.f.Finish(journal.End{})
	require.Equal(t, "r1", r.Started.Run)
	require.Empty(t, r.Troubles)
	require.Equal(t, []Phase{{journal.Preflight, 3, 2, 4}, {journal.Baseline, 5, 4, 30}}, r.Phases)
	require.Equal(t, time.Second, r.Probe("probe.p").Series.At(0).Latency())
	require.Equal(t, []record.Record{{Seq: 4, Attempt: 1, Acked: 2, Outcome: record.OK}}, r.Ledger("ledger.l").Records)
	require.True(t, r.Alert("alert.x").States[0].Firing)
	require.Equal(t, []string{"fault.a", "fault.b"}, []string{r.Faults[0].Addr, r.Faults[1].Addr}, "in the order of the plan")
	require.Nil(t, r.Faults[0].Injecting)
	require.Equal(t, r.Faults[1], r.FirstFault())
	require.Equal(t, Mark{Seq: 12, At: 12}, r.Fault("fault.b").Active.Mark)
	require.NotNil(t, r.Ratio("slo.s"), "a ratio that was never polled is missing visibly")
	require.Equal(t, Complete, r.Ending())
	require.Len(t, r.Outstanding(), 1)
	require.True(t, r.Touched())
}

func TestWhatCannotBeReadIsATrouble(t *testing.T) {
	s := newScript().
		add(0, journal.RunStarted, journal.Started{}).
		add(1, journal.FaultActive, []byte("{")).
		add(2, journal.SampleBlock, journal.EncodeBlock("probe.unknown", nil)).
		add(3, journal.ProbeStarted, journal.ProbeBody{Addr: "probe.p"}).
		add(4, journal.RecordBlock, []byte("no address"))
	require.Len(t, s.f.Run().Troubles, 4)
	require.Contains(t, s.f.Run().Troubles[0].What, "entry 2 (fault.active)")
}

func TestEndings(t *testing.T) {
	ended := newScript().add(0, journal.RunEnded, journal.EndedBody{}).f
	require.Equal(t, Complete, ended.Run().Ending())
	require.Equal(t, Tampered, ended.Finish(journal.End{Ending: journal.Tampered}).Ending())
	require.Equal(t, Killed, NewFold().Finish(journal.End{}).Ending())
	require.Equal(t, Truncated, NewFold().Finish(journal.End{Ending: journal.Torn}).Ending())
}

// TestOutstandingIsInjectedMinusReverted crashes random runs at every entry.
func TestOutstandingIsInjectedMinusReverted(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := newScript()
		prepared, begun, gone := map[string]bool{}, map[string]bool{}, map[string]bool{}
		var order []string
		for range rapid.IntRange(1, 40).Draw(t, "steps") {
			addr := fmt.Sprintf("fault.f%d", rapid.IntRange(0, 4).Draw(t, "fault"))
			step := journal.StepBody{Addr: addr, Handle: addr + "#1"}
			switch {
			case !prepared[addr]:
				s.add(0, journal.FaultPrepared, handleOf(addr))
				prepared[addr] = true
				order = append(order, addr)
			case !begun[addr]:
				s.add(0, journal.FaultInjecting, step)
				begun[addr] = true
				order = append(slices.DeleteFunc(order, func(a string) bool { return a == addr }), addr)
			case gone[addr]:
			case rapid.Bool().Draw(t, "stuck"):
				s.add(0, journal.FaultReverting, step).add(0, journal.FaultStuck, step)
			default:
				s.add(0, journal.FaultReverting, step).add(0, journal.FaultReverted, step)
				gone[addr] = true
			}
			var want, got []string
			for _, a := range slices.Backward(order) {
				if !gone[a] {
					want = append(want, a)
				}
			}
			for _, o := range s.f.Run().Outstanding() {
				got = append(got, o.Addr)
				require.Equal(t, begun[o.Addr], o.Begun)
				require.Equal(t, o.Addr+"#1", o.HandleBody.Handle.ID)
			}
			require.Equal(t, want, got)
		}
		s.add(0, journal.RunEnded, journal.EndedBody{})
		for _, o := range s.f.Run().Outstanding() {
			require.True(t, o.Begun, "a whole journal shows that it was never injected")
		}
	})
}

func TestOutstandingActionsAndStuck(t *testing.T) {
	s := newScript().
		add(0, journal.ActionPrepared, handleOf("action.failover")).
		add(1, journal.ActionStarted, journal.StepBody{Addr: "action.failover"}).
		add(2, journal.ActionStarted, journal.StepBody{Addr: "action.without_undo"}).
		add(3, journal.ActionStuck, journal.StepBody{Addr: "action.failover", Steps: []string{"by hand"}})
	got := s.f.Run().Outstanding()
	require.Len(t, got, 1)
	require.True(t, got[0].Action)
	require.Equal(t, []string{"by hand"}, got[0].Stuck.Steps)
	s.add(4, journal.ActionUndone, journal.StepBody{Addr: "action.failover"})
	require.Empty(t, s.f.Run().Outstanding())
}

func TestLoadFromDisk(t *testing.T) {
	path := filepath.Join(t.TempDir(), "journal")
	w, err := journal.Create(path)
	require.NoError(t, err)
	_, err = w.Append(0, journal.RunStarted, journal.Encode(journal.Started{Run: "r9"}))
	require.NoError(t, err)
	require.NoError(t, w.Close())
	r, err := Load(path)
	require.NoError(t, err)
	require.Equal(t, "r9", r.Started.Run)
	require.Equal(t, Killed, r.Ending())
	_, err = Load(path + "x")
	require.Error(t, err)
}

// BenchmarkTenMillionSamples says what ten million samples cost, in time and in memory that stays.
func BenchmarkTenMillionSamples(b *testing.B) {
	sched := sample.Schedule{Rate: 10000}
	for b.Loop() {
		s := newScript().add(0, journal.ProbeStarted, journal.ProbeBody{Addr: "probe.p", Schedule: sched})
		block := make([]sample.Sample, 500)
		for k := uint64(0); k < 1e7; k += 500 {
			for i := range block {
				at := sched.Intended(k + uint64(i))
				block[i] = sample.Sample{Seq: k + uint64(i), Intended: at, Started: at, Ended: at + time.Millisecond, Outcome: sample.Good}
			}
			s.add(0, journal.SampleBlock, journal.EncodeBlock("probe.p", sample.AppendBlock(nil, block)))
		}
		runtime.GC()
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		b.ReportMetric(float64(m.HeapAlloc)/1e6, "MB-kept")
		runtime.KeepAlive(s)
	}
}

func TestWhoWatchesMayForget(t *testing.T) {
	s := newScript().add(0, journal.ProbeStarted, journal.ProbeBody{Addr: "probe.p", Schedule: sample.Schedule{Rate: 1000}})
	for k := range uint64(40) {
		var ss []sample.Sample
		for i := range uint64(1000) {
			ss = append(ss, sample.Sample{Seq: 1000*k + i, Outcome: sample.Good})
		}
		s.add(time.Duration(k)*time.Second, journal.SampleBlock, journal.EncodeBlock("probe.p", sample.AppendBlock(nil, ss)))
		s.add(time.Duration(k)*time.Second, journal.RatioPoint, journal.PointBody{Addr: "slo.s"})
	}
	s.f.Forget(38 * time.Second)
	r := s.f.Run()
	require.Empty(t, slices.Collect(r.Probe("probe.p").Series.Between(0, 30*time.Second)))
	require.Len(t, slices.Collect(r.Probe("probe.p").Series.Between(38*time.Second, time.Hour)), 2000)
	require.Len(t, r.Ratio("slo.s").Polls, 2)
	require.EqualValues(t, 40000, r.Probe("probe.p").Series.Len())
}
