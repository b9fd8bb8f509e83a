package backlog

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"slices"
	"strings"

	"github.com/gameday-toolkit/gameday/internal/history"
	"github.com/gameday-toolkit/gameday/internal/measure"
	"github.com/gameday-toolkit/gameday/internal/plan"
)

// A rule looks at a judged run for one kind of miss. What it says in general (title, explanation, remedies) is in its file
// in catalogue/; what it saw is in the finding. Rules look at figures, kinds and states, and never at the name of a fault:
// where a remedy depends on the kind of failure, the catalogue says which words in a fault's type it is for.
type rule struct {
	id   string
	find func(*view) []miss
}

// miss is what a rule found: the finding less what is the same for all.
type miss struct {
	subject string
	severe  severity // before the tier of the service is taken into account
	detail  string
	part    string // of the recovery time that dominated; chooses the remedy
	fault   string // address; chooses the remedy
	entries []uint64
	pos     plan.Pos
}

// view is what rules look at.
type view struct {
	run    *history.Run
	result *measure.Result
	plan   *plan.Plan
}

func rules() []rule {
	return []rule{
		{"GD001", recoveryMissed},
		{"GD002", notRecovered},
		{"GD003", dataLost},
		{"GD004", lostAfter},
		{"GD005", usersFirst},
		{"GD006", detectionMissed},
		{"GD007", alertUnresolved},
		{"GD008", downtimeExceeded},
		{"GD009", budgetExceeded},
		{"GD010", starved},
		{"GD011", unhealthyBaseline},
		{"GD012", unproven},
		{"GD013", leftover},
		{"GD014", guardTripped},
		{"GD015", noticed},
		{"GD016", slowFailback},
		{"GD017", duplicated},
		{"GD018", unexpected},
		{"GD019", resurfaced},
		{"GD020", relapsed},
		{"GD021", inconclusive},
		{"GD022", stepFailed},
		{"GD023", stepLeftOut},
	}
}

// Find applies every rule. The worst comes first, and then the order of the rules.
func Find(run *history.Run, result *measure.Result) []Finding {
	if run.Plan == nil {
		return nil
	}
	v := &view{run: run, result: result, plan: run.Plan}
	pages := Catalogue()
	var found []Finding
	for i, r := range rules() {
		for _, m := range r.find(v) {
			found = append(found, v.finding(pages[i], m))
		}
	}
	slices.SortStableFunc(found, func(a, b Finding) int {
		return cmp.Or(cmp.Compare(rank(b.Severity), rank(a.Severity)), cmp.Compare(a.Rule, b.Rule), cmp.Compare(a.Subject, b.Subject))
	})
	return found
}

func (v *view) finding(p Page, m miss) Finding {
	s := v.plan.Scenario
	if m.entries == nil {
		m.entries = []uint64{}
	}
	return Finding{
		Rule: p.ID, Fingerprint: fingerprint(s.Name, p.ID, m.subject), Scenario: s.Name, Subject: m.subject,
		Severity: m.severe.forTier(s.Tier).String(), Title: p.Title + ": " + m.subject, Detail: m.detail,
		Remedy: p.remedy(m.part, v.faultType(m.fault)), Owner: s.Owner, Service: s.Service, Entries: m.entries, Pos: m.pos,
	}
}

// faultType is the type of a fault; empty for one that is not in the plan.
func (v *view) faultType(addr string) string {
	for _, f := range v.plan.Faults {
		if f.Addr == addr {
			return f.Type
		}
	}
	return ""
}

// fingerprint is the identity of a finding: the same miss next quarter is the same item.
func fingerprint(scenario, rule, subject string) string {
	sum := sha256.Sum256([]byte(scenario + "\x00" + rule + "\x00" + subject))
	return hex.EncodeToString(sum[:])
}

// severity of a finding.
type severity int

const (
	low severity = iota
	medium
	high
	critical
)

var severityNames = [...]string{"low", "medium", "high", "critical"}

func (s severity) String() string { return severityNames[s] }

func rank(name string) int { return slices.Index(severityNames[:], name) }

// forTier raises what concerns a service of the first tier by one step, and lowers what concerns one of the last.
func (s severity) forTier(tier string) severity {
	switch t := strings.ToLower(tier); {
	case slices.Contains([]string{"platinum", "gold", "critical", "tier-0", "tier-1", "tier0", "tier1", "0", "1"}, t):
		s++
	case slices.Contains([]string{"bronze", "low", "tier-3", "tier-4", "tier3", "tier4", "3", "4"}, t):
		s--
	}
	return min(critical, max(low, s))
}

// missedBy grades how far a limit was missed: twice as much as was allowed is worse than a little.
func missedBy(measured, limit float64) severity {
	if limit <= 0 || measured >= 2*limit {
		return high
	}
	return medium
}
