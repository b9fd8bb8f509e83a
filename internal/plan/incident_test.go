package plan

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

func minutes(n float64) Duration { return Duration(n * float64(time.Minute)) }

// incidentDraft is a quota that ran out, and a zone that was lost four minutes later.
func incidentDraft(rto Duration) Draft {
	return Draft{Incident: &Incident{Name: "az"}, Faults: []Fault{
		{Addr: "fault.quota", Hold: minutes(27)}, {Addr: "fault.zone", When: When{At: minutes(4)}, Hold: minutes(31.2)}},
		Actions:    []Action{{Addr: "action.failover", When: When{At: minutes(22)}}},
		Objectives: []Objective{{Addr: "objective.recovers", Fault: "fault.zone", RTO: &rto, StableFor: Duration(5 * time.Second)}},
	}
}

func TestTheStepsAreCompressedAndTheMeasurementsAreNot(t *testing.T) {
	d := incidentDraft(Duration(20 * time.Second))
	d.Pace(10)
	require.Equal(t, minutes(.4), d.Faults[1].When.At)
	require.Equal(t, minutes(2.7), d.Faults[0].Hold)
	require.Equal(t, minutes(3.12), d.Faults[1].Hold)
	require.Equal(t, minutes(2.2), d.Actions[0].When.At)
	require.Equal(t, Duration(20*time.Second), *d.Objectives[0].RTO)
	require.Equal(t, Paced{Addr: "fault.zone", At: minutes(4), Hold: minutes(31.2)}, d.Incident.Paced[1], "what it was is kept for people")

	d = incidentDraft(minutes(31))
	d.Pace(1000)
	require.Equal(t, minutes(31)+Duration(5*time.Second), d.Faults[1].Hold, "long enough to see the recovery")
	require.Contains(t, d.Incident.Paced[1].Why, "objective.recovers")
	require.Equal(t, leastGap, d.Faults[1].When.At, "steps keep their order")

	d = incidentDraft(Duration(20 * time.Second))
	d.Pace(1000)
	require.Equal(t, Duration(time.Second+25*time.Second), d.Faults[0].Hold, "the quota is still used up while the recovery from the zone's loss is judged")

	d = incidentDraft(minutes(31))
	d.Incident.Keep = []string{"fault.zone"}
	d.Pace(10)
	require.Equal(t, minutes(4), d.Faults[1].When.At)
}

func TestPaceNeverTouchesWhatIsMeasured(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		rto := Duration(rapid.Int64Range(0, int64(time.Hour)).Draw(rt, "rto"))
		d, was := incidentDraft(rto), incidentDraft(rto)
		d.Pace(rapid.Float64Range(.1, 1e6).Draw(rt, "speed"))
		require.Equal(t, was.Objectives, d.Objectives)
		for i, f := range d.Faults {
			require.LessOrEqual(t, f.Hold, was.Faults[i].Hold)
			require.LessOrEqual(t, f.When.At, was.Faults[i].When.At)
		}
		require.GreaterOrEqual(t, d.Faults[1].Hold, min(rto+Duration(5*time.Second), was.Faults[1].Hold))
		require.Less(t, d.Faults[0].When.At, d.Faults[1].When.At)
		end := func(f Fault) Duration { return f.When.At + f.Hold }
		judged := min(rto+Duration(5*time.Second), end(was.Faults[0])-was.Faults[1].When.At)
		require.GreaterOrEqual(t, end(d.Faults[0])+1, min(d.Faults[1].When.At+judged, d.Faults[0].When.At+was.Faults[0].Hold), "what was there still is")
	})
}

func TestWithoutAnIncidentNothingIsPaced(t *testing.T) {
	d := Draft{Faults: []Fault{{Hold: minutes(1)}}}
	d.Pace(10)
	require.Equal(t, minutes(1), d.Faults[0].Hold)
}
