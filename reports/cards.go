package reports

import (
	"cmp"
	"slices"
	"strings"

	"github.com/gameday-toolkit/gameday/internal/backlog"
	"github.com/gameday-toolkit/gameday/internal/measure"
)

// brokenFault is what a person has to put back by hand.
type brokenFault struct {
	Name, State, Err string
	Targets          string
	Steps            []string
}

func (m *Model) broken() []brokenFault {
	var out []brokenFault
	named := map[string]bool{}
	for _, f := range m.result().Faults {
		if f.State != "stuck" && f.State != "outstanding" {
			continue
		}
		steps := f.Steps
		if len(steps) == 0 {
			steps = m.plannedUndo(f.Addr)
		}
		named[f.Addr] = true
		out = append(out, brokenFault{f.Addr, f.State, f.Err, strings.Join(f.Targets, ", "), steps})
	}
	for _, b := range m.ByHand {
		if !named[b.Addr] {
			named[b.Addr] = true
			out = append(out, brokenFault{b.Addr, "outstanding", b.Err, strings.Join(b.Targets, ", "), b.Steps})
		}
	}
	for _, name := range m.result().Outstanding {
		if !named[name] {
			out = append(out, brokenFault{Name: name, State: "outstanding"})
		}
	}
	return out
}

func (m *Model) plannedUndo(addr string) []string {
	for _, f := range m.plan().Faults {
		if f.Addr == addr {
			return f.Undo
		}
	}
	return nil
}

type assumptionRow struct {
	measure.Assumption
	Refs refs
}

func (m *Model) assumptionRows(shown map[uint64]bool) []assumptionRow {
	var out []assumptionRow
	for _, a := range m.result().Assumption {
		out = append(out, assumptionRow{a, newRefs(a.Entries, shown)})
	}
	return out
}

type faultCard struct {
	measure.FaultResult
	Name, Class string
	Effects     []string
	Refs        refs
}

func (m *Model) faultCards(shown map[uint64]bool) []faultCard {
	var out []faultCard
	for _, f := range m.result().Faults {
		card := faultCard{FaultResult: f, Name: shortName(f.Addr), Class: faultClass(f.State), Refs: newRefs(f.Entries, shown)}
		for _, planned := range m.plan().Faults {
			if planned.Addr == f.Addr {
				card.Effects = planned.Effects
			}
		}
		out = append(out, card)
	}
	return out
}

func faultClass(state string) string {
	switch state {
	case "reverted":
		return "pass"
	case "stuck", "outstanding":
		return "leaked"
	case "unproven":
		return "inconclusive"
	}
	return "skip"
}

type findingCard struct {
	backlog.Finding
	Class string
	Refs  refs
	Where string
}

// findingCards puts the most severe first.
func (m *Model) findingCards(shown map[uint64]bool) []findingCard {
	var out []findingCard
	for _, f := range m.Findings {
		out = append(out, findingCard{f, severityClass(f.Severity), newRefs(f.Entries, shown), m.where(f.Pos)})
	}
	slices.SortStableFunc(out, func(a, b findingCard) int { return cmp.Compare(severityRank(a.Severity), severityRank(b.Severity)) })
	return out
}

func severityRank(s string) int {
	return slices.Index([]string{"critical", "high", "medium", "low"}, s) & 7 // an unknown one comes last
}

func severityClass(s string) string {
	switch s {
	case "critical":
		return "leaked"
	case "high":
		return "fail"
	case "medium":
		return "inconclusive"
	}
	return "skip"
}
