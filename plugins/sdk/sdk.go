package sdk

import (
	"context"
	"encoding/json"
	"time"
)

// Fault is one kind of failure that a plugin can cause and undo.
//
// Calls for one handle are never made concurrently; calls for different handles may be.
type Fault interface {
	// Schema describes the attributes of the fault's block.
	Schema() Schema
	// Prepare reads the targets and captures all that Revert will need. It changes nothing. Problems name attribute
	// paths; with any problem of severity Error the handle is ignored. The error return is for a world that could not
	// be read.
	Prepare(context.Context, Request) (Handle, []Problem, error)
	// Inject causes the failure. The handle is on disk by the time of this call. It may fail half-way: Revert cleans up.
	Inject(context.Context, Handle) error
	// Inspect reads the target, not the plugin's memory, and says whether the fault is there, with evidence.
	Inspect(context.Context, Handle) (State, error)
	// Revert undoes Inject. It is idempotent, correct after a partial Inject and correct in a fresh process.
	Revert(context.Context, Handle) error
}

// TargetType finds things that faults may touch.
type TargetType interface {
	// Schema describes the selectors of the target's block.
	Schema() Schema
	// Resolve lists what the selectors match, in a stable order. It changes nothing.
	Resolve(context.Context, Request) (Selection, []Problem, error)
}

// Action is a step of the runbook, such as a failover.
type Action interface {
	// Schema describes the attributes of the action's block.
	Schema() Schema
	// Check says at plan time what would stop the action. It changes nothing.
	Check(context.Context, Request) ([]Problem, error)
	// Run carries the action out and returns one line for people about what it did. It returns when the action has
	// taken effect.
	Run(context.Context, Request) (string, error)
}

// Prober asks the system one question, once. Pacing, timeouts and counting are the core's.
type Prober interface {
	// Schema describes the attributes of the probe's block, beyond those that every probe has.
	Schema() Schema
	// Probe asks once. An answer that does not meet the expectation is an Observation with Good false; the error return
	// is for a probe that could not be asked at all.
	Probe(context.Context, Request) (Observation, error)
}

// Plugin is all that one plugin offers. Name and Version are required; everything else is optional.
type Plugin struct {
	// Name is the label of the plugin's block and the NAME in gameday-plugin-NAME.
	Name string
	// Version is a semantic version without a leading v.
	Version string
	// Doc is a short paragraph for the plugin's reference page.
	Doc string
	// Config describes the plugin's own block.
	Config Schema
	// Outputs describes the attributes plugin.NAME.* that Configure returns.
	Outputs []Attribute

	// Configure is called once, before anything but Describe. The returned map has one value for each of Outputs.
	Configure func(context.Context, Settings) (map[string]any, []Problem, error)
	// Targets, Faults, Actions, Probers, Ledgers and Alerts are keyed by block type, which starts with the plugin's name:
	// lab_zone_outage.
	Targets map[string]TargetType
	Faults  map[string]Fault
	Actions map[string]Action
	Probers map[string]Prober
	Ledgers map[string]Ledger
	Alerts  map[string]Alert
	// Documents are keyed by their name, which is the flag that prints them: gameday plugin docs NAME --DOCUMENT.
	Documents map[string]Document
	// Observe sends what the system itself noticed (a backend marked down, a failover) until the context ends.
	Observe func(context.Context, func(Event)) error
	// Sweep finds everything that carries gameday's mark, journal or none, as handles that Revert understands.
	Sweep func(context.Context) ([]Handle, error)
	// Leased is told until when the lease lasts: when it begins, and at every renewal. A fault for which the target has a
	// clock of its own keeps that clock wound until then, and no longer. It must return at once.
	Leased func(until time.Time)
}

// Settings configures a plugin for one session.
type Settings struct {
	// Config holds the values of the plugin's block, by Plugin.Config.
	Config json.RawMessage `json:"config,omitempty"`
	// StateDir is a directory where the plugin may keep files of its own for this session.
	StateDir string `json:"state_dir,omitempty"`
	// Lease is how long faults outlive the last renewal. Zero means that no lease is held (validate, plan).
	Lease time.Duration `json:"lease,omitempty"`
}

// Request asks about one block of the scenario.
type Request struct {
	// Run is the run's ID; whatever a fault leaves in the target carries it. Empty at plan time.
	Run string `json:"run,omitempty"`
	// ID is the block's address, such as fault.lab_zone_outage.lose_zone: unique within the run.
	ID string `json:"id"`
	// Config holds the values of the block, by its Schema.
	Config json.RawMessage `json:"config,omitempty"`
	// Targets are what the block may touch.
	Targets []Target `json:"targets,omitempty"`
	// Seed makes any choice the plugin has to make repeatable.
	Seed int64 `json:"seed,omitempty"`
}

// Target is one thing that can be touched.
type Target struct {
	// Type is the target block's type, such as lab_zone.
	Type string `json:"type"`
	// ID identifies the target for as long as it exists; a successor has another.
	ID string `json:"id"`
	// Name is what people call it.
	Name string `json:"name"`
	// Attrs are facts worth showing in the plan: region, zone, pid.
	Attrs map[string]string `json:"attrs,omitempty"`
}

// Selection is what a target block matched, out of how many there are. Percent limits are taken of Population.
type Selection struct {
	Targets    []Target `json:"targets"`
	Population int      `json:"population"`
}

// Handle names what one fault makes and nothing else, and carries all that Revert needs in a fresh process.
type Handle struct {
	ID      string   `json:"id"`
	Run     string   `json:"run,omitempty"`
	Plugin  string   `json:"plugin"`
	Version string   `json:"version"`
	Fault   string   `json:"fault"`
	Targets []Target `json:"targets,omitempty"`
	// Undo is the plugin's own, opaque to the core. Never a credential: it is written to the journal.
	Undo json.RawMessage `json:"undo,omitempty"`
	// Steps tell a person how to undo the fault by hand.
	Steps []string `json:"steps,omitempty"`
	// Effects tell a person, at plan time, exactly what Inject will do.
	Effects []string `json:"effects,omitempty"`
}

// Status says whether a fault is there.
type Status string

// The answers of Inspect. Unknown is an honest answer, and proves nothing.
const (
	Active   Status = "active"
	Inactive Status = "inactive"
	Unknown  Status = "unknown"
)

// State is what Inspect read back from the target.
type State struct {
	Status   Status `json:"status"`
	Evidence string `json:"evidence"`
}

// Observation is the answer to one probe.
type Observation struct {
	Good bool `json:"good"`
	// Class is the class of a bad answer, one of those of MEASURES: refused, reset, timeout, dns, tls, status, body.
	Class  string `json:"class,omitempty"`
	Detail string `json:"detail,omitempty"`
}

// EventKind sorts what a system noticed by itself.
type EventKind string

// Detected is the system's own first notice of a failure; it counts as detection where no alert is configured. Limited is
// a limit that the system reached, and so could not do what it wanted.
const (
	Detected  EventKind = "detected"
	Recovered EventKind = "recovered"
	Limited   EventKind = "limited"
	Noticed   EventKind = "noticed"
)

// Event is something that the system under test noticed or did by itself.
type Event struct {
	At      time.Time `json:"at"`
	Kind    EventKind `json:"kind"`
	Source  string    `json:"source"`
	Subject string    `json:"subject,omitempty"`
	Summary string    `json:"summary"`
}

// Severity of a Problem.
type Severity string

// A Warning is shown; an Error stops the plan.
const (
	Warning Severity = "warning"
	Error   Severity = "error"
)

// Problem is something wrong with a block, named by attribute path; the core finds the file and the line.
type Problem struct {
	Severity Severity `json:"severity"`
	// Path is the attribute, such as ["expect", "0", "status"]; empty for the block itself.
	Path    []string `json:"path,omitempty"`
	Summary string   `json:"summary"`
	// Detail says what to do about it.
	Detail string `json:"detail,omitempty"`
	// Permission is the missing permission, where that is the problem.
	Permission string `json:"permission,omitempty"`
}
