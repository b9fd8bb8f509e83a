package plan

import (
	"encoding/json"
	"time"

	"github.com/gameday-toolkit/gameday/plugins/sdk"
)

// Draft is what the files of a scenario say, evaluated, before the world has been asked about it. The language makes
// it; Build turns it into a Plan. Every Config is JSON by the schema of the block's type, in which a sensitive value is
// replaced by a reference (see Secrets).
type Draft struct {
	Scenario   Scenario    `json:"scenario"`
	Plugins    []Plugin    `json:"plugins,omitempty"`
	Targets    []TargetSet `json:"targets,omitempty"`
	Probes     []Probe     `json:"probes,omitempty"`
	SLOs       []SLO       `json:"slos,omitempty"`
	Ledgers    []Ledger    `json:"ledgers,omitempty"`
	Alerts     []Alert     `json:"alerts,omitempty"`
	Faults     []Fault     `json:"faults,omitempty"`
	Actions    []Action    `json:"actions,omitempty"`
	Objectives []Objective `json:"objectives,omitempty"`
	Guards     []Guard     `json:"guards,omitempty"`
	Limits     []Limit     `json:"limits,omitempty"`
	Notify     []Notify    `json:"notify,omitempty"`
	Incident   *Incident   `json:"incident,omitempty"` // what a replay is measured against
	// Dir is the scenario's directory, absolute; Files are those read, with their checksums.
	Dir   string `json:"dir"`
	Files []File `json:"files"`
	// Variables are the values used, without the sensitive ones.
	Variables map[string]json.RawMessage `json:"variables,omitempty"`
	// Secrets maps the reference that stands in a Config to the value. It is never written anywhere.
	Secrets map[string]string `json:"-"`
}

// Pos is where a block stands, for people and for findings that point at lines.
type Pos struct {
	File string `json:"file"`
	Line int    `json:"line"`
}

// File is one file that was read.
type File struct {
	Name   string `json:"name"`
	SHA256 string `json:"sha256"`
}

// Scenario says what the game day is about.
type Scenario struct {
	Name        string   `json:"name"`
	Title       string   `json:"title,omitempty"`
	Hypothesis  string   `json:"hypothesis,omitempty"`
	Owner       string   `json:"owner,omitempty"`
	Service     string   `json:"service,omitempty"`
	Tier        string   `json:"tier,omitempty"`
	Environment string   `json:"environment"` // "default" when the files say nothing
	Tags        []string `json:"tags,omitempty"`
	Baseline    Duration `json:"baseline"`
	Recovery    Duration `json:"recovery"`
	Pos         Pos      `json:"pos"`
}

// Plugin is one configured plugin. Alias tells two of the same Name apart; Key is what blocks refer to.
type Plugin struct {
	Name    string          `json:"name"`
	Alias   string          `json:"alias,omitempty"`
	Version string          `json:"version,omitempty"` // the constraint
	Config  json.RawMessage `json:"config,omitempty"`
	Pos     Pos             `json:"pos"`
	// What was found when the plan was made.
	Found  string                     `json:"found,omitempty"`  // its version
	SHA256 string                     `json:"sha256,omitempty"` // of its binary
	Output map[string]json.RawMessage `json:"output,omitempty"` // plugin.NAME.*
}

// Key is NAME, or NAME.ALIAS.
func (p Plugin) Key() string {
	if p.Alias == "" {
		return p.Name
	}
	return p.Name + "." + p.Alias
}

// TargetSet is one target block. Members and Population are known once it has been resolved.
type TargetSet struct {
	Addr    string          `json:"addr"`
	Type    string          `json:"type"`
	Plugin  string          `json:"plugin"` // Key
	Config  json.RawMessage `json:"config,omitempty"`
	OnEmpty string          `json:"on_empty"` // "fail" or "skip"
	Count   int             `json:"count,omitempty"`
	Percent float64         `json:"percent,omitempty"` // of what matched; never rounded up
	Pos     Pos             `json:"pos"`

	Members    []sdk.Target `json:"members,omitempty"`
	Population int          `json:"population,omitempty"`
}

// Probe is one open-loop client.
type Probe struct {
	Addr    string          `json:"addr"`
	Type    string          `json:"type"`
	Plugin  string          `json:"plugin,omitempty"` // Key; empty for the core's own kinds
	Rate    float64         `json:"rate"`             // per second
	Timeout Duration        `json:"timeout"`
	Config  json.RawMessage `json:"config,omitempty"`
	Pos     Pos             `json:"pos"`
}

// SLO is a target for the share of good answers of a Probe, or of a Ratio.
type SLO struct {
	Addr        string   `json:"addr"`
	Description string   `json:"description,omitempty"`
	Probe       string   `json:"probe,omitempty"`
	Ratio       *Ratio   `json:"ratio,omitempty"`
	Target      float64  `json:"target"` // percent
	Window      Duration `json:"window"` // W of MEASURES, filled in when not set
	Period      Duration `json:"period"` // of the error budget; 30 days when not set
	Pos         Pos      `json:"pos"`
}

// Ratio is a pair of PromQL expressions, both counting up.
type Ratio struct {
	URL      string          `json:"url"`
	Good     string          `json:"good"`
	Total    string          `json:"total"`
	Interval Duration        `json:"interval"`
	Scrape   Duration        `json:"scrape,omitempty"` // the scrape interval of the source, where it is longer
	Headers  json.RawMessage `json:"headers,omitempty"`
}

// Ledger writes acknowledged records.
type Ledger struct {
	Addr    string          `json:"addr"`
	Type    string          `json:"type"`
	Plugin  string          `json:"plugin,omitempty"` // Key; empty for the core's own kinds
	Rate    float64         `json:"rate"`
	Timeout Duration        `json:"timeout"`
	Config  json.RawMessage `json:"config,omitempty"`
	Pos     Pos             `json:"pos"`
}

// Alert is a way to see that somebody would have been woken.
type Alert struct {
	Addr     string          `json:"addr"`
	Type     string          `json:"type"`
	Plugin   string          `json:"plugin,omitempty"`   // Key; empty for the core's own kinds
	Interval Duration        `json:"interval,omitempty"` // between the questions to a plugin; the core's own kinds have their own
	Config   json.RawMessage `json:"config,omitempty"`
	Pos      Pos             `json:"pos"`
}

// When says when a step starts: At after the beginning of the inject phase, or, with After, at After the moment when the
// last of those has happened (a fault is proven active, an action has ended).
type When struct {
	At    Duration `json:"at"`
	After []string `json:"after,omitempty"`
}

// Fault is one fault with the handle that was prepared for it.
type Fault struct {
	Addr    string          `json:"addr"`
	Type    string          `json:"type"`
	Plugin  string          `json:"plugin"`
	Targets []string        `json:"targets,omitempty"` // addresses of target sets
	When    When            `json:"when"`
	Hold    Duration        `json:"hold"`
	Release string          `json:"release"` // "hold" or "recovered"
	Config  json.RawMessage `json:"config,omitempty"`
	Limit   *Limit          `json:"limit,omitempty"`
	Pos     Pos             `json:"pos"`

	Members []sdk.Target `json:"members,omitempty"`
	Skipped string       `json:"skipped,omitempty"` // why it will not be injected (on_empty = "skip")
	Effects []string     `json:"effects,omitempty"`
	Undo    []string     `json:"undo,omitempty"` // the undo preview, for people
}

// Action is one step of the runbook.
type Action struct {
	Addr    string          `json:"addr"`
	Type    string          `json:"type"`
	Plugin  string          `json:"plugin,omitempty"` // Key; empty for exec, http and manual
	Targets []string        `json:"targets,omitempty"`
	When    When            `json:"when"`
	Timeout Duration        `json:"timeout"`
	Config  json.RawMessage `json:"config,omitempty"`
	// Undo is the configuration with which the same action is run on the way out; empty when there is nothing to undo.
	Undo json.RawMessage `json:"undo,omitempty"`
	Pos  Pos             `json:"pos"`

	Members []sdk.Target `json:"members,omitempty"`
}

// Objective is what must hold. Exactly one of RTO, RPO, Within, MaxDowntime and MaxBudget is set.
type Objective struct {
	Addr   string `json:"addr"`
	SLO    string `json:"slo,omitempty"`
	Ledger string `json:"ledger,omitempty"`
	Alert  string `json:"alert,omitempty"`
	// Fault starts the clock; the first fault of the timeline where it is empty.
	Fault string `json:"fault,omitempty"`
	// Actions are those that count as the response; all of them where it is empty.
	Actions []string `json:"actions,omitempty"`

	RTO         *Duration `json:"rto,omitempty"`
	RPO         *Duration `json:"rpo,omitempty"`
	Within      *Duration `json:"within,omitempty"`
	MaxDowntime *Duration `json:"max_downtime,omitempty"`
	MaxBudget   *float64  `json:"max_budget,omitempty"` // percent of the SLO's budget
	StableFor   Duration  `json:"stable_for"`           // 10 s when not set
	Tier        string    `json:"tier,omitempty"`       // where the figure came from a tier block
	Pos         Pos       `json:"pos"`
}

// Guard stops everything when Expr has been true for For.
type Guard struct {
	Addr string   `json:"addr"`
	Expr string   `json:"expr"` // HCL source
	For  Duration `json:"for"`
	// Scope is the address prefix ("experiment.zone.") that the references in Expr are relative to.
	Scope string `json:"scope,omitempty"`
	// Consts holds the values of the var, local and each references in Expr, by root name.
	Consts json.RawMessage `json:"consts,omitempty"`
	Pos    Pos             `json:"pos"`
}

// Notify is somebody who is told what the run does.
type Notify struct {
	Addr   string          `json:"addr"`
	Type   string          `json:"type"`
	On     []string        `json:"on"` // start, abort, end
	Config json.RawMessage `json:"config,omitempty"`
	Pos    Pos             `json:"pos"`
}

// Limit bounds the blast radius. Zero means no bound of that kind.
type Limit struct {
	Addr       string  `json:"addr,omitempty"`
	MaxTargets int     `json:"max_targets,omitempty"` // distinct targets touched by the whole run
	MaxPercent float64 `json:"max_percent,omitempty"` // of the population of each target type; never rounded up
	MaxFaults  int     `json:"max_faults,omitempty"`  // active at once
	// Protect lists target types, names, IDs or TYPE/NAME that must not be touched.
	Protect []string `json:"protect,omitempty"`
	// Windows are the times in which a run may start: "Mon-Fri 09:00-16:00 Europe/Zurich".
	Windows []string `json:"windows,omitempty"`
	// Freezes are times in which nothing may run.
	Freezes   []Freeze `json:"freezes,omitempty"`
	Approvals int      `json:"approvals,omitempty"`
	// Approvers is the text of an OpenSSH allowed_signers file. Where it is set, an approval counts only with a signature by
	// one of them that is not older than ApprovalLifetime.
	Approvers        string   `json:"approvers,omitempty"`
	ApprovalLifetime Duration `json:"approval_lifetime,omitempty"`
	Pos              Pos      `json:"pos"`
}

// Freeze is a time in which nothing may run: from From until just before To.
type Freeze struct {
	From   time.Time `json:"from"`
	To     time.Time `json:"to"`
	Reason string    `json:"reason,omitempty"`
}

// Duration is a time.Duration that reads and writes as "1m30s".
type Duration time.Duration

func (d Duration) String() string { return time.Duration(d).String() }

// MarshalText implements encoding.TextMarshaler.
func (d Duration) MarshalText() ([]byte, error) { return []byte(d.String()), nil }

// UnmarshalText implements encoding.TextUnmarshaler.
func (d *Duration) UnmarshalText(b []byte) error {
	v, err := time.ParseDuration(string(b))
	*d = Duration(v)
	return err
}
