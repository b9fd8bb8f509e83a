package live

import (
	"os"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/gameday-toolkit/gameday/internal/history"
	"github.com/gameday-toolkit/gameday/internal/journal"
	"github.com/gameday-toolkit/gameday/internal/sample"
)

func TestThePageSaysWhatTheJournalSays(t *testing.T) {
	s := newScene(t, time.Now().Add(-3*time.Second))
	r := s.enter(func() []Guard { return []Guard{{Addr: "guard.floor", Known: true, Near: .4, Held: time.Second}} })
	v, err := r.hub.join(r.first)
	require.NoError(t, err)
	var p screen
	p.until(t, v, "the fault is active", func() bool { return len(p.state.Faults) == 1 && p.state.Faults[0].State == "active" })
	require.Equal(t, "Lose <b>one</b> zone", p.state.Scenario.Title)
	require.Equal(t, fault{Addr: "fault.zone", Name: "zone", State: "active", Targets: []string{"east-a"}, From: 1000, Active: 2000, Until: 62000, Release: "recovered", Evidence: "the zone is gone"}, p.state.Faults[0])
	require.Equal(t, running, p.state.Run.State)

	// A person is asked, and a sensitive instruction stays hidden.
	s.add(3*time.Second, journal.ActionStarted, journal.StepBody{Addr: "action.manual.decide"})
	p.until(t, v, "somebody is asked", func() bool { return p.state.Steps[0].State == "running" })
	require.Equal(t, []string{"Decide", "(sensitive)"}, []string{p.state.Steps[0].Title, p.state.Steps[0].Instruction})

	// Users see errors.
	s.answers(time.Second, 3*time.Second, sample.Good, 20*time.Millisecond)
	s.answers(3*time.Second, 5*time.Second, sample.Bad, 50*time.Millisecond)
	p.until(t, v, "the violation", func() bool { return p.tick.SLOs["slo.checkout"].Violated })
	require.Equal(t, 0.0, p.tick.SLOs["slo.checkout"].SLI)
	p.until(t, v, "its curve", func() bool { return len(p.points["slo.checkout"]) >= 5 })
	require.Equal(t, []float64{100, 100, 0}, p.points["slo.checkout"][2][:3])
	require.InDelta(t, 20, p.points["slo.checkout"][2][4], 1, "p99 in milliseconds")
	require.Equal(t, []float64{0, 100, 0}, p.points["slo.checkout"][4][:3])
	require.Equal(t, []near{{Addr: "guard.floor", Known: true, Near: .4, Held: 1000}}, p.tick.Guards)

	// Notes, the abort and the revert are told in the words of the report.
	s.add(6*time.Second, journal.Note, journal.NoteBody{Author: "ada", Text: "<script>alert(1)</script>"})
	s.add(7*time.Second, journal.Abort, journal.AbortBody{By: "person", Reason: "enough"})
	s.add(8*time.Second, journal.FaultReverting, journal.StepBody{Addr: "fault.zone"})
	s.add(9*time.Second, journal.FaultReverted, journal.StepBody{Addr: "fault.zone", Evidence: "the zone is back"})
	s.add(10*time.Second, journal.RunEnded, journal.EndedBody{Reason: "aborted: enough"})
	p.until(t, v, "the end", func() bool { return p.state.Run.State == over })
	require.Equal(t, "enough", p.state.Run.Abort)
	require.Equal(t, "reverted", p.state.Faults[0].State)
	var told []string
	for _, l := range p.lines {
		told = append(told, l.Who+" "+l.Text)
	}
	require.Contains(t, told, "ada <script>alert(1)</script>")
	require.Contains(t, told, "person aborted the run: enough")

	// Who comes late sees the same.
	r.Conclude(Verdict{Word: "Aborted", Why: "enough", Exit: 4})
	late, err := r.hub.join(r.first)
	require.NoError(t, err)
	var q screen
	q.take(t, <-late.queue)
	require.Equal(t, p.state, q.state)
	require.Equal(t, p.lines, q.lines)
	require.Equal(t, p.points, q.points)
	require.Equal(t, "Aborted", q.verdict.Word)
}

func TestARunThatNobodyWritesHasStopped(t *testing.T) {
	s := newScene(t, time.Now().Add(-time.Hour))
	r := s.enter(nil)
	v, err := r.hub.join(r.first)
	require.NoError(t, err)
	var p screen
	p.until(t, v, "it goes on, quietly", func() bool { return p.state.Run.State == running })
	require.NoError(t, s.w.Close()) // as the kernel does for a process that was killed
	p.until(t, v, "it has stopped", func() bool { return p.state.Run.State == stopped })
	require.Equal(t, "active", p.state.Faults[0].State)
}

func TestADamagedJournalIsSaidSo(t *testing.T) {
	s := newScene(t, time.Now())
	require.NoError(t, s.w.Close())
	b, err := os.ReadFile(s.path)
	require.NoError(t, err)
	b[len(b)-40] ^= 1
	require.NoError(t, os.WriteFile(s.path, b, 0o600))
	r := s.enter(nil)
	v, err := r.hub.join(r.first)
	require.NoError(t, err)
	var p screen
	p.until(t, v, "it is damaged", func() bool { return p.state.Run.State == damaged })
	require.Contains(t, p.state.Run.Detail, "is not what was written")
}

func TestARunIsJudgedOnceItIsOver(t *testing.T) {
	s := newScene(t, time.Now())
	asked := 0
	r := NewRoom(s.path, nil, func() (Verdict, error) { asked++; return Verdict{Word: "Passed"}, nil })
	ctx, cancel := testContext(t)
	done := make(chan error, 1)
	go func() { done <- r.Run(ctx) }()
	v, err := r.hub.join(r.first)
	require.NoError(t, err)
	var p screen
	s.add(10*time.Second, journal.RunEnded, journal.EndedBody{})
	p.until(t, v, "the verdict", func() bool { return p.verdict != nil })
	cancel()
	require.NoError(t, <-done)
	require.Equal(t, 1, asked)
}

// However samples come, in whatever order and however long the run, what a page made of the deltas is what the charts hold.
func TestDeltasAddUpToTheWhole(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		f, seq := history.NewFold(), uint64(0)
		add := func(at time.Duration, kind journal.Kind, body []byte) {
			seq++
			f.Apply(journal.Entry{Seq: seq, At: at, Kind: kind, Body: body})
		}
		rate := sample.Schedule{Rate: 5}
		add(0, journal.PlanKind, []byte(`{"slos":[{"addr":"slo.x","probe":"probe.p","target":99,"window":"1s","period":"1s"}]}`))
		add(0, journal.ProbeStarted, journal.Encode(journal.ProbeBody{Addr: "probe.p", Schedule: rate, Timeout: time.Second}))
		c, p, drawn, good := newCharts(), screen{}, time.Duration(0), 0.0
		next := uint64(0)
		for range rapid.IntRange(1, 30).Draw(t, "ticks") {
			n := uint64(rapid.IntRange(1, 700).Draw(t, "samples"))
			var ss []sample.Sample
			for k := next; k < next+n; k++ {
				ss = append(ss, sample.Sample{Seq: k, Intended: rate.Intended(k), Ended: rate.Intended(k) + time.Millisecond, Outcome: sample.Good})
			}
			next += n
			good += float64(n)
			add(rate.Intended(next), journal.SampleBlock, journal.EncodeBlock("probe.p", sample.AppendBlock(nil, ss)))
			wider := c.update(f.Run(), drawn)
			drawn = f.Run().LastAt
			p.take(t, encode("tick", tick{Width: ms(c.width), Charts: c.delta(wider)}))
		}
		require.Equal(t, c.delta(true)["slo.x"].Points, p.points["slo.x"])
		require.LessOrEqual(t, len(p.points["slo.x"]), maxBuckets)
		sum := 0.0
		for _, pt := range p.points["slo.x"] {
			sum += pt[0]
		}
		require.Equal(t, good, sum, "no sample is lost or counted twice")
	})
}

func TestPollsAreSpreadOverTheirTime(t *testing.T) {
	f, seq := history.NewFold(), uint64(0)
	add := func(at time.Duration, kind journal.Kind, body []byte) {
		seq++
		f.Apply(journal.Entry{Seq: seq, At: at, Kind: kind, Body: body})
	}
	add(0, journal.PlanKind, []byte(`{"slos":[{"addr":"slo.x","ratio":{"url":"","good":"","total":"","interval":"5s"},"target":99,"window":"1s","period":"1s"}]}`))
	c, drawn := newCharts(), time.Duration(0)
	for i := range 4 {
		from, to := time.Duration(5*i)*time.Second, time.Duration(5*i+5)*time.Second
		add(to, journal.RatioPoint, journal.Encode(journal.PointBody{Addr: "slo.x", From: from, To: to, Good: 40, Total: 50}))
		c.update(f.Run(), drawn)
		drawn = f.Run().LastAt
	}
	points := c.delta(true)["slo.x"].Points
	for i := range 20 {
		require.Equal(t, []float64{8, 10}, points[i][:2], "second %d", i)
	}
	require.InDelta(t, .8, indicators(f.Run())["slo.x"].SLI, 1e-9)
}

func TestNothingOfARunIsMarkup(t *testing.T) {
	m := string(encode("state", state{Scenario: scenario{Title: "</script><script>alert(1)</script>\n\ndata: x"}}))
	require.NotContains(t, m, "<script>")
	require.Equal(t, 1, strings.Count(m, "\ndata: "))
}
