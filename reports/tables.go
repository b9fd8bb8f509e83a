package reports

import (
	"cmp"
	"slices"
	"time"

	"github.com/gameday-toolkit/gameday/internal/measure"
)

var phaseOrder = []string{"baseline", "fault", "recovery"}

// phaseNames are the phases that any table has to show, in their order.
func (m *Model) phaseNames() []string {
	seen := map[string]bool{}
	for _, s := range m.result().SLOs {
		for name := range s.Phases {
			seen[name] = true
		}
	}
	for _, p := range m.result().Probes {
		for name := range p.Phases {
			seen[name] = true
		}
	}
	return inPhaseOrder(seen)
}

func inPhaseOrder[V any](phases map[string]V) []string {
	names := sortedKeys(phases)
	rank := func(name string) int {
		if i := slices.Index(phaseOrder, name); i >= 0 {
			return i
		}
		return len(phaseOrder)
	}
	slices.SortStableFunc(names, func(a, b string) int { return cmp.Compare(rank(a), rank(b)) })
	return names
}

type sloRow struct {
	measure.SLOResult
	Name     string
	Shares   []string // good, by phase
	Budget   string
	Down     string
	DownBy   string // the interval behind it
	Recovery string // after the revert
	Longest  time.Duration
}

func (m *Model) sloRows() []sloRow {
	names := m.phaseNames()
	var out []sloRow
	for _, s := range m.result().SLOs {
		row := sloRow{SLOResult: s, Name: shortName(s.Addr), Budget: Percent(s.BudgetSpent), Recovery: "—"}
		row.Down, row.DownBy = splitValue(s.Downtime.String())
		for _, name := range names {
			st := s.Phases[name]
			row.Shares = append(row.Shares, Ratio(st.Good, st.Good+st.Bad))
		}
		if s.Failback != nil {
			row.Recovery = s.Failback.String()
		}
		for _, v := range s.Violations {
			row.Longest = max(row.Longest, v.To-v.From)
		}
		out = append(out, row)
	}
	return out
}

type probeRow struct {
	Addr, Name string
	Rate       string
	Phases     []phaseRow
}

type phaseRow struct {
	Name string
	measure.PhaseStats
	Share string
}

func (m *Model) probeRows() []probeRow {
	var out []probeRow
	for _, p := range m.result().Probes {
		row := probeRow{Addr: p.Addr, Name: shortName(p.Addr), Rate: rate(p.Rate)}
		for _, name := range inPhaseOrder(p.Phases) {
			st := p.Phases[name]
			row.Phases = append(row.Phases, phaseRow{name, st, Ratio(st.Good, st.Good+st.Bad)})
		}
		out = append(out, row)
	}
	return out
}

func rate(perSecond float64) string {
	if perSecond >= 1000 {
		return Count(uint64(perSecond+.5)) + " per second"
	}
	return num(perSecond) + " per second"
}

type classRow struct {
	Addr, Class, Example string
	Count                uint64
}

// classes lists what went wrong, per probe, the most frequent first.
func (m *Model) classes() []classRow {
	var out []classRow
	for _, p := range m.result().Probes {
		var rows []classRow
		for _, class := range sortedKeys(p.Classes) {
			rows = append(rows, classRow{p.Addr, class, p.Details[class], p.Classes[class]})
		}
		slices.SortStableFunc(rows, func(a, b classRow) int { return cmp.Compare(b.Count, a.Count) })
		out = append(out, rows...)
	}
	return out
}

const maxChronicle = 400

type chronicleRow struct {
	Entry
	Clock string
}

// chronicle is bounded; what the system noticed by itself gives way first to what people and the run did.
func (m *Model) chronicle() (rows []chronicleRow, unlisted int) {
	others := 0
	for _, e := range m.Entries {
		if e.Kind != KindEvent {
			others++
		}
	}
	room := max(maxChronicle-others, maxChronicle/10)
	for _, e := range m.Entries {
		if e.Kind == KindEvent {
			room--
		}
		if len(rows) >= maxChronicle || (e.Kind == KindEvent && room < 0) {
			unlisted++
			continue
		}
		rows = append(rows, chronicleRow{e, m.wall(e.At)})
	}
	return rows, unlisted
}
