package engine

import (
	"context"
	"encoding/json"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/gameday-toolkit/gameday/internal/journal"
	"github.com/gameday-toolkit/gameday/internal/plan"
	"github.com/gameday-toolkit/gameday/internal/probe"
	"github.com/gameday-toolkit/gameday/internal/sample"
)

func TestTheUndoIsOnDiskBeforeTheFault(t *testing.T) {
	w := newWorld()
	j, err := play(t, aPlan(fault("a", "0s", "10s")), w, nil)
	require.NoError(t, err)
	require.Equal(t, []string{
		"fault.prepared fault.a", "fault.injecting fault.a", "fault.injected fault.a", "fault.active fault.a",
		"fault.inspection fault.a", "fault.reverting fault.a", "fault.reverted fault.a", "run.ended ",
	}, j.steps())
	require.Empty(t, w.broken)
	require.Equal(t, journal.RunStarted, j.entries[0].Kind)
	require.Equal(t, journal.PlanKind, j.entries[1].Kind)
}

func TestHoldIsCountedFromTheProof(t *testing.T) {
	j, err := play(t, aPlan(fault("a", "3s", "10s")), newWorld(), nil)
	require.NoError(t, err)
	at := j.find(t, journal.FaultActive, nil)
	require.InDelta(t, 8*time.Second, at, float64(100*time.Millisecond), "5 s of baseline and 3 s of offset")
	require.InDelta(t, at+10*time.Second, j.find(t, journal.FaultReverting, nil), float64(10*time.Millisecond))
}

func TestRevertsNewestFirst(t *testing.T) {
	w := newWorld()
	p := aPlan(fault("a", "0s", "60s"), fault("b", "1s", "60s"), fault("c", "0s", "60s", "fault.b"))
	_, err := play(t, p, w, func(c *Config) {
		stop := make(chan Stop, 2)
		c.Stop = stop
		c.Observer = when(func(at time.Duration) bool { return at > 10*time.Second }, func() { stop <- Stop{By: "person", Reason: "interrupt"} })
	})
	require.NoError(t, err)
	require.Equal(t, []string{"fault.c", "fault.b", "fault.a"}, w.reverts)
}

// when calls f once, as soon as the run's time is ripe.
func when(ripe func(time.Duration) bool, f func()) Observer { return &trigger{ripe: ripe, f: f} }

type trigger struct {
	silent
	ripe func(time.Duration) bool
	f    func()
	done bool
}

func (o *trigger) Live(s Snapshot) {
	if !o.done && o.ripe(s.Elapsed) {
		o.done = true
		o.f()
	}
}

func TestReleaseWhenRecovered(t *testing.T) {
	w := newWorld()
	w.heals = 4 * time.Second
	f := fault("a", "0s", "60s")
	f.Release = "recovered"
	p := aPlan(f)
	p.Objectives = []plan.Objective{objective("", "15s", "5s")}
	j, err := play(t, p, w, nil)
	require.NoError(t, err)
	var b journal.StepBody
	took := j.find(t, journal.FaultReverting, &b) - j.find(t, journal.FaultActive, nil)
	require.InDelta(t, 10*time.Second, took, float64(300*time.Millisecond), "4 s of outage, 1 s of window, 5 s of stability")
	require.Equal(t, "every objective that waits on it has been stable", b.Reason)
}

func TestAnOutageStillOnItsWayIsWaitedFor(t *testing.T) {
	w := newWorld()
	w.bad = func() bool { return false } // nobody ever notices
	f := fault("a", "0s", "60s")
	f.Release = "recovered"
	p := aPlan(f)
	p.Objectives = []plan.Objective{objective("", "15s", "5s")}
	j, err := play(t, p, w, nil)
	require.NoError(t, err)
	took := j.find(t, journal.FaultReverting, nil) - j.find(t, journal.FaultActive, nil)
	require.InDelta(t, 20*time.Second, took, float64(300*time.Millisecond), "rto and stable_for")
}

func TestHoldIsNeverExceeded(t *testing.T) {
	w := newWorld() // never recovers by itself
	f := fault("a", "0s", "12s")
	f.Release = "recovered"
	p := aPlan(f)
	p.Objectives = []plan.Objective{objective("", "15s", "5s")}
	j, err := play(t, p, w, nil)
	require.NoError(t, err)
	require.InDelta(t, 12*time.Second, j.find(t, journal.FaultReverting, nil)-j.find(t, journal.FaultActive, nil), float64(20*time.Millisecond))
}

func TestAGuardStartsTheRevertsWithin250Milliseconds(t *testing.T) {
	w := newWorld()
	p := aPlan(fault("a", "0s", "60s"))
	j, err := play(t, p, w, func(c *Config) {
		c.Guards = []Guard{{Addr: "guard.g", Expr: "slo.x.sli < 0.5", Eval: func(v Live) (bool, bool, map[string]float64, error) {
			sli, known := v("slo.x", "sli")
			if !known {
				return false, false, nil, nil
			}
			return sli.(float64) < 0.5, true, map[string]float64{"slo.x.sli": sli.(float64)}, nil
		}}}
	})
	require.NoError(t, err)
	// The window of one second falls below one half 500 ms after the fault.
	lag := j.find(t, journal.FaultReverting, nil) - j.find(t, journal.FaultInjecting, nil) - 500*time.Millisecond
	require.Less(t, lag, 250*time.Millisecond)
	var a journal.AbortBody
	j.find(t, journal.Abort, &a)
	require.Equal(t, "guard", a.By)
	require.Empty(t, w.broken)
}

func TestNothingIsInjectedIntoAnUnhealthyService(t *testing.T) {
	w := newWorld()
	n := 0
	w.bad = func() bool { n++; return n%50 == 0 } // 98 % are good
	j, err := play(t, aPlan(fault("a", "0s", "10s")), w, nil)
	require.NoError(t, err)
	require.False(t, j.has(journal.FaultPrepared))
	var c journal.CheckBody
	j.find(t, journal.Check, &c)
	require.False(t, c.OK)
	require.Contains(t, c.Detail, "the target is 99 %")
}

func TestTooFewSamplesAreNoSteadyState(t *testing.T) {
	p := aPlan(fault("a", "0s", "10s"))
	p.Scenario.Baseline = dur("100ms")
	j, err := play(t, p, newWorld(), nil)
	require.NoError(t, err)
	require.False(t, j.has(journal.FaultPrepared))
}

func TestFailedPreflightTouchesNothing(t *testing.T) {
	j, err := play(t, aPlan(fault("a", "0s", "10s")), newWorld(), func(c *Config) {
		c.Checks = []Check{{Name: "reach", Run: func(context.Context) error { return nil }}, {Name: "reach", Run: func(context.Context) error { return errors.New("refused") }}}
	})
	require.ErrorIs(t, err, ErrNotStarted)
	require.False(t, j.has(journal.ProbeStarted))
	require.True(t, j.has(journal.RunEnded))
}

func TestWhateverGoesWrongIsPutBack(t *testing.T) {
	boom := errors.New("boom")
	for name, c := range map[string]struct {
		spoil  func(*world)
		by     string
		reason string
	}{
		"preparing fails":      {func(w *world) { w.prepareErr["fault.b"] = boom }, "engine", "preparing fault.b: boom"},
		"injecting fails":      {func(w *world) { w.injectErr["fault.b"] = boom }, "engine", "injecting fault.b: boom"},
		"the fault is unseen":  {func(w *world) { w.neverShows["fault.b"] = true }, "engine", "proving that fault.b is active"},
		"the injection panics": {func(w *world) { w.panics["fault.b"] = true }, "engine", "injecting fault.b panicked: boom"},
		"the injection hangs":  {func(w *world) { w.injectHangs["fault.b"] = true }, "engine", "injecting fault.b: context deadline exceeded"},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld()
			c.spoil(w)
			j, err := play(t, aPlan(fault("a", "0s", "300s"), fault("b", "1s", "300s")), w, nil)
			require.NoError(t, err)
			require.Empty(t, w.broken)
			var a journal.AbortBody
			j.find(t, journal.Abort, &a)
			require.Equal(t, c.by, a.By)
			require.Contains(t, a.Reason, c.reason)
			var end journal.EndedBody
			j.find(t, journal.RunEnded, &end)
			require.Empty(t, end.Outstanding)
		})
	}
}

func TestWhatCannotBeProvenGoneIsNamed(t *testing.T) {
	w := newWorld()
	w.revertLies["fault.a"] = true
	j, err := play(t, aPlan(fault("a", "0s", "5s"), fault("b", "0s", "300s")), w, nil)
	require.NoError(t, err)
	var stuck journal.StepBody
	j.find(t, journal.FaultStuck, &stuck)
	require.Equal(t, []string{"mend fault.a"}, stuck.Steps)
	var end journal.EndedBody
	j.find(t, journal.RunEnded, &end)
	require.Equal(t, []string{"fault.a"}, end.Outstanding)
	require.NotContains(t, w.broken, "fault.b", "the others are put back all the same")
}

func TestASecondStopSkipsTheWaitingAndNotTheReverts(t *testing.T) {
	w := newWorld()
	w.bad = func() bool { return len(w.acts) == 0 && time.Now().Year() > 0 && w.brokeAt != time.Time{} } // never recovers
	j, err := play(t, aPlan(fault("a", "0s", "60s")), w, func(c *Config) {
		stop := make(chan Stop, 2)
		c.Stop = stop
		c.Observer = when(func(at time.Duration) bool { return at > 10*time.Second }, func() {
			stop <- Stop{By: "person", Reason: "interrupt"}
			stop <- Stop{By: "person", Reason: "interrupt"}
		})
	})
	require.NoError(t, err)
	require.True(t, j.has(journal.FaultReverted))
	require.Less(t, j.find(t, journal.RunEnded, nil), 15*time.Second, "60 s of waiting for recovery are skipped")
}

func TestAJournalThatFillsUpStopsTheRunAndNotTheReverts(t *testing.T) {
	w := newWorld()
	j := &log{full: func(k journal.Kind) bool {
		return k == journal.FaultActive || k == journal.SampleBlock && len(w.reverts) > 0
	}}
	_, err := play(t, aPlan(fault("a", "0s", "60s")), w, func(c *Config) { c.Journal = j })
	require.ErrorIs(t, err, errFull)
	require.Empty(t, w.broken)
	require.True(t, j.has(journal.FaultReverted))
}

func TestNothingIsInjectedWithoutItsUndoOnDisk(t *testing.T) {
	w := newWorld()
	j := &log{full: func(k journal.Kind) bool { return k == journal.FaultPrepared }}
	_, err := play(t, aPlan(fault("a", "0s", "60s")), w, func(c *Config) { c.Journal = j })
	require.ErrorIs(t, err, errFull)
	require.True(t, w.brokeAt.IsZero(), "the target was never touched")
}

func action(name, at string, after ...string) plan.Action {
	return plan.Action{Addr: "action." + name, Type: name, When: plan.When{At: dur(at), After: after}, Timeout: dur("10s"), Config: json.RawMessage(`1`)}
}

func TestActionsFollowFaultsAndAreUndoneAfterThem(t *testing.T) {
	w := newWorld()
	p := aPlan(fault("a", "0s", "10s"), fault("b", "0s", "10s", "action.failover"))
	p.Actions = []plan.Action{action("failover", "2s", "fault.a")}
	p.Actions[0].Undo = json.RawMessage(`"back"`)
	j, err := play(t, p, w, nil)
	require.NoError(t, err)
	require.Equal(t, []string{"failover1", `failover"back"`}, w.acts)
	require.Equal(t, []string{
		"fault.prepared fault.a", "fault.injecting fault.a", "fault.injected fault.a", "fault.active fault.a",
		"action.prepared action.failover", "action.started action.failover", "action.ended action.failover",
		"fault.prepared fault.b", "fault.injecting fault.b", "fault.injected fault.b", "fault.active fault.b",
		"fault.inspection fault.a", "fault.reverting fault.a", "fault.reverted fault.a",
		"fault.inspection fault.b", "fault.reverting fault.b", "fault.reverted fault.b",
		"action.undoing action.failover", "action.undone action.failover", "run.ended ",
	}, j.steps())
}

func TestAFailedActionStrandsWhatWaitsForIt(t *testing.T) {
	w := newWorld()
	w.actErr["action.failover1"] = errors.New("no quorum")
	p := aPlan(fault("a", "0s", "10s"))
	p.Actions = []plan.Action{action("failover", "2s", "fault.a"), action("announce", "0s", "action.failover")}
	j, err := play(t, p, w, nil)
	require.NoError(t, err)
	require.False(t, j.has(journal.Abort), "a runbook that fails is a result, not an accident")
	require.Equal(t, []string{"failover1"}, w.acts)
	require.Empty(t, w.broken)
}

func TestAProbeThatPanicsEndsTheRun(t *testing.T) {
	w := newWorld()
	j, err := play(t, aPlan(fault("a", "0s", "60s")), w, func(c *Config) {
		c.Probes = append(c.Probes, Probe{Addr: "probe.exec.y", Rate: 1, Run: func(ctx context.Context, _ time.Time, _ sample.Schedule, _ func([]sample.Sample, []probe.Detail)) error {
			sleep(ctx, 10*time.Second)
			panic("nil map")
		}})
	})
	require.NoError(t, err)
	require.True(t, j.has(journal.Trouble))
	require.Empty(t, w.broken)
}

func TestSecretsDoNotReachTheJournal(t *testing.T) {
	w := newWorld()
	w.injectErr["fault.a"] = errors.New(`401 for token "hunt\er2"`)
	p := aPlan(fault("a", "0s", "60s"))
	p.AddSecret(`hunt\er2`)
	j, err := play(t, p, w, nil)
	require.NoError(t, err)
	for _, e := range j.entries {
		require.NotContains(t, string(e.Body), "er2")
	}
}

func TestLedgersAreReadBackBeforeAndAfterTheRevert(t *testing.T) {
	w := newWorld()
	w.heals = 2 * time.Second
	p := aPlan(fault("a", "0s", "20s"))
	p.Objectives = []plan.Objective{objective("", "15s", "5s")}
	reads := 0
	j, err := play(t, p, w, func(c *Config) {
		c.Ledgers = []Ledger{{
			Addr: "ledger.http.o",
			Run: func(ctx context.Context, _ time.Time, emit func([]byte)) error {
				emit([]byte{0})
				<-ctx.Done()
				return nil
			},
			ReadBack: func(context.Context, time.Time) journal.ReadBackBody { reads++; return journal.ReadBackBody{} },
		}}
	})
	require.NoError(t, err)
	require.Equal(t, 2, reads)
	var stages []string
	reverted := false
	for _, e := range j.entries {
		reverted = reverted || e.Kind == journal.FaultReverting
		if e.Kind == journal.LedgerReadBack {
			var b journal.ReadBackBody
			require.NoError(t, json.Unmarshal(e.Body, &b))
			stages = append(stages, b.Stage)
			require.Equal(t, b.Stage == "failback", reverted)
		}
	}
	require.Equal(t, []string{"recovery", "failback"}, stages)
}

func TestAFaultThatWentAwayByItselfIsNoticed(t *testing.T) {
	w := newWorld()
	j, err := play(t, aPlan(fault("a", "0s", "10s")), w, func(c *Config) {
		c.Observer = when(func(at time.Duration) bool { return at > 8*time.Second }, func() {
			w.mu.Lock()
			defer w.mu.Unlock()
			delete(w.broken, "fault.a") // somebody's supervisor has restarted it
		})
	})
	require.NoError(t, err)
	var b journal.StepBody
	j.find(t, journal.FaultStillThere, &b)
	require.Contains(t, b.Err, "the target no longer shows the fault (inactive: looked: whole)")
}

// The wall clock cannot be set in a test; that it differs from where it should be can.
func TestAStepOfTheClockIsRecorded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		j := &log{}
		l := newLoop(context.Background(), Config{Plan: aPlan(), Journal: j, Observer: silent{}})
		look := func() {
			time.Sleep(2 * time.Second)
			l.clock.look(l)
		}
		look()
		require.False(t, j.has(journal.ClockStep), "a clock that goes on steadily is no step")
		l.clock.wall = l.clock.wall.Add(-time.Hour)
		look()
		look()
		var b journal.ClockBody
		j.find(t, journal.ClockStep, &b)
		require.Equal(t, time.Hour, b.Step)
		require.Len(t, j.entries, 1, "one step is one entry")
	})
}

func TestAnUndoWithASecretIsNotInjected(t *testing.T) {
	w := newWorld()
	w.undo = json.RawMessage(`{"token":"hunter2"}`)
	p := aPlan(fault("a", "0s", "60s"))
	p.Hide("hunter2")
	j, err := play(t, p, w, nil)
	require.NoError(t, err)
	require.True(t, w.brokeAt.IsZero(), "the target was never touched")
	require.False(t, j.has(journal.FaultPrepared))
}
