package backlog

import (
	"fmt"
	"time"

	"github.com/gameday-toolkit/gameday/internal/measure"
	"github.com/gameday-toolkit/gameday/internal/plan"
)

// objectives calls fn for each objective of a kind with a verdict.
func (v *view) objectives(kind string, verdict measure.Verdict, fn func(measure.ObjectiveResult, plan.Objective) []miss) []miss {
	var found []miss
	for i, o := range v.result.Objectives {
		if o.Kind == kind && o.Verdict == verdict {
			found = append(found, fn(o, v.plan.Objectives[i])...)
		}
	}
	return found
}

func of(o measure.ObjectiveResult, s severity, detail string) miss {
	return miss{subject: o.Addr, severe: s, detail: detail, fault: o.Fault, entries: o.Entries, pos: o.Pos}
}

func recoveryMissed(v *view) []miss {
	return v.objectives(measure.KindRTO, measure.Fail, func(o measure.ObjectiveResult, p plan.Objective) []miss {
		if o.Time == nil || o.Time.Censored {
			return nil
		}
		m := of(o, missedBy(float64(o.Time.Hi), float64(*p.RTO)), sentence(o.Why)+dominated(o))
		if o.Split != nil {
			m.part = o.Split.Longest
		}
		return []miss{m}
	})
}

// dominated says which part of the recovery time was the longest.
func dominated(o measure.ObjectiveResult) string {
	if o.Split == nil || o.Split.Longest == "" {
		return ""
	}
	for _, p := range o.Split.Parts {
		if p.Name == o.Split.Longest {
			return fmt.Sprintf(" %s of %s went into %s, which ended with: %s.",
				measure.Seconds(o.Split.Adds(p.Name)), o.Time.Figure(), p.Name, p.What)
		}
	}
	return ""
}

func notRecovered(v *view) []miss {
	return v.objectives(measure.KindRTO, measure.Fail, func(o measure.ObjectiveResult, _ plan.Objective) []miss {
		if o.Time == nil || !o.Time.Censored {
			return nil
		}
		m := of(o, high, sentence(o.Why)+" The recovery time is "+o.Value+".")
		if o.Split != nil {
			m.part = o.Split.Longest
		}
		return []miss{m}
	})
}

func downtimeExceeded(v *view) []miss {
	return v.objectives(measure.KindMaxDowntime, measure.Fail, func(o measure.ObjectiveResult, p plan.Objective) []miss {
		return []miss{of(o, missedBy(float64(o.Time.Hi), float64(*p.MaxDowntime)), sentence(o.Why))}
	})
}

func budgetExceeded(v *view) []miss {
	return v.objectives(measure.KindMaxBudget, measure.Fail, func(o measure.ObjectiveResult, p plan.Objective) []miss {
		return []miss{of(o, missedBy(*o.Percent, *p.MaxBudget), sentence(o.Why))}
	})
}

// slowFailback compares the recovery after the revert with what is allowed for the recovery itself.
func slowFailback(v *view) []miss {
	var found []miss
	for _, s := range v.result.SLOs {
		limit := v.allowed(s.Addr)
		if s.Failback == nil || limit == 0 || s.Failback.Lo <= limit {
			continue
		}
		found = append(found, miss{
			subject: s.Addr, severe: medium, entries: v.reverts(), pos: v.sloPos(s.Addr),
			detail: fmt.Sprintf("After the fault was taken away, %s was violated for %s; the recovery itself may take %s.", s.Addr, s.Failback, measure.Seconds(limit)),
		})
	}
	return found
}

// allowed is the shortest rto on an SLO; 0 where there is none.
func (v *view) allowed(slo string) (limit time.Duration) {
	for _, o := range v.plan.Objectives {
		if o.SLO == slo && o.RTO != nil && (limit == 0 || time.Duration(*o.RTO) < limit) {
			limit = time.Duration(*o.RTO)
		}
	}
	return limit
}

func (v *view) reverts() (seqs []uint64) {
	for _, f := range v.run.Faults {
		if f.Reverting != nil {
			seqs = append(seqs, f.Reverting.Seq)
		}
	}
	return seqs
}

func (v *view) sloPos(addr string) plan.Pos {
	if s := v.run.SLO(addr); s != nil {
		return s.Pos
	}
	return plan.Pos{}
}

// relapsed looks for a violation after the recovery, while the fault was still there.
func relapsed(v *view) []miss {
	return v.objectives(measure.KindRTO, measure.Pass, func(o measure.ObjectiveResult, p plan.Objective) []miss {
		f := v.fault(o.Fault)
		if f == nil || f.T0 == nil || f.Reverted == nil || o.Split == nil {
			return nil
		}
		recovered, stable := f.T0.Hi+o.Time.Hi, time.Duration(p.StableFor)
		for _, s := range v.slo(p.SLO).Violations {
			if s.From > recovered+stable && s.From < f.Reverted.Lo {
				return []miss{of(o, medium, fmt.Sprintf("It had recovered in %s, and was violated again %s later, under the same fault.", o.Value, measure.Seconds(s.From-recovered)))}
			}
		}
		return nil
	})
}

func (v *view) fault(addr string) *measure.FaultResult {
	for i := range v.result.Faults {
		if v.result.Faults[i].Addr == addr {
			return &v.result.Faults[i]
		}
	}
	return nil
}

func (v *view) slo(addr string) measure.SLOResult {
	for _, s := range v.result.SLOs {
		if s.Addr == addr {
			return s
		}
	}
	return measure.SLOResult{}
}
