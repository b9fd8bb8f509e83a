package cli

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/gameday-toolkit/gameday/internal/plan"
)

// allowed says why a plan may not be carried out now, by everything that needs no look at the world.
func (a *app) allowed(p *plan.Plan, o *runFlags, now time.Time) error {
	var errs []error
	for _, n := range p.Permissions {
		errs = append(errs, fmt.Errorf("%s: the permission %s is missing: %s", n.Addr, n.Problem.Permission, n.Problem.Summary))
	}
	for _, l := range p.Limits {
		errs = append(errs, inWindows(l, now), approved(l, o.approvedBy, userName()))
	}
	for _, act := range p.Actions {
		if act.Plugin == "" && act.Type == "manual" && !a.canAsk(o) {
			errs = append(errs, hint(fmt.Errorf("%s needs a person, and there is no terminal", act.Addr),
				"run it on a terminal, or with -manual-by NAME and the answers on standard input, one line each"))
		}
	}
	return errors.Join(errs...)
}

func inWindows(l plan.Limit, now time.Time) error {
	for _, w := range l.Windows {
		in, err := inWindow(w, now)
		if err != nil || in {
			return err
		}
	}
	if len(l.Windows) == 0 {
		return nil
	}
	return fmt.Errorf("%s: a run may start only in %s, and it is %s", l.Addr, strings.Join(l.Windows, " or "), now.Format("Mon 15:04 MST"))
}

// approved counts people. Nobody approves what they run themselves.
func approved(l plan.Limit, by []string, self string) error {
	var names []string
	for _, n := range by {
		if n = strings.TrimSpace(n); n != "" && n != self && !slices.Contains(names, n) {
			names = append(names, n)
		}
	}
	if len(names) >= l.Approvals {
		return nil
	}
	return hint(fmt.Errorf("%s: %s needed, and there are %d", l.Addr, plural(l.Approvals, "approval"), len(names)),
		"name who has approved with -approved-by NAME, once for each; you cannot approve your own run")
}
