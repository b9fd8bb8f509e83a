package engine

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/gameday-toolkit/gameday/internal/journal"
)

// watcher sees every snapshot.
type watcher struct {
	silent
	see func(Snapshot)
}

func (w *watcher) Live(s Snapshot) { w.see(s) }

func TestANoteIsKeptWithItsTime(t *testing.T) {
	j, err := play(t, aPlan(fault("a", "0s", "10s")), newWorld(), func(c *Config) {
		notes := make(chan journal.NoteBody, 1)
		c.Notes = notes
		c.Observer = when(func(at time.Duration) bool { return at > 8*time.Second }, func() {
			notes <- journal.NoteBody{Author: "ada", Text: "the queue grows"}
		})
	})
	require.NoError(t, err)
	var b journal.NoteBody
	at := j.find(t, journal.Note, &b)
	require.InDelta(t, 8*time.Second, at, float64(500*time.Millisecond))
	require.Equal(t, journal.NoteBody{Author: "ada", Text: "the queue grows"}, b)
}

func TestHowNearAGuardIs(t *testing.T) {
	w := newWorld()
	var seen []LiveGuard
	_, err := play(t, aPlan(fault("a", "0s", "60s")), w, func(c *Config) {
		c.Observer = &watcher{see: func(s Snapshot) { seen = append(seen, s.Guards...) }}
		sli := 1.0
		c.Guards = []Guard{{
			Addr: "guard.g", Expr: "slo.x.sli < 0.5", For: 3 * time.Second,
			Eval: func(v Live) (bool, bool, map[string]float64, error) {
				now, known := v("slo.x", "sli")
				if !known {
					return false, false, nil, nil
				}
				sli = now.(float64)
				return sli < 0.5, true, map[string]float64{"slo.x.sli": sli}, nil
			},
			Near: func() (float64, bool) { return (1 - sli) / 0.5, true },
		}}
	})
	require.NoError(t, err)
	require.Equal(t, LiveGuard{Addr: "guard.g", Near: -1, For: 3 * time.Second}, seen[0], "nothing is known before the first answer")
	most := time.Duration(0)
	for _, g := range seen {
		most = max(most, g.Held)
		require.LessOrEqual(t, g.Held, g.For)
	}
	require.Greater(t, most, 2*time.Second, "how long the condition holds is seen before it stops the run")
}
