package reports

import (
	"fmt"
	"strings"
	"time"

	"github.com/gameday-toolkit/gameday/internal/measure"
	"github.com/gameday-toolkit/gameday/internal/plan"
)

const dayLength = 24 * time.Hour

// headline is the verdict in words. The exit code decides, since an aborted run and one that touched nothing have no
// verdict of their own. Class is the verdict that colour and sign follow.
type headline struct{ Word, Class, Means string }

// headlineKey is the verdict in a word, for programs.
func headlineKey(h headline) string { return strings.ToLower(h.Word) }

// Headline is the verdict in a word, for programs: passed, failed, inconclusive, aborted, leaked, not run, skipped.
func (m *Model) Headline() string { return headlineKey(m.headline()) }

func (m *Model) headline() headline {
	r := m.result()
	switch {
	case r.Exit == 5 || r.Verdict == measure.Leaked:
		return headline{"Leaked", "leaked", "something may still be broken"}
	case r.Exit == 4:
		return headline{"Aborted", "inconclusive", "stopped early; everything is back as it was"}
	case r.Exit == 2:
		return headline{"Not run", "skip", "nothing was touched"}
	case r.Verdict == measure.Fail:
		return headline{"Failed", "fail", "at least one objective was missed"}
	case r.Verdict == measure.Inconclusive:
		return headline{"Inconclusive", "inconclusive", "the evidence does not carry a verdict"}
	case r.Verdict == measure.Pass:
		return headline{"Passed", "pass", "every objective was met"}
	}
	return headline{"Skipped", "skip", "there was nothing to judge"}
}

// why is the reason of the verdict. It may advise to recover, and a report is read far from where the run is on the
// register: then the command wants its directory.
func (m *Model) why() string { return recoverHere(m.result().Why) }

func recoverHere(advice string) string {
	return strings.ReplaceAll(advice, "`gameday recover`", "`gameday recover DIR`, where DIR is the directory of this run,")
}

// figure is one of the four numbers of the first screen, against its objective and with its error.
type figure struct {
	Name, Long     string
	Value, Error   string
	Limit, Subject string
	Class, Word    string // verdict; empty where there is no objective
	More           string // "worst of 12"
}

func (m *Model) figures() []figure {
	return []figure{
		m.objectiveFigure("RTO", "Time to recover", "rto", figure{Value: "—", Error: "no recovery objective"}),
		m.objectiveFigure("RPO", "Data lost", "rpo", m.ledgerFigure()),
		m.objectiveFigure("Downtime", "Users without service", "max_downtime", m.downtimeFigure()),
		m.objectiveFigure("Budget", "Error budget spent", "max_budget", m.budgetFigure()),
	}
}

// objectiveFigure shows the worst objective of a kind; fallback is what to show where there is none.
func (m *Model) objectiveFigure(name, long, kind string, fallback figure) figure {
	var worst *measure.ObjectiveResult
	n := 0
	for i := range m.result().Objectives {
		o := &m.result().Objectives[i]
		if o.Kind != kind {
			continue
		}
		n++
		if worst == nil || worse(o, worst) {
			worst = o
		}
	}
	f := fallback
	if worst != nil {
		value, rest := splitValue(worst.Value)
		f = figure{Value: value, Error: rest, Limit: Limit(worst.Limit), Subject: worst.Addr, Class: worst.Verdict.String(), Word: verdictWord(worst.Verdict)}
		if f.Value == "" {
			f.Value, f.Error = "—", "not measured"
		}
		if f.Error == "" && kind == "max_budget" {
			f.Error = m.budgetError(worst)
		}
		if n > 1 {
			f.More = fmt.Sprintf("worst of %d", n)
		}
	}
	f.Name, f.Long = name, long
	return f
}

func worse(a, b *measure.ObjectiveResult) bool {
	if a.Verdict != b.Verdict {
		return a.Verdict > b.Verdict
	}
	if a.Time != nil && b.Time != nil && *a.Time != *b.Time {
		if a.Time.Censored != b.Time.Censored {
			return a.Time.Censored
		}
		return max(a.Time.Lo, a.Time.Hi) > max(b.Time.Lo, b.Time.Hi)
	}
	return a.Percent != nil && b.Percent != nil && *a.Percent > *b.Percent
}

func (m *Model) ledgerFigure() figure {
	f := figure{Value: "—", Error: "no ledger was kept"}
	for i, l := range m.result().Ledgers {
		if l.Err != "" {
			return figure{Value: "—", Error: l.Err, Subject: l.Addr}
		}
		if v, e := splitValue(l.RPO.String()); i == 0 || l.Lost > 0 {
			e = strings.TrimPrefix(e+", "+Count(l.Lost)+" of "+Count(l.Acknowledged)+" acknowledged records", ", ")
			f = figure{Value: v, Error: e, Subject: l.Addr}
		}
	}
	return f
}

// worstSLO is the SLO with the longest downtime.
func (m *Model) worstSLO() *measure.SLOResult {
	var worst *measure.SLOResult
	for i := range m.result().SLOs {
		if s := &m.result().SLOs[i]; worst == nil || s.Downtime.Hi > worst.Downtime.Hi {
			worst = s
		}
	}
	return worst
}

func (m *Model) downtimeFigure() figure {
	s := m.worstSLO()
	if s == nil {
		return figure{Value: "—", Error: "no SLO was watched"}
	}
	v, e := splitValue(s.Downtime.String())
	if s.Downtime == (measure.Interval{}) {
		e = "never violated"
	}
	return figure{Value: v, Error: e, Subject: s.Addr}
}

func (m *Model) budgetFigure() figure {
	var worst *measure.SLOResult
	for i := range m.result().SLOs {
		if s := &m.result().SLOs[i]; worst == nil || s.BudgetSpent > worst.BudgetSpent {
			worst = s
		}
	}
	if worst == nil {
		return figure{Value: "—", Error: "no SLO was watched"}
	}
	return figure{Value: Percent(worst.BudgetSpent), Error: m.budgetRange(worst), Subject: worst.Addr}
}

func (m *Model) budgetError(o *measure.ObjectiveResult) string {
	slo := m.objective(o.Addr).SLO
	for i := range m.result().SLOs {
		if s := &m.result().SLOs[i]; s.Addr == slo {
			return m.budgetRange(s)
		}
	}
	return ""
}

// budgetRange carries the error of the downtime over to the budget: downtime / (period × (1 − target)).
func (m *Model) budgetRange(s *measure.SLOResult) string {
	p, ok := m.slo(s.Addr)
	if !ok || p.Period <= 0 || p.Target >= 100 {
		return ""
	}
	budget := float64(p.Period) * (1 - p.Target/100)
	lo, hi := Percent(float64(s.Downtime.Lo)/budget*100), Percent(float64(s.Downtime.Hi)/budget*100)
	of := "of " + days(p) + "’ budget"
	if s.Downtime.Censored {
		return "at least " + lo + " " + of
	}
	if lo == hi {
		return of
	}
	return strings.TrimSuffix(lo, " %") + " to " + hi + " " + of
}

func days(p plan.SLO) string {
	if d := p.Period; d%plan.Duration(dayLength) == 0 {
		return fmt.Sprintf("%d days", d/plan.Duration(dayLength))
	}
	return p.Period.String()
}

func verdictWord(v measure.Verdict) string {
	return [...]string{"skipped", "passed", "inconclusive", "failed", "leaked"}[v]
}

func orElse(s, alternative string) string {
	if s == "" {
		return alternative
	}
	return s
}
