package fis

import (
	"fmt"
	"regexp"
	"strconv"
	"time"
)

// An action of FIS that has startAfter begins when those others have ended, and one without begins at once. A fault of
// gameday that has after begins when the other is proven active, and an offset may be added: at. So what follows an action
// here follows its beginning, and at is how long that one lasts. Of several, the one that ends last counts.

// action is one action of the template.
type action struct {
	value
	name, id string
	after    []*action
	length   time.Duration
	lasts    value         // where the length stands
	unclear  string        // a length that was not understood
	start    time.Duration // after the beginning of the experiment
	last     *action       // of those it starts after, the one that ends last
	fault    string        // the address of what it became; empty for a wait and for a todo
	state    int           // of the search for circles
}

const (
	unseen = iota
	open
	done
)

func (a *action) end() time.Duration { return a.start + a.length }

// readActions puts the actions into their order.
func (w *writer) readActions() error {
	all := w.root.get("actions")
	byName := map[string]*action{}
	for _, name := range all.keys() {
		a := &action{value: all.get(name), name: name}
		a.id = a.get("actionId").String()
		if a.id == "" {
			return a.wrong("the action %q has no actionId", name)
		}
		a.lasts = a.get("parameters", lengthOf(a.id))
		a.length, a.unclear = span(a.lasts.String())
		byName[name] = a
		w.actions = append(w.actions, a)
	}
	if len(w.actions) == 0 {
		return all.wrong("the template has no actions")
	}
	for _, a := range w.actions {
		if err := w.link(a, byName); err != nil {
			return err
		}
	}
	for _, a := range w.actions {
		if err := a.schedule(); err != nil {
			return err
		}
	}
	return nil
}

// link finds what an action names.
func (w *writer) link(a *action, byName map[string]*action) error {
	for _, name := range a.get("startAfter").texts() {
		before := byName[name]
		if before == nil {
			return a.get("startAfter").wrong("the action %q starts after %q, which there is not", a.name, name)
		}
		a.after = append(a.after, before)
	}
	targets := a.get("targets")
	for _, role := range targets.keys() {
		name := targets.get(role).String()
		if w.root.get("targets", name).Node == nil {
			return targets.wrong("the action %q names the target %q, which there is not", a.name, name)
		}
	}
	return nil
}

func (a *action) schedule() error {
	switch a.state {
	case open:
		return a.get("startAfter").wrong("the actions start after each other in a circle, of which %q is part", a.name)
	case done:
		return nil
	}
	a.state = open
	for _, b := range a.after {
		if err := b.schedule(); err != nil {
			return err
		}
		if a.last == nil || b.end() > a.start {
			a.last, a.start = b, b.end()
		}
	}
	a.state = done
	return nil
}

// begins says when the fault of an action starts: so long after another one was proven active, or after the beginning.
func (a *action) begins() (after string, at time.Duration) {
	switch {
	case a.last == nil:
		return "", 0
	case a.last.fault != "":
		return a.last.fault, a.last.length
	}
	after, at = a.last.begins()
	return after, at + a.last.length
}

// lengthOf is the parameter that says how long an action lasts.
func lengthOf(actionID string) string {
	if actionID == "aws:ec2:stop-instances" {
		return "startInstancesAfterDuration"
	}
	return "duration"
}

var iso8601 = regexp.MustCompile(`^P(?:([0-9]{1,3})D)?(?:T(?:([0-9]{1,4})H)?(?:([0-9]{1,5})M)?(?:([0-9]{1,7})S)?)?$`)

// longest is more than FIS lets an experiment last: twelve hours.
const longest = 14 * 24 * time.Hour

// span reads a duration such as PT10M. Nothing at all is no length.
func span(s string) (d time.Duration, unclear string) {
	if s == "" {
		return 0, ""
	}
	m := iso8601.FindStringSubmatch(s)
	if m == nil {
		return 0, fmt.Sprintf("the duration %q is not one like PT10M", s)
	}
	for i, unit := range []time.Duration{24 * time.Hour, time.Hour, time.Minute, time.Second} {
		n, _ := strconv.Atoi(m[i+1]) // digits, or nothing
		d += time.Duration(n) * unit
	}
	if d <= 0 || d > longest {
		return 0, fmt.Sprintf("the duration %q is not between a second and 14 days", s)
	}
	return d, ""
}

// total is how long all actions take.
func (w *writer) total() (d time.Duration) {
	for _, a := range w.actions {
		d = max(d, a.end())
	}
	return d
}

// text writes a duration as a scenario does.
func text(d time.Duration) string {
	switch {
	case d >= time.Hour && d%time.Hour == 0:
		return fmt.Sprintf("%dh", d/time.Hour)
	case d >= time.Minute && d%time.Minute == 0:
		return fmt.Sprintf("%dm", d/time.Minute)
	}
	return d.String()
}
