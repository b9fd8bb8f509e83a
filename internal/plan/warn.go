package plan

import (
	"fmt"

	"github.com/gameday-toolkit/gameday/plugins/sdk"
)

// warn says what would make the run teach less than it could.
func (b *builder) warn() {
	p := b.plan
	if len(p.Objectives) == 0 {
		b.warning(p.Scenario.Name, p.Scenario.Pos, "There is no objective",
			"Without an objective a run has no verdict. Add one, such as objective \"recovers\" { slo = slo.checkout, rto = \"30s\" }.")
	}
	if len(p.Guards) == 0 {
		b.warning(p.Scenario.Name, p.Scenario.Pos, "There is no guard",
			"Nothing would stop the run early if it hurts more than expected. Add a guard, such as when = slo.checkout.sli < 0.5.")
	}
	if active(p.Faults) == 0 {
		b.warning(p.Scenario.Name, p.Scenario.Pos, "There is no fault to inject", "The run only watches.")
	}
	for _, o := range p.Objectives {
		b.warnHold(o)
	}
}

// warnHold warns where a fault ends too early for its objective to be judged: see "censored" in the measures.
func (b *builder) warnHold(o Objective) {
	f, ok := b.plan.FaultOf(o)
	if o.RTO == nil || !ok {
		return
	}
	if need := *o.RTO + o.StableFor; f.Hold < need {
		b.warning(o.Addr, o.Pos, "The fault does not last long enough to judge the objective", fmt.Sprintf(
			"%s holds for %s; rto + stable_for is %s. A recovery that late could not be seen. Set hold to at least %s.", f.Addr, f.Hold, need, need))
	}
}

func (b *builder) warning(addr string, pos Pos, summary, detail string) {
	b.plan.Warnings = append(b.plan.Warnings, Notice{Addr: addr, Pos: pos, Problem: sdk.Problem{Severity: sdk.Warning, Summary: summary, Detail: detail}})
}

// FaultOf is the fault that starts an objective's clock: the one it names, or else the first of the timeline.
func (d *Draft) FaultOf(o Objective) (Fault, bool) {
	var first Fault
	found := false
	for _, f := range d.Faults {
		if f.Addr == o.Fault {
			return f, true
		}
		if f.Skipped == "" && o.Fault == "" && (!found || earlier(f.When, first.When)) {
			first, found = f, true
		}
	}
	return first, found
}

// earlier orders steps as far as the plan can tell: a step that waits for another comes after all that do not.
func earlier(a, b When) bool {
	if (len(a.After) == 0) != (len(b.After) == 0) {
		return len(a.After) == 0
	}
	return a.At < b.At
}
