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
	done, err := f.putBack(ctx, m, u.Changes)
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
	done, err = f.putBack(ctx, m, again)
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

// putBack takes changes back, part by part. Whatever fails does not keep the rest from being put back, but for the parts that
// guard what is not back yet.
func (f *carried) putBack(ctx context.Context, m mark, changes []change) (done []outcome, err error) {
	for _, group := range byPart(changes) {
		p, errPart := f.part(group[0].Part)
		if errPart == nil && p.guards && err != nil {
			errPart = fmt.Errorf("%s: left as it is until the rest is back, which it protects", p.name)
		}
		if errPart != nil {
			done = append(done, slices.Repeat([]outcome{failed}, len(group))...)
			err = errors.Join(err, errPart)
			continue
		}
		more, errPart := f.putBackPart(ctx, m, group)
		done = append(done, more...)
		err = errors.Join(err, errPart)
	}
	return done, err
}

// putBackPart takes everything back before it waits for any of it.
func (f *carried) putBackPart(ctx context.Context, m mark, changes []change) ([]outcome, error) {
	done := make([]outcome, len(changes))
	var errs []error
	var under []int
	fail := func(i int, err error) {
		done[i] = failed
		errs = append(errs, fmt.Errorf("%s: %s: %w", changes[i].Part, changes[i].Name, err))
	}
	for i, c := range changes {
		seen, err := f.takeBack(ctx, m, c)
		switch {
		case err != nil:
			fail(i, err)
		case seen.state == before:
			done[i] = quiet
		case seen.rival == "" && seen.held && (seen.state == ours || seen.state == partly):
			under = append(under, i)
		}
	}
	for _, i := range under {
		if err := f.finish(ctx, m, changes[i]); err != nil {
			fail(i, err)
		}
	}
	return done, errors.Join(errs...)
}

func (f *carried) unmark(ctx context.Context, m mark, c change) error {
	p, s, err := f.at(ctx, c)
	if err != nil {
		return err
	}
	return p.unmark(ctx, s, m, c)
}

// takeBack takes one change back, if it is this fault's, and says how the resource was.
func (f *carried) takeBack(ctx context.Context, m mark, c change) (sight, error) {
	p, s, err := f.at(ctx, c)
	if err != nil {
		return sight{}, err
	}
	v, err := f.settled(ctx, p, s, m, c)
	if err != nil {
		return v, err
	}
	switch {
	case v.rival != "" || v.state == gone || v.state == before:
		return v, nil
	case !v.held && v.state == other:
		return v, nil // the mark is put on first and taken off last: this is not ours
	case v.state == other:
		return v, &conflictError{c.ARN, v.now, c.Made, c.Before}
	case !v.held:
		return v, fmt.Errorf("conflict: %s is %s, as this fault would make it, but does not carry its mark: if nobody else did that, put it back by hand", c.ARN, v.now)
	}
	if err := p.revert(ctx, s, m, c); err != nil && !missing(err) {
		return v, fmt.Errorf("making it %s again: %w", c.Before, err)
	}
	return v, nil
}

// settled looks until AWS has come to an end with what it is doing to the resource.
func (f *carried) settled(ctx context.Context, p part, s *site, m mark, c change) (v sight, err error) {
	err = poll(ctx, p.slow, c.ARN+" to settle", func(ctx context.Context) (bool, error) {
		v, err = f.look(ctx, p, s, m, c)
		return v.state != moving, err
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
	return p.unmark(ctx, s, m, c)
}
