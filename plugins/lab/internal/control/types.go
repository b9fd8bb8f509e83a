package control

import (
	"time"

	"github.com/gameday-toolkit/gameday/plugins/lab/internal/fabric"
	"github.com/gameday-toolkit/gameday/plugins/lab/internal/names"
	"github.com/gameday-toolkit/gameday/plugins/lab/internal/proc"
)

// Status is the whole lab at one moment.
type Status struct {
	ID       string                   `json:"id"`
	Ready    bool                     `json:"ready"`
	Uptime   time.Duration            `json:"uptime_ns"`
	Active   string                   `json:"active_region"`
	DNS      map[string]string        `json:"dns"`
	Regions  map[string]RegionStatus  `json:"regions"`
	Links    map[string]fabric.Rule   `json:"links"`
	Failures map[string]names.Failure `json:"dns_failures,omitempty"`
	Faults   []Record                 `json:"faults"`
	Procs    map[string]ProcessStatus `json:"processes"`
	RSS      int64                    `json:"rss_bytes"`
}

// RegionStatus is one region.
type RegionStatus struct {
	// Role is active, standby or fenced.
	Role string `json:"role"`
	// Healthy is what the DNS health check thinks.
	Healthy   bool       `json:"healthy"`
	Quota     QuotaState `json:"quota"`
	Instances []Instance `json:"instances"`
	// Backends is what the load balancer thinks; empty when it does not answer.
	Backends []Backend `json:"backends,omitempty"`
	// Store is what the region's orders stream says of itself.
	Store StoreStatus `json:"store"`
}

// StoreStatus is the orders stream of a region.
type StoreStatus struct {
	Leader   string `json:"leader,omitempty"`
	Messages uint64 `json:"messages"`
	LastSeq  uint64 `json:"last_seq"`
	Mirror   bool   `json:"mirror"`
	// Lag is how many messages the mirror is behind, as far as it knows; Seen is when it last heard from its origin.
	Lag  uint64        `json:"lag"`
	Seen time.Duration `json:"seen_ns"`
	// Err says why nothing could be read.
	Err string `json:"error,omitempty"`
}

// ProcessStatus is one process of the lab.
type ProcessStatus struct {
	proc.ID
	State string `json:"state"` // running, frozen, killed, starting
	RSS   int64  `json:"rss_bytes"`
}

// QuotaState is what the control API still grants.
type QuotaState struct {
	Limit int `json:"limit"`
	Used  int `json:"used"`
}

// Instance is one shop of a region.
type Instance struct {
	Name string `json:"name"`
	Zone string `json:"zone"`
	// Addr is where the load balancer reaches it.
	Addr string `json:"addr"`
	// Direct is where it listens itself, past the network.
	Direct string `json:"direct"`
	// Extra instances were launched on request; the others belong to their zone.
	Extra bool `json:"extra"`
	// State is running or pending; an instance in a dead zone counts as running until somebody looks.
	State string `json:"state"`
}

// Backend is an instance as the load balancer sees it.
type Backend struct {
	Name    string `json:"name"`
	Zone    string `json:"zone"`
	Addr    string `json:"addr"`
	Healthy bool   `json:"healthy"`
	Reason  string `json:"reason,omitempty"`
}

// Instances is the answer to GET /v1/regions/REGION/instances.
type Instances struct {
	Quota     QuotaState `json:"quota"`
	Instances []Instance `json:"instances"`
}

// Role is which region takes orders. Active is empty while a failover has fenced both.
type Role struct {
	Version int    `json:"version"`
	Active  string `json:"active"`
}

// Kind of a fault record: what the supervisor does for it.
type Kind string

// The kinds.
const (
	ZoneOutage      Kind = "zone_outage"
	ZoneIsolation   Kind = "zone_isolation"
	QuotaExhaustion Kind = "quota_exhaustion"
	DNSFailure      Kind = "dns_failure"
	RegionOutage    Kind = "region_outage"
	LinkLatency     Kind = "link_latency"
	ZoneLatency     Kind = "latency"
)

// Record is one fault, by name, as the supervisor holds it and keeps it on disk.
type Record struct {
	// ID is unique within the run; Run and ID together name the record.
	ID      string        `json:"id"`
	Run     string        `json:"run"`
	Fault   string        `json:"fault"`
	Kind    Kind          `json:"kind"`
	Targets []string      `json:"targets"`
	Mode    string        `json:"mode,omitempty"`
	Delay   time.Duration `json:"delay,omitempty"`
	Cut     bool          `json:"cut,omitempty"`
	Address string        `json:"address,omitempty"`
	// Headroom is how many launches a clamped quota leaves; Limits is what that came to, by region.
	Headroom int            `json:"headroom,omitempty"`
	Limits   map[string]int `json:"limits,omitempty"`
	// Asked is when the plugin asked for the fault: a heal that was asked for later wins, even if it comes first.
	Asked   time.Time `json:"asked"`
	Created time.Time `json:"created"`
	Expires time.Time `json:"expires"`
	// State is applying, active or reverting.
	State string `json:"state"`
}

// Key names the record among all runs.
func (r Record) Key() string { return r.Run + "/" + r.ID }

// FailoverResult is what a region failover did.
type FailoverResult struct {
	From    string        `json:"from"`
	To      string        `json:"to"`
	Took    time.Duration `json:"took_ns"`
	Planned bool          `json:"planned"`
	// Behind is how many messages the mirror was known to be behind when it was promoted; -1 if nobody could say.
	Behind  int64  `json:"behind"`
	Summary string `json:"summary"`
}

// Event is one line of the event log. It is the SDK's Event, with the same field names.
type Event struct {
	At      time.Time `json:"at"`
	Kind    string    `json:"kind"`
	Source  string    `json:"source"`
	Subject string    `json:"subject,omitempty"`
	Summary string    `json:"summary"`
}

// The kinds of event.
const (
	Detected  = "detected"
	Recovered = "recovered"
	Limited   = "limited"
	Noticed   = "noticed"
)

// The states of a record. One that was being applied or reverted when the lab died says so.
const (
	Applying  = "applying"
	Active    = "active"
	Reverting = "reverting"
)

// Error is the body of every answer that is not 2xx.
type Error struct {
	Code    string `json:"code"`
	Message string `json:"message"`
}
