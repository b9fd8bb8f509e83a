package engine

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/gameday-toolkit/gameday/internal/journal"
)

// TestInjectedMinusRevertedIsOutstanding plays random plans in which any call may fail, hang or lie, and anything may
// end the run at any time. Whatever happens, what is still broken in the target is named as outstanding by the last
// entry, and nothing was ever injected without its undo in the journal.
func TestInjectedMinusRevertedIsOutstanding(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		w, faults := newWorld(), rapid.IntRange(1, 5).Draw(rt, "faults")
		p := aPlan()
		p.Scenario.Baseline, p.Scenario.Recovery = dur("1s"), dur("3s")
		for i := range faults {
			name := fmt.Sprint("f", i)
			f := fault(name, fmt.Sprint(rapid.IntRange(0, 8).Draw(rt, "at"), "s"), fmt.Sprint(rapid.IntRange(1, 20).Draw(rt, "hold"), "s"))
			if i > 0 && rapid.Bool().Draw(rt, "chained") {
				f.When.After = []string{fmt.Sprint("fault.f", i-1)}
			}
			p.Faults = append(p.Faults, f)
			spoil(rt, w, f.Addr)
		}
		stopAt := time.Duration(rapid.IntRange(0, 40_000).Draw(rt, "stop ms")) * time.Millisecond
		fullAt := rapid.IntRange(2, 200).Draw(rt, "entries until the disk is full")
		fills := rapid.Float64Range(0, 1).Draw(rt, "fills") < 0.2

		j := &log{}
		if fills {
			n := 0
			j.full = func(k journal.Kind) bool { n++; return n > fullAt }
		}
		synctest.Test(t, func(*testing.T) {
			stop := make(chan Stop, 4)
			_ = Run(context.Background(), Config{
				Plan: p, Journal: j, Stop: stop, Undo: fastUndo(),
				Open:     func(context.Context, string) (Plugin, error) { return w, nil },
				Probes:   []Probe{{Addr: "probe.http.x", Rate: 100, Run: w.ask}},
				Observer: when(func(at time.Duration) bool { return at >= stopAt }, func() { stop <- Stop{By: "person", Reason: "interrupt"} }),
			})
		})
		checkInvariants(rt, w, j, fills)
	})
}

func spoil(rt *rapid.T, w *world, addr string) {
	boom := errors.New("boom")
	switch rapid.SampledFrom([]string{"", "", "", "prepare", "inject", "hang", "unseen", "panic", "lie", "refuse"}).Draw(rt, "spoiled") {
	case "prepare":
		w.prepareErr[addr] = boom
	case "inject":
		w.injectErr[addr] = boom
	case "hang":
		w.injectHangs[addr] = true
	case "unseen":
		w.neverShows[addr] = true
	case "panic":
		w.panics[addr] = true
	case "lie":
		w.revertLies[addr] = true
	case "refuse":
		w.revertErr[addr] = boom
	}
}

func checkInvariants(rt *rapid.T, w *world, j *log, filled bool) {
	prepared, proven, outstanding := map[string]bool{}, map[string]bool{}, map[string]bool{}
	ended := false
	for _, e := range j.entries {
		switch e.Kind {
		case journal.FaultPrepared, journal.FaultInjecting, journal.FaultReverted:
			var b struct{ Addr string }
			require.NoError(rt, json.Unmarshal(e.Body, &b))
			require.True(rt, e.Kind == journal.FaultPrepared || prepared[b.Addr], "%s without its undo on disk", e.Kind)
			prepared[b.Addr] = true
			proven[b.Addr] = e.Kind == journal.FaultReverted
		case journal.RunEnded:
			ended = true
			var b journal.EndedBody
			require.NoError(rt, json.Unmarshal(e.Body, &b))
			for _, a := range b.Outstanding {
				outstanding[a] = true
			}
		}
	}
	require.True(rt, ended || filled, "a run always ends")
	for addr := range w.broken {
		require.True(rt, prepared[addr], "%s was injected and its undo is not in the journal", addr)
		require.False(rt, proven[addr] && !w.neverShows[addr], "%s is broken and was called reverted", addr)
		if ended && !w.neverShows[addr] {
			require.True(rt, outstanding[addr], "%s is broken and nobody says so", addr)
		}
	}
	if ended && !filled {
		for addr := range outstanding {
			require.False(rt, proven[addr])
		}
	}
}
