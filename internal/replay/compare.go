package replay

import (
	"fmt"
	"slices"
	"time"

	"github.com/gameday-toolkit/gameday/internal/history"
	"github.com/gameday-toolkit/gameday/internal/measure"
	"github.com/gameday-toolkit/gameday/internal/plan"
)

// Verdict answers the question after an incident.
type Verdict string

// The verdicts.
const (
	WouldRecur    Verdict = "would recur"
	WouldNotRecur Verdict = "would not recur"
	Inconclusive  Verdict = "inconclusive"
)

// Comparison is an incident beside its replay. All times count from when the fault took effect, in the incident and in the
// replay alike.
type Comparison struct {
	Incident *plan.Incident `json:"incident"`
	Verdict  Verdict        `json:"verdict"`
	Why      string         `json:"why"`
	Entries  []uint64       `json:"entries"` // of the journal, that prove it
	Moments  []Moment       `json:"moments"`
	Parts    []Part         `json:"parts"`
	Impact   Impact         `json:"impact"`
	Remedies []Credit       `json:"remedies,omitempty"`
	Series   []Series       `json:"series,omitempty"`
	// Trouble says why the incident's metrics could not be drawn.
	Trouble string `json:"trouble,omitempty"`
	// Fault took effect at T0 of the run's clock. SLO is the one that the recovery was judged by.
	Fault string        `json:"fault,omitempty"`
	T0    time.Duration `json:"t0"`
	SLO   string        `json:"slo,omitempty"`
}

// Moment is one moment of an incident, and of the replay; nil where it did not come or nobody wrote it down.
type Moment struct {
	Name     string         `json:"name"`
	What     string         `json:"what"`
	Incident *time.Duration `json:"incident,omitempty"`
	Replay   *time.Duration `json:"replay,omitempty"`
	By       string         `json:"by,omitempty"`       // what it was in the replay
	Censored bool           `json:"censored,omitempty"` // the replay only shows that it was later
	Entries  []uint64       `json:"entries,omitempty"`
}

// Part is one part of the recovery, from the moment before it.
type Part struct {
	Name     string         `json:"name"` // onset, detection, decision, action, convergence
	Incident *time.Duration `json:"incident,omitempty"`
	Replay   *time.Duration `json:"replay,omitempty"`
	Censored bool           `json:"censored,omitempty"`
}

// Impact is what customers had of it.
type Impact struct {
	Incident string         `json:"incident,omitempty"`
	Lasted   *time.Duration `json:"lasted,omitempty"` // of the incident, from onset to recovery
	Downtime string         `json:"downtime"`         // of the replay, with its error
	Bad      uint64         `json:"bad"`
	Asked    uint64         `json:"asked"`
}

// Credit says what a remedy did.
type Credit struct {
	plan.Remedy
	Said string `json:"said"`
}

// Compare sets a run beside the incident of its scenario. It is nil where there is none.
func Compare(run *history.Run, res *measure.Result) *Comparison {
	if run.Plan == nil || run.Plan.Incident == nil || res == nil {
		return nil
	}
	c := &comparer{run: run, res: res, out: &Comparison{Incident: run.Plan.Incident, Entries: []uint64{}, Moments: []Moment{}, Parts: []Part{}}}
	c.clock()
	c.judge()
	c.moments()
	c.parts()
	c.impact()
	for _, r := range c.out.Incident.Remedies {
		c.out.Remedies = append(c.out.Remedies, Credit{r, c.credit(r)})
	}
	c.series()
	in := *c.out.Incident
	in.Metrics = "" // they are in Series
	c.out.Incident = &in
	return c.out
}

type comparer struct {
	run   *history.Run
	res   *measure.Result
	out   *Comparison
	main  *measure.ObjectiveResult // the recovery that is told: the one that took longest
	known bool                     // the fault took effect
}

// clock finds the fault that stands for the beginning, and the recovery from it.
func (c *comparer) clock() {
	c.out.Fault = c.out.Incident.Fault
	if f := c.run.FirstFault(); c.out.Fault == "" && f != nil {
		c.out.Fault = f.Addr
	}
	for _, f := range c.res.Faults {
		if f.Addr == c.out.Fault && f.T0 != nil {
			c.out.T0, c.known = f.T0.Lo, true
		}
	}
	for i := range c.res.Objectives {
		o := &c.res.Objectives[i]
		if o.Kind == measure.KindRTO && o.Time != nil && (c.main == nil || o.Time.Censored && !c.main.Time.Censored || o.Time.Censored == c.main.Time.Censored && o.Time.Hi > c.main.Time.Hi) {
			c.main = o
		}
	}
	if c.main == nil {
		return
	}
	for _, o := range c.run.Plan.Objectives {
		if o.Addr == c.main.Addr {
			c.out.SLO = o.SLO
		}
	}
}

// judge gives the verdict. What users had decides: recoveries, downtime and loss. An alert that came late is said, and does
// not make an outage of what was none.
func (c *comparer) judge() {
	var passed, missed, open []measure.ObjectiveResult
	for _, o := range c.res.Objectives {
		switch {
		case o.Kind == measure.KindWithin || o.Verdict == measure.Skip:
		case o.Verdict == measure.Pass:
			passed = append(passed, o)
		case o.Verdict == measure.Fail:
			missed = append(missed, o)
		default:
			open = append(open, o)
		}
	}
	switch {
	case c.res.Verdict == measure.Leaked:
		c.say(Inconclusive, "something may still be broken: put it back, and replay again", nil)
	case len(missed) > 0:
		told := missed[0]
		if c.main != nil && c.main.Verdict == measure.Fail {
			told = *c.main
		}
		c.say(WouldRecur, told.Addr+" was missed: "+told.Why, missed)
	case len(open) > 0:
		c.say(Inconclusive, open[0].Addr+": "+open[0].Why, open)
	case len(passed) == 0:
		c.say(Inconclusive, "no objective says what users must not have again", nil)
	case !c.known:
		c.say(Inconclusive, "the fault that stands for the beginning of the incident was not proven active", passed)
	default:
		c.say(WouldNotRecur, fmt.Sprintf("the same faults were there, and %s", passed[0].Why), passed)
	}
	for _, o := range c.res.Objectives {
		if o.Kind == measure.KindWithin && o.Verdict == measure.Fail {
			c.out.Why += "; but nobody would have known in time: " + o.Why
			c.out.Entries = append(c.out.Entries, o.Entries...)
		}
	}
	slices.Sort(c.out.Entries)
	c.out.Entries = slices.Compact(c.out.Entries)
}

func (c *comparer) say(v Verdict, why string, by []measure.ObjectiveResult) {
	c.out.Verdict, c.out.Why = v, why
	for _, o := range by {
		c.out.Entries = append(c.out.Entries, o.Entries...)
	}
	if f := c.run.Fault(c.out.Fault); f != nil && f.Active != nil {
		c.out.Entries = append(c.out.Entries, f.Active.Seq)
	}
}
