// Package backlog turns a judged run into findings that somebody can work on.
package backlog

import "github.com/gameday-toolkit/gameday/internal/plan"

// Finding is one miss, with a stable identity: the same miss next quarter is the same item.
type Finding struct {
	Rule        string   `json:"rule"`        // GD001
	Fingerprint string   `json:"fingerprint"` // sha256(scenario, rule, subject), hex
	Scenario    string   `json:"scenario"`
	Subject     string   `json:"subject"`  // the address of the objective, fault, alert or ledger
	Severity    string   `json:"severity"` // critical, high, medium, low
	Title       string   `json:"title"`
	Detail      string   `json:"detail"` // what was seen, with figures
	Remedy      string   `json:"remedy"` // what usually helps
	Owner       string   `json:"owner,omitempty"`
	Service     string   `json:"service,omitempty"`
	Entries     []uint64 `json:"entries"` // the journal entries that show it
	Pos         plan.Pos `json:"pos"`
}
