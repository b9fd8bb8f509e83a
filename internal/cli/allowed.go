package cli

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/gameday-toolkit/gameday/internal/approval"
	"github.com/gameday-toolkit/gameday/internal/journal"
	"github.com/gameday-toolkit/gameday/internal/plan"
)

// allowed says why a plan may not be carried out now, by everything that needs no look at the world; and who approved it,
// which is what the journal says of it.
func (a *app) allowed(ctx context.Context, p *plan.Plan, o *runFlags, given []approval.Approval, now time.Time) (by []journal.Approval, err error) {
	var errs []error
	for _, n := range p.Permissions {
		errs = append(errs, fmt.Errorf("%s: the permission %s is missing: %s", n.Addr, n.Problem.Permission, n.Problem.Summary))
	}
	for _, l := range p.Limits {
		found, err := approvals(ctx, p, l, o.approvedBy, given, userName(), now)
		by = union(by, found)
		errs = append(errs, inWindows(l, now), frozen(l, now, longest(p)), err)
	}
	for _, act := range p.Actions {
		if act.Plugin == "" && act.Type == "manual" && !a.canAsk(o) {
			errs = append(errs, hint(fmt.Errorf("%s needs a person, and there is no terminal", act.Addr),
				"run it on a terminal, with -live :8080 to acknowledge it on the live page, or with -manual-by NAME and the answers on standard input, one line each"))
		}
	}
	return by, errors.Join(errs...)
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

// frozen refuses a run that could be at work in a freeze.
func frozen(l plan.Limit, now time.Time, length time.Duration) error {
	for _, f := range l.Freezes {
		if now.Before(f.To) && now.Add(length).After(f.From) {
			text := fmt.Sprintf("%s: nothing may run from %s until %s", l.Addr, stamp(f.From), stamp(f.To))
			if f.Reason != "" {
				text += ": " + f.Reason
			}
			if now.Before(f.From) {
				text += fmt.Sprintf("; this run could last until %s", stamp(now.Add(length)))
			}
			return errors.New(text)
		}
	}
	return nil
}

func stamp(t time.Time) string { return t.Local().Format("2006-01-02 15:04 MST") }

// longest is how long a run may take from its start to the end of its recovery, when nothing fails.
func longest(p *plan.Plan) time.Duration {
	end := time.Duration(p.Scenario.Baseline) + time.Duration(p.Scenario.Recovery)
	for _, f := range p.Faults {
		end += time.Duration(f.When.At) + time.Duration(f.Hold)
	}
	for _, act := range p.Actions {
		end += time.Duration(act.When.At) + time.Duration(act.Timeout)
		if len(act.Undo) > 0 {
			end += time.Duration(act.Timeout)
		}
	}
	return end
}
