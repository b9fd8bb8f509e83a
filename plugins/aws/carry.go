package aws

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/gameday-toolkit/gameday/plugins/sdk"
)

// open reads a handle, and refuses one of another account.
func (f *carried) open(ctx context.Context, h sdk.Handle) (undo, error) {
	var u undo
	if err := h.DecodeUndo(&u); err != nil {
		return u, err
	}
	who, err := f.identity(ctx)
	if err != nil {
		return u, err
	}
	if who.account != u.Account {
		return u, fmt.Errorf("the handle %s is of account %s, and these credentials are of account %s: use those of %s", h.ID, u.Account, who.account, u.Account)
	}
	if u.Endpoint != f.endpoint() {
		return u, fmt.Errorf("the handle %s was made at the endpoint %q, and the plugin talks to %q: set endpoint_url", h.ID, u.Endpoint, f.endpoint())
	}
	return u, nil
}

// at returns the part and the place of a change.
func (f *carried) at(ctx context.Context, c change) (part, *site, error) {
	p, err := f.part(c.Part)
	if err != nil {
		return part{}, nil, err
	}
	if len(c.Undo) == 0 {
		return part{}, nil, fmt.Errorf("%s carries our mark, but what it was before is only in the journal of the run: use gameday recover there, or put it back by hand and remove its tag %s", c.ARN, p.tag())
	}
	s, err := f.site(ctx, c.Region)
	return p, s, err
}

// Inject makes the changes, part by part, so that what belongs together happens together: it waits at once only for what the
// parts after it rest on, and for everything else at the end.
func (f *carried) Inject(ctx context.Context, h sdk.Handle) error {
	u, err := f.open(ctx, h)
	if err != nil {
		return err
	}
	if err := f.allowed(u.Account); err != nil {
		return err
	}
	m := markOf(h)
	var late []change
	for _, changes := range byPart(u.Changes) {
		p, err := f.part(changes[0].Part)
		if err != nil {
			return err
		}
		if err := onEach(ctx, changes, func(ctx context.Context, c change) error { return f.make(ctx, m, c) }); err != nil {
			return err
		}
		if !p.base && !p.guards {
			late = append(late, changes...)
			continue
		}
		if err := f.awaitAll(ctx, m, changes); err != nil {
			return err
		}
	}
	return f.awaitAll(ctx, m, late)
}

// awaitAll waits until changes have taken effect and everybody knows of them.
func (f *carried) awaitAll(ctx context.Context, m mark, changes []change) error {
	return onEach(ctx, changes, func(ctx context.Context, c change) error {
		if err := f.await(ctx, m, c, "to be "+c.Made, ours); err != nil {
			return err
		}
		return f.awaitSpread(ctx, c)
	})
}

// onEach stops at the first change that fails, and names it.
func onEach(ctx context.Context, changes []change, do func(context.Context, change) error) error {
	return every(ctx, len(changes), func(ctx context.Context, i int) error {
		if err := do(ctx, changes[i]); err != nil {
			return fmt.Errorf("%s: %s: %w", changes[i].Part, changes[i].Name, err)
		}
		return nil
	})
}

// byPart cuts the changes where one part ends and the next begins.
func byPart(changes []change) (out [][]change) {
	for len(changes) > 0 {
		n := slices.IndexFunc(changes, func(c change) bool { return c.Part != changes[0].Part })
		if n < 0 {
			n = len(changes)
		}
		out = append(out, changes[:n])
		changes = changes[n:]
	}
	return out
}

// awaitSpread waits until everybody knows of the last change to a resource.
func (f *carried) awaitSpread(ctx context.Context, c change) error {
	p, s, err := f.at(ctx, c)
	if err != nil || p.spread == nil {
		return err
	}
	return poll(ctx, p.slow, "everybody to know how "+c.ARN+" is", func(ctx context.Context) (bool, error) { return p.spread(ctx, s, c) })
}

// make makes one change, after it has marked what it changes.
func (f *carried) make(ctx context.Context, m mark, c change) error {
	p, s, err := f.at(ctx, c)
	if err != nil {
		return err
	}
	v, err := f.look(ctx, p, s, m, c)
	switch {
	case err != nil:
		return err
	case v.held && v.state == ours:
		return nil // an earlier Inject came this far
	case v.state == gone:
		return errors.New("it is gone since the plan was made: plan again")
	case v.state != before && !(v.held && v.state == partly):
		return fmt.Errorf("it has changed since the plan was made: it is %s, and was %s: plan again", v.now, c.Before)
	}
	if err := p.claim(ctx, s, m, c); err != nil {
		return err
	}
	if err := p.inject(ctx, s, m, c); err != nil {
		return fmt.Errorf("making it %s: %w", c.Made, err)
	}
	return nil
}

// sight is a view together with whose mark is there.
type sight struct {
	view
	held  bool   // this fault's
	rival string // the handle of another fault
}

// look reads the mark and the resource.
func (f *carried) look(ctx context.Context, p part, s *site, m mark, c change) (sight, error) {
	holder, _, err := p.holder(ctx, s, c.ARN)
	if err != nil {
		return sight{}, err
	}
	out := sight{held: p.shelf == nil || holder.handleTag() == m.handleTag()}
	if holder.Handle != "" && !out.held {
		out.rival = holder.Handle
	}
	m.Held = out.held
	out.view, err = p.look(ctx, s, m, c)
	if err != nil {
		return out, fmt.Errorf("reading it: %w", err)
	}
	return out, nil
}

// await looks until the resource is in one of the states.
func (f *carried) await(ctx context.Context, m mark, c change, what string, want ...state) error {
	p, s, err := f.at(ctx, c)
	if err != nil {
		return err
	}
	var last sight
	err = poll(ctx, p.slow, fmt.Sprintf("%s %s", c.ARN, what), func(ctx context.Context) (bool, error) {
		last, err = f.look(ctx, p, s, m, c)
		if err == nil && last.state == gone && p.shelf != nil && !slices.Contains(want, gone) {
			err = errors.New("it is gone")
		}
		return slices.Contains(want, last.state), err
	})
	if err != nil && last.now != "" {
		err = fmt.Errorf("%w (it is %s)", err, last.now)
	}
	return err
}

// Inspect looks at every change. The fault is active if all that is left of its targets is changed, and inactive if nothing is.
func (f *carried) Inspect(ctx context.Context, h sdk.Handle) (sdk.State, error) {
	u, err := f.open(ctx, h)
	if err != nil {
		return sdk.State{Status: sdk.Unknown}, err
	}
	seen := make([]sdk.State, len(u.Changes))
	err = every(ctx, len(u.Changes), func(ctx context.Context, i int) error {
		c := u.Changes[i]
		p, s, err := f.at(ctx, c)
		if err != nil {
			return err
		}
		v, err := f.look(ctx, p, s, markOf(h), c)
		if err != nil {
			return fmt.Errorf("looking at %s: %w", c.Name, err)
		}
		seen[i] = v.judge(c)
		return nil
	})
	if err != nil {
		return sdk.State{Status: sdk.Unknown}, err
	}
	return combine(seen), nil
}

// judge says what one resource proves. An empty status is one that proves nothing about the others.
func (v sight) judge(c change) sdk.State {
	says := func(status sdk.Status, format string, args ...any) sdk.State {
		return sdk.State{Status: status, Evidence: c.Name + fmt.Sprintf(format, args...)}
	}
	switch {
	case v.state == gone:
		return says("", " is gone: %s", v.now)
	case v.rival != "":
		return says(sdk.Inactive, " is %s, and held by %s", v.now, v.rival)
	case v.state == before:
		return says(sdk.Inactive, " is %s, as before", v.now)
	case v.state == ours && v.held:
		return says(sdk.Active, " is %s", v.now)
	case v.state == ours:
		return says(sdk.Unknown, " is %s, without the mark of this fault", v.now)
	case v.state == other && !v.held:
		return says(sdk.Inactive, " is %s, which is not by this fault", v.now)
	}
	return says(sdk.Unknown, " is %s; this fault makes it %s", v.now, c.Made)
}

// combine is what several resources say together. Disagreement proves nothing.
func combine(states []sdk.State) sdk.State {
	const most = 10
	var out sdk.State
	var evidence []string
	for _, s := range states {
		switch {
		case s.Status == "":
		case out.Status == "":
			out.Status = s.Status
		case s.Status != out.Status:
			out.Status = sdk.Unknown
		}
		evidence = append(evidence, s.Evidence)
	}
	if out.Status == "" {
		out.Status = sdk.Inactive
	}
	if len(evidence) > most {
		evidence = append(evidence[:most:most], fmt.Sprintf("and %d more", len(evidence)-most))
	}
	out.Evidence = strings.Join(evidence, "; ")
	return out
}
