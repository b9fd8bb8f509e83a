package scenario

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/zclconf/go-cty/cty"

	"github.com/gameday-toolkit/gameday/internal/replay/mapping"
	"github.com/gameday-toolkit/gameday/internal/replay/safehcl"
	"github.com/gameday-toolkit/gameday/internal/replay/timeline"
)

func (w *writer) mapped(st *step) {
	note := fmt.Sprintf("%s: %s, by the rule %q of %s for the word %q", st.Cite, st.address(), st.match.Name, st.match.File, st.match.Word)
	if len(st.match.Also) > 0 {
		note += fmt.Sprintf(" (it also has words of %s)", strings.Join(st.match.Also, ", "))
	}
	w.made.Mapped = append(w.made.Mapped, note)
	w.Gap()
	w.Comment(note)
	w.Comment(fmt.Sprintf("  %q", safehcl.OneLine(st.What)))
	if st.moved != "" {
		w.Comment("  " + w.assume(st.moved))
	}
}

func (w *writer) fault(st *step) {
	w.mapped(st)
	target := ""
	if st.match.Target != "" {
		w.Open("target", []string{st.match.Target, st.name}, st.Cite.String())
		w.arguments(st, "target", cty.NilVal)
		w.Close()
		w.Gap()
		target = "target." + st.match.Target + "." + st.name
	}
	w.Open("fault", []string{st.match.Fault, st.name}, st.Cite.String())
	if target != "" {
		w.Expr("targets", target, "")
	}
	w.Text("at", span(st.at.Sub(w.zero())), st.Cite.String())
	hold, why := w.hold(st)
	w.Text("hold", span(hold), why)
	if st == w.clock {
		w.Text("release", "recovered", w.assume(st.address()+" is taken away once all has recovered without that, and after its hold at the latest"))
	}
	w.arguments(st, "fault", st.match.Set)
	w.Close()
}

// hold is how long a fault lasted. The one that starts the clock lasts long enough for the recovery to be judged.
func (w *writer) hold(st *step) (time.Duration, string) {
	hold, why := max(time.Second, st.until.Sub(st.at)), "until the recovery"
	switch {
	case st.ended != nil:
		why = "until " + st.ended.source()
	case w.recovered != nil:
		why += ", " + w.recovered.source()
	default:
		why = w.assume(st.address() + " lasts until the last line, since no line says that it was over")
	}
	if after, ok := w.after(w.recovered); ok && st == w.clock && hold < after+stableFor {
		return after + stableFor, fmt.Sprintf("%s %s; longer, so that a recovery without that can be judged", span(hold), why)
	}
	return hold, why
}

func (w *writer) action(st *step) {
	w.mapped(st)
	w.Open("action", []string{st.match.Action, st.name}, st.Cite.String())
	w.Text("at", span(st.at.Sub(w.zero())), st.Cite.String())
	w.arguments(st, "action", st.match.Set)
	if u := st.match.Undo; u != cty.NilVal && !u.IsNull() {
		w.Gap()
		w.Open("undo", nil, "by the mapping")
		w.set(u)
		w.Close()
	}
	w.Close()
}

// arguments are what the mapping sets and what it finds in the line.
func (w *writer) arguments(st *step, in string, set cty.Value) {
	w.set(set)
	for i := range st.match.Find {
		f := &st.match.Find[i]
		if f.In != in {
			continue
		}
		v, found := f.Value(safehcl.Clean(st.What))
		switch {
		case found:
			w.Expr(f.Argument, w.value(v), st.Cite.String())
		case v != cty.NilVal:
			w.Expr(f.Argument, w.value(v), w.assume(fmt.Sprintf("%s says nothing about the %s of %s", st.Cite, f.Argument, st.address())))
		case f.Ask != "":
			w.ask(st, f)
		}
	}
}

func (w *writer) set(v cty.Value) {
	if v == cty.NilVal || v.IsNull() || !v.CanIterateElements() || v.Type().IsTupleType() || v.Type().IsListType() {
		return
	}
	all := v.AsValueMap()
	for _, name := range slices.Sorted(maps.Keys(all)) {
		w.Expr(name, w.value(all[name]), "by the mapping")
	}
}

// ask makes a variable of what nobody has said. It was declared above: see variables.
func (w *writer) ask(st *step, f *mapping.Find) {
	expr := "var." + askName(st, f)
	if f.List() {
		expr = "[" + expr + "]"
	}
	w.Expr(f.Argument, expr, "to be given with -var: the incident does not say it")
}

func askName(st *step, f *mapping.Find) string { return st.name + "_" + f.Argument }

// variables are the figures to beat, and what has to be given.
func (w *writer) variables() {
	for _, v := range w.limits() {
		w.Gap()
		w.Open("variable", []string{v.name}, "")
		w.Expr("type", "string", "")
		w.Text("default", span(v.was), v.line.source()+": as long as the incident took, the figure to beat")
		w.Text("description", v.doc, "")
		w.Close()
	}
	for _, st := range append(slices.Clone(w.faults), w.actions...) {
		for i := range st.match.Find {
			f := &st.match.Find[i]
			if v, _ := f.Value(safehcl.Clean(st.What)); v == cty.NilVal && f.Ask != "" {
				w.Gap()
				w.Open("variable", []string{askName(st, f)}, st.Cite.String())
				w.Expr("type", "string", "")
				w.Text("description", f.Ask, "the incident does not say it")
				w.Close()
				w.made.Left = append(w.made.Left, fmt.Sprintf("%s: -var %s=...: %s", st.Cite, askName(st, f), f.Ask))
			}
		}
	}
}

// limitOf is one time of the incident that becomes an objective.
type limitOf struct {
	name, doc string
	line      *line
	was       time.Duration
}

func (w *writer) limits() (out []limitOf) {
	add := func(l limitOf, wanted bool) {
		if d, ok := w.after(l.line); ok && d > 0 && wanted && w.clock != nil {
			l.was = d
			out = append(out, l)
		}
	}
	add(limitOf{name: "detect_within", doc: "How soon the alert must fire", line: w.detected}, w.mapping.Alert != "")
	add(limitOf{name: "mitigate_within", doc: "How soon users must be served again, if not in full", line: w.mitigated}, w.mapping.Mitigated != "")
	add(limitOf{name: "recover_within", doc: "How soon all must be well again", line: w.recovered}, w.mapping.SLO != "")
	return out
}

func (w *writer) objectives() {
	for _, l := range w.limits() {
		w.Gap()
		name, subject, ref, figure := "recovers", "slo", w.mapping.SLO, "rto"
		switch l.name {
		case "detect_within":
			name, subject, ref, figure = "is_noticed", "alert", w.mapping.Alert, "within"
		case "mitigate_within":
			name, ref = "is_mitigated", w.mapping.Mitigated
		}
		w.Open("objective", []string{name}, l.line.source())
		w.Expr(subject, ref, "by the mapping")
		w.Expr("fault", w.clock.address(), "")
		w.Expr(figure, "var."+l.name, "")
		if figure == "rto" {
			w.Text("stable_for", span(stableFor), "assumed")
		}
		w.Close()
	}
	if w.mapping.Ledger != "" && w.clock != nil {
		w.Gap()
		w.Open("objective", []string{"nothing_is_lost"}, "by the mapping")
		w.Expr("ledger", w.mapping.Ledger, "")
		w.Expr("fault", w.clock.address(), "")
		w.Text("rpo", "0s", "")
		w.Close()
	}
	if _, ok := w.after(w.detected); ok && w.mapping.Alert == "" {
		w.Gap()
		w.Comment(w.assume("the mapping names no alert, so that the detection (" + w.detected.source() + ") is compared in the report and is no objective"))
	}
	if n := len(w.faults); n > 0 {
		w.Gap()
		w.Open("limit", []string{"blast_radius"}, "")
		w.Expr("max_targets", fmt.Sprint(n), w.assume("no more is touched than one target for each fault"))
		w.Close()
	}
}

// leftOver writes what nothing stands for. A scenario with any of it is not valid.
func (w *writer) leftOver() {
	all := w.left
	if _, ok := w.after(w.recovered); !ok || w.mapping.SLO == "" {
		all = append(slices.Clone(all), left{line{Entry: timeline.Entry{Moment: timeline.Moment{Cite: w.in.Title.Cite}, What: "what counts as over: no line says when it was"}},
			"Write an objective with the time in which the service has to recover."})
	}
	for _, l := range all {
		w.Gap()
		w.Open("todo", []string{w.names.Of(fmt.Sprintf("line_%d", l.Cite.Line), "todo")}, l.Cite.String())
		what := l.What
		if l.Kind != "" {
			what = string(l.Kind) + ": " + what
		}
		w.Text("what", what, l.source())
		w.Text("source", l.Cite.String(), "")
		w.Text("remedy", l.remedy, "")
		w.Close()
		w.made.Left = append(w.made.Left, fmt.Sprintf("%s: %s. %s", l.Cite, safehcl.OneLine(what), l.remedy))
	}
}

// notReplayed lists the lines that nothing above came from.
func (w *writer) notReplayed() {
	var rest []string
	for i := range w.lines {
		l := &w.lines[i]
		if l == w.onset || l == w.detected || l == w.decided || l == w.mitigated || l == w.recovered || l.Kind == timeline.Fault || l.Kind == timeline.Mitigation {
			continue
		}
		rest = append(rest, fmt.Sprintf("%s %s %s: %s", l.Cite, l.At.Format("15:04:05"), l.Kind, l.What))
	}
	if len(rest) == 0 {
		return
	}
	w.Gap()
	w.Comment("Lines of which nothing was made:")
	for _, r := range rest {
		w.Comment(r)
	}
}
