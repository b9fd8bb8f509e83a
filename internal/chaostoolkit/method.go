package chaostoolkit

import (
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/gameday-toolkit/gameday/internal/replay/tree"
)

// undo is one rollback that an action can carry.
type undo struct {
	activity, provider *tree.Node
	kind               string
	used               bool
}

// readRollbacks sorts rollbacks by whether they can be undone from the journal alone.
func (w *writer) readRollbacks() {
	for _, a := range w.root.Get("rollbacks").List() {
		w.controls(a)
		r := w.resolve(a)
		kind := kindOf(r.Get("provider"))
		switch {
		case r.Get("type").String() == "probe":
			w.unsupported(a, fmt.Sprintf("the rollback %q is a probe, which takes nothing back", r.Get("name").String()))
		case kind == "" && w.undoneAnyway(r):
			w.unsupported(a, fmt.Sprintf("the rollback %q: a fault takes back by itself what it did", r.Get("name").String()))
		case kind == "":
			what, remedy := w.unknown(r)
			w.todo(a, fmt.Sprintf("the rollback %q: %s", r.Get("name").String(), what), remedy)
		case w.secretIn(r.Get("provider")):
			w.todo(a, fmt.Sprintf("the rollback %q needs a secret", r.Get("name").String()), "An undo must be possible from the journal alone, which holds no secret. Let a program read it, and call that in the undo.")
		default:
			w.undos = append(w.undos, undo{r, r.Get("provider"), kind, false})
		}
	}
}

// method makes an action or a fault of each action, one after the other as there, and a probe of each probe. The pauses of an
// action in the background are its own: the method goes on at once.
func (w *writer) method() {
	var after string
	var pause time.Duration
	steps := w.root.Get("method").List()
	for i, a := range steps {
		w.controls(a)
		r := w.resolve(a)
		before, then := seconds(a.Get("pauses", "before")), seconds(a.Get("pauses", "after"))
		kind := kindOf(r.Get("provider"))
		n := w.native(r)
		switch {
		case n != nil && n.problem == "":
			fault := w.nativeFault(r, a, n, after, pause+before, then+w.pauses(steps[i+1:]))
			if isTrue(a.Get("background")) {
				continue
			}
			after, pause, before = fault, 0, 0
		case n != nil:
			w.todo(a, fmt.Sprintf("the action %q of the method would be the fault %s: %s", r.Get("name").String(), n.fault, n.problem), "Write the fault and its target as they are meant.")
		case kind == "":
			what, remedy := w.unknown(r)
			w.todo(a, fmt.Sprintf("the %s %q of the method: %s", orWord(r.Get("type").String(), "step"), r.Get("name").String(), what), remedy)
		case r.Get("type").String() == "probe":
			w.made.Assumed = appendOnce(w.made.Assumed, "a probe of the method asks all the time, and judges nothing, as there")
			w.probe(r, kind, nil, 1)
		default:
			name := w.action(r, a, kind, after, pause+before, w.last(steps[i+1:], kind))
			if isTrue(a.Get("background")) {
				continue
			}
			after, pause, before = "action."+kind+"."+name, 0, 0
		}
		pause += before + then
	}
}

// undoneAnyway says that a rollback takes back what a fault of a plugin takes back by itself.
func (w *writer) undoneAnyway(r *tree.Node) bool {
	plugin := takenBack[function(r.Get("provider"))]
	return plugin != "" && slices.ContainsFunc(w.root.Get("method").List(), func(a *tree.Node) bool {
		n := w.native(w.resolve(a))
		return n != nil && n.problem == "" && n.plugin == plugin
	})
}

// pauses are how long the rest of a method waits.
func (w *writer) pauses(rest []*tree.Node) (sum time.Duration) {
	for _, a := range rest {
		sum += seconds(a.Get("pauses", "before")) + seconds(a.Get("pauses", "after"))
	}
	return sum
}

func orWord(s, otherwise string) string {
	if s == "" {
		return otherwise
	}
	return s
}

func appendOnce(list []string, s string) []string {
	for _, have := range list {
		if have == s {
			return list
		}
	}
	return append(list, s)
}

func isTrue(n *tree.Node) bool { return n.String() == "true" }

func seconds(n *tree.Node) time.Duration {
	v, err := strconv.ParseFloat(n.String(), 64)
	if err != nil || v <= 0 || v > 30*24*3600 {
		return 0
	}
	return time.Duration(v * float64(time.Second)).Round(time.Millisecond)
}

// last says how many actions of a kind are still to come: undos are run newest first, so that the first rollback belongs
// to the last action.
func (w *writer) last(rest []*tree.Node, kind string) (n int) {
	for _, a := range rest {
		if r := w.resolve(a); r.Get("type").String() != "probe" && kindOf(r.Get("provider")) == kind {
			n++
		}
	}
	return n
}

func (w *writer) action(r, a *tree.Node, kind, after string, at time.Duration, toCome int) string {
	p := r.Get("provider")
	name := w.names.Of(r.Get("name").String(), "action")
	w.Gap()
	w.Open("action", []string{kind, name}, w.cite(a))
	w.when(a, after, at)
	w.arguments(kind, p)
	timeout, note := w.timeout(p)
	w.Text("timeout", timeout.String(), note)
	if u := w.undoFor(kind, toCome); u != nil {
		u.used = true
		w.Gap()
		w.Open("undo", nil, w.cite(u.activity)+": the rollback "+strconv.Quote(u.activity.Get("name").String()))
		w.arguments(kind, u.provider)
		w.Close()
	}
	w.Close()
	return name
}

// when writes the place of a step in the method.
func (w *writer) when(a *tree.Node, after string, at time.Duration) {
	if after != "" {
		w.Expr("after", after, "the method goes step by step")
	}
	if at > 0 {
		w.Text("at", at.String(), w.cite(a.Get("pauses"))+" and the pauses before it")
	}
}

func (w *writer) arguments(kind string, p *tree.Node) {
	if kind == "http" {
		w.httpArguments(p, false)
		return
	}
	w.Expr("command", w.command(p), w.cite(p))
	if e := p.Get("env"); len(keysOf(e)) > 0 {
		w.Expr("env", w.texts(e), w.cite(e))
	}
}

// undoFor is the rollback that an action with so many others of its kind after it carries. What is left over goes to
// carriers of its own: see leftRollbacks.
func (w *writer) undoFor(kind string, toCome int) *undo {
	n := 0
	for i := range w.undos {
		if u := &w.undos[i]; u.kind == kind {
			if n == toCome && !u.used {
				return u
			}
			n++
		}
	}
	return nil
}

// leftRollbacks gives each rollback that no action carries an action that does nothing, and is undone by it.
func (w *writer) leftRollbacks() {
	for i := range w.undos {
		u := &w.undos[i]
		if u.used {
			continue
		}
		name := u.activity.Get("name").String()
		if u.kind == "http" {
			w.todo(u.activity, fmt.Sprintf("the rollback %q is a request that no request of the method goes with", name), "Write it as the undo of an action \"http\".")
			continue
		}
		w.Gap()
		w.Open("action", []string{"exec", w.names.Of(name, "rollback")}, w.cite(u.activity)+": does nothing, and is undone by the rollback")
		w.Expr("command", `["true"]`, "")
		w.Gap()
		w.Open("undo", nil, w.cite(u.activity))
		w.arguments(u.kind, u.provider)
		w.Close()
		w.Close()
	}
}
