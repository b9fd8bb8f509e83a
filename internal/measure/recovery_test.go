package measure

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/gameday-toolkit/gameday/internal/journal"
	"github.com/gameday-toolkit/gameday/internal/plan"
	"github.com/gameday-toolkit/gameday/internal/sample"
)

func TestRecoveryTimes(t *testing.T) {
	for name, c := range map[string]struct {
		story   *story
		verdict Verdict
		value   string
		why     string
	}{
		"within":             {newStory().down(Span{11 * sec, 20 * sec}), Pass, "10.01 s (9.96 to 10.01)", "recovered in"},
		"too late":           {newStory().down(Span{11 * sec, 31 * sec}), Fail, "21.01 s (20.96 to 21.01)", "15 s were allowed"},
		"nothing violated":   {newStory(), Pass, "0 s, no user-visible outage", "nothing was violated"},
		"not by itself":      {newStory().down(Span{11 * sec, 71 * sec}), Fail, "> 59.98 s", "still violated when the fault was taken away"},
		"two dips":           {newStory().down(Span{11 * sec, 12 * sec}, Span{16 * sec, 18 * sec}), Pass, "8.01 s (7.96 to 8.01)", ""},
		"relapse":            {newStory().down(Span{11 * sec, 12 * sec}, Span{40 * sec, 41 * sec}), Pass, "2.01 s (1.96 to 2.01)", "violated again at 40"},
		"late onset":         {newStory().down(Span{30 * sec, 32 * sec}), Fail, "22.01 s (21.96 to 22.01)", ""},
		"only the revert":    {newStory().down(Span{70*sec + 10*ms, 72 * sec}), Pass, "0 s, no user-visible outage", ""},
		"blip before":        {newStory().down(Span{9*sec + 980*ms, 9*sec + 990*ms}), Pass, "0 s, no user-visible outage", ""},
		"limit in the error": {newStory().down(Span{11 * sec, 25*sec + 10*ms}), Inconclusive, "15.03 s (14.98 to 15.03)", "within the error"},
	} {
		t.Run(name, func(t *testing.T) {
			got := c.story.aim()
			require.Equal(t, c.value, got.Value)
			require.Equal(t, c.verdict, got.Verdict, got.Why)
			require.Contains(t, got.Why, c.why)
			require.NotEmpty(t, got.Entries)
		})
	}
}

func TestStillViolatedAndHeldTooShortlyIsInconclusive(t *testing.T) {
	s := newStory().down(Span{11 * sec, 71 * sec})
	long := plan.Duration(2 * time.Minute)
	s.objective().RTO = &long
	got := s.aim()
	require.Equal(t, Inconclusive, got.Verdict)
	require.Equal(t, "> 59.98 s", got.Value)
}

func TestTheRevertDisturbsBeforeItWasStable(t *testing.T) {
	s := newStory().down(Span{11 * sec, 66 * sec}, Span{70*sec + 50*ms, 71 * sec})
	rto := plan.Duration(58 * sec)
	s.objective().RTO = &rto
	got := s.aim()
	require.Equal(t, Inconclusive, got.Verdict, got.Why)
	require.Contains(t, got.Why, "before 5 s of stability were seen")
	require.Equal(t, "> 55.96 s", got.Value)
}

func TestFailbackIsMeasuredApart(t *testing.T) {
	r := newStory().down(Span{11 * sec, 14 * sec}, Span{71 * sec, 73 * sec}).judge()
	require.Equal(t, Pass, r.Verdict, r.Why)
	f := r.SLOs[0].Failback
	require.NotNil(t, f)
	require.LessOrEqual(t, f.Lo, 3*sec)
	require.GreaterOrEqual(t, f.Hi, 3*sec)
	require.Nil(t, newStory().judge().SLOs[0].Failback)
}

func TestFailbackBeginsWithTheFaultsOwnRevert(t *testing.T) {
	s := newStory().down(Span{71 * sec, 73 * sec}) // after the fault's hold was over, and before the run's reverts began
	s.phase = 75 * sec
	f := s.judge().SLOs[0].Failback
	require.NotNil(t, f)
	require.LessOrEqual(t, f.Lo, 3*sec)
	require.GreaterOrEqual(t, f.Hi, 3*sec)
	require.Less(t, f.Hi, 4*sec)
}

// TestTheTruthLiesInsideTheInterval makes outages of known truth, with several dips and every kind of failure.
func TestTheTruthLiesInsideTheInterval(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := newStory()
		s.end, s.revert, s.gone = 48*sec, 41*sec, 41*sec+30*ms
		s.probe.Schedule.Rate = rapid.SampledFrom([]float64{20, 50, 200}).Draw(t, "rate")
		s.probe.Schedule.Phase = time.Duration(rapid.Int64Range(0, int64(50*ms)).Draw(t, "phase"))
		s.plan.SLOs[0].Target = rapid.SampledFrom([]float64{90, 99, 99.9}).Draw(t, "target")
		s.active = s.inject + time.Duration(rapid.Int64Range(0, int64(300*ms)).Draw(t, "active after"))
		took := s.inject + time.Duration(rapid.Int64Range(0, int64(s.active-s.inject)).Draw(t, "took effect after"))
		hang := rapid.Bool().Draw(t, "hangs")
		var dips []Span
		at := took
		for range rapid.IntRange(1, 4).Draw(t, "dips") { // each long enough to violate any target, and close enough to be one outage
			from := at + time.Duration(rapid.Int64Range(0, int64(2*sec)).Draw(t, "after"))
			to := from + time.Duration(rapid.Int64Range(int64(400*ms), int64(4*sec)).Draw(t, "long"))
			dips = append(dips, Span{from, to})
			at = to
		}
		s.serve = func(at time.Duration) sample.Sample {
			for _, x := range dips {
				switch {
				case at < x.From || at >= x.To:
				case !hang:
					return failed(ms, sample.Reset)
				case x.To-at < 100*ms:
					return answered(x.To - at + goodAnswer) // it waited for the recovery, and got a good answer
				default:
					return failed(sec, sample.Timeout)
				}
			}
			return answered(goodAnswer)
		}
		got := s.aim()
		truth := at - took
		require.NotNil(t, got.Time, got.Why)
		require.False(t, got.Time.Censored, got.Why)
		require.LessOrEqual(t, got.Time.Lo, truth)
		require.GreaterOrEqual(t, got.Time.Hi, truth)
		width := s.active - s.inject + 2*s.probe.Schedule.Interval() + 10*ms
		if hang {
			width += 100 * ms
		}
		require.LessOrEqual(t, got.Time.Hi-got.Time.Lo, width)
	})
}

// TestACensoredTimeIsALowerBound keeps the outage going until after the revert.
func TestACensoredTimeIsALowerBound(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := newStory()
		s.end, s.revert, s.gone = 40*sec, 25*sec, 25*sec+30*ms
		s.probe.Schedule.Rate = 20
		end := time.Duration(rapid.Int64Range(int64(24*sec+500*ms), int64(26*sec)).Draw(t, "end"))
		s.down(Span{s.active, end})
		got := s.aim()
		require.True(t, got.Time.Censored)
		require.LessOrEqual(t, got.Time.Lo, end-s.inject)
		if end >= s.revert {
			require.Equal(t, s.objectiveFails(15*sec), got.Verdict)
		}
	})
}

func (s *story) objectiveFails(rto time.Duration) Verdict {
	if s.revert-s.inject >= rto {
		return Fail
	}
	return Inconclusive
}

func TestSplit(t *testing.T) {
	s := newStory().down(Span{11 * sec, 41 * sec})
	rto := plan.Duration(20 * sec)
	s.objective().RTO = &rto
	s.plan.Alerts = []plan.Alert{{Addr: theAlert}}
	s.plan.Actions = []plan.Action{{Addr: theAction}}
	s.add(0, journal.AlertState, journal.AlertBody{Addr: theAlert, Poll: sec}).
		add(16*sec, journal.AlertState, journal.AlertBody{Addr: theAlert, Poll: sec, Firing: true}).
		add(36*sec, journal.ActionStarted, journal.StepBody{Addr: theAction}).
		add(38*sec, journal.ActionEnded, journal.StepBody{Addr: theAction})
	got := s.aim()
	require.Equal(t, Fail, got.Verdict)
	var names []string
	for _, p := range got.Split.Parts {
		names = append(names, p.Name)
	}
	require.Equal(t, []string{"onset", "detection", "decision", "action", "convergence"}, names)
	require.Equal(t, PartDecision, got.Split.Longest, "a person took 20 of 31 s to decide")
	require.Equal(t, 20*sec, got.Split.Adds(PartDecision))
	require.Equal(t, Part{"decision", 16 * sec, 36 * sec, theAction + " started"}, got.Split.Parts[2])
}

// TestThePartsAddUpToTheRecoveryTime has an action that goes on after the service has recovered.
func TestThePartsAddUpToTheRecoveryTime(t *testing.T) {
	for _, ended := range []time.Duration{20 * sec, 60 * sec} {
		s := newStory().down(Span{11 * sec, 21 * sec})
		s.plan.Actions = []plan.Action{{Addr: theAction}}
		got := s.add(12*sec, journal.ActionStarted, journal.StepBody{Addr: theAction}).
			add(ended, journal.ActionEnded, journal.StepBody{Addr: theAction}).aim()
		total := time.Duration(0)
		for _, p := range got.Split.Parts {
			total += got.Split.Adds(p.Name)
		}
		require.Equal(t, got.Time.Hi, total, "the action ended at %s", ended)
	}
}

func TestDetectionFallsBackToTheSystemsOwnEvidence(t *testing.T) {
	event := journal.EventBody{Plugin: "lab", At: int64(30 * sec)}
	event.Event.Kind, event.Event.Source, event.Event.Summary = "detected", "balancer", "east-a is down"
	tell := func() *story {
		return newStory().down(Span{11 * sec, 33 * sec}).add(30*sec, journal.EventSeen, event)
	}
	got := tell().aim()
	require.Equal(t, PartDetection, got.Split.Longest)
	require.Equal(t, "balancer: east-a is down", got.Split.Parts[1].What)
	got = tell().add(20*sec, journal.ClockStep, journal.ClockBody{Step: time.Hour}).aim()
	require.Equal(t, PartConvergence, got.Split.Longest, "an event is placed by the wall clock, which was set")
	require.Equal(t, Fail, got.Verdict, "the measurement itself does not use the wall clock")
}
