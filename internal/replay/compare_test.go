package replay

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/gameday-toolkit/gameday/internal/history"
	"github.com/gameday-toolkit/gameday/internal/journal"
	"github.com/gameday-toolkit/gameday/internal/measure"
	"github.com/gameday-toolkit/gameday/internal/plan"
)

const fault = "fault.lab_zone_outage.zone"

func after(d time.Duration) *plan.Duration { v := plan.Duration(d); return &v }

// rerun is a run in which a zone was lost at 10 s, with one recovery objective that came out as given.
func rerun(verdict measure.Verdict, took measure.Interval, parts ...measure.Part) (*history.Run, *measure.Result) {
	step := func(seq uint64, at time.Duration) *history.Step {
		return &history.Step{Mark: history.Mark{Seq: seq, At: at}, StepBody: journal.StepBody{Addr: fault}}
	}
	run := &history.Run{
		Plan: &plan.Plan{Draft: plan.Draft{
			Objectives: []plan.Objective{{Addr: "objective.recovers", SLO: "slo.checkout", Fault: fault}},
			Incident: &plan.Incident{Name: "az", Started: "2026-03-14T09:02:00Z", Fault: fault, Onset: after(time.Minute), Detected: after(9 * time.Minute), Decided: after(14 * time.Minute),
				Mitigated: after(27 * time.Minute), Recovered: after(31 * time.Minute), Impact: "orders were refused", Metrics: "time,name,value\n9m,errors,40\n",
				Remedies: []plan.Remedy{{Name: "capacity", Shortens: "convergence", InPlace: true}, {Name: "alerts", Shortens: "detection", InPlace: true}, {Name: "runbook", Shortens: "decision"}}},
		}},
		Faults: []*history.Fault{{Addr: fault, Injecting: step(42, 10*time.Second), Active: step(44, 10100*time.Millisecond)}},
	}
	o := measure.ObjectiveResult{Addr: "objective.recovers", Kind: measure.KindRTO, Verdict: verdict, Why: "as measured", Value: took.String(), Time: &took, Entries: []uint64{42, 44, 90}}
	if len(parts) > 0 {
		o.Split = &measure.Split{Parts: parts}
	}
	return run, &measure.Result{Verdict: verdict, Objectives: []measure.ObjectiveResult{o},
		SLOs:   []measure.SLOResult{{Addr: "slo.checkout", Downtime: took, Phases: map[string]measure.PhaseStats{measure.During: {Good: 70, Bad: 30}}}},
		Faults: []measure.FaultResult{{Addr: fault, T0: &measure.Interval{Lo: 10 * time.Second, Hi: 10100 * time.Millisecond}}}}
}

func part(name string, to time.Duration) measure.Part {
	return measure.Part{Name: name, From: 10 * time.Second, To: 10*time.Second + to, What: "it happened"}
}

func TestWhatRecoveredWouldNotRecur(t *testing.T) {
	c := Compare(rerun(measure.Pass, measure.Interval{Lo: 4 * time.Second, Hi: 5 * time.Second}, part("onset", 50*time.Millisecond), part("detection", 2*time.Second), part("convergence", 5*time.Second)))
	require.Equal(t, WouldNotRecur, c.Verdict)
	require.Equal(t, []uint64{42, 44, 90}, c.Entries, "with the entries that prove it")
	require.Equal(t, 9*time.Minute, *c.Moments[1].Incident)
	require.Equal(t, 2*time.Second, *c.Moments[1].Replay)
	require.Nil(t, c.Moments[2].Replay, "nobody had to decide")
	require.Equal(t, 5*time.Second, *c.Moments[4].Replay)
	require.Equal(t, 5*time.Minute, *c.Parts[2].Incident, "from the detection to the decision")
	require.Contains(t, c.Remedies[0].Said, "the convergence took 3 s, and 240 s in the incident: 237 s shorter")
	require.Contains(t, c.Remedies[1].Said, "the detection took 2 s, and 540 s in the incident")
	require.Equal(t, "not in place in this replay", c.Remedies[2].Said)
	require.Equal(t, Impact{Incident: "orders were refused", Lasted: c.Impact.Lasted, Downtime: "5 s (4 to 5)", Bad: 30, Asked: 100}, c.Impact)
	require.Equal(t, 30*time.Minute, *c.Impact.Lasted)
	require.Equal(t, []Series{{"errors", []Value{{9 * time.Minute, 40}}}}, c.Series)
}

func TestWhatDidNotRecoverWouldRecur(t *testing.T) {
	c := Compare(rerun(measure.Fail, measure.Interval{Lo: 40 * time.Second, Censored: true}))
	require.Equal(t, WouldRecur, c.Verdict)
	require.Contains(t, c.Why, "objective.recovers was missed")
	require.True(t, c.Moments[4].Censored)
	require.Contains(t, c.Remedies[0].Said, "did not end in the replay")
}

func TestWhatTheEvidenceDoesNotCarryIsInconclusive(t *testing.T) {
	for name, change := range map[string]func(*history.Run, *measure.Result){
		"doubt":         func(_ *history.Run, r *measure.Result) { r.Objectives[0].Verdict = measure.Inconclusive },
		"leaked":        func(_ *history.Run, r *measure.Result) { r.Verdict = measure.Leaked },
		"no objectives": func(_ *history.Run, r *measure.Result) { r.Objectives = nil },
		"only an alert": func(_ *history.Run, r *measure.Result) { r.Objectives[0].Kind = measure.KindWithin },
		"not injected":  func(_ *history.Run, r *measure.Result) { r.Faults[0].T0 = nil },
		"skipped":       func(_ *history.Run, r *measure.Result) { r.Objectives[0].Verdict = measure.Skip },
	} {
		run, res := rerun(measure.Pass, measure.Interval{Hi: time.Second})
		change(run, res)
		require.Equal(t, Inconclusive, Compare(run, res).Verdict, name)
	}
}

func TestAnAlertThatCameTooLateIsSaid(t *testing.T) {
	run, res := rerun(measure.Pass, measure.Interval{Hi: time.Second})
	res.Objectives = append(res.Objectives, measure.ObjectiveResult{Kind: measure.KindWithin, Verdict: measure.Fail, Why: "the alert did not fire", Entries: []uint64{99}})
	c := Compare(run, res)
	require.Equal(t, WouldNotRecur, c.Verdict)
	require.Contains(t, c.Why, "but nobody would have known in time: the alert did not fire")
	require.Contains(t, c.Entries, uint64(99))
}

func TestAnIncidentOfWhichLittleIsKnown(t *testing.T) {
	run, res := rerun(measure.Pass, measure.Interval{})
	run.Plan.Incident = &plan.Incident{Name: "x", Metrics: "nonsense"}
	c := Compare(run, res)
	require.Equal(t, fault, c.Fault, "the first one")
	require.NotEmpty(t, c.Trouble)
	require.Nil(t, c.Moments[0].Incident)
	run.Plan.Incident = nil
	require.Nil(t, Compare(run, res))
}
