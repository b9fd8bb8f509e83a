package page

import (
	"flag"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/gameday-toolkit/gameday/internal/archive"
	"github.com/gameday-toolkit/gameday/internal/measure"
)

var out = flag.String("page", "", "write the page of the test to this file, to look at it")

// twoYears is a service that got better, with one relapse.
func twoYears() []archive.Series {
	start := time.Date(2025, 2, 3, 10, 0, 0, 0, time.UTC)
	s := archive.Series{Scenario: "az-loss", Service: "checkout", Name: "objective.recovers", Kind: measure.KindRTO, Unit: "s", Limit: 15, Allowed: "15s"}
	b := archive.Series{Scenario: "az-loss", Service: "checkout", Name: "slo.checkout", Kind: archive.KindBudget, Unit: "%"}
	for i, v := range []float64{41, 60, 33, 31, 28, 17, 16.2, 14.1, 12.4, 22, 12.1, 11.8, 9.4, 9.2} {
		p := archive.Point{Run: "r", At: start.AddDate(0, 0, i*48), Lo: v - 0.4, Hi: v, Value: s.Number(v), Verdict: measure.Pass}
		if v > 15 {
			p.Verdict = measure.Fail
		}
		if v == 60 {
			p.Censored, p.Lo, p.Value = true, 60, "> 60 s"
		}
		s.Points = append(s.Points, p)
		p.Lo, p.Hi, p.Censored = v/1000, v/990, false
		b.Points = append(b.Points, p)
	}
	s.Quarters = []archive.Quarter{{Name: "2025 Q1", Runs: 2, Missed: 2, Median: 60, Worst: 60, MedianCensored: true, WorstCensored: true}, {Name: "2026 Q4", Runs: 2, Median: 9.4, Worst: 9.4}}
	one := archive.Series{Scenario: "<script>alert(1)</script>", Name: "objective.\"&'", Kind: measure.KindRPO, Unit: "s", Limit: 0, Allowed: "0s",
		Points: []archive.Point{{At: start, Value: "0 s", Verdict: measure.Pass}}, Quarters: []archive.Quarter{{Name: "2025 Q1", Runs: 1}}}
	return []archive.Series{s, b, one}
}

func TestThePageNeedsNothingElse(t *testing.T) {
	var b strings.Builder
	made := time.Date(2026, 11, 23, 16, 0, 0, 0, time.UTC)
	require.NoError(t, Write(&b, twoYears(), made))
	if *out != "" {
		require.NoError(t, os.WriteFile(*out, []byte(b.String()), 0o644))
	}
	html := b.String()
	for _, never := range []string{"<script", "src=", "@import", "url(", "NaN", "Inf", "ZgotmplZ"} {
		require.NotContains(t, html, never)
	}
	require.NotRegexp(t, `href=|https?://`, html)
	require.Contains(t, html, "default-src &#39;none&#39;")
	require.Contains(t, html, "&lt;script&gt;alert(1)")
	require.Contains(t, html, "prefers-color-scheme: dark")
	for _, seen := range []string{"2025 Q1", "2026 Q4", "limit 15 s", "Recovery time", "&gt; 60 s", "14 runs, the last one 9.20 s"} {
		require.Contains(t, html, seen)
	}
	require.Equal(t, 2, strings.Count(html, `<td class="number">&gt; 60 s</td>`), "the median and the worst of a quarter with a bound in it")
	require.Equal(t, 29, strings.Count(html, "<title>")-1, "a mark for each run")
	var again strings.Builder
	require.NoError(t, Write(&again, twoYears(), made))
	require.Equal(t, html, again.String())
}

func TestMarksLieInTheDrawing(t *testing.T) {
	for _, s := range twoYears() {
		c := draw(s)
		for _, m := range c.Marks {
			require.True(t, left <= m.X && m.X <= wide-right, "%s: %f", s.Name, m.X)
			require.True(t, top <= m.Hi && m.Hi <= m.Lo && m.Lo <= high-bottom+0.01, "%s: %f to %f", s.Name, m.Lo, m.Hi)
		}
		require.GreaterOrEqual(t, len(c.Grid), 2)
		require.LessOrEqual(t, len(c.Grid), 7)
	}
}

func TestAnEmptyArchiveSaysSo(t *testing.T) {
	var b strings.Builder
	require.NoError(t, Write(&b, nil, time.Now()))
	require.Contains(t, b.String(), "has no run yet")
}
