package archive

import (
	"cmp"
	"slices"
	"time"

	"github.com/gameday-toolkit/gameday/internal/backlog"
	"github.com/gameday-toolkit/gameday/internal/measure"
)

// Card says for one scenario when it was last tried, with what result, and when it has to be tried again.
type Card struct {
	Service     string          `json:"service"`
	Tier        string          `json:"tier,omitempty"`
	Scenario    string          `json:"scenario"`
	Environment string          `json:"environment,omitempty"`
	LastRun     string          `json:"last_run,omitempty"` // the last one that passed or failed
	LastAt      time.Time       `json:"last_at,omitzero"`
	Verdict     measure.Verdict `json:"verdict"`
	Missed      int             `json:"objectives_missed"`
	Objectives  int             `json:"objectives"`
	Open        int             `json:"open_findings"`
	Due         time.Time       `json:"due,omitzero"` // zero where no cadence is set
	Overdue     bool            `json:"overdue"`
}

// Never says whether no run of the scenario ever came to a verdict.
func (c Card) Never() bool { return c.LastAt.IsZero() }

// Known is a scenario that there is, run or not.
type Known struct{ Name, Service, Tier, Environment string }

// Cadence says how often the scenarios of a tier have to be tried; 0 where it does not matter.
type Cadence func(tier string) time.Duration

// Scorecard gives a card for each scenario of the runs and for each that is known besides: by service and tier, what is
// overdue first. An inconclusive run is none: it did not show whether the service still survives.
func Scorecard(runs []Run, known []Known, items []backlog.Item, every Cadence, now time.Time) []Card {
	cards := map[string]*Card{}
	for _, k := range known {
		cards[k.Name] = &Card{Service: k.Service, Tier: k.Tier, Scenario: k.Name, Environment: k.Environment}
	}
	runs = slices.Clone(runs)
	slices.SortFunc(runs, func(x, y Run) int { return x.Started.Compare(y.Started) })
	for _, r := range runs {
		if r.Scenario == "" {
			continue
		}
		c := cards[r.Scenario]
		if c == nil {
			c = &Card{Scenario: r.Scenario}
			cards[r.Scenario] = c
		}
		if !slices.ContainsFunc(known, func(k Known) bool { return k.Name == r.Scenario }) {
			c.Service, c.Tier, c.Environment = r.Service, r.Tier, r.Environment
		}
		if r.Evidence.Conclusive {
			c.take(r)
		}
	}
	for _, it := range items {
		if c := cards[it.Scenario]; c != nil && it.State.Active() {
			c.Open++
		}
	}
	out := []Card{}
	for _, c := range cards {
		c.due(every(c.Tier), now)
		out = append(out, *c)
	}
	slices.SortFunc(out, func(x, y Card) int {
		return cmp.Or(cmp.Compare(x.Service, y.Service), cmp.Compare(x.Tier, y.Tier), cmp.Compare(rank(x), rank(y)), x.Due.Compare(y.Due), cmp.Compare(x.Scenario, y.Scenario))
	})
	return out
}

func (c *Card) take(r Run) {
	c.LastRun, c.LastAt, c.Verdict, c.Missed, c.Objectives = r.ID, r.Started, r.Verdict, 0, 0
	for _, j := range r.Evidence.Judged {
		c.Objectives++
		if j.Verdict == measure.Fail {
			c.Missed++
		}
	}
}

func (c *Card) due(every time.Duration, now time.Time) {
	if every == 0 {
		return
	}
	if c.Never() {
		c.Overdue = true
		return
	}
	c.Due = c.LastAt.Add(every)
	c.Overdue = !now.Before(c.Due)
}

func rank(c Card) int {
	if c.Overdue {
		return 0
	}
	return 1
}
