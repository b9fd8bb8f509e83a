package measure

import (
	"fmt"
	"time"

	"github.com/gameday-toolkit/gameday/internal/history"
	"github.com/gameday-toolkit/gameday/internal/plan"
)

const defaultPeriod = 30 * 24 * time.Hour

// downtime is the total length of violation, from the first fault's start to the end of recovery. Each stretch of it is
// known to within one sample. It is censored where the SLO was still violated when the record ended.
func downtime(s source, from, to time.Duration) (Interval, []Span) {
	var total Interval
	var spans []Span
	for _, o := range s.outages(from, to) {
		length := o.To - o.From
		total = total.plus(Interval{Lo: max(0, length-s.resolution()), Hi: length + s.resolution(), Censored: o.Open})
		spans = append(spans, Span{o.From, o.To})
	}
	return total, spans
}

// budgetShare is the share of the period's time-based error budget that a downtime spends, in percent (SRE Workbook,
// chapter 2). A target of 100 % leaves no budget: any downtime spends all of it.
func budgetShare(down time.Duration, slo *plan.SLO) float64 {
	period := time.Duration(slo.Period)
	if period <= 0 {
		period = defaultPeriod
	}
	budget := float64(period) * (1 - slo.Target/100)
	switch {
	case down == 0:
		return 0
	case budget <= 0:
		return 100
	}
	return 100 * float64(down) / budget
}

// maxDowntime judges the total downtime.
func (m *meter) maxDowntime(res *ObjectiveResult, f *history.Fault, src source) {
	limit := time.Duration(*m.objective.MaxDowntime)
	down, _ := downtime(src, m.timeline.fault, m.timeline.end)
	res.Time, res.Value = &down, down.String()
	res.Verdict = down.against(limit)
	res.Why = map[Verdict]string{
		Pass:         fmt.Sprintf("down for %s, within %s", down, Seconds(limit)),
		Fail:         fmt.Sprintf("down for %s, and %s were allowed", down, Seconds(limit)),
		Inconclusive: fmt.Sprintf("down for %s: %s cannot be told from that", down, Seconds(limit)),
	}[res.Verdict]
	m.whole(res, f, src)
}

// maxBudget judges the share of the error budget.
func (m *meter) maxBudget(res *ObjectiveResult, f *history.Fault, src source) {
	limit := *m.objective.MaxBudget
	down, _ := downtime(src, m.timeline.fault, m.timeline.end)
	slo := m.run.SLO(m.objective.SLO)
	lo, hi := budgetShare(down.Lo, slo), budgetShare(down.Hi, slo)
	if down.Censored {
		hi = max(lo, hi)
	}
	res.Time, res.Percent, res.Value = &down, &hi, Percent(hi)
	switch {
	case lo > limit:
		res.Verdict, res.Why = Fail, fmt.Sprintf("%s of the error budget was spent in %s of downtime, and %s were allowed", Percent(hi), down, Percent(limit))
	case hi <= limit && !down.Censored:
		res.Verdict, res.Why = Pass, fmt.Sprintf("%s of the error budget was spent, within %s", Percent(hi), Percent(limit))
	default:
		res.Verdict, res.Why = Inconclusive, fmt.Sprintf("between %s and %s of the error budget was spent: %s cannot be told from that", Percent(lo), Percent(hi), Percent(limit))
	}
	m.whole(res, f, src)
}

// whole takes back a verdict that needs the whole run, where part of it is missing. What has already been too much remains
// a failure.
func (m *meter) whole(res *ObjectiveResult, f *history.Fault, src source) {
	res.Entries = append(res.Entries, stepSeqs(f.Injecting, f.Reverting, f.Reverted)...)
	if res.Verdict == Fail {
		return
	}
	if m.aborted != "" {
		res.Verdict, res.Why = Inconclusive, m.whatWasCut(f)
	} else if g := src.gaps(m.timeline.fault, min(src.end(), m.timeline.end)); len(g) > 0 {
		res.Verdict = Inconclusive
		res.Why = fmt.Sprintf("there are no samples from %s to %s, in the middle of what was to be measured", Seconds(g[0].From), Seconds(g[0].To))
	} else if revert := m.timeline.revertOf(f); revert != never && src.end()+2*src.resolution() < revert {
		res.Verdict, res.Why = Inconclusive, "the samples end before the fault was taken away"
	}
}
