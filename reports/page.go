package reports

import (
	"cmp"
	"html/template"
	"maps"
	"slices"
	"strings"

	"github.com/gameday-toolkit/gameday/internal/backlog"
	"github.com/gameday-toolkit/gameday/internal/measure"
	"github.com/gameday-toolkit/gameday/internal/plan"
)

// page is a Model made ready for the HTML templates: figures written out, references resolved, lists bounded.
type page struct {
	Policy string
	CSS    template.CSS
	Script template.JS

	Title      string
	Scenario   plan.Scenario
	Run        Run
	Date       string
	Headline   headline
	Result     *measure.Result
	Figures    []figure
	Broken     []brokenFault
	Charts     []*chart
	Key        []Entry
	KeyMore    int
	Cursor     cursor
	Splits     []split
	SplitsMore int
	Objectives []objectiveRow
	SLOs       []sloRow
	Phases     []string
	Probes     []probeRow
	Classes    []classRow
	Ledgers    []measure.LedgerResult
	Chronicle  []chronicleRow
	Unlisted   int
	Faults     []faultCard
	Assumed    []assumptionRow
	Findings   []findingCard
	Facts      []fact
	Warnings   []plan.Notice
	Passed     int    // objectives
	Distrust   string // why the journal itself cannot be trusted to the end
}

// ref is a reference to a journal entry; Linked where the chronology shows it.
type ref struct {
	Seq    uint64
	Linked bool
}

const maxRefs = 12

// refs is a bounded list of references.
type refs struct {
	List []ref
	More int
}

func newPage(m *Model) *page {
	r := m.result()
	p := &page{
		Title: m.title(), Scenario: m.plan().Scenario, Run: m.Run, Headline: m.headline(), Result: r, Figures: m.figures(),
		Broken: m.broken(), Charts: m.charts(), Cursor: m.cursor(), Phases: m.phaseNames(),
		Ledgers: r.Ledgers, Facts: m.facts(), Warnings: m.plan().Warnings, Classes: m.classes(),
	}
	if m.Journal.End == Cut || m.Journal.End == Damaged {
		p.Distrust = "The journal is " + m.journalEnd() + "."
	}
	if !m.Run.Started.IsZero() {
		p.Date = m.Run.Started.UTC().Format("2 January 2006, 15:04 UTC")
	}
	p.Key, p.KeyMore = m.moments()
	p.Splits, p.SplitsMore = m.splits()
	p.Chronicle, p.Unlisted = m.chronicle()
	shown := make(map[uint64]bool, len(p.Chronicle))
	for _, c := range p.Chronicle {
		shown[c.Seq] = true
	}
	p.Objectives, p.SLOs, p.Probes = m.objectiveRows(shown), m.sloRows(), m.probeRows()
	p.Faults, p.Assumed, p.Findings = m.faultCards(shown), m.assumptionRows(shown), m.findingCards(shown)
	for _, o := range r.Objectives {
		if o.Verdict == measure.Pass {
			p.Passed++
		}
	}
	return p
}

func newRefs(entries []uint64, shown map[uint64]bool) refs {
	var r refs
	for i, seq := range entries {
		if i == maxRefs {
			r.More = len(entries) - maxRefs
			break
		}
		r.List = append(r.List, ref{Seq: seq, Linked: shown[seq]})
	}
	return r
}

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

// fewObjectives stay in the order of the scenario; of more than these the worst come first.
const fewObjectives = 8

type objectiveRow struct {
	measure.ObjectiveResult
	Name         string
	Figure, Rest string
	Refs         refs
}

func (m *Model) objectiveRows(shown map[uint64]bool) []objectiveRow {
	var out []objectiveRow
	for _, o := range m.result().Objectives {
		figure, rest := splitValue(o.Value)
		out = append(out, objectiveRow{o, shortName(o.Addr), orElse(figure, "—"), rest, newRefs(o.Entries, shown)})
	}
	if len(out) > fewObjectives { // too many to see the bad ones at a glance
		slices.SortStableFunc(out, func(a, b objectiveRow) int { return cmp.Compare(b.Verdict, a.Verdict) })
	}
	return out
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
}

// findingCards puts the most severe first.
func (m *Model) findingCards(shown map[uint64]bool) []findingCard {
	var out []findingCard
	for _, f := range m.Findings {
		out = append(out, findingCard{f, severityClass(f.Severity), newRefs(f.Entries, shown)})
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

func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }
