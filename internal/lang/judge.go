package lang

import (
	"fmt"
	"regexp"
	"strings"
	"time"

	"github.com/gameday-toolkit/gameday/internal/plan"
)

// tierFigures are what a tier promises.
type tierFigures struct{ rto, rpo, within *plan.Duration }

// figures says which arguments may be the figure of an objective about what.
var figures = map[string][]string{"slo": {"rto", "max_downtime", "max_budget"}, "ledger": {"rpo"}, "alert": {"within"}}

func (b *body) objective() {
	o := plan.Objective{Addr: b.inst.addr, SLO: b.ref("slo"), Ledger: b.ref("ledger"), Alert: b.ref("alert"), Fault: b.ref("fault"), Actions: b.refs("actions"),
		RTO: b.optional("rto"), RPO: b.optional("rpo"), Within: b.optional("within"), MaxDowntime: b.optional("max_downtime"),
		StableFor: b.positive("stable_for"), Pos: b.pos()}
	if f, ok := number(b.core, "max_budget"); ok {
		o.MaxBudget = &f
		if f < 0 || f > 1e6 {
			b.fail("max_budget", "The value of max_budget is out of range", "It is a percentage of the error budget: zero or more.")
		}
	}
	if o.Within != nil {
		b.positive("within")
	}
	tier := b.ref("tier")
	b.checkTier("tier", tier)
	if subject := b.subject(); subject != "" {
		b.figure(&o, subject, tier)
	}
	b.s.ev.draft.Objectives = append(b.s.ev.draft.Objectives, o)
}

// subject is what the objective is about; exactly one thing.
func (b *body) subject() string {
	var found []string
	for _, name := range []string{"slo", "ledger", "alert"} {
		if b.given(name) {
			found = append(found, name)
		}
	}
	switch len(found) {
	case 0:
		b.incomplete("The objective is about nothing", "Add one of slo = slo.NAME, ledger = ledger.TYPE.NAME and alert = alert.TYPE.NAME.")
		return ""
	case 1:
		return found[0]
	}
	b.fail(found[1], "The objective is about more than one thing", "Make one objective for each of %s.", strings.Join(found, " and "))
	return ""
}

// figure sees to it that exactly one figure is set, and that it is one for the subject.
func (b *body) figure(o *plan.Objective, subject, tier string) {
	var right, wrong []string
	for _, s := range []string{"slo", "ledger", "alert"} {
		for _, name := range figures[s] {
			if b.given(name) && s == subject {
				right = append(right, name)
			} else if b.given(name) {
				wrong = append(wrong, name)
			}
		}
	}
	allowed := strings.Join(figures[subject], ", ")
	switch {
	case len(wrong) > 0:
		b.fail(wrong[0], fmt.Sprintf("An objective about %s cannot have %s", article(subject), wrong[0]), "What fits is %s.", allowed)
	case len(right) > 1:
		b.fail(right[1], "The objective has more than one figure", "Make one objective for each of %s.", strings.Join(right, " and "))
	case len(right) == 0:
		b.fromTier(o, subject, orElse(tier, b.s.ev.tierName), allowed)
	}
}

func (b *body) fromTier(o *plan.Objective, subject, tier, allowed string) {
	t, ok := b.s.ev.tierUse[tier]
	if !ok {
		if tier == "" || len(b.s.ev.l.tiers) == 0 {
			b.incomplete("The objective has no figure", "Add one of %s, or a tier that has it.", allowed)
		}
		return // a tier that does not exist has been reported
	}
	figure := map[string]*plan.Duration{"slo": t.rto, "ledger": t.rpo, "alert": t.within}[subject]
	if figure == nil {
		b.incomplete("The objective has no figure", "%s says nothing about %s. Add one of %s here, or to the tier.", tier, article(subject), allowed)
		return
	}
	o.Tier = strings.TrimPrefix(tier, "tier.")
	switch subject {
	case "slo":
		o.RTO = figure
	case "ledger":
		o.RPO = figure
	case "alert":
		o.Within = figure
	}
}

func (b *body) limit() {
	l := b.limits()
	l.Addr = b.inst.addr
	b.s.ev.draft.Limits = append(b.s.ev.draft.Limits, l)
}

func (b *body) limits() plan.Limit {
	l := plan.Limit{MaxTargets: b.whole("max_targets"), MaxPercent: b.number("max_percent", 100), MaxFaults: b.whole("max_faults"),
		Protect: b.list("protect"), Windows: b.list("windows"), Approvals: b.whole("approvals"), Approvers: b.approvers(), Freezes: b.freezes(), Pos: b.pos()}
	if b.given("windows") && b.has("windows") && len(l.Windows) == 0 {
		b.fail("windows", "The list of windows is empty", "No run could ever start. Name a window such as \"Mon-Fri 09:00-16:00 Europe/Zurich\", or remove the argument.")
	}
	for _, w := range l.Windows {
		if err := checkWindow(w); err != nil {
			b.fail("windows", fmt.Sprintf("%q is not a window of time", clip(w)), "%s. Write one such as \"Mon-Fri 09:00-16:00 Europe/Zurich\".", upperFirst(err.Error()))
		}
	}
	if l.Approvers != "" {
		l.Approvals, l.ApprovalLifetime = max(l.Approvals, 1), b.positive("approval_lifetime")
	}
	return l
}

var windowForm = regexp.MustCompile(`^(?:(Mon|Tue|Wed|Thu|Fri|Sat|Sun)(?:-(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun))? )?(\d\d:\d\d)-(\d\d:\d\d)(?: (\S+))?$`)

// checkWindow checks DAYS HH:MM-HH:MM ZONE, of which days and zone may be missing.
func checkWindow(w string) error {
	m := windowForm.FindStringSubmatch(w)
	if m == nil {
		return fmt.Errorf("it does not have the form DAYS HH:MM-HH:MM ZONE")
	}
	for _, clock := range m[2:4] {
		if _, err := time.Parse("15:04", clock); err != nil && clock != "24:00" {
			return fmt.Errorf("%s is not a time of day", clock)
		}
	}
	if m[4] != "" {
		if _, err := time.LoadLocation(m[4]); err != nil {
			return fmt.Errorf("the time zone %s is not known", m[4])
		}
	}
	return nil
}
