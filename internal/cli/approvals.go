package cli

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/gameday-toolkit/gameday/internal/approval"
	"github.com/gameday-toolkit/gameday/internal/journal"
	"github.com/gameday-toolkit/gameday/internal/plan"
)

// approvals are those that count for a limit: signed ones where it names who may sign, and names otherwise. Nobody approves
// what they run themselves.
func approvals(ctx context.Context, p *plan.Plan, l plan.Limit, names []string, given []approval.Approval, self string, now time.Time) ([]journal.Approval, error) {
	if l.Approvers != "" {
		return signedApprovals(ctx, p, l, given, self, now)
	}
	var out []journal.Approval
	for _, n := range names {
		if n = strings.TrimSpace(n); n != "" && !own(n, self) {
			out = union(out, []journal.Approval{{By: n}})
		}
	}
	return out, enough(l, len(out), nil, "name who has approved with -approved-by NAME, once for each; you cannot approve your own run")
}

// own says whether a name is the person who runs this: ada is ada@example.org.
func own(name, self string) bool {
	local, _, _ := strings.Cut(name, "@")
	return self != "" && (strings.EqualFold(name, self) || strings.EqualFold(local, self))
}

func signedApprovals(ctx context.Context, p *plan.Plan, l plan.Limit, given []approval.Approval, self string, now time.Time) (out []journal.Approval, err error) {
	var why []error
	whose := map[string]string{} // by key: a list may have one under many names, as *@example.org
	for _, a := range given {
		key, err := a.Verify(ctx, p.Hash(), l.Approvers, now, time.Duration(l.ApprovalLifetime))
		first, again := whose[key]
		switch {
		case err != nil:
			why = append(why, err)
		case own(a.Person, self):
			why = append(why, fmt.Errorf("%s cannot approve their own run", a.Person))
		case again && first != a.Person:
			why = append(why, fmt.Errorf("%s and %s signed with one key, which counts once", first, a.Person))
		default:
			whose[key] = a.Person
			out = union(out, []journal.Approval{{By: a.Person, At: a.At, Signed: true}})
		}
	}
	return out, enough(l, len(out), why, "save the plan with `gameday plan -out FILE`, have it approved with `gameday approve -as PERSON FILE`, and run that file")
}

func enough(l plan.Limit, found int, why []error, how string) error {
	if found >= l.Approvals {
		return nil
	}
	text := fmt.Sprintf("%s: %s needed, and there are %d", l.Addr, plural(l.Approvals, "approval"), found)
	if l.Approvers != "" {
		text = fmt.Sprintf("%s: %s needed, signed by who may approve, and there are %d", l.Addr, plural(l.Approvals, "approval"), found)
	}
	for _, w := range why {
		text += "; " + w.Error()
	}
	return hint(errors.New(text), how)
}

// union adds the approvals of people who are not on the list yet.
func union(list, more []journal.Approval) []journal.Approval {
	for _, a := range more {
		if !slices.ContainsFunc(list, func(b journal.Approval) bool { return a.By == b.By && a.Signed == b.Signed }) {
			list = append(list, a)
		}
	}
	return list
}

// givenApprovals reads the approvals that lie beside a saved plan, and those that were named.
func givenApprovals(path string, saved bool, named []string) (out []approval.Approval, err error) {
	var files []string
	if saved {
		if files, err = approval.Beside(path); err != nil {
			return nil, err
		}
	}
	for _, f := range append(files, named...) {
		a, err := approval.Read(f)
		if err != nil {
			return nil, hint(err, "remove it, or have the plan approved again")
		}
		out = append(out, a)
	}
	return out, nil
}
