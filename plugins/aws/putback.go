package aws

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/gameday-toolkit/gameday/plugins/sdk"
)

// Revert puts back what this fault changed, newest first. What shows nothing of the fault is looked at once more when a
// change has had the time to become readable: an Inject that was cut short may have made it just now.
func (f *carried) Revert(ctx context.Context, h sdk.Handle) error {
	u, err := f.open(ctx, h)
	if err != nil {
		return err
	}
	if err := f.allowed(u.Account); err != nil {
		return err
	}
	m := markOf(h)
	slices.Reverse(u.Changes)
	done, err := f.putBack(ctx, m, u.Changes, false)
	if !slices.Contains(done, quiet) {
		return err
	}
	if err := rest(ctx, time.Duration(f.settings.Consistency)); err != nil {
		return err
	}
	var again []change
	for i, c := range u.Changes {
		if done[i] != undone {
			again = append(again, c)
		}
	}
	done, err = f.putBack(ctx, m, again, true)
	for i, c := range again {
		if done[i] == quiet { // nothing but its mark was made
			err = errors.Join(err, f.unmark(ctx, m, c))
		}
	}
	return err
}

// outcome is what became of a change that was to be taken back.
type outcome int

const (
	undone outcome = iota
	quiet          // it shows nothing of the fault
	failed
)

// putBack takes changes back: first those that rest on nothing but others' work, all together, and then, part by part, those on
// which others rest. Whatever fails does not keep the rest from being put back, but for the parts that guard what is not back yet,
// or may not be as long as it is not certain.
func (f *carried) putBack(ctx context.Context, m mark, changes []change, certain bool) ([]outcome, error) {
	done := make([]outcome, len(changes))
	groups, err := f.groups(changes)
	var errs []error
	for _, g := range groups {
		waits := g.guards && !certain && slices.Contains(done, quiet)
		if g.guards && len(errs) > 0 {
			errs = append(errs, fmt.Errorf("%s: left as it is until the rest is back, which it protects", changes[g.at[0]].Part))
		}
		if waits || g.guards && len(errs) > 0 {
			for _, i := range g.at {
				done[i] = failed
			}
			continue
		}
		if err := f.putBackGroup(ctx, m, changes, g.at, done); err != nil {
			errs = append(errs, err)
		}
	}
	return done, errors.Join(append([]error{err}, errs...)...)
}

// group is what is put back together: the places of its changes.
type group struct {
	at     []int
	guards bool
}

// groups puts everything on which nothing rests into one group, and each part on which something rests into one of its own.
func (f *carried) groups(changes []change) ([]group, error) {
	out := []group{{}}
	for i, c := range changes {
		p, err := f.part(c.Part)
		if err != nil {
			return nil, err
		}
		switch last := &out[len(out)-1]; {
		case !p.base && !p.guards:
			out[0].at = append(out[0].at, i)
		case len(out) > 1 && changes[last.at[0]].Part == c.Part:
			last.at = append(last.at, i)
		default:
			out = append(out, group{[]int{i}, p.guards})
		}
	}
	return out, nil
}

// putBackGroup takes everything back before it waits for any of it, and begins with what AWS is not busy with.
func (f *carried) putBackGroup(ctx context.Context, m mark, changes []change, at []int, done []outcome) error {
	seen := make([]sight, len(at))
	busy := each(len(at), func(i int) (err error) {
		seen[i], err = f.takeBack(ctx, m, changes[at[i]], false)
		return err
	})
	errs := each(len(at), func(i int) (err error) {
		if busy[i] == nil && seen[i].state == moving {
			seen[i], err = f.takeBack(ctx, m, changes[at[i]], true)
		}
		return errors.Join(busy[i], err)
	})
	late := each(len(at), func(i int) error {
		v := seen[i]
		if errs[i] != nil || v.rival != "" || !v.held || v.state != ours && v.state != partly {
			return nil
		}
		return f.finish(ctx, m, changes[at[i]])
	})
	for i, place := range at {
		c := changes[place]
		errs[i] = errors.Join(errs[i], late[i])
		switch {
		case errs[i] != nil:
			done[place] = failed
			errs[i] = fmt.Errorf("%s: %s: %w", c.Part, c.Name, errs[i])
		case seen[i].state == before:
			done[place] = quiet
		}
	}
	return errors.Join(errs...)
}

func (f *carried) unmark(ctx context.Context, m mark, c change) error {
	p, s, err := f.at(ctx, c)
	if err != nil {
		return err
	}
	return p.unmark(ctx, s, m, c)
}

// takeBack takes one change back, if it is this fault's, and says how the resource was. It leaves a resource alone with which AWS is
// busy, or waits for that to end.
func (f *carried) takeBack(ctx context.Context, m mark, c change, wait bool) (sight, error) {
	p, s, err := f.at(ctx, c)
	if err != nil {
		return sight{}, err
	}
	v, err := f.settled(ctx, p, s, m, c, wait)
	if err != nil {
		return v, err
	}
	switch {
	case v.state == moving:
		return v, nil
	case v.rival != "" || v.state == gone || v.state == before:
		return v, nil
	case !v.held && v.state == other:
		return v, nil // the mark is put on first and taken off last: this is not ours
	case v.state == other:
		return v, &conflictError{c.ARN, v.now, c.Made, c.Before, p.signature()}
	case !v.held:
		return v, fmt.Errorf("conflict: %s is %s, as this fault would make it, but does not carry its mark: if that was nobody else, make it %s by hand", c.ARN, v.now, c.Before)
	}
	if err := p.revert(ctx, s, m, c); err != nil && !missing(err) {
		return v, fmt.Errorf("making it %s again: %w", c.Before, err)
	}
	return v, nil
}

// settled looks, until AWS has come to an end with what it is doing to the resource or just once.
func (f *carried) settled(ctx context.Context, p part, s *site, m mark, c change, wait bool) (v sight, err error) {
	err = poll(ctx, p.slow, c.ARN+" to settle", func(ctx context.Context) (bool, error) {
		v, err = f.look(ctx, p, s, m, c)
		return v.state != moving || !wait, err
	})
	return v, err
}

// finish waits until the change is taken back, and takes the mark off.
func (f *carried) finish(ctx context.Context, m mark, c change) error {
	p, s, err := f.at(ctx, c)
	if err != nil {
		return err
	}
	if !p.once {
		if err := f.await(ctx, m, c, "to be "+c.Before+" again", before, gone); err != nil {
			return err
		}
	}
	if err := p.unmark(ctx, s, m, c); err != nil {
		return err
	}
	return f.awaitSpread(ctx, c)
}
