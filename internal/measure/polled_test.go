package measure

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/gameday-toolkit/gameday/internal/journal"
	"github.com/gameday-toolkit/gameday/internal/plan"
)

// polledStory is a run whose SLI comes from counters that are scraped and polled. down is the truth.
func polledStory(down Span, poll, scrape time.Duration, blind func(at time.Duration) bool) *story {
	s := newStory()
	s.plan.SLOs[0] = plan.SLO{Addr: theSLO, Target: 99, Window: plan.Duration(sec), Ratio: &plan.Ratio{Interval: plan.Duration(poll)}}
	counters := func(at time.Duration) (good, total float64) { // 100 requests a second, seen at the last scrape
		at = at.Truncate(scrape)
		bad := max(0, min(at, down.To)-down.From)
		return 100 * (at - bad).Seconds(), 100 * at.Seconds()
	}
	last, good, total := time.Duration(0), 0.0, 0.0
	for at := poll; at < s.end-sec; at += poll {
		b := journal.PointBody{Addr: theSLO, From: last, To: at, Resolution: max(poll, scrape)}
		if blind != nil && blind(at) {
			b.Err = "connection refused"
		} else {
			g, n := counters(at)
			b.Good, b.Total = g-good, n-total
			last, good, total = at, g, n
		}
		s.add(at, journal.RatioPoint, b)
	}
	return s
}

func TestARatioHasTheResolutionOfItsPolls(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		poll := time.Duration(rapid.IntRange(1, 3).Draw(t, "poll")) * sec
		scrape := time.Duration(rapid.IntRange(1, 3).Draw(t, "scrape")) * sec
		from := 10*sec + 10*ms
		long := time.Duration(rapid.Int64Range(int64(5*sec), int64(30*sec)).Draw(t, "long"))
		s := polledStory(Span{from, from + long}, poll, scrape, nil)
		got := s.aim()
		require.NotNil(t, got.Time, got.Why)
		require.False(t, got.Time.Censored, got.Why)
		truth := long // the fault took effect when the outage began
		require.LessOrEqual(t, got.Time.Lo, truth)
		require.GreaterOrEqual(t, got.Time.Hi, truth)
		require.LessOrEqual(t, got.Time.Hi-got.Time.Lo, 4*(poll+scrape))
	})
}

func TestARatioThatCouldNotBeRead(t *testing.T) {
	down := Span{11 * sec, 13 * sec}
	rto := func(s *story) *story {
		d := plan.Duration(40 * sec)
		s.objective().RTO = &d
		return s
	}
	require.Equal(t, Pass, rto(polledStory(down, sec, sec, nil)).aim().Verdict)
	once := rto(polledStory(down, sec, sec, func(at time.Duration) bool { return at == 15*sec })).aim()
	require.Equal(t, Pass, once.Verdict, "one poll that failed is covered by the next: %s", once.Why)
	blind := rto(polledStory(down, sec, sec, func(at time.Duration) bool { return at >= 15*sec })).judge()
	require.Equal(t, Inconclusive, blind.Objectives[0].Verdict)
	never := rto(polledStory(down, sec, sec, func(time.Duration) bool { return true })).judge()
	require.Equal(t, Inconclusive, never.Objectives[0].Verdict)
	require.Equal(t, ExitInconclusive, never.Exit)
	idle := rto(polledStory(down, sec, sec, nil))
	for i := range idle.entries { // nobody used the service any more
		if idle.entries[i].At > 12*sec && idle.entries[i].Kind == journal.RatioPoint {
			idle.entries[i].Body = journal.Encode(journal.PointBody{Addr: theSLO, From: idle.entries[i].At - sec, To: idle.entries[i].At, Resolution: sec})
		}
	}
	require.Equal(t, Inconclusive, idle.aim().Verdict, "no requests are no proof of anything")
}
