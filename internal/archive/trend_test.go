package archive

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/gameday-toolkit/gameday/internal/backlog"
	"github.com/gameday-toolkit/gameday/internal/measure"
)

func figure(lo, hi float64) Figure {
	return Figure{Name: "objective.back", Kind: measure.KindRTO, Unit: "s", Lo: lo, Hi: hi, Value: "v", Allowed: "15s", Limit: 15}
}

func TestAFigureChangesOnlyBeyondItsError(t *testing.T) {
	censored := func(lo float64) Figure { f := figure(lo, 0); f.Censored = true; return f }
	for name, c := range map[string]struct {
		old, now  Figure
		tolerance float64
		want      Difference
	}{
		"the same":                     {figure(12, 13), figure(12, 13), 0, Same},
		"they overlap":                 {figure(12, 13), figure(12.9, 14), 0, Same},
		"they touch":                   {figure(12, 13), figure(13, 14), 0, Same},
		"worse":                        {figure(12, 13), figure(13.1, 14), 0, Worse},
		"better":                       {figure(12, 13), figure(10, 11.9), 0, Better},
		"worse, and tolerated":         {figure(12, 13), figure(13.1, 14), 5, Same},
		"better, and tolerated":        {figure(12, 13), figure(10, 11.9), 5, Same},
		"worse than is tolerated":      {figure(12, 13), figure(14, 15), 5, Worse},
		"no outage, and now one":       {figure(0, 0), figure(0.2, 0.3), 0, Worse},
		"a bound beyond it":            {figure(12, 13), censored(60), 0, Worse},
		"a bound below it":             {figure(12, 13), censored(5), 0, Same},
		"out of a bound":               {censored(60), figure(12, 13), 0, Better},
		"beyond a bound nobody knows":  {censored(60), figure(70, 71), 0, Same},
		"a bound after a lesser bound": {censored(60), censored(90), 0, Same},
	} {
		require.Equal(t, c.want, c.now.against(c.old, c.tolerance), name)
	}
}

func TestCompare(t *testing.T) {
	old, now := run(0), run(1)
	old.Figures = []Figure{figure(12, 13), {Name: "slo.checkout", Kind: KindDowntime, Lo: 1, Hi: 2}, {Name: "objective.old", Kind: measure.KindRPO, Allowed: "0s"}}
	now.Figures = []Figure{{Name: "objective.new", Kind: measure.KindRPO, Allowed: "0s"}, figure(14, 15), {Name: "slo.checkout", Kind: KindDowntime, Lo: 3, Hi: 4}}
	changes := Compare(&old, &now, 0)
	var is []Difference
	for _, c := range changes {
		is = append(is, c.Is)
		require.NotEmpty(t, c.String())
	}
	require.Equal(t, []Difference{Added, Worse, Worse, Gone}, is)
	worse := Regressions(changes)
	require.Len(t, worse, 1, "downtime that no objective is about is shown, and fails nothing")
	require.Equal(t, measure.KindRTO, worse[0].Kind)
}

func TestTrend(t *testing.T) {
	quarterly := func(month time.Month, day int, hi float64, v measure.Verdict) Run {
		return run(0, func(r *Run) {
			r.Started = time.Date(2026, month, day, 0, 0, 0, 0, time.UTC)
			r.ID, r.Verdict = r.Started.Format("20060102"), v
			f := figure(hi-1, hi)
			f.Verdict = v
			r.Figures = []Figure{f, {Name: "slo.checkout", Kind: KindBudget, Unit: "%", Hi: hi / 100}}
		})
	}
	doubtful := quarterly(5, 1, 99, measure.Inconclusive)
	doubtful.Evidence.Conclusive = false
	all := Trend([]Run{quarterly(10, 1, 8, measure.Pass), quarterly(1, 10, 20, measure.Fail), quarterly(2, 1, 10, measure.Pass), quarterly(3, 31, 30, measure.Fail), doubtful})
	require.Len(t, all, 2)
	rto := all[0]
	require.Equal(t, measure.KindRTO, rto.Kind)
	require.Len(t, rto.Points, 4, "what an inconclusive run measured does not count")
	require.Equal(t, []Quarter{{Name: "2026 Q1", Runs: 3, Missed: 2, Median: 20, Worst: 30}, {Name: "2026 Q4", Runs: 1, Median: 8, Worst: 8}}, rto.Quarters)
	require.Equal(t, "▅▃█▂", rto.Sparkline(10))
	require.Equal(t, "█▂", rto.Sparkline(2), "the newest")
	require.Equal(t, "20 s", rto.Number(20))
	require.Equal(t, KindBudget, all[1].Kind)
	require.Equal(t, "0.2 %", all[1].Number(0.2))
	require.Empty(t, Trend(nil))
}

// What is censored is only known to be more: so is what it decides, or may decide.
func TestACensoredRunCensorsWhatItMayDecide(t *testing.T) {
	known := func(lo, hi float64) Point { return Point{At: began, Lo: lo, Hi: hi, Value: "v"} }
	more := func(lo float64) Point { return Point{At: began, Lo: lo, Censored: true} }
	s := Series{Unit: "s"}
	for name, c := range map[string]struct {
		points        []Point
		median, worst string
	}{
		"all of them":             {[]Point{more(2), more(2), more(4.02)}, "> 2 s", "> 4.02 s"},
		"the only one":            {[]Point{more(60)}, "> 60 s", "> 60 s"},
		"none":                    {[]Point{known(9, 10), known(11, 12), known(13, 14)}, "12 s", "14 s"},
		"above the median":        {[]Point{known(9, 10), known(11, 12), more(60)}, "12 s", "> 60 s"},
		"below the median":        {[]Point{more(5), known(11, 12), known(13, 14)}, "> 11 s", "> 13 s"},
		"at the median":           {[]Point{known(9, 10), more(11), known(11, 12)}, "> 11 s", "> 11 s"},
		"no known one as low":     {[]Point{known(29, 30), more(28)}, "> 29 s", "> 29 s"},
		"one of an even number":   {[]Point{known(1, 2), known(3, 4), known(5, 6), more(60)}, "6 s", "> 60 s"},
		"the upper of two middle": {[]Point{known(1, 2), more(60)}, "> 60 s", "> 60 s"},
	} {
		q := quarters(c.points)
		require.Len(t, q, 1, name)
		require.Equal(t, c.median, s.MedianOf(q[0]), "the median: %s", name)
		require.Equal(t, c.worst, s.WorstOf(q[0]), "the worst: %s", name)
		b, err := json.Marshal(q[0])
		require.NoError(t, err)
		require.Equal(t, c.worst[0] == '>', strings.Contains(string(b), `"worst_censored":true`), name)
		require.Equal(t, c.median[0] == '>', strings.Contains(string(b), `"median_censored":true`), name)
	}
}

func TestQuarters(t *testing.T) {
	for month, want := range map[time.Month]string{1: "2026 Q1", 3: "2026 Q1", 4: "2026 Q2", 6: "2026 Q2", 9: "2026 Q3", 10: "2026 Q4", 12: "2026 Q4"} {
		require.Equal(t, want, QuarterOf(time.Date(2026, month, 28, 0, 0, 0, 0, time.UTC)))
	}
	east := time.FixedZone("east", 3600)
	require.Equal(t, "2025 Q4", QuarterOf(time.Date(2026, 1, 1, 0, 30, 0, 0, east)), "by UTC")
}

func TestScorecard(t *testing.T) {
	day := 24 * time.Hour
	every := func(tier string) time.Duration {
		return map[string]time.Duration{"gold": 90 * day, "silver": 180 * day}[tier]
	}
	inconclusive := run(20*24, func(r *Run) { r.Verdict, r.Evidence.Conclusive = measure.Inconclusive, false })
	failed := run(10*24, func(r *Run) {
		r.Verdict = measure.Fail
		r.Evidence.Judged = []backlog.Judgment{{Objective: "objective.a", Verdict: measure.Fail}, {Objective: "objective.b", Verdict: measure.Pass}}
	})
	loose := run(0, func(r *Run) { r.Scenario, r.Tier = "untiered", "" })
	known := []Known{{Name: "never", Service: "checkout", Tier: "silver"}, {Name: "az-loss", Service: "checkout", Tier: "gold"}}
	items := []backlog.Item{{Finding: backlog.Finding{Scenario: "az-loss"}, State: backlog.Open}, {Finding: backlog.Finding{Scenario: "az-loss"}, State: backlog.Verified}}
	cards := func(now time.Time) map[string]Card {
		out := map[string]Card{}
		for _, c := range Scorecard([]Run{inconclusive, run(0), failed, loose}, known, items, every, now) {
			out[c.Scenario] = c
		}
		return out
	}
	soon := cards(began.Add(99 * day))
	require.Len(t, soon, 3)
	az := soon["az-loss"]
	require.Equal(t, failed.ID, az.LastRun, "the last one that came to a verdict")
	require.Equal(t, []int{1, 2, 1}, []int{az.Missed, az.Objectives, az.Open})
	require.False(t, az.Overdue)
	require.True(t, soon["never"].Overdue)
	require.True(t, soon["never"].Never())
	require.False(t, soon["untiered"].Overdue)
	require.True(t, soon["untiered"].Due.IsZero())
	require.True(t, cards(began.Add(100 * day))["az-loss"].Overdue, "90 days after the tenth")
}
