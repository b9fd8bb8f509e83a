package chaostoolkit

import (
	"bytes"
	"encoding/json"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/gameday-toolkit/gameday/internal/history"
	"github.com/gameday-toolkit/gameday/internal/journal"
	"github.com/gameday-toolkit/gameday/internal/measure"
	"github.com/gameday-toolkit/gameday/internal/plan"
	"github.com/gameday-toolkit/gameday/plugins/sdk"
)

func aRun() (*history.Run, *measure.Result) {
	step := func(at time.Duration, err string) *history.Step {
		return &history.Step{Mark: history.Mark{At: at}, StepBody: journal.StepBody{Evidence: "seen", Err: err}}
	}
	run := &history.Run{
		Started: history.Started{Started: journal.Started{Tool: "gameday 0.1.0", Host: "runner", Wall: time.Date(2026, 3, 14, 10, 2, 0, 500e6, time.FixedZone("", 3600))}},
		Plan:    &plan.Plan{Draft: plan.Draft{Scenario: plan.Scenario{Name: "az", Hypothesis: "it holds", Tags: []string{"ci"}}}},
		Phases:  []history.Phase{{Name: journal.Baseline, To: 10 * time.Second}, {Name: journal.Recovery, From: 40 * time.Second, To: 50 * time.Second}},
		Faults: []*history.Fault{{Addr: "fault.x.y", Plan: &plan.Fault{Type: "x", Plugin: "lab", Members: []sdk.Target{{Name: "east-a"}}},
			Injecting: step(10*time.Second, ""), Active: step(11*time.Second, ""), Reverting: step(40*time.Second, "")}},
		Actions: []*history.Action{{Addr: "action.exec.z", Plan: &plan.Action{Type: "exec"}, Started: step(12*time.Second, ""), Ended: step(13*time.Second, "exit 1")}},
		Ended:   &history.Ended{Mark: history.Mark{At: 50 * time.Second}},
	}
	return run, &measure.Result{Verdict: measure.Leaked, SLOs: []measure.SLOResult{{Addr: "slo.s", Target: 99, Phases: map[string]measure.PhaseStats{
		measure.Baseline: {Good: 100}, measure.After: {Good: 50, Bad: 50}}}}}
}

func TestTheJournalHasTheFieldsThatReportToolsRead(t *testing.T) {
	var b bytes.Buffer
	require.NoError(t, WriteJournal(&b, func() *history.Run { r, _ := aRun(); return r }(), func() *measure.Result { _, r := aRun(); return r }()))
	var j map[string]any
	require.NoError(t, json.Unmarshal(b.Bytes(), &j))
	at := func(path ...any) any {
		var v any = j
		for _, p := range path {
			switch k := p.(type) {
			case string:
				v = v.(map[string]any)[k]
			case int:
				v = v.([]any)[k]
			}
		}
		return v
	}
	require.Equal(t, "2026-03-14T09:02:00.500000", at("start"), "UTC, without a zone")
	require.Equal(t, "2026-03-14T09:02:50.500000", at("end"))
	require.Equal(t, 50.0, at("duration"))
	require.Equal(t, "failed", at("status"))
	require.Equal(t, true, at("deviated"))
	require.Equal(t, "az", at("experiment", "title"))
	require.Equal(t, "slo.s", at("experiment", "steady-state-hypothesis", "probes", 0, "name"))
	require.Equal(t, true, at("steady_states", "before", "steady_state_met"))
	require.Equal(t, false, at("steady_states", "after", "steady_state_met"))
	require.Equal(t, "succeeded", at("run", 0, "status"))
	require.Equal(t, "gameday.lab", at("run", 0, "activity", "provider", "module"))
	require.Equal(t, "failed", at("run", 1, "status"))
	require.Equal(t, "exit 1", at("run", 1, "exception", 0))
	require.Equal(t, "failed", at("rollbacks", 0, "status"), "not proven to be gone")
	require.Len(t, at("experiment", "method"), 2)
}

func TestAJournalThatEndsEarlyIsWrittenToo(t *testing.T) {
	var b bytes.Buffer
	require.NoError(t, WriteJournal(&b, &history.Run{Aborts: []history.Abort{{AbortBody: journal.AbortBody{By: "person"}}}}, &measure.Result{}))
	require.Contains(t, b.String(), `"status": "interrupted"`)
	require.Contains(t, b.String(), `"run": []`)
}
