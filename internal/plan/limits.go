package plan

import (
	"fmt"
	"slices"
	"strings"

	"github.com/gameday-toolkit/gameday/plugins/sdk"
)

// limits checks the blast radius: every limit block against the whole run, and each fault's own against that fault.
func (b *builder) limits() {
	for _, l := range b.plan.Limits {
		b.check(l.Addr, l, b.plan.Faults)
	}
	for _, f := range b.plan.Faults {
		if f.Limit != nil {
			b.check(f.Addr, *f.Limit, []Fault{f})
		}
	}
}

func (b *builder) check(addr string, l Limit, faults []Fault) {
	touched := distinct(faults)
	if l.MaxTargets > 0 && len(touched) > l.MaxTargets {
		b.fail(addr, l.Pos, []string{"max_targets"}, "More targets than the limit allows",
			fmt.Sprintf("max_targets is %d and the plan touches %d: %s.", l.MaxTargets, len(touched), names(touched)))
	}
	if n := active(faults); l.MaxFaults > 0 && n > l.MaxFaults {
		b.fail(addr, l.Pos, []string{"max_faults"}, "More faults than the limit allows",
			fmt.Sprintf("max_faults is %d and the plan has %d. Remove faults, or raise the limit where it is set.", l.MaxFaults, n))
	}
	b.percent(addr, l, touched)
	b.protected(addr, l, touched)
}

func (b *builder) percent(addr string, l Limit, touched []sdk.Target) {
	if l.MaxPercent <= 0 {
		return
	}
	for _, typ := range types(touched) {
		n, population := count(touched, typ), b.population(typ)
		switch allowed := percentOf(population, l.MaxPercent); {
		case allowed == 0:
			b.fail(addr, l.Pos, []string{"max_percent"}, "The percentage rounds down to no target at all", fmt.Sprintf(
				"%g %% of %d %s is %.2f, and a limit is never rounded up. With so few, use max_targets.", l.MaxPercent, population, typ, float64(population)*l.MaxPercent/100))
		case n > allowed:
			b.fail(addr, l.Pos, []string{"max_percent"}, "More targets than the limit allows",
				fmt.Sprintf("%g %% of %d %s is %d, and the plan touches %d.", l.MaxPercent, population, typ, allowed, n))
		}
	}
}

func (b *builder) protected(addr string, l Limit, touched []sdk.Target) {
	for _, t := range touched {
		for _, p := range []string{t.Type, t.Name, t.ID, t.Type + "/" + t.Name} {
			if slices.Contains(l.Protect, p) {
				b.fail(addr, l.Pos, []string{"protect"}, "A protected target would be touched",
					fmt.Sprintf("%s/%s is protected by %q. Choose other targets.", t.Type, t.Name, p))
				break
			}
		}
	}
}

func (b *builder) population(typ string) (n int) {
	for _, t := range b.plan.Targets {
		if t.Type == typ {
			n = max(n, t.Population)
		}
	}
	return n
}

func distinct(faults []Fault) (out []sdk.Target) {
	seen := map[[2]string]bool{}
	for _, f := range faults {
		for _, m := range f.Members {
			if k := [2]string{m.Type, m.ID}; !seen[k] {
				seen[k] = true
				out = append(out, m)
			}
		}
	}
	return out
}

func active(faults []Fault) (n int) {
	for _, f := range faults {
		if f.Skipped == "" {
			n++
		}
	}
	return n
}

func types(ts []sdk.Target) (out []string) {
	for _, t := range ts {
		if !slices.Contains(out, t.Type) {
			out = append(out, t.Type)
		}
	}
	return out
}

func count(ts []sdk.Target, typ string) (n int) {
	for _, t := range ts {
		if t.Type == typ {
			n++
		}
	}
	return n
}

func names(ts []sdk.Target) string {
	var out []string
	for i, t := range ts {
		if i == 10 {
			out = append(out, fmt.Sprintf("and %d more", len(ts)-i))
			break
		}
		out = append(out, t.Name)
	}
	return strings.Join(out, ", ")
}
