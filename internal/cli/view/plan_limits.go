package view

import (
	"fmt"
	"strings"
	"time"

	"github.com/gameday-toolkit/gameday/internal/plan"
)

func (v planView) objectives() {
	if len(v.p.Objectives) == 0 {
		return
	}
	v.head("Objectives")
	for _, o := range v.p.Objectives {
		v.line(2, column, o.Addr, "", v.objective(o))
	}
}

func (v planView) objective(o plan.Objective) string {
	since := "the first fault"
	if f, ok := v.p.FaultOf(o); ok {
		since = f.Addr
	}
	switch {
	case o.RTO != nil:
		return fmt.Sprintf("%s holds again within %s of %s, and for %s", o.SLO, trimmed(time.Duration(*o.RTO)), since, trimmed(time.Duration(o.StableFor)))
	case o.RPO != nil:
		return fmt.Sprintf("%s loses nothing older than %s before %s", o.Ledger, trimmed(time.Duration(*o.RPO)), since)
	case o.Within != nil:
		return fmt.Sprintf("%s fires within %s of %s", o.Alert, trimmed(time.Duration(*o.Within)), since)
	case o.MaxDowntime != nil:
		return fmt.Sprintf("%s is violated for %s in all at most", o.SLO, trimmed(time.Duration(*o.MaxDowntime)))
	case o.MaxBudget != nil:
		return fmt.Sprintf("%s spends %g %% of its error budget at most", o.SLO, *o.MaxBudget)
	}
	return ""
}

// stops are what ends or bounds a run.
func (v planView) stops() {
	if len(v.p.Guards)+len(v.p.Limits) == 0 {
		return
	}
	v.head("Stop conditions and limits")
	for _, g := range v.p.Guards {
		text := "everything is reverted when " + g.Expr
		if g.For > 0 {
			text += " for " + trimmed(time.Duration(g.For))
		}
		v.line(2, column, g.Addr, "", text)
	}
	for _, l := range v.p.Limits {
		v.line(2, column, l.Addr, "", bounds(l))
	}
}

func bounds(l plan.Limit) string {
	var out []string
	if l.MaxTargets > 0 {
		out = append(out, "at most "+plural(l.MaxTargets, "target"))
	}
	if l.MaxPercent > 0 {
		out = append(out, fmt.Sprintf("at most %g %% of each type", l.MaxPercent))
	}
	if l.MaxFaults > 0 {
		out = append(out, "at most "+plural(l.MaxFaults, "fault"))
	}
	if len(l.Protect) > 0 {
		out = append(out, "never "+strings.Join(l.Protect, ", "))
	}
	if len(l.Windows) > 0 {
		out = append(out, "starts only "+strings.Join(l.Windows, " or "))
	}
	for _, f := range l.Freezes {
		out = append(out, fmt.Sprintf("nothing from %s until %s", f.From.Local().Format("2006-01-02 15:04"), f.To.Local().Format("2006-01-02 15:04")))
	}
	switch {
	case l.Approvers != "":
		out = append(out, plural(l.Approvals, "approval")+" needed, signed, not older than "+trimmed(time.Duration(l.ApprovalLifetime)))
	case l.Approvals > 0:
		out = append(out, plural(l.Approvals, "approval")+" needed")
	}
	return strings.Join(out, "; ")
}

func (v planView) notices(title, colour string, list []plan.Notice) {
	if len(list) == 0 {
		return
	}
	v.head(title)
	for _, n := range list {
		text := n.Problem.Summary
		if n.Problem.Permission != "" {
			text = n.Problem.Permission + ": " + text
		}
		v.line(2, 4, text, colour, "")
		v.line(2, 4, "", "", fmt.Sprintf("%s (%s:%d). %s", n.Addr, n.Pos.File, n.Pos.Line, n.Problem.Detail))
	}
}
