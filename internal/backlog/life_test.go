package backlog

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/gameday-toolkit/gameday/internal/journal"
	"github.com/gameday-toolkit/gameday/internal/measure"
)

var day0 = time.Date(2026, 1, 1, 12, 0, 0, 0, time.UTC)

func on(n int) time.Time { return day0.AddDate(0, 0, n) }

// The runs of a life: one on each day of the year, each of which shows the miss, or passes, or is in doubt.
func missed(n int) Evidence {
	s := healthy().with(func(s *story) { s.down = []span{{11 * sec, 24 * sec}} })
	return s.evidence(n)
}
func passed(n int) Evidence { return healthy().evidence(n) }
func doubtful(n int) Evidence {
	return healthy().with(func(s *story) { s.unsent = span{20 * sec, 21 * sec} }).evidence(n)
}

func (s *story) evidence(n int) Evidence {
	run := s.run()
	result := measure.Evaluate(run)
	e := EvidenceOf(run, result, Find(run, result))
	e.Run, e.At = fmt.Sprintf("r%d", n), on(n)
	return e
}

func only(t *testing.T, items []Item, rule string) Item {
	t.Helper()
	for _, it := range items {
		if it.Rule == rule {
			return it
		}
	}
	t.Fatalf("there is no item of %s", rule)
	return Item{}
}

func TestLife(t *testing.T) {
	print := missed(0).Findings[0].Fingerprint
	claim := func(n int) Decision { return Decision{Fingerprint: print, What: Claim, By: "ada", At: on(n)} }
	accept := func(n, until int) Decision {
		return Decision{Fingerprint: print, What: Accept, By: "ada", At: on(n), Until: on(until), Because: "it is replaced"}
	}
	for name, c := range map[string]struct {
		runs      []Evidence
		decisions []Decision
		now       int
		want      State
		seen      int
		note      string
	}{
		"found":                                   {[]Evidence{missed(1)}, nil, 2, Open, 1, "found"},
		"found twice":                             {[]Evidence{missed(1), missed(2)}, nil, 3, Open, 2, "found"},
		"a later run proves it":                   {[]Evidence{missed(1), passed(2)}, nil, 3, Verified, 1, "a later run passed objective.rto"},
		"an earlier run proves nothing":           {[]Evidence{passed(1), missed(2)}, nil, 3, Open, 1, "found"},
		"in whatever order they come":             {[]Evidence{passed(2), missed(1)}, nil, 3, Verified, 1, "a later run passed"},
		"it comes back":                           {[]Evidence{missed(1), passed(2), missed(3)}, nil, 4, Reopened, 2, "it came back"},
		"and goes again":                          {[]Evidence{missed(1), passed(2), missed(3), passed(4)}, nil, 5, Verified, 2, "a later run passed"},
		"claimed":                                 {[]Evidence{missed(1)}, []Decision{claim(2)}, 3, Fixed, 1, "claimed to be fixed by ada"},
		"claimed and proven":                      {[]Evidence{missed(1), passed(3)}, []Decision{claim(2)}, 4, Verified, 1, "a later run passed"},
		"claimed and wrong":                       {[]Evidence{missed(1), missed(3)}, []Decision{claim(2)}, 4, Reopened, 2, "although it was claimed to be fixed"},
		"claimed again":                           {[]Evidence{missed(1), missed(3)}, []Decision{claim(2), claim(4)}, 5, Fixed, 2, "claimed"},
		"accepted":                                {[]Evidence{missed(1)}, []Decision{accept(2, 10)}, 9, Accepted, 1, "accepted until 2026-01-11 by ada, because it is replaced"},
		"accepted, and seen again":                {[]Evidence{missed(1), missed(5)}, []Decision{accept(2, 10)}, 9, Accepted, 2, "accepted until"},
		"accepted, and over":                      {[]Evidence{missed(1)}, []Decision{accept(2, 10)}, 10, Open, 1, "the acceptance ended on"},
		"accepted, proven":                        {[]Evidence{missed(1), passed(5)}, []Decision{accept(2, 10)}, 11, Verified, 1, "a later run passed"},
		"accepted, over and seen again":           {[]Evidence{missed(1), missed(12)}, []Decision{accept(2, 10)}, 13, Open, 2, "the acceptance ended on"},
		"accepted after it came back, and over":   {[]Evidence{missed(1), passed(2), missed(3)}, []Decision{accept(4, 10)}, 11, Reopened, 2, "the acceptance ended on"},
		"accepted twice, and over":                {[]Evidence{missed(1)}, []Decision{accept(2, 5), accept(6, 20)}, 21, Open, 1, "the acceptance ended on"},
		"accepted, and claimed":                   {[]Evidence{missed(1)}, []Decision{accept(2, 20), claim(3)}, 30, Fixed, 1, "claimed"},
		"in doubt: open stays open":               {[]Evidence{missed(1), doubtful(2)}, nil, 3, Open, 1, "found"},
		"in doubt: fixed stays fixed":             {[]Evidence{missed(1), doubtful(3)}, []Decision{claim(2)}, 4, Fixed, 1, "claimed"},
		"in doubt: verified stays verified":       {[]Evidence{missed(1), passed(2), doubtful(3)}, nil, 4, Verified, 1, "a later run passed"},
		"in doubt: accepted stays accepted":       {[]Evidence{missed(1), doubtful(3)}, []Decision{accept(2, 10)}, 4, Accepted, 1, "accepted"},
		"what is verified needs no decision":      {[]Evidence{missed(1), passed(2)}, []Decision{claim(3), accept(4, 9)}, 5, Verified, 1, "a later run passed"},
		"a claim while a run goes on is about it": {[]Evidence{missed(1), missed(2)}, []Decision{{Fingerprint: print, What: Claim, By: "ada", At: on(2).Add(time.Minute)}}, 3, Fixed, 2, "claimed"},
	} {
		t.Run(name, func(t *testing.T) {
			it := only(t, Life(c.runs, c.decisions, nil, on(c.now)), "GD001")
			require.Equal(t, c.want, it.State)
			require.Equal(t, c.seen, it.Seen)
			require.Contains(t, it.Note, c.note)
			require.Equal(t, it.State, it.Life[len(it.Life)-1].State)
			require.Equal(t, it.State == Verified, it.ProvenBy != "")
			require.Equal(t, it.State == Accepted, !it.Until.IsZero())
		})
	}
}

// The item is the same whatever the order in which its runs and decisions are read.
func TestLifeDoesNotDependOnTheOrder(t *testing.T) {
	print := missed(0).Findings[0].Fingerprint
	runs := []Evidence{missed(1), passed(2), missed(3), doubtful(4), missed(6), passed(8), missed(9)}
	decisions := []Decision{{Fingerprint: print, What: Claim, By: "ada", At: on(5)}, {Fingerprint: print, What: Accept, By: "bob", At: on(7), Until: on(20)}}
	want := Life(runs, decisions, nil, on(30))
	for seed := range uint64(20) {
		r := rand.New(rand.NewPCG(seed, 1))
		r.Shuffle(len(runs), func(i, j int) { runs[i], runs[j] = runs[j], runs[i] })
		r.Shuffle(len(decisions), func(i, j int) { decisions[i], decisions[j] = decisions[j], decisions[i] })
		require.Equal(t, want, Life(runs, decisions, nil, on(30)))
	}
}

func TestWhatProvesThatItIsGone(t *testing.T) {
	lost := healthy().with(func(s *story) { s.lost = span{35 * sec, 36 * sec} }) // GD004, of the ledger
	state := func(later Evidence) State {
		return only(t, Life([]Evidence{lost.evidence(1), later}, nil, nil, on(3)), "GD004").State
	}
	require.Equal(t, Verified, state(passed(2)))
	require.Equal(t, Open, state(doubtful(2)), "nothing else was judged for sure")
	require.Equal(t, Verified, state(missed(2)), "another objective was missed, and every assumption held")
	without := healthy().with(func(s *story) {
		s.plan.Ledgers = nil
		s.plan.Objectives = append(s.plan.Objectives[:1], s.plan.Objectives[2:]...)
	})
	require.Equal(t, Open, state(without.evidence(2)), "it has no ledger any more")
	other := passed(2)
	other.Scenario = "another"
	require.Equal(t, Open, state(other))
	aborted := healthy().tell(39*sec, journal.Abort, journal.AbortBody{By: "person", Reason: "enough"}).evidence(2)
	require.Equal(t, Open, state(aborted))
}

func TestAnObjectiveThatCouldNotBeJudged(t *testing.T) {
	unjudged := doubtful(1)
	_ = only(t, Life([]Evidence{unjudged}, nil, nil, on(3)), "GD010")
	require.Equal(t, Verified, only(t, Life([]Evidence{unjudged, passed(2)}, nil, nil, on(3)), "GD010").State, "the probe kept its pace")
	trouble := healthy().tell(20*sec, journal.Trouble, journal.TroubleBody{Addr: theLedger, What: "panicked"}).evidence(1)
	lost := healthy().with(func(s *story) { s.lost = span{8 * sec, 10 * sec}; s.missing = s.lost }).evidence(2)
	require.Equal(t, Verified, only(t, Life([]Evidence{trouble, lost}, nil, nil, on(3)), "GD021").State, "it was judged, if only to have failed")
}

// Nobody closes an item unseen by asking for less.
func TestALooserLimitIsNamed(t *testing.T) {
	loose := healthy().with(func(s *story) { s.down = []span{{11 * sec, 24 * sec}}; s.plan.Objectives[0].RTO = d(20 * sec) })
	it := only(t, Life([]Evidence{missed(1), loose.evidence(2)}, nil, nil, on(3)), "GD001")
	require.Equal(t, Verified, it.State)
	require.Contains(t, it.Note, "whose limit is 20s now and was 10s when it was missed")
}

func TestTheBacklogIsInTheOrderOfWork(t *testing.T) {
	worse := healthy().with(func(s *story) {
		s.lost = span{35 * sec, 36 * sec}
		s.down = []span{{11 * sec, 24 * sec}}
		s.strange = 1
	}).evidence(1)
	items := Life([]Evidence{worse}, []Decision{{Fingerprint: only(t, Life([]Evidence{worse}, nil, nil, on(2)), "GD018").Fingerprint, What: Claim, By: "ada", At: on(2)}},
		[]Link{{Fingerprint: worse.Findings[0].Fingerprint, Tracker: "ours", Issue: "#1"}}, on(3))
	var order []string
	for _, it := range items {
		order = append(order, string(it.State)+" "+it.Severity)
	}
	require.Equal(t, []string{"open critical", "open medium", "fixed high"}, order)
	require.Equal(t, "#1", items[0].Links[0].Issue)
}
