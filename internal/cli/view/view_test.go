package view

import (
	"bytes"
	"io"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/gameday-toolkit/gameday/internal/engine"
	"github.com/gameday-toolkit/gameday/internal/journal"
	"github.com/gameday-toolkit/gameday/internal/plan"
	"github.com/gameday-toolkit/gameday/plugins/sdk"
)

func plain(_, text string) string { return text }

func options() Options {
	return Options{Paint: plain, Redact: func(s string) string { return strings.ReplaceAll(s, "hush", "(sensitive)") }}
}

func TestALineForEachEventWithItsTime(t *testing.T) {
	var out bytes.Buffer
	v := NewLines(&out, options())
	v.Entry(0, journal.RunStarted, journal.Started{Run: "r1", Wall: time.Date(2026, 11, 23, 12, 0, 0, 0, time.Local)})
	v.Entry(3200*time.Millisecond, journal.FaultActive, journal.StepBody{Addr: "fault.x.y", Evidence: "pid 7 is \x1b[31mdead, token hush"})
	v.Entry(65*time.Second, journal.Phase, journal.PhaseBody{Name: journal.Recovery})
	v.Entry(66*time.Second, journal.ProbeStarted, journal.ProbeBody{Addr: "probe.http.p"})
	v.Close()
	require.Equal(t, `12:00:00   +0.00s  run r1 begins, seed 0, plan `+`
12:00:03   +3.20s  fault.x.y is active: pid 7 is \x1b[31mdead, token (sensitive)
12:01:05   +1m05s  phase recovery: the steady state must hold again
`, out.String())
}

func TestQuietShowsOnlyWhatNeedsALook(t *testing.T) {
	var out bytes.Buffer
	o := options()
	o.Quiet = true
	v := NewLines(&out, o)
	v.Entry(0, journal.Phase, journal.PhaseBody{Name: journal.Baseline})
	v.Entry(0, journal.FaultStuck, journal.StepBody{Addr: "fault.x.y", Err: "jammed", Steps: []string{"mv a b"}})
	v.Close()
	require.Equal(t, 1, strings.Count(out.String(), "\n"))
	require.Contains(t, out.String(), "By hand: mv a b")
}

// stalled is a terminal that was stopped with Ctrl-S: a write never returns.
type stalled struct{ io.Reader }

func (stalled) Write([]byte) (int, error) { select {} }

func TestAStalledTerminalStopsNothing(t *testing.T) {
	v := NewLines(stalled{}, options())
	began := time.Now()
	for range 10 * queued {
		v.Entry(0, journal.Phase, journal.PhaseBody{Name: journal.Baseline})
	}
	require.Less(t, time.Since(began), time.Second, "the engine's loop must not wait")
	v.Close()
	require.Less(t, time.Since(began), lastOut+2*time.Second, "and neither does the end of the run")
}

type gone struct{ writes int }

func (g *gone) Write([]byte) (int, error) { g.writes++; return 0, os.ErrClosed }

func TestATerminalThatIsGoneIsLeftAlone(t *testing.T) {
	w := &gone{}
	v := NewLines(w, options())
	for range 5 {
		v.Say("hello?")
	}
	v.Close()
	require.Equal(t, 1, w.writes)
}

func TestBarsShowThePresent(t *testing.T) {
	f, err := os.Create(t.TempDir() + "/out")
	require.NoError(t, err)
	defer f.Close()
	v := NewBars(f, options())
	v.Entry(0, journal.PlanKind, &plan.Plan{Draft: plan.Draft{
		Scenario: plan.Scenario{Name: "s"}, SLOs: []plan.SLO{{Addr: "slo.checkout"}}, Faults: []plan.Fault{{Addr: "fault.lab.lose_zone"}}}})
	v.Entry(0, journal.Phase, journal.PhaseBody{Name: journal.Observe})
	v.Live(engine.Snapshot{Phase: journal.Observe, Left: time.Minute,
		SLOs:   []engine.LiveSLO{{Addr: "slo.checkout", SLI: .712, Target: .99, Known: true, Violated: true}},
		Faults: []engine.LiveFault{{Addr: "fault.lab.lose_zone", State: "active", Left: 24 * time.Second}}})
	require.Eventually(t, func() bool {
		b, err := os.ReadFile(f.Name())
		return err == nil && strings.Contains(string(b), "24.00s left") && strings.Contains(string(b), "phase inject")
	}, 10*time.Second, 20*time.Millisecond)
	v.Close()
	b, err := os.ReadFile(f.Name())
	require.NoError(t, err)
	for _, want := range []string{"71.20 %  target 99 %", "lose_zone", "m00s left", "Ctrl-C aborts"} {
		require.Contains(t, string(b), want)
	}
}

func TestThePlanFitsItsColumns(t *testing.T) {
	rto := plan.Duration(15 * time.Second)
	members := []sdk.Target{{Type: "lab_zone", ID: "x/east-a", Name: "east-a"}}
	p := &plan.Plan{Seed: 7, Draft: plan.Draft{
		Scenario:   plan.Scenario{Name: "az-loss", Title: "Lose a zone", Hypothesis: strings.Repeat("It recovers by itself. ", 9), Environment: "default"},
		Targets:    []plan.TargetSet{{Addr: "target.lab_zone.victim", Members: members, Population: 6}},
		Faults:     []plan.Fault{{Addr: "fault.lab_zone_outage.lose_zone", Members: members, Hold: plan.Duration(time.Minute), Effects: []string{"kill pid 7"}, Undo: []string{"start \x1b[2Jeast-a"}}},
		Objectives: []plan.Objective{{Addr: "objective.recovers", SLO: "slo.checkout", RTO: &rto}},
	}, Warnings: []plan.Notice{{Addr: "scenario.az-loss", Problem: sdk.Problem{Summary: "There is no guard", Detail: strings.Repeat("Add one. ", 30)}}}}
	var out bytes.Buffer
	Plan(&out, p, plain)
	for _, line := range strings.Split(out.String(), "\n") {
		require.LessOrEqual(t, len([]rune(line)), width, line)
	}
	for _, want := range []string{"1 of 6: east-a (x/east-a)", "for 1m\n", "kill pid 7", `start \x1b[2Jeast-a`, "slo.checkout holds again within 15s", "There is no guard", p.Hash(), "seed 7"} {
		require.Contains(t, out.String(), want)
	}
}

func TestAnSLOThatCannotBeReadIsSaidOnce(t *testing.T) {
	var b bytes.Buffer
	v := NewLines(&b, options())
	for _, err := range []string{"", "EOF", "EOF", "EOF", "", ""} {
		v.Entry(0, journal.RatioPoint, journal.PointBody{Addr: "slo.svc", Err: err})
	}
	v.Close()
	require.Equal(t, 1, strings.Count(b.String(), "slo.svc cannot be read: EOF"))
	require.Equal(t, 1, strings.Count(b.String(), "slo.svc can be read again"))
}

func TestTheReasonOfAnAbortIsToldOnce(t *testing.T) {
	var out bytes.Buffer
	v := NewLines(&out, options())
	why := "plugin file died (signal: killed)"
	v.Entry(0, journal.Trouble, journal.TroubleBody{Addr: "plugin.file", What: why})
	v.Entry(0, journal.Abort, journal.AbortBody{By: "engine", Reason: why})
	v.Entry(0, journal.FaultReverting, journal.StepBody{Addr: "fault.x.y", Reason: "aborted: " + why})
	v.Close()
	require.Equal(t, 1, strings.Count(out.String(), why), out.String())
	require.Contains(t, out.String(), "ABORT by engine. Everything is put back now\n")
}
