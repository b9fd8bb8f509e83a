package engine

import (
	"context"
	"encoding/json"
	"time"

	"github.com/gameday-toolkit/gameday/internal/journal"
	"github.com/gameday-toolkit/gameday/internal/plan"
	"github.com/gameday-toolkit/gameday/internal/probe"
	"github.com/gameday-toolkit/gameday/internal/sample"
	"github.com/gameday-toolkit/gameday/internal/undo"
	"github.com/gameday-toolkit/gameday/plugins/sdk"
)

// Config is everything a run needs. The engine starts no process, opens no connection and reads no file: it is given
// what does.
type Config struct {
	Plan    *plan.Plan
	Started journal.Started // Wall is filled in
	Journal Journal

	// Open gives the plugin with this key, started again where it has died.
	Open func(ctx context.Context, key string) (Plugin, error)
	// Act carries out an action of the core's own: exec, http, manual.
	Act func(ctx context.Context, a plan.Action, config json.RawMessage) (Said, error)

	Checks  []Check
	Probes  []Probe
	Ratios  []Ratio
	Ledgers []Ledger
	Alerts  []Alert
	Events  []EventSource
	Guards  []Guard

	// Stop is how a person ends the run: the first aborts it, a second one stops the waiting for recovery.
	Stop <-chan Stop
	// Notes are what people remark while the run goes on. A note that was taken from here is in the journal.
	Notes <-chan journal.NoteBody
	// Trouble is what went wrong outside the engine: a plugin died, a lease could not be renewed.
	Trouble <-chan Trouble
	// Observer sees what happens. Its methods are called from the loop and must return at once.
	Observer Observer
	Undo     undo.Options
}

// Journal is where entries go.
type Journal interface {
	Append(at time.Duration, kind journal.Kind, body []byte) (uint64, error)
	AppendSync(at time.Duration, kind journal.Kind, body []byte) (uint64, error)
	Sync() error
}

// Plugin is what the engine needs of a plugin.
type Plugin interface {
	Prepare(ctx context.Context, fault string, req sdk.Request) (sdk.Handle, []sdk.Problem, error)
	Inject(context.Context, sdk.Handle) error
	Inspect(context.Context, sdk.Handle) (sdk.State, error)
	Revert(context.Context, sdk.Handle) error
	Run(ctx context.Context, action string, req sdk.Request) (string, error)
}

// Said is what an action reported, and who did it where a person did.
type Said struct {
	What string
	By   string
}

// Check is one thing that preflight proves before anything is touched.
type Check struct {
	Name string
	Addr string
	Run  func(context.Context) error
}

// Probe paces one prober until its context ends.
type Probe struct {
	Addr             string
	Rate             float64
	Timeout, Latency time.Duration
	Run              func(ctx context.Context, base time.Time, s sample.Schedule, emit func([]sample.Sample, []probe.Detail)) error
}

// Ratio polls the good/total pair of one SLO until its context ends.
type Ratio struct {
	Addr string // of the SLO
	Run  func(ctx context.Context, base time.Time, emit func(journal.PointBody)) error
}

// Ledger writes records until its context ends, and reads them back.
type Ledger struct {
	Addr     string
	Run      func(ctx context.Context, base time.Time, emit func(block []byte)) error
	ReadBack func(ctx context.Context, base time.Time) journal.ReadBackBody
}

// Alert watches one alert until its context ends; at is the offset of the change.
type Alert struct {
	Addr string
	Run  func(ctx context.Context, base time.Time, emit func(at time.Duration, s journal.AlertBody)) error
}

// EventSource sends what the system noticed by itself until its context ends.
type EventSource struct {
	Plugin string
	Run    func(ctx context.Context, emit func(sdk.Event)) error
}

// Guard stops the run when Eval has answered true for For.
type Guard struct {
	Addr string
	Expr string
	For  time.Duration
	// Eval answers with the values it looked at; known is false while one of them has no data yet.
	Eval func(Live) (tripped, known bool, values map[string]float64, err error)
	// Near says how near the last Eval was to true: 1 there, and 0 where all is well. Nil, or not known, where nobody can say.
	Near func() (near float64, known bool)
}

// Live gives the present value of an attribute of a block, such as ("slo.checkout", "sli"): a float64, a bool or a
// string, and false while there is none.
type Live func(addr, attr string) (any, bool)

// Stop is a person's wish to end the run.
type Stop struct {
	Reason string
	By     string // "person"
	// Once is the wish of somebody who cannot know whether the run is being aborted already: it is never a second one.
	Once bool
}

// Trouble is a failure of something of ours. A Fatal one ends the run.
type Trouble struct {
	Addr  string
	What  string
	Fatal bool
}

// Observer sees a run as it happens.
type Observer interface {
	// Entry is called for every entry but the blocks.
	Entry(at time.Duration, kind journal.Kind, body any)
	// Live is called a few times a second.
	Live(Snapshot)
}

// Snapshot is the present state of a run, for a person to look at.
type Snapshot struct {
	Elapsed time.Duration
	Phase   journal.PhaseName
	// Left is the time to the end of the phase, where that is known.
	Left   time.Duration
	SLOs   []LiveSLO
	Faults []LiveFault
	Guards []LiveGuard
}

// LiveSLO is the state of one SLO over its window.
type LiveSLO struct {
	Addr     string
	SLI      float64 // 0 to 1
	Target   float64 // 0 to 1
	Known    bool
	Violated bool
}

// LiveFault is the state of one fault.
type LiveFault struct {
	Addr  string
	State string
	Left  time.Duration // to the end of hold, while active
}

// LiveGuard is how near a guard is to stopping the run.
type LiveGuard struct {
	Addr  string
	Known bool    // all that its condition looks at has data
	Near  float64 // 0 to 1; below 0 where nobody can say
	// Held is how long the condition has been true, of For.
	Held, For time.Duration
	Values    map[string]float64 // what it looked at last
}
