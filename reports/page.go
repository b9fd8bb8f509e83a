package reports

import (
	"cmp"
	"html/template"
	"maps"
	"slices"

	"github.com/gameday-toolkit/gameday/internal/measure"
	"github.com/gameday-toolkit/gameday/internal/plan"
)

// page is a Model made ready for the HTML templates: figures written out, references resolved, lists bounded.
type page struct {
	Policy string
	CSS    template.CSS
	Plot   template.JS // the library that the script draws with
	Script template.JS

	Kind       string // of the page, in words
	Title      string
	Scenario   plan.Scenario
	Run        Run
	Date       string
	Headline   headline
	Why        string
	Result     *measure.Result
	Figures    []figure
	Broken     []brokenFault
	Charts     []*chart
	Key        []keyRow
	KeyMore    int
	Explored   explored
	Words      string // the timeline, for those who do not see it
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
	Replay     *replaySection
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
		Kind: "Game day report", Title: m.title(), Scenario: m.plan().Scenario, Run: m.Run, Headline: m.headline(), Why: m.why(), Result: r, Figures: m.figures(),
		Broken: m.broken(), Charts: m.charts(), Words: m.timelineInWords(), Phases: m.phaseNames(),
		Ledgers: r.Ledgers, Facts: m.facts(), Warnings: m.plan().Warnings, Classes: m.classes(),
	}
	if m.Journal.End == Cut || m.Journal.End == Damaged {
		p.Distrust = "The journal is " + recoverHere(m.journalEnd()) + "."
	}
	if !m.Run.Started.IsZero() {
		p.Date = m.Run.Started.UTC().Format("2 January 2006, 15:04 UTC")
	}
	p.Splits, p.SplitsMore = m.splits()
	p.Chronicle, p.Unlisted = m.chronicle()
	shown := make(map[uint64]bool, len(p.Chronicle))
	for _, c := range p.Chronicle {
		shown[c.Seq] = true
	}
	p.Explored = m.explored(shown)
	p.Key, p.KeyMore = m.key(shown)
	p.Replay = m.replaySection(shown)
	p.Objectives, p.SLOs, p.Probes = m.objectiveRows(shown), m.sloRows(), m.probeRows()
	p.Faults, p.Assumed, p.Findings = m.faultCards(shown), m.assumptionRows(shown), m.findingCards(shown)
	for _, o := range r.Objectives {
		if o.Verdict == measure.Pass {
			p.Passed++
		}
	}
	return p
}

// keyRow explains one mark on the timeline; Linked where the chronology shows its entry.
type keyRow struct {
	Entry
	Linked bool
}

func (m *Model) key(shown map[uint64]bool) (rows []keyRow, more int) {
	moments, more := m.moments()
	for _, e := range moments {
		rows = append(rows, keyRow{e, shown[e.Seq]})
	}
	return rows, more
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

// fewObjectives stay in the order of the scenario; of more than these the worst come first.
const fewObjectives = 8

type objectiveRow struct {
	measure.ObjectiveResult
	Name         string
	Figure, Rest string
	Refs         refs
	Where        string
}

func (m *Model) objectiveRows(shown map[uint64]bool) []objectiveRow {
	var out []objectiveRow
	for _, o := range m.result().Objectives {
		figure, rest := splitValue(o.Value)
		out = append(out, objectiveRow{o, shortName(o.Addr), orElse(figure, "—"), rest, newRefs(o.Entries, shown), m.where(o.Pos)})
	}
	if len(out) > fewObjectives { // too many to see the bad ones at a glance
		slices.SortStableFunc(out, func(a, b objectiveRow) int { return cmp.Compare(b.Verdict, a.Verdict) })
	}
	return out
}

func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }
