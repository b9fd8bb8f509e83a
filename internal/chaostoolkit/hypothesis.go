package chaostoolkit

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"

	"github.com/gameday-toolkit/gameday/internal/replay/safehcl"
	"github.com/gameday-toolkit/gameday/internal/replay/tree"
)

// hypothesis makes a probe and an SLO of each probe of the steady state.
func (w *writer) hypothesis() {
	h := w.root.Get("steady-state-hypothesis")
	w.controls(h)
	for _, a := range h.Get("probes").List() {
		w.controls(a)
		p := w.resolve(a)
		kind := kindOf(p.Get("provider"))
		if kind == "" {
			what, remedy := w.unknown(p)
			w.todo(a, fmt.Sprintf("the steady-state probe %q: %s", p.Get("name").String(), what), remedy)
			continue
		}
		name, ok := w.probe(p, kind, p.Get("tolerance"), 5)
		if !ok {
			continue
		}
		w.Gap()
		w.Open("slo", []string{name}, w.cite(a))
		w.Text("description", p.Get("name").String(), w.cite(p.Get("name")))
		w.Expr("probe", "probe."+w.made.kinds[name]+"."+name, "")
		w.Expr("target", "99", w.assume("99 % of the answers within the tolerance, where the Chaos Toolkit wants all of one"))
		w.Close()
		w.Gap()
		w.Open("objective", []string{name}, w.cite(a))
		w.Expr("slo", "slo."+name, "")
		w.Text("rto", "60s", w.assume("the steady state is to hold again within 60 s: the Chaos Toolkit looks once, after the method"))
		w.Close()
	}
}

// unknown says what a provider without a counterpart is.
func (w *writer) unknown(a *tree.Node) (what, remedy string) {
	p := a.Get("provider")
	switch typ := p.Get("type").String(); {
	case typ == "python":
		return python(p)
	case a.Has("ref"):
		return fmt.Sprintf("it refers to %q, which is no activity of this experiment", a.Get("ref").String()), "Write what it referred to."
	default:
		return fmt.Sprintf("the provider %q", typ), "gameday runs the providers http and process only."
	}
}

// resolve follows a reference to another activity, once.
func (w *writer) resolve(a *tree.Node) *tree.Node {
	ref := a.Get("ref").String()
	if ref == "" {
		return a
	}
	for _, list := range []*tree.Node{w.root.Get("steady-state-hypothesis", "probes"), w.root.Get("method"), w.root.Get("rollbacks")} {
		for _, other := range list.List() {
			if other.Get("name").String() == ref && !other.Has("ref") {
				return other
			}
		}
	}
	return a
}

// probe writes a probe with its tolerance. It is false for one whose tolerance has no counterpart.
func (w *writer) probe(a *tree.Node, kind string, tolerance *tree.Node, rate int) (name string, ok bool) {
	p := a.Get("provider")
	exp, why := expect(kind, tolerance)
	if exp.judge && kind == "http" && (len(keysOf(p.Get("headers")))+len(keysOf(p.Get("arguments"))) > 0 || p.Has("verify_tls")) {
		why = "it looks into an answer to a request with headers or arguments, which gameday import tolerance does not send"
	}
	if why != "" {
		w.todo(tolerance, fmt.Sprintf("the tolerance of %q: %s", a.Get("name").String(), why), "Write a probe with an expect block, or a probe \"exec\" of a program that judges.")
		return "", false
	}
	name = w.names.Of(a.Get("name").String(), "probe")
	typ := kind
	if exp.judge {
		typ = "exec"
	}
	if w.made.kinds == nil {
		w.made.kinds = map[string]string{}
	}
	w.made.kinds[name] = typ
	w.Gap()
	w.Open("probe", []string{typ, name}, w.cite(a))
	timeout, note := w.timeout(p)
	switch {
	case exp.judge:
		w.Expr("command", w.judged(kind, p, tolerance), w.cite(tolerance)+": gameday itself judges what has no argument of a probe")
	case kind == "http":
		w.httpArguments(p, true)
	default:
		w.Expr("command", w.command(p), w.cite(p))
		if e := p.Get("env"); len(keysOf(e)) > 0 {
			w.Expr("env", w.texts(e), w.cite(e))
		}
	}
	w.Expr("rate", strconv.Itoa(rate), w.assume("probes ask some times a second, where the Chaos Toolkit asks once"))
	w.Text("timeout", timeout.String(), note)
	if exp.argument != "" && !exp.judge {
		w.Gap()
		w.Open("expect", nil, w.cite(tolerance))
		w.Expr(exp.argument, exp.value, "")
		w.Close()
	}
	w.Close()
	return name, true
}

// judged is the command that asks and judges: see Judge.
func (w *writer) judged(kind string, p, tolerance *tree.Node) string {
	words := []string{`"gameday"`, `"import"`, `"tolerance"`, w.expr(jsonOf(tolerance)), safehcl.Quote(kind)}
	if kind == "http" {
		method := strings.ToUpper(p.Get("method").String())
		if method == "" {
			method = "GET"
		}
		return "[" + strings.Join(append(words, safehcl.Quote(method), w.expr(p.Get("url").String())), ", ") + "]"
	}
	return "concat([" + strings.Join(words, ", ") + "], " + w.command(p) + ")"
}

// expected is what a tolerance becomes: an argument of expect, or a judge of our own.
type expected struct {
	argument, value string
	judge           bool
}

// expect reads a tolerance. The Chaos Toolkit compares a number with the status of an answer or the exit code of a process, a
// list with any of its members, and looks into a part of the answer with a regular expression, a JSON path or a range.
func expect(kind string, t *tree.Node) (e expected, why string) {
	status := map[string]string{"http": "status", "exec": "exit_codes"}[kind]
	if t == nil || t.Kind == tree.Null {
		return e, ""
	}
	switch t.Kind {
	case tree.Number:
		if !wholeNumber.MatchString(t.Text) {
			return e, "a status is a whole number"
		}
		return expected{argument: status, value: "[" + t.Text + "]"}, ""
	case tree.List:
		var all []string
		for _, i := range t.Items {
			if i.Kind != tree.Number || !wholeNumber.MatchString(i.Text) {
				return e, "it is a list of something else than numbers, and the answer is a structure"
			}
			all = append(all, i.Text)
		}
		return expected{argument: status, value: "[" + strings.Join(all, ", ") + "]"}, ""
	case tree.Map:
		return expectMap(kind, t)
	}
	return e, "it is a " + map[tree.Kind]string{tree.Bool: "bool", tree.Text: "text"}[t.Kind] + ", and the answer of this provider is a structure that never equals one"
}

var wholeNumber = regexp.MustCompile(`^-?[0-9]{1,9}$`)

func expectMap(kind string, t *tree.Node) (e expected, why string) {
	target := t.Get("target").String()
	switch t.Get("type").String() {
	case "regex":
		pattern := t.Get("pattern").String()
		re, err := regexp.Compile(pattern)
		switch {
		case err != nil:
			return e, "its regular expression is one of Python only: " + err.Error()
		case kind == "http" && target == "body":
			return expected{argument: "body_regex", value: safehcl.Quote(re.String())}, ""
		case kind == "exec" && target == "stdout":
			return expected{argument: "stdout_regex", value: safehcl.Quote(re.String())}, ""
		case target == "":
			return e, "it has no target, and the answer is a structure"
		}
		return expected{judge: true}, ""
	case "jsonpath":
		if err := checkPath(t.Get("path").String()); err != nil {
			return e, err.Error()
		}
		return expected{judge: true}, ""
	case "range":
		if target == "" {
			return e, "it has no target, and the answer is a structure"
		}
		if len(t.Get("range").List()) != 2 {
			return e, "its range has not two ends"
		}
		return expected{judge: true}, ""
	case "probe":
		what, _ := python(t.Get("provider"))
		if t.Get("provider", "type").String() != "python" {
			what = "a program of its own"
		}
		return e, what + " decides, with the answer as its argument"
	}
	return e, fmt.Sprintf("there is no tolerance of type %q", t.Get("type").String())
}
