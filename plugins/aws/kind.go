package aws

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/gameday-toolkit/gameday/plugins/sdk"
)

// kind is what sets one kind of change apart from the others: how one resource is changed, looked at and put back. U is all
// that putting back needs to know. The frame does everything else: accounts and regions, marks, the order of things,
// waiting, conflicts, permissions and sweep.
type kind[U any] struct {
	name string
	// attributes are the kind's own: those of the fault's block that it reads with ask.decode.
	attributes []sdk.Attribute
	// needs are the permissions, beyond those of the shelf.
	needs []need
	// about is a pattern of what is changed, which ends in * for its ID, and of the type of target that is: for the least policy.
	about, of string
	// shelf is where the mark of a changed resource goes. nil: the kind makes something, and tags that, or names itself otherwise.
	shelf *shelf
	// slow is how long AWS may take to carry out the change, or to take it back.
	slow time.Duration
	// once says that what was done cannot be undone or seen, as a reboot: the fault is there for as long as its mark is.
	once bool
	// base says that what comes after it in a fault rests on the change: it is awaited before that is made, and taken back only after
	// it. guards says that, besides, it stays for as long as anything of that is not back.
	base, guards bool
	// global says that what is changed belongs to no region.
	global bool

	// plan reads one target and says what is to be changed. It changes nothing.
	plan func(context.Context, *site, ask) ([]item[U], []sdk.Problem, error)
	// tryOut asks AWS whether the change would be allowed (DryRun). Optional.
	tryOut func(context.Context, *site, U) error
	// look reads the resource: now, or one of the other views below.
	look func(context.Context, *site, mark, U) (view, error)
	// inject makes the change and revert takes it back. They need not wait, and are only called when look says that there is
	// something to do.
	inject func(context.Context, *site, mark, U) error
	revert func(context.Context, *site, mark, U) error
	// spread says whether a change that can be read is known to everybody who uses the resource. Optional.
	spread func(context.Context, *site, U) (bool, error)

	// remember makes the item again from a marked resource and its note, for sweep.
	remember func(arn, note string) (item[U], bool)
	// find finds what the kind has made, by its tags, where it has no shelf. Optional.
	find func(context.Context, *site) ([]leftover[U], error)
}

// ask is what a kind is asked to plan: one target, and its own attributes.
type ask struct {
	run, id string
	target  sdk.Target
	scope   scope
	config  json.RawMessage
}

// decode reads the kind's own attributes.
func (a ask) decode(v any) error { return sdk.Request{ID: a.id, Config: a.config}.Decode(v) }

// mark is that of the fault that is planned.
func (a ask) mark() mark { return mark{Handle: handleID(a.run, a.id), Run: a.run} }

// handleID is how the SDK names the handle of a block in a run.
func handleID(run, id string) string { return strings.TrimPrefix(run+"/"+id, "/") }

// item is one change to one resource.
type item[U any] struct {
	// arn names the resource, and is what the plan's permissions are about. name is for people.
	arn, name string
	// before and made say in words how the resource is and how it will be. look answers in the same words.
	before, made string
	// note is what sweep needs, without a journal, to put things back.
	note string
	undo U
	// effect is what Inject will do; byHand is how a person undoes it.
	effect, byHand string
}

// leftover is something of ours that sweep found.
type leftover[U any] struct {
	mark mark
	item item[U]
	// lost says that the mark alone does not tell what was there before.
	lost bool
}

// view is how a resource is.
type view struct {
	state state
	now   string
}

type state int

// The states of a resource, from the fault's point of view.
const (
	plain  state = iota // compare what it says now with what it said before, and with what the fault makes of it
	before              // as it was
	ours                // as the fault makes it
	partly              // on its way from one to the other, because a call was cut short
	moving              // AWS is changing it
	other               // somebody else changed it
	gone                // it does not exist any more
)

// now is a resource that is described in the words of before and made.
func now(format string, args ...any) view { return view{now: fmt.Sprintf(format, args...)} }

// is is a resource in a state that words do not tell.
func is(s state, format string, args ...any) view { return view{s, fmt.Sprintf(format, args...)} }

// change is an item as it stands in a handle.
type change struct {
	Part   string          `json:"part"`
	Region string          `json:"region"`
	ARN    string          `json:"arn"`
	Name   string          `json:"name"`
	Before string          `json:"before"`
	Made   string          `json:"made"`
	Note   string          `json:"note,omitempty"`
	Undo   json.RawMessage `json:"undo"`
}

// part is a kind whose U is hidden in the JSON of a change, so that one fault can consist of several.
type part struct {
	name       string
	attributes []sdk.Attribute
	needs      []need
	about, of  string
	shelf      *shelf
	slow       time.Duration
	once       bool
	base       bool
	guards     bool
	global     bool
	plan       func(context.Context, *site, ask) ([]planned, []sdk.Problem, error)
	look       func(context.Context, *site, mark, change) (view, error)
	// tryOut and spread may be nil.
	tryOut, inject, revert act
	spread                 func(context.Context, *site, change) (bool, error)

	sweep func(context.Context, *site) ([]found, error)
}

// planned is a change with what it tells people.
type planned struct {
	change
	effect, byHand string
}

// found is a change that sweep has come upon.
type found struct {
	mark mark
	planned
}

func newPart[U any](k kind[U]) part {
	p := part{name: k.name, attributes: k.attributes, needs: k.needs, shelf: k.shelf, slow: k.slow, once: k.once, base: k.base, guards: k.guards, global: k.global}
	if p.slow == 0 {
		p.slow = 2 * time.Minute
	}
	if k.shelf != nil {
		p.needs = append(append([]need{}, k.needs...), k.shelf.needs...)
	}
	p.about, p.of = k.about, k.of
	p.plan = func(ctx context.Context, s *site, a ask) ([]planned, []sdk.Problem, error) {
		items, problems, err := k.plan(ctx, s, a)
		if err != nil {
			return nil, problems, err
		}
		var out []planned
		for _, i := range items {
			one, err := k.planned(s, i)
			if err != nil {
				return nil, problems, err
			}
			out = append(out, one)
		}
		return out, problems, nil
	}
	if k.tryOut != nil {
		p.tryOut = with(func(ctx context.Context, s *site, _ mark, u U) error { return k.tryOut(ctx, s, u) })
	}
	p.look = func(ctx context.Context, s *site, m mark, c change) (view, error) {
		var u U
		if err := json.Unmarshal(c.Undo, &u); err != nil {
			return view{}, fmt.Errorf("reading the handle about %s: %w", c.ARN, err)
		}
		v, err := k.look(ctx, s, m, u)
		return v.resolve(c), err
	}
	p.inject, p.revert = with(k.inject), with(k.revert)
	if k.spread != nil {
		p.spread = func(ctx context.Context, s *site, c change) (ok bool, err error) {
			err = with(func(ctx context.Context, s *site, _ mark, u U) error {
				ok, err = k.spread(ctx, s, u)
				return err
			})(ctx, s, mark{}, c)
			return ok, err
		}
	}
	p.sweep = k.sweep
	return p
}

// act is a call of a kind about one change.
type act func(context.Context, *site, mark, change) error

func with[U any](fn func(context.Context, *site, mark, U) error) act {
	return func(ctx context.Context, s *site, m mark, c change) error {
		var u U
		if err := json.Unmarshal(c.Undo, &u); err != nil {
			return fmt.Errorf("reading the handle about %s: %w", c.ARN, err)
		}
		return fn(ctx, s, m, u)
	}
}

func (k kind[U]) planned(s *site, i item[U]) (planned, error) {
	undo, err := json.Marshal(i.undo)
	if err != nil {
		return planned{}, fmt.Errorf("writing the handle about %s: %w", i.arn, err)
	}
	return planned{
		change: change{Part: k.name, Region: s.region, ARN: i.arn, Name: i.name, Before: i.before, Made: i.made, Note: i.note, Undo: undo},
		effect: i.effect, byHand: i.byHand,
	}, nil
}

// resolve tells the state by the words.
func (v view) resolve(c change) view {
	if v.state != plain {
		return v
	}
	switch v.now {
	case c.Before:
		v.state = before
	case c.Made:
		v.state = ours
	default:
		v.state = other
	}
	return v
}

// sweep finds what is left of the kind in one region.
func (k kind[U]) sweep(ctx context.Context, s *site) ([]found, error) {
	var left []leftover[U]
	if k.find != nil {
		more, err := k.find(ctx, s)
		if err != nil {
			return nil, err
		}
		left = more
	}
	if k.shelf != nil {
		more, err := k.marked(ctx, s)
		if err != nil {
			return nil, err
		}
		left = append(left, more...)
	}
	var out []found
	for _, l := range left {
		one, err := k.planned(s, l.item)
		if err != nil {
			return nil, err
		}
		if l.lost {
			one.Undo = nil
		}
		out = append(out, found{l.mark, one})
	}
	return out, nil
}

// marked finds what carries the mark of the kind. What cannot be remembered from the mark alone is still named.
func (k kind[U]) marked(ctx context.Context, s *site) ([]leftover[U], error) {
	key := part{name: k.name}.tag()
	all, err := k.shelf.find(ctx, s, key)
	if err != nil {
		return nil, fmt.Errorf("looking for marks of %s: %w", k.name, err)
	}
	var out []leftover[U]
	for arn, tags := range all {
		m, note, ok := readMark(tags[key])
		if !ok {
			continue
		}
		one, ok := k.remember(arn, note)
		if !ok {
			one.byHand = "put " + arn + " back by hand, and remove its tag " + key
		}
		one.arn, one.note = arn, note
		out = append(out, leftover[U]{mark: m, item: one, lost: !ok})
	}
	return out, nil
}
