package cli

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/gameday-toolkit/gameday/internal/archive"
	"github.com/gameday-toolkit/gameday/internal/cli/wiring"
	"github.com/gameday-toolkit/gameday/internal/measure"
)

// tried is a scenario whose attempts ended so.
func tried(codes ...int) *gateItem {
	it := &gateItem{Name: "s"}
	for _, c := range codes {
		it.attempts = append(it.attempts, &attempt{code: c})
	}
	return it
}

func TestWhatCameOfAllAttempts(t *testing.T) {
	for name, c := range map[string]struct {
		item  *gateItem
		flags gateFlags
		code  int
		flaky bool
		why   string
	}{
		"pass":                                 {tried(0), gateFlags{}, 0, false, ""},
		"inconclusive, then pass":              {tried(3, 0), gateFlags{retries: 1}, 0, false, "passed on attempt 2"},
		"fail, then pass":                      {tried(1, 0), gateFlags{retries: 1}, 3, true, "flaky: it failed, and passed on attempt 2 of 2"},
		"fail, then pass, allowed":             {tried(1, 0), gateFlags{retries: 1, allowFlaky: true}, 0, true, "flaky"},
		"fail, inconclusive, pass":             {tried(1, 3, 0), gateFlags{retries: 2}, 3, true, "flaky"},
		"fail, then inconclusive":              {tried(1, 3), gateFlags{retries: 1}, 1, false, "it failed, and was inconclusive"},
		"inconclusive, then fail":              {tried(3, 1), gateFlags{retries: 1}, 1, false, ""},
		"fail, then leaked":                    {tried(1, 5), gateFlags{retries: 1}, 5, false, ""},
		"aborted":                              {tried(4), gateFlags{retries: 1}, 4, false, ""},
		"not planned":                          {&gateItem{broken: "2 mistakes"}, gateFlags{}, 2, false, "2 mistakes"},
		"not started":                          {&gateItem{unstarted: "no time"}, gateFlags{}, 3, false, "no time"},
		"the first of all":                     {&gateItem{nothing: "nothing to compare", attempts: tried(0).attempts}, gateFlags{against: lastGood}, 0, false, ""},
		"compared with what is not there":      {&gateItem{nothing: "nothing to compare", attempts: tried(0).attempts}, gateFlags{against: "v1"}, 3, false, "nothing to compare"},
		"failed, and compared with nothing":    {&gateItem{nothing: "nothing to compare", attempts: tried(1).attempts}, gateFlags{against: "v1"}, 1, false, ""},
		"a pass that became worse":             {slower(), gateFlags{against: lastGood}, 1, false, "worse than in the run r0: rto of objective.back"},
		"a pass that became worse as expected": {slower(), gateFlags{against: lastGood, tolerance: 100}, 0, false, ""},
	} {
		t.Run(name, func(t *testing.T) {
			c.item.conclude(&c.flags)
			require.Equal(t, c.code, c.item.Code)
			require.Equal(t, c.flaky, c.item.Flaky)
			require.Contains(t, c.item.Why, c.why)
		})
	}
}

// slower passed, and took longer than before.
func slower() *gateItem {
	rto := func(lo, hi float64) []archive.Figure {
		return []archive.Figure{{Name: "objective.back", Kind: measure.KindRTO, Lo: lo, Hi: hi, Allowed: "15s", Value: "v"}}
	}
	it := tried(0)
	it.baseline = &archive.Run{ID: "r0", Figures: rto(5, 6)}
	it.attempts[0].judged = &wiring.Judged{Result: &measure.Result{}}
	it.attempts[0].rec = archive.Run{Figures: rto(9, 10)}
	return it
}

func TestTheWorstOfAll(t *testing.T) {
	for _, c := range []struct {
		codes []int
		want  int
	}{
		{[]int{0, 0}, 0}, {[]int{0, 3}, 3}, {[]int{3, 1, 0}, 1}, {[]int{1, 4}, 4}, {[]int{4, 5, 1}, 5}, {[]int{2, 2}, 2}, {[]int{2, 0}, 3}, {[]int{2, 1}, 1},
	} {
		g := &gate{}
		for _, code := range c.codes {
			g.items = append(g.items, &gateItem{Code: code})
		}
		require.Equal(t, c.want, g.code(), "%v", c.codes)
	}
}

func TestWhatIsTriedAgain(t *testing.T) {
	for _, c := range []struct {
		item    *gateItem
		retries int
		want    bool
	}{
		{tried(1), 1, true}, {tried(3), 1, true}, {tried(1), 0, false}, {tried(0), 1, false}, {tried(4), 1, false}, {tried(5), 1, false}, {tried(2), 1, false},
		{tried(1, 1), 1, false}, {tried(1, 1), 2, true}, {slower(), 1, true},
	} {
		require.Equal(t, c.want, c.item.again(&gateFlags{retries: c.retries}), "%d attempts, %d retries", len(c.item.attempts), c.retries)
	}
}

func TestWhatMayRunAtTheSameTime(t *testing.T) {
	in := func(env string, targets ...string) *gateItem {
		it := &gateItem{Environment: env, targets: map[string]bool{}}
		for _, x := range targets {
			it.targets[x] = true
		}
		return it
	}
	require.True(t, in("a", "t/1").overlaps(in("a", "t/2")), "one environment")
	require.True(t, in("a", "t/1", "t/2").overlaps(in("b", "t/2")), "one target under two names of its environment")
	require.False(t, in("a", "t/1").overlaps(in("b", "t/2")))
	require.True(t, overlapsAny(in("a"), []*gateItem{in("b"), in("a")}))
	s := &scheduler{gate: &gate{flags: &gateFlags{}}, deadline: time.Now().Add(time.Minute)}
	require.True(t, s.inTime(&gateItem{expected: 30 * time.Second}))
	require.False(t, s.inTime(&gateItem{expected: 2 * time.Minute}))
}

func TestTheGateTellsGitHubItself(t *testing.T) {
	require.Equal(t, []string{"PATH=/bin", "GITHUB_SHA=x"}, childEnv([]string{"PATH=/bin", "GITHUB_ACTIONS=true", "GITHUB_SHA=x", "GITHUB_STEP_SUMMARY=/s"}))
}
