package chaostoolkit

import (
	"regexp"
	"strings"

	"github.com/gameday-toolkit/gameday/internal/replay/safehcl"
	"github.com/gameday-toolkit/gameday/internal/replay/tree"
)

// configuration makes a variable of each key. One that is read from the environment still is.
func (w *writer) configuration() {
	conf := w.root.Get("configuration")
	for i, key := range keysOf(conf) {
		w.variable(key, "", conf.Items[i], false)
	}
}

// secrets makes a sensitive variable of each key of each scope.
func (w *writer) secrets() {
	all := w.root.Get("secrets")
	for i, scope := range keysOf(all) {
		inner := all.Items[i]
		if inner.Has("type") {
			w.variable(scope, "", inner, true)
			continue
		}
		for j, key := range keysOf(inner) {
			w.variable(key, scope+"_", inner.Items[j], true)
		}
	}
}

func keysOf(n *tree.Node) []string {
	if n == nil || n.Kind != tree.Map {
		return nil
	}
	return n.Keys
}

func (w *writer) variable(key, scope string, v *tree.Node, secret bool) {
	name := w.names.Of(scope+key, "value")
	if _, taken := w.vars[key]; !taken {
		w.vars[key] = variable{name, secret}
	}
	typ, def := "string", ""
	switch {
	case v.Kind == tree.Map && v.Get("type").String() == "env":
		def = "env(" + safehcl.Quote(v.Get("key").String())
		if v.Has("default") {
			def += ", " + safehcl.Quote(v.Get("default").String())
		}
		def += ")"
	case v.Kind == tree.Map || v.Kind == tree.List:
		what := v.Get("type").String()
		if what == "" {
			what = "a structure"
		}
		w.todo(v, "the value of "+key+" is "+what, "Give it with -var "+name+"=VALUE, and remove this block: gameday reads no "+what+" for a variable.")
	case v.Kind == tree.Number:
		typ, def = "number", v.Text
		if !plainNumber.MatchString(def) {
			typ, def = "string", safehcl.Quote(v.Text)
		}
	case v.Kind == tree.Bool:
		typ, def = "bool", v.Text
	case v.Kind == tree.Text:
		def = safehcl.Quote(v.Text)
	}
	w.Gap()
	w.Open("variable", []string{name}, w.cite(v))
	w.Expr("type", typ, "")
	if def != "" {
		w.Expr("default", def, w.cite(v))
	}
	if secret {
		w.Expr("sensitive", "true", "")
	}
	w.Close()
}

var (
	plainNumber = regexp.MustCompile(`^-?(0|[1-9][0-9]{0,15})(\.[0-9]{1,15})?$`)
	reference   = regexp.MustCompile(`\$\{([a-zA-Z_][\w.-]*)\}`)
)

// expr writes a text in which ${NAME} stands for configuration or a secret. What has no such name stays as it is written.
func (w *writer) expr(s string) string {
	var parts []string
	rest, template := s, true
	add := func(lit string) {
		if lit != "" {
			parts = append(parts, safehcl.Quote(lit))
			template = template && !strings.HasSuffix(lit, "$") && !strings.HasSuffix(lit, "%")
		}
	}
	used := 0
	for {
		m := reference.FindStringSubmatchIndex(rest)
		if m == nil {
			break
		}
		v, ok := w.vars[rest[m[2]:m[3]]]
		if !ok {
			add(rest[:m[1]])
			rest = rest[m[1]:]
			continue
		}
		add(rest[:m[0]])
		parts = append(parts, "var."+v.name)
		rest, used = rest[m[1]:], used+1
	}
	add(rest)
	switch {
	case len(parts) == 0:
		return `""`
	case used == 0:
		return safehcl.Quote(s)
	case len(parts) == 1:
		return parts[0]
	case !template:
		return `join("", [` + strings.Join(parts, ", ") + `])`
	}
	var b strings.Builder
	for _, p := range parts {
		if strings.HasPrefix(p, `"`) {
			b.WriteString(p[1 : len(p)-1])
		} else {
			b.WriteString("${" + p + "}")
		}
	}
	return `"` + b.String() + `"`
}

// secretIn says whether a text refers to a secret.
func (w *writer) secretIn(n *tree.Node) bool {
	if n == nil {
		return false
	}
	for _, m := range reference.FindAllStringSubmatch(n.String(), -1) {
		if w.vars[m[1]].secret {
			return true
		}
	}
	for _, i := range n.Items {
		if w.secretIn(i) {
			return true
		}
	}
	return false
}

// texts writes a map of texts.
func (w *writer) texts(n *tree.Node) string {
	var parts []string
	for i, k := range keysOf(n) {
		parts = append(parts, safehcl.Quote(k)+" = "+w.expr(n.Items[i].String()))
	}
	return "{ " + strings.Join(parts, ", ") + " }"
}
