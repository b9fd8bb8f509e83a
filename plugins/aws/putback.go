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

// putBack takes changes back, part by part. Whatever fails does not keep the rest from being put back, but for the parts that
// guard what is not back yet, or may not be as long as it is not certain.
func (f *carried) putBack(ctx context.Context, m mark, changes []change, certain bool) (done []outcome, err error) {
	for _, group := range byPart(changes) {
		p, errPart := f.part(group[0].Part)
		waits := p.guards && !certain && slices.Contains(done, quiet)
		if errPart == nil && p.guards && err != nil {
			errPart = fmt.Errorf("%s: left as it is until the rest is back, which it protects", p.name)
		}
		if errPart != nil || waits {
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
	seen := make([]sight, len(changes))
	errs := each(len(changes), func(i int) (err error) {
		seen[i], err = f.takeBack(ctx, m, changes[i])
		return err
	})
	late := each(len(changes), func(i int) error {
		v := seen[i]
		if errs[i] != nil || v.rival != "" || !v.held || v.state != ours && v.state != partly {
			return nil
		}
		return f.finish(ctx, m, changes[i])
	})
	for i, c := range changes {
		errs[i] = errors.Join(errs[i], late[i])
		switch {
		case errs[i] != nil:
			done[i] = failed
			errs[i] = fmt.Errorf("%s: %s: %w", c.Part, c.Name, errs[i])
		case seen[i].state == before:
			done[i] = quiet
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
	if err := p.unmark(ctx, s, m, c); err != nil {
		return err
	}
	return f.awaitSpread(ctx, c)
}
