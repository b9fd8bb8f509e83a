package lang

import (
	"fmt"
	"path/filepath"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/hashicorp/hcl/v2/json"
	"github.com/zclconf/go-cty/cty"
)

// given is a value that somebody set from outside.
type given struct {
	val  cty.Value
	rng  hcl.Range
	from string // for people: -var zone, GAMEDAY_VAR_zone, a file
}

// rootVariables are the values of the scenario's variables: the environment, then the files, then the flags; the last
// one wins.
func (l *loader) rootVariables(src *source) map[string]cty.Value {
	set := map[string]given{}
	byName := map[string]*variable{}
	for _, v := range src.vars {
		byName[v.decl.name] = v
	}
	l.fromEnvironment(byName, set)
	for _, path := range l.opts.VarFiles {
		l.fromFile(src, path, byName, set)
	}
	for _, f := range l.opts.Vars {
		l.fromFlag(src, f, byName, set)
	}
	vals := map[string]cty.Value{}
	subjects := map[string]*hcl.Range{}
	for _, v := range src.vars {
		vals[v.decl.name], subjects[v.decl.name] = l.rootValue(v, set)
	}
	l.validateAll(src, vals, subjects)
	return vals
}

func (l *loader) rootValue(v *variable, set map[string]given) (cty.Value, *hcl.Range) {
	name := v.decl.name
	g, ok := set[name]
	if !ok {
		if v.def != nil {
			return *v.def, &v.decl.rng
		}
		if v.decl.misshapen {
			return cty.DynamicVal, &v.decl.rng
		}
		l.add(fail(&v.decl.rng, fmt.Sprintf("The variable %q has no value", name), "Give one with -var %s=VALUE, in a -var-file or as GAMEDAY_VAR_%s, or give it a default%s.", name, name, hint(v.description)))
		return cty.DynamicVal, &v.decl.rng
	}
	if g.val == cty.DynamicVal {
		return g.val, &g.rng
	}
	val, err := v.convert(g.val)
	if err != nil {
		l.add(fail(&g.rng, fmt.Sprintf("The value of %q does not fit", name), "It comes from %s. %s.", g.from, upperFirst(err.Error())))
		return cty.DynamicVal, &g.rng
	}
	return val, &g.rng
}

// validateAll runs every validation; all variables may be compared with each other.
func (l *loader) validateAll(src *source, vals map[string]cty.Value, subjects map[string]*hcl.Range) {
	ctx := &hcl.EvalContext{Functions: l.functions(src), Variables: map[string]cty.Value{"var": cty.ObjectVal(vals)}}
	for _, v := range src.vars {
		l.add(v.validate(ctx, subjects[v.decl.name]))
	}
}

func (l *loader) fromEnvironment(byName map[string]*variable, set map[string]given) {
	for _, kv := range l.opts.Environ {
		key, text, _ := strings.Cut(kv, "=")
		name, ok := strings.CutPrefix(key, "GAMEDAY_VAR_")
		if v := byName[name]; ok && v != nil {
			set[name] = l.text(v, text, key)
		}
	}
}

func (l *loader) fromFlag(src *source, f VarFlag, byName map[string]*variable, set map[string]given) {
	from := "-var " + f.Name
	v := byName[f.Name]
	if v == nil {
		if !src.broken {
			l.add(fail(at("<"+clip(from)+">"), fmt.Sprintf("The scenario has no variable %q", clip(f.Name)), "%s", orElse(didYouMean(f.Name, keys(byName)), "It has no variables at all.")))
		}
		return
	}
	set[f.Name] = l.text(v, f.Value, from)
}

// text is a value given as text: a string or a number as it stands, anything else as an expression.
func (l *loader) text(v *variable, text, from string) given {
	g := given{rng: v.decl.rng, from: from, val: cty.StringVal(text)}
	if v.typ.IsPrimitiveType() || v.typ == cty.DynamicPseudoType && !looksLikeExpression(text) {
		return g
	}
	if len(text) > maxFileSize || checkNesting([]byte(text), from).HasErrors() {
		l.add(fail(&g.rng, fmt.Sprintf("The value of %q cannot be read", v.decl.name), "It comes from %s, and nests too deeply.", from))
		g.val = cty.DynamicVal
		return g
	}
	expr, diags := hclsyntax.ParseExpression([]byte(text), "<"+from+">", hcl.InitialPos)
	if !diags.HasErrors() {
		g.val, diags = expr.Value(nil)
	}
	if diags.HasErrors() { // their own words might show the value
		l.add(fail(&g.rng, fmt.Sprintf("The value of %q cannot be read", v.decl.name), "It comes from %s. A list is written '[\"a\", \"b\"]', a map '{ a = 1 }'.", from))
		g.val = cty.DynamicVal
	}
	return g
}

func looksLikeExpression(text string) bool {
	return strings.HasPrefix(text, "[") || strings.HasPrefix(text, "{")
}

// fromFile reads name = value lines, or a JSON object. Its lines are never shown.
func (l *loader) fromFile(src *source, path string, byName map[string]*variable, set map[string]given) {
	name := filepath.ToSlash(path)
	bytes, err := readBounded(path)
	if err != nil {
		l.add(fail(at(name), "The variable file cannot be read", "%s.", plainError(err)))
		return
	}
	f, diags := parseVarFile(bytes, name)
	l.add(diags)
	if f == nil || f.Body == nil {
		return
	}
	attrs, diags := f.Body.JustAttributes()
	l.add(diags)
	for _, n := range keys(attrs) {
		a := attrs[n]
		v := byName[n]
		if v == nil {
			if !src.broken {
				l.add(warn(&a.NameRange, fmt.Sprintf("The scenario has no variable %q", n), didYouMean(n, keys(byName))))
			}
			continue
		}
		g := given{rng: a.NameRange, from: name, val: cty.DynamicVal}
		val, diags := a.Expr.Value(nil)
		if diags.HasErrors() {
			l.add(fail(&a.NameRange, fmt.Sprintf("The value of %q cannot be read", n), "Write a plain value: no references, no functions."))
		} else {
			g.val = val
		}
		set[n] = g
	}
}

func parseVarFile(src []byte, name string) (*hcl.File, hcl.Diagnostics) {
	if strings.HasSuffix(name, ".json") {
		if diags := checkJSONNesting(src, name); diags.HasErrors() {
			return nil, diags
		}
		return json.Parse(src, name)
	}
	if diags := checkNesting(src, name); diags.HasErrors() {
		return nil, diags
	}
	return hclsyntax.ParseConfig(src, name, hcl.InitialPos)
}

// environ is one variable of the environment.
func (l *loader) environ(name string) (string, bool) {
	for i := len(l.opts.Environ) - 1; i >= 0; i-- {
		if v, ok := strings.CutPrefix(l.opts.Environ[i], name+"="); ok {
			return v, true
		}
	}
	return "", false
}
