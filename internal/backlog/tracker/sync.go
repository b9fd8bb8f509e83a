package tracker

import (
	"context"
	"errors"
	"fmt"

	"github.com/gameday-toolkit/gameday/internal/backlog"
)

// What is done about an item.
const (
	Create = "create" // there is no issue yet
	Close  = "close"  // a run has proven it fixed
	Reopen = "reopen" // it came back
	Keep   = "keep"   // nothing has to be done
	Look   = "look"   // somebody closed an issue that no run has proven fixed
)

// Step is what is done, or would be done, about one item.
type Step struct {
	Item  backlog.Item
	Do    string
	Issue Issue // zero for Create
	Why   string
}

// Changes says whether the step changes anything in the tracker.
func (s Step) Changes() bool { return s.Do == Create || s.Do == Close || s.Do == Reopen }

// Plan compares the backlog with the tracker. It only reads. known are the issues that this archive remembers, by
// fingerprint: a tracker's search may be late, and a person may take a label off.
func Plan(ctx context.Context, t Tracker, items []backlog.Item, known map[string]string) ([]Step, error) {
	if err := t.Ready(ctx); err != nil {
		return nil, err
	}
	found, err := t.Search(ctx, "")
	if err != nil {
		return nil, err
	}
	byMark := map[string]Issue{}
	for _, i := range found {
		if first, twice := byMark[i.Mark]; !twice || first.Closed && !i.Closed {
			byMark[i.Mark] = i
		}
	}
	var steps []Step
	for _, it := range items {
		issue, ok := byMark[MarkOf(it.Fingerprint)]
		if id := known[it.Fingerprint]; !ok && id != "" {
			one, err := t.Get(ctx, id)
			if err != nil {
				return nil, err
			}
			if ok = one != nil; ok {
				issue = *one
			}
		}
		steps = append(steps, stepFor(it, issue, ok))
	}
	return steps, nil
}

func stepFor(it backlog.Item, issue Issue, there bool) Step {
	s := Step{Item: it, Do: Keep, Issue: issue}
	switch {
	case !there && it.State.Active():
		s.Do, s.Why = Create, string(it.State)
	case !there:
		s.Why = "it is " + string(it.State) + " and has no issue"
	case it.State == backlog.Verified && !issue.Closed:
		s.Do, s.Why = Close, it.Note
	case it.State == backlog.Reopened && issue.Closed:
		s.Do, s.Why = Reopen, it.Note
	case it.State == backlog.Open && issue.Closed:
		s.Do, s.Why = Look, "somebody closed it, and no run has proven it fixed: claim it, accept it, or run the scenario again"
	default:
		s.Why = "it is " + string(it.State)
	}
	return s
}

// Apply carries the steps out, one after the other, and remembers each issue at once, so that a failure half-way and
// another attempt make nothing twice. It goes on after an issue that cannot be changed, and stops when ctx ends.
func Apply(ctx context.Context, t Tracker, steps []Step, remember func(Step) error, say func(Step, error)) error {
	var errs []error
	for _, s := range steps {
		if err := ctx.Err(); err != nil {
			return errors.Join(append(errs, err)...)
		}
		err := s.apply(ctx, t)
		if err == nil && s.Issue.ID != "" {
			err = remember(s)
		}
		say(s, err)
		if err != nil {
			errs = append(errs, fmt.Errorf("%s %s: %w", s.Do, s.Item.Title, err))
		}
	}
	return errors.Join(errs...)
}

func (s *Step) apply(ctx context.Context, t Tracker) (err error) {
	switch s.Do {
	case Create:
		s.Issue, err = create(ctx, t, DraftOf(s.Item))
	case Close:
		err = t.Move(ctx, s.Issue, false, "gameday: "+s.Why+" (run "+s.Item.ProvenBy+").")
	case Reopen:
		err = t.Move(ctx, s.Issue, true, "gameday: "+s.Why+" (run "+s.Item.LastRun+"). "+s.Item.Detail)
	}
	return err
}

// create looks once more before it makes an issue: somebody else may be at it. An answer that was lost leaves it open
// whether the issue is there now, which another look shows.
func create(ctx context.Context, t Tracker, d Draft) (Issue, error) {
	if i, err := theOne(ctx, t, d.Mark); err != nil || i != nil {
		return deref(i), err
	}
	made, err := t.Create(ctx, d)
	if err == nil {
		return made, nil
	}
	var lost *LostError
	if !errors.As(err, &lost) {
		return Issue{}, err
	}
	if i, again := theOne(ctx, t, d.Mark); again == nil && i != nil {
		return *i, nil
	}
	return Issue{}, fmt.Errorf("%w; it is not known whether the issue was made: another sync looks for it first", err)
}

func theOne(ctx context.Context, t Tracker, mark string) (*Issue, error) {
	found, err := t.Search(ctx, mark)
	if err != nil || len(found) == 0 {
		return nil, err
	}
	return &found[0], nil
}

func deref(i *Issue) Issue {
	if i == nil {
		return Issue{}
	}
	return *i
}
