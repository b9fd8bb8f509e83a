package measure

import (
	"time"

	"github.com/gameday-toolkit/gameday/internal/plan"
)

// Verdict orders what a judgement can be; the worst of several wins, whatever the order of merging.
type Verdict int

// The verdicts, from best to worst.
const (
	Skip Verdict = iota
	Pass
	Inconclusive
	Fail
	Leaked
)

var verdictNames = [...]string{"skip", "pass", "inconclusive", "fail", "leaked"}

func (v Verdict) String() string { return verdictNames[v] }

// MarshalText implements encoding.TextMarshaler.
func (v Verdict) MarshalText() ([]byte, error) { return []byte(v.String()), nil }

// Worst merges verdicts. It is commutative and associative, with Skip as its identity.
func Worst(vs ...Verdict) Verdict {
	worst := Skip
	for _, v := range vs {
		worst = max(worst, v)
	}
	return worst
}

// Interval is a measured time with its error: the truth lies in [Lo, Hi]. Censored means that it is at least Lo, and
// that Hi is not known.
type Interval struct {
	Lo       time.Duration `json:"lo"`
	Hi       time.Duration `json:"hi"`
	Censored bool          `json:"censored,omitempty"`
}

// Result is everything that a run's journal says, judged.
type Result struct {
	Verdict Verdict `json:"verdict"`
	// Exit is the exit code of MEASURES: 5, then 4, then 1, then 3, then 0 (2 where nothing was touched).
	Exit       int               `json:"exit"`
	Why        string            `json:"why"` // one sentence
	Assumption []Assumption      `json:"assumptions"`
	Objectives []ObjectiveResult `json:"objectives"`
	SLOs       []SLOResult       `json:"slos"`
	Probes     []ProbeResult     `json:"probes"`
	Ledgers    []LedgerResult    `json:"ledgers,omitempty"`
	Alerts     []AlertResult     `json:"alerts,omitempty"`
	Faults     []FaultResult     `json:"faults"`
	// Outstanding names what is not proven to be back as it was.
	Outstanding []string `json:"outstanding,omitempty"`
}

// Assumption is something that must be true for any verdict to be worth having.
type Assumption struct {
	Name    string   `json:"name"`
	OK      bool     `json:"ok"`
	Detail  string   `json:"detail"`
	Entries []uint64 `json:"entries,omitempty"`
}

// ObjectiveResult is the verdict on one objective.
type ObjectiveResult struct {
	Addr    string    `json:"addr"`
	Kind    string    `json:"kind"` // rto, rpo, within, max_downtime, max_budget
	Verdict Verdict   `json:"verdict"`
	Why     string    `json:"why"`
	Limit   string    `json:"limit"`    // the objective's figure, for people: "15s", "0.5 %"
	Value   string    `json:"measured"` // the measured figure with its error: "12.41 s (12.37 to 12.41)"
	Time    *Interval `json:"interval,omitempty"`
	Percent *float64  `json:"percent,omitempty"` // for max_budget
	Split   *Split    `json:"split,omitempty"`   // for rto
	Fault   string    `json:"fault,omitempty"`   // the fault that started the clock
	Entries []uint64  `json:"entries"`           // sequence numbers of the journal entries that prove it
	Pos     plan.Pos  `json:"pos"`
}

// Split is the recovery time in parts, so that a reader sees which part to shorten. A part that was not seen is absent.
type Split struct {
	Parts []Part `json:"parts"`
	// Longest is the name of the part that dominated.
	Longest string `json:"longest,omitempty"`
	// End is the recovery: an action may go on after it.
	End time.Duration `json:"end,omitempty"`
}

// Part is one part of the recovery time, as offsets on the run's clock.
type Part struct {
	Name string        `json:"name"` // onset, detection, decision, action, convergence
	From time.Duration `json:"from"`
	To   time.Duration `json:"to"`
	What string        `json:"what"` // what ended it: the alert, the action
}

// SLOResult is what one SLO went through.
type SLOResult struct {
	Addr       string                `json:"addr"`
	Target     float64               `json:"target"`
	Phases     map[string]PhaseStats `json:"phases"` // by baseline, fault, recovery
	Violations []Span                `json:"violations,omitempty"`
	Downtime   Interval              `json:"downtime"`
	// BudgetSpent is the share of the period's time-based error budget, in percent (SRE Workbook, chapter 2).
	BudgetSpent float64 `json:"budget_spent_percent"`
	// Failback is the recovery after the revert, where it took any time.
	Failback *Interval `json:"failback,omitempty"`
	// Points is the SLI over time, thinned for drawing.
	Points []Point `json:"points,omitempty"`
	// Latency is the latency over time, by windows one after the other that are as long as the SLO's own, or longer in a
	// long run. An SLI from counters has none.
	Latency []LatencyPoint `json:"latency,omitempty"`
}

// Span is a stretch of time on the run's clock.
type Span struct {
	From time.Duration `json:"from"`
	To   time.Duration `json:"to"`
}

// Point is one point of a curve: the share of good samples around At, and latency in nanoseconds.
type Point struct {
	At     time.Duration `json:"at"`
	SLI    float64       `json:"sli"` // 0 to 1; negative where there was no sample
	P50    time.Duration `json:"p50,omitempty"`
	P99    time.Duration `json:"p99,omitempty"`
	Max    time.Duration `json:"max,omitempty"`
	Bad    uint64        `json:"bad,omitempty"`
	Unsent uint64        `json:"unsent,omitempty"`
}

// LatencyPoint is the latency of the samples that were due in one window of [At-Width/2, At+Width/2).
type LatencyPoint struct {
	At    time.Duration `json:"at"` // the middle
	Width time.Duration `json:"width"`
	P50   time.Duration `json:"p50"`
	P99   time.Duration `json:"p99"`
	Max   time.Duration `json:"max"`
}

// PhaseStats counts the samples of one phase.
type PhaseStats struct {
	Good   uint64        `json:"good"`
	Bad    uint64        `json:"bad"`
	Unsent uint64        `json:"unsent"`
	P50    time.Duration `json:"p50"`
	P99    time.Duration `json:"p99"`
	Max    time.Duration `json:"max"`
}

// ProbeResult counts the samples of one probe over the run.
type ProbeResult struct {
	Addr    string                `json:"addr"`
	Rate    float64               `json:"rate"`
	Phases  map[string]PhaseStats `json:"phases"`
	Classes map[string]uint64     `json:"classes,omitempty"` // bad and unsent samples by class
	Details map[string]string     `json:"details,omitempty"` // one example of each class
}

// LedgerResult is what became of the acknowledged records.
type LedgerResult struct {
	Addr         string   `json:"addr"`
	Fault        string   `json:"fault,omitempty"` // before and after which the losses are counted
	Attempted    uint64   `json:"attempted"`
	Acknowledged uint64   `json:"acknowledged"`
	Failed       uint64   `json:"failed"`
	Unknown      uint64   `json:"unknown"`
	Lost         uint64   `json:"lost"`
	LostAfter    uint64   `json:"lost_after"` // acknowledged after the failure, and lost
	LostSpan     *Span    `json:"lost_span,omitempty"`
	AfterSpan    *Span    `json:"after_span,omitempty"`
	Unexpected   uint64   `json:"unexpected"`
	Duplicated   uint64   `json:"duplicated"`
	Resurfaced   uint64   `json:"resurfaced"`
	RPO          Interval `json:"rpo"`
	// Promise is what an acknowledgement meant, where the store has said so.
	Promise string `json:"promise,omitempty"`
	// Examples are the first few lost sequence numbers.
	Examples []uint64 `json:"examples,omitempty"`
	Err      string   `json:"err,omitempty"` // why nothing can be said
}

// AlertResult is when an alert fired and resolved.
type AlertResult struct {
	Addr     string         `json:"addr"`
	Fired    *time.Duration `json:"fired,omitempty"`
	Resolved *time.Duration `json:"resolved,omitempty"`
	Poll     time.Duration  `json:"poll"`
	Before   bool           `json:"before,omitempty"` // it was firing in the baseline already
	Err      string         `json:"err,omitempty"`
}

// FaultResult is the life of one fault with the evidence for it.
type FaultResult struct {
	Addr     string    `json:"addr"`
	Type     string    `json:"type"`
	Targets  []string  `json:"targets"`
	State    string    `json:"state"` // planned, skipped, unproven, reverted, stuck, outstanding
	T0       *Interval `json:"t0,omitempty"`
	Reverted *Interval `json:"reverted,omitempty"` // from the start of the revert to its proof
	Reason   string    `json:"reason,omitempty"`   // why it was reverted then
	Active   string    `json:"active,omitempty"`   // evidence that it was there
	Gone     string    `json:"gone,omitempty"`     // evidence that it is gone
	Steps    []string  `json:"steps,omitempty"`    // by hand, where stuck
	Err      string    `json:"err,omitempty"`
	Entries  []uint64  `json:"entries"`
}
