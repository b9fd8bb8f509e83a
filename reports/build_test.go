package reports

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/gameday-toolkit/gameday/internal/history"
	"github.com/gameday-toolkit/gameday/internal/journal"
	"github.com/gameday-toolkit/gameday/internal/measure"
	"github.com/gameday-toolkit/gameday/plugins/sdk"
)

// recorded folds a short run with one entry of each kind that the chronology tells.
func recorded(entries ...journal.Entry) *history.Run {
	f := history.NewFold()
	for i, e := range entries {
		e.Seq = uint64(i + 1)
		f.Apply(e)
	}
	return f.Run()
}

func entry(at time.Duration, kind journal.Kind, body any) journal.Entry {
	return journal.Entry{At: at, Kind: kind, Body: journal.Encode(body)}
}

const lose = "fault.lab_zone_outage.lose_zone"

func recordedRun(more ...journal.Entry) *history.Run {
	entries := []journal.Entry{
		entry(0, journal.RunStarted, journal.Started{Run: "r1", Tool: "gameday 0.1.0", Wall: passed().Run.Started, Seed: 7, PlanHash: "abcd", Host: "runner-7", User: "ada"}),
		entry(0, journal.PlanKind, azPlan()),
		entry(1*s, journal.Phase, journal.PhaseBody{Name: journal.Baseline}),
		entry(2*s, journal.Check, journal.CheckBody{Name: "steady state", OK: false, Detail: "98 %"}),
		entry(3*s, journal.FaultPrepared, journal.HandleBody{Addr: lose, Plugin: "lab", Handle: sdk.Handle{ID: "h1"}}),
		entry(4*s, journal.FaultInjecting, journal.StepBody{Addr: lose, Handle: "h1"}),
		entry(5*s, journal.FaultActive, journal.StepBody{Addr: lose, Handle: "h1", Evidence: "pid 4103 is gone"}),
		entry(6*s, journal.ActionStarted, journal.StepBody{Addr: "action.manual.decide", By: "grace"}),
		entry(8*s, journal.EventSeen, journal.EventBody{Plugin: "lab", At: int64(5500 * ms), Event: sdk.Event{Kind: sdk.Detected, Source: "lb-east", Summary: "east-a is down"}}),
		entry(9*s, journal.Note, journal.NoteBody{Author: "grace", Text: "looks bad"}),
		entry(10*s, journal.GuardTripped, journal.GuardBody{Addr: "guard.g", Expr: "slo.checkout.sli < 0.5", Since: 9 * s, Values: map[string]float64{"slo.checkout.sli": .25}}),
		entry(10*s, journal.Abort, journal.AbortBody{Reason: "guard.g", By: "guard"}),
	}
	return recorded(append(entries, more...)...)
}

func TestBuildTellsWhoDidWhatWhen(t *testing.T) {
	m := Build(recordedRun(entry(12*s, journal.RunEnded, journal.EndedBody{Reason: "aborted", Outstanding: []string{lose}}), entry(900*s, journal.Recovered, journal.EndedBody{})), &measure.Result{Exit: 5}, nil)
	told := map[uint64]Entry{}
	for _, e := range m.Entries {
		told[e.Seq] = e
	}
	require.Equal(t, Entry{Seq: 1, Kind: KindRun, Who: "ada", Text: "started the run on runner-7"}, told[1])
	require.Equal(t, Entry{Seq: 7, At: 5 * s, Kind: KindFault, Addr: lose, Who: "gameday", Text: "proven active: pid 4103 is gone"}, told[7])
	require.Equal(t, "grace", told[8].Who)
	require.Equal(t, Entry{Seq: 9, At: 5500 * ms, Kind: KindEvent, Who: "lb-east", Text: "east-a is down", Key: true}, told[9], "an event stands at its own time")
	require.Equal(t, "tripped: slo.checkout.sli < 0.5, since 0:09.000 (slo.checkout.sli = 0.25)", told[11].Text)
	require.True(t, told[4].Bad, "a check that failed is marked")
	require.Contains(t, told[13].Text, lose)
	require.Equal(t, 12*s, m.Run.Length, "a recovery days later is not part of the picture")
	require.Equal(t, Complete, m.Journal.End)
	for i := 1; i < len(m.Entries); i++ {
		require.LessOrEqual(t, m.Entries[i-1].At, m.Entries[i].At)
	}
}

func TestBuildOfAKilledRun(t *testing.T) {
	m := Build(recordedRun(), &measure.Result{}, nil)
	require.Equal(t, Cut, m.Journal.End)
	require.True(t, m.Phases[len(m.Phases)-1].Open)
	require.Equal(t, Stretch{Addr: "action.manual.decide", From: 6 * s, To: 10 * s, Open: true, By: "grace", Seq: 8}, m.Actions[0])
	for _, r := range Renderers() {
		require.NotEmpty(t, render(t, r, m))
	}
	require.Contains(t, render(t, Renderer{Name: "report.html", Render: HTML}, m), "no entry says that the run ended")
}

// Even a journal of one torn entry makes a report that says so.
func TestBuildOfAlmostNothing(t *testing.T) {
	m := Build(recorded(), &measure.Result{Verdict: measure.Inconclusive, Exit: 3}, nil)
	for _, r := range Renderers() {
		require.NotEmpty(t, render(t, r, m))
	}
}
