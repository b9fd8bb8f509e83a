package journal

import (
	"encoding/json"
	"time"

	"github.com/gameday-toolkit/gameday/internal/sample"
	"github.com/gameday-toolkit/gameday/plugins/sdk"
)

// Entry is one line of the record. At is the offset on the run's monotonic clock. Body is JSON by Kind, except for the
// kinds that end in "block", where it is the address, a zero byte and a binary block.
type Entry struct {
	Seq  uint64
	At   time.Duration
	Kind Kind
	Body []byte
}

// Kind says what an entry records; the comment names its body.
type Kind string

// The kinds, in the order in which a run usually writes them.
const (
	RunStarted Kind = "run.started" // Started. Always the first entry
	PlanKind   Kind = "plan"        // a plan.Plan, without secrets. Always the second
	Phase      Kind = "phase"       // PhaseBody
	Check      Kind = "check"       // CheckBody: one preflight check

	ProbeStarted Kind = "probe.started" // ProbeBody
	SampleBlock  Kind = "sample.block"  // address, 0, sample.AppendBlock
	ProbeDetail  Kind = "probe.detail"  // DetailBody: one example of each class of error
	RatioPoint   Kind = "ratio.point"   // PointBody: one poll of a Prometheus pair

	FaultPrepared   Kind = "fault.prepared"   // HandleBody. Synced before the injection
	FaultInjecting  Kind = "fault.injecting"  // StepBody: t0 is at the earliest here
	FaultInjected   Kind = "fault.injected"   // StepBody: Inject returned, Err says how
	FaultActive     Kind = "fault.active"     // StepBody: Inspect answered Active: t0 is at the latest here
	FaultUnproven   Kind = "fault.unproven"   // StepBody: Inspect did not answer Active in time
	FaultSkipped    Kind = "fault.skipped"    // StepBody
	FaultReverting  Kind = "fault.reverting"  // StepBody, Reason says why now
	FaultReverted   Kind = "fault.reverted"   // StepBody: proven gone
	FaultStuck      Kind = "fault.stuck"      // StepBody: could not be proven gone
	FaultStillThere Kind = "fault.inspection" // StepBody: a look at an active fault, at release time

	ActionPrepared Kind = "action.prepared" // HandleBody: an action with an undo. Synced before the action
	ActionStarted  Kind = "action.started"  // StepBody
	ActionEnded    Kind = "action.ended"    // StepBody
	ActionUndoing  Kind = "action.undoing"  // StepBody
	ActionUndone   Kind = "action.undone"   // StepBody
	ActionStuck    Kind = "action.stuck"    // StepBody

	RecordBlock    Kind = "record.block"    // address, 0, record block of the ledger
	LedgerReadBack Kind = "ledger.readback" // ReadBackBody
	AlertState     Kind = "alert.state"     // AlertBody: on every change, and the first poll
	EventSeen      Kind = "event"           // EventBody: what the system noticed by itself
	Note           Kind = "note"            // NoteBody

	GuardTripped Kind = "guard.tripped" // GuardBody
	Abort        Kind = "abort"         // AbortBody
	ClockStep    Kind = "clock.step"    // ClockBody
	Trouble      Kind = "trouble"       // TroubleBody: something of ours failed; what depends on it is inconclusive
	RunEnded     Kind = "run.ended"     // EndedBody
	Recovered    Kind = "recovered"     // EndedBody: `gameday recover` finished what the run could not
)

// Started is the body of the first entry: one monotonic base time and one seed for the run.
type Started struct {
	Run      string        `json:"run"`
	Format   int           `json:"format"`
	Tool     string        `json:"tool"`
	Wall     time.Time     `json:"wall"` // the wall-clock time of offset zero
	Seed     int64         `json:"seed"`
	PlanHash string        `json:"plan_hash"`
	Host     string        `json:"host,omitempty"`
	User     string        `json:"user,omitempty"`
	Lease    time.Duration `json:"lease"`
	// Source is the directory of the scenario, from the top of its repository; empty where there is none. Positions in the
	// plan count from there.
	Source string `json:"source,omitempty"`
	// Approvals are those by which the run was allowed to start.
	Approvals []Approval `json:"approvals,omitempty"`
}

// Approval says who let a run start.
type Approval struct {
	By     string    `json:"by"`
	At     time.Time `json:"at,omitzero"`      // of a signed one
	Signed bool      `json:"signed,omitempty"` // with a key of somebody who may approve; otherwise somebody's word
}

// PhaseName is a phase in the life of a run.
type PhaseName string

// The phases, in their order.
const (
	Preflight PhaseName = "preflight"
	Baseline  PhaseName = "baseline"
	Observe   PhaseName = "inject"
	Reverting PhaseName = "revert"
	Recovery  PhaseName = "recovery"
	Reporting PhaseName = "report"
)

// PhaseBody marks the beginning of a phase.
type PhaseBody struct {
	Name PhaseName `json:"name"`
}

// CheckBody is one thing that preflight, or the steady-state check at the end of the baseline, looked at.
type CheckBody struct {
	Name   string `json:"name"`
	Addr   string `json:"addr,omitempty"`
	OK     bool   `json:"ok"`
	Detail string `json:"detail,omitempty"`
}

// ProbeBody gives the schedule that turns sequence numbers into times.
type ProbeBody struct {
	Addr     string          `json:"addr"`
	Schedule sample.Schedule `json:"schedule"`
	Timeout  time.Duration   `json:"timeout"`
	Latency  time.Duration   `json:"latency,omitempty"`
}

// DetailBody is one example of a class of error.
type DetailBody struct {
	Addr   string `json:"addr"`
	Class  string `json:"class"`
	Detail string `json:"detail"`
}

// PointBody is one poll of a Prometheus good/total pair: what was counted since the poll before.
type PointBody struct {
	Addr       string        `json:"addr"`
	From       time.Duration `json:"from"`
	To         time.Duration `json:"to"`
	Good       float64       `json:"good"`
	Total      float64       `json:"total"`
	Resolution time.Duration `json:"resolution"`
	Err        string        `json:"err,omitempty"`
}

// HandleBody is the undo, on disk before the change.
type HandleBody struct {
	Addr   string     `json:"addr"`
	Plugin string     `json:"plugin"` // plan.Plugin Key; empty for the core's own actions
	Handle sdk.Handle `json:"handle"`
}

// StepBody is one step in the life of a fault or an action.
type StepBody struct {
	Addr     string `json:"addr"`
	Handle   string `json:"handle,omitempty"`
	Reason   string `json:"reason,omitempty"`
	Evidence string `json:"evidence,omitempty"`
	Err      string `json:"err,omitempty"`
	By       string `json:"by,omitempty"`
	// Steps tell a person how to undo by hand, where that has become necessary.
	Steps []string `json:"steps,omitempty"`
}

// ReadBackBody is what one read-back of a ledger found. Seqs are delta-encoded: see record.Seqs.
type ReadBackBody struct {
	Addr            string        `json:"addr"`
	Stage           string        `json:"stage"` // "recovery" or "failback"
	From            time.Duration `json:"from"`
	To              time.Duration `json:"to"`
	Present         []byte        `json:"present,omitempty"`    // sequence numbers read back at least once
	Duplicated      []byte        `json:"duplicated,omitempty"` // those read back more than once
	Unexpected      []string      `json:"unexpected,omitempty"` // descriptions, at most 100
	UnexpectedCount int           `json:"unexpected_count,omitempty"`
	Promise         string        `json:"promise,omitempty"` // what an acknowledgement meant, by the word of the store when it was written to
	Err             string        `json:"err,omitempty"`
}

// AlertBody is the state of an alert.
type AlertBody struct {
	Addr    string        `json:"addr"`
	Firing  bool          `json:"firing"`
	Poll    time.Duration `json:"poll"` // the error of At: the change lies within this long before it
	Err     string        `json:"err,omitempty"`
	Summary string        `json:"summary,omitempty"`
}

// EventBody is an sdk.Event, placed on the run's clock.
type EventBody struct {
	Plugin string    `json:"plugin"`
	At     int64     `json:"at"` // offset in nanoseconds
	Event  sdk.Event `json:"event"`
}

// NoteBody is a remark by a person.
type NoteBody struct {
	Author string `json:"author,omitempty"`
	Text   string `json:"text"`
}

// GuardBody says which guard stopped the run, and on what it saw.
type GuardBody struct {
	Addr   string             `json:"addr"`
	Expr   string             `json:"expr"`
	Since  time.Duration      `json:"since"` // when the condition became true
	Values map[string]float64 `json:"values,omitempty"`
}

// AbortBody says who or what stopped the run.
type AbortBody struct {
	Reason string `json:"reason"`
	By     string `json:"by"` // "person", "guard", "engine"
}

// ClockBody records that the wall clock was set while the run went on. Offsets are not affected.
type ClockBody struct {
	Step time.Duration `json:"step"`
}

// TroubleBody is a failure of ours that spoils whatever depends on Addr, or the whole run where Addr is empty.
type TroubleBody struct {
	Addr string `json:"addr,omitempty"`
	What string `json:"what"`
	// Lost says that what followed here could not be read, and was cut off: nobody knows what else was done.
	Lost bool `json:"lost,omitempty"`
}

// EndedBody closes a run.
type EndedBody struct {
	Reason string `json:"reason,omitempty"`
	// Outstanding names what is not proven to be gone.
	Outstanding []string `json:"outstanding,omitempty"`
}

// Encode makes the body of an entry of a JSON kind. It panics on a body that cannot be encoded, which is our bug.
func Encode(body any) []byte {
	b, err := json.Marshal(body)
	if err != nil {
		panic("journal: " + err.Error())
	}
	return b
}

// EncodeBlock makes the body of an entry of a block kind.
func EncodeBlock(addr string, block []byte) []byte {
	b := make([]byte, 0, len(addr)+1+len(block))
	b = append(b, addr...)
	b = append(b, 0)
	return append(b, block...)
}

// DecodeBlock is the inverse of EncodeBlock.
func DecodeBlock(body []byte) (addr string, block []byte, ok bool) {
	for i, c := range body {
		if c == 0 {
			return string(body[:i]), body[i+1:], true
		}
	}
	return "", nil, false
}
