package live

import (
	"bufio"
	"context"
	"encoding/json"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/gameday-toolkit/gameday/internal/journal"
	"github.com/gameday-toolkit/gameday/internal/plan"
	"github.com/gameday-toolkit/gameday/internal/sample"
	"github.com/gameday-toolkit/gameday/plugins/sdk"
)

func TestMain(m *testing.M) {
	if otherRole() {
		return
	}
	goleak.VerifyTestMain(m)
}

// scene is a run of which a test writes the journal.
type scene struct {
	t    testing.TB
	path string
	w    *journal.Writer
	wall time.Time
}

var sched = sample.Schedule{Phase: time.Second, Rate: 100}

// newScene has come to its inject phase, with a probe and a fault that is active.
func newScene(t testing.TB, wall time.Time) *scene {
	s := &scene{t: t, path: filepath.Join(t.TempDir(), "journal"), wall: wall}
	var err error
	s.w, err = journal.Create(s.path)
	require.NoError(t, err)
	t.Cleanup(func() { _ = s.w.Close() })
	s.add(0, journal.RunStarted, journal.Started{Run: "20261123-120000-000-0000", Wall: wall, User: "ada", Host: "here"})
	s.add(0, journal.PlanKind, plan.Plan{Draft: plan.Draft{
		Scenario: plan.Scenario{Name: "s", Title: "Lose <b>one</b> zone", Baseline: plan.Duration(5 * time.Second)},
		Probes:   []plan.Probe{{Addr: "probe.http.p", Rate: 100}},
		SLOs:     []plan.SLO{{Addr: "slo.checkout", Probe: "probe.http.p", Target: 99, Window: plan.Duration(time.Second)}},
		Faults:   []plan.Fault{{Addr: "fault.zone", Hold: plan.Duration(time.Minute), Release: "recovered", Members: []sdk.Target{{Name: "east-a"}}}},
		Actions: []plan.Action{{Addr: "action.manual.decide", Type: "manual", Timeout: plan.Duration(time.Minute),
			Config: json.RawMessage(`{"title":"Decide","instruction":"\u0000secret:0"}`)}},
		Guards: []plan.Guard{{Addr: "guard.floor", Expr: "slo.checkout.sli < 0.5", For: plan.Duration(time.Second)}},
	}})
	s.add(0, journal.Phase, journal.PhaseBody{Name: journal.Observe})
	s.add(0, journal.ProbeStarted, journal.ProbeBody{Addr: "probe.http.p", Schedule: sched, Timeout: time.Second})
	s.add(time.Second, journal.FaultInjecting, journal.StepBody{Addr: "fault.zone"})
	s.add(2*time.Second, journal.FaultActive, journal.StepBody{Addr: "fault.zone", Evidence: "the zone is gone"})
	return s
}

func (s *scene) add(at time.Duration, kind journal.Kind, body any) {
	_, err := s.w.AppendSync(at, kind, journal.Encode(body))
	require.NoError(s.t, err)
}

// answers writes the samples intended in a time, all of one outcome.
func (s *scene) answers(from, to time.Duration, o sample.Outcome, latency time.Duration) {
	var ss []sample.Sample
	for k := sched.Seq(from); sched.Intended(k) < to; k++ {
		at := sched.Intended(k)
		ss = append(ss, sample.Sample{Seq: k, Intended: at, Started: at, Ended: at + latency, Outcome: o})
	}
	_, err := s.w.AppendSync(to+latency, journal.SampleBlock, journal.EncodeBlock("probe.http.p", sample.AppendBlock(nil, ss)))
	require.NoError(s.t, err)
}

// enter opens a room and closes it with the test.
func (s *scene) enter(guards func() []Guard) *Room {
	r := NewRoom(s.path, guards, nil)
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- r.Run(ctx) }()
	s.t.Cleanup(func() {
		cancel()
		require.NoError(s.t, <-done)
	})
	return r
}

// screen is what a page makes of the messages that come to it.
type screen struct {
	state   state
	ticks   int
	tick    tick
	lines   []line
	points  map[string][][5]float64
	verdict *Verdict
}

func (p *screen) take(t require.TestingT, message []byte) {
	events := bufio.NewScanner(strings.NewReader(string(message)))
	events.Buffer(nil, 16<<20)
	event := ""
	for events.Scan() {
		kind, rest, _ := strings.Cut(events.Text(), ": ")
		if kind == "event" {
			event = rest
		}
		if kind == "data" {
			p.apply(t, event, []byte(rest))
		}
	}
}

func (p *screen) apply(t require.TestingT, event string, data []byte) {
	switch event {
	case "begin":
		p.lines = nil
	case "state":
		p.state = state{}
		require.NoError(t, json.Unmarshal(data, &p.state))
	case "lines":
		var ls []line
		require.NoError(t, json.Unmarshal(data, &ls))
		p.lines = append(p.lines, ls...)
	case "verdict":
		require.NoError(t, json.Unmarshal(data, &p.verdict))
	case "tick":
		width := p.tick.Width
		p.tick = tick{}
		require.NoError(t, json.Unmarshal(data, &p.tick))
		p.ticks++
		if p.points == nil || p.tick.Width != width {
			p.points = map[string][][5]float64{}
		}
		for addr, d := range p.tick.Charts {
			p.points[addr] = append(p.points[addr][:min(d.From, len(p.points[addr]))], d.Points...)
		}
	}
}

// until takes messages until the page shows what is waited for.
func (p *screen) until(t testing.TB, v *viewer, what string, shown func() bool) {
	t.Helper()
	deadline := time.After(20 * time.Second)
	for !shown() {
		select {
		case m, ok := <-v.queue:
			require.True(t, ok, "sent away before: %s", what)
			p.take(t, m)
		case <-deadline:
			require.Fail(t, "waited in vain", what)
		}
	}
}
