package lang

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"time"

	"github.com/hashicorp/hcl/v2"
	"github.com/zclconf/go-cty/cty"

	"github.com/gameday-toolkit/gameday/internal/plan"
)

// evaluator carries what one Draft makes.
type evaluator struct {
	l         *loader
	outputs   map[string]map[string]cty.Value // nil: not known yet
	diags     hcl.Diagnostics
	draft     *plan.Draft
	instances int
	full      bool // the bound on instances has been reported
	tierUse   map[string]tierFigures
	tierName  string // of the scenario
}

func (ev *evaluator) add(diags hcl.Diagnostics) { ev.diags = append(ev.diags, diags...) }

// scope is one evaluation of a source: the scenario, or one instance of an experiment.
type scope struct {
	ev     *evaluator
	src    *source
	prefix string // of every address: "experiment.zone."
	vars   map[string]cty.Value
	locals map[*decl]cty.Value
	insts  map[*decl][]instance
	busy   map[*decl]bool
	// When the experiment starts: at after the last of after.
	at    time.Duration
	after []string
	steps []string // addresses of all its faults and actions, and of those of experiments in it
	kids  map[*decl][]*scope
	ran   bool
	// outs are the values of the outputs, by declaration.
	outs map[*decl]cty.Value
}

// instance is one repetition of a block; a block without for_each has one, with no key.
type instance struct {
	key   *string
	value cty.Value
	addr  string
}

func (ev *evaluator) newScope(src *source, prefix string, vars map[string]cty.Value) *scope {
	ev.hide(vars)
	return &scope{ev: ev, src: src, prefix: prefix, vars: vars, locals: map[*decl]cty.Value{},
		insts: map[*decl][]instance{}, busy: map[*decl]bool{}, kids: map[*decl][]*scope{}, outs: map[*decl]cty.Value{}}
}

// hide keeps the values of sensitive variables out of all that is written: what a Config holds may be a longer text with
// such a value in it, of which an error message quotes a part.
func (ev *evaluator) hide(vars map[string]cty.Value) {
	for _, name := range slices.Sorted(maps.Keys(vars)) {
		v, marks := vars[name].UnmarkDeep()
		if len(marks) == 0 {
			continue
		}
		_ = cty.Walk(v, func(_ cty.Path, leaf cty.Value) (bool, error) {
			if leaf.IsWhollyKnown() && !leaf.IsNull() && leaf.Type() == cty.String {
				ev.draft.Hide(leaf.AsString())
			}
			return true, nil
		})
	}
}

// context makes the values that an evaluation needs: those of the references given, and no others.
func (s *scope) context(travs []hcl.Traversal, inst *instance) *hcl.EvalContext {
	tree := map[string]any{}
	for _, t := range travs {
		r, diags := s.ev.l.resolve(s.src, t, inst != nil && inst.key != nil)
		if len(r.names) < len(roots[r.root]) || len(r.names) == 0 {
			tree[r.root] = cty.DynamicVal
			continue
		}
		v := cty.DynamicVal
		if !diags.HasErrors() {
			v = s.value(r, inst)
		}
		put(tree, append([]string{r.root}, r.names...), v)
	}
	vars := map[string]cty.Value{}
	for root, v := range tree {
		vars[root] = plant(v)
	}
	return &hcl.EvalContext{Variables: vars, Functions: s.ev.l.functions(s.src)}
}

func put(tree map[string]any, path []string, v cty.Value) {
	for _, p := range path[:len(path)-1] {
		sub, ok := tree[p].(map[string]any)
		if !ok {
			if _, taken := tree[p]; taken {
				return // the whole of it is unknown already
			}
			sub = map[string]any{}
			tree[p] = sub
		}
		tree = sub
	}
	tree[path[len(path)-1]] = v
}

func plant(v any) cty.Value {
	sub, ok := v.(map[string]any)
	if !ok {
		return v.(cty.Value)
	}
	attrs := map[string]cty.Value{}
	for k, e := range sub {
		attrs[k] = plant(e)
	}
	return cty.ObjectVal(attrs)
}

// value is what a reference evaluates to.
func (s *scope) value(r resolved, inst *instance) cty.Value {
	switch r.root {
	case "each":
		if r.names[0] == "key" {
			return cty.StringVal(*inst.key)
		}
		return inst.value
	case "plugin":
		return s.ev.pluginValue(r.names[0])
	case "var":
		if v, ok := s.vars[r.names[0]]; ok {
			return v
		}
		return cty.DynamicVal
	}
	switch {
	case r.decl == nil || r.decl.inCycle:
		return cty.DynamicVal
	case r.root == "local":
		return s.local(r.decl)
	case r.root == "experiment":
		return s.experimentValue(r.decl)
	case r.root == "tier":
		return refValue("tier", r.decl.key)
	}
	return s.blockValue(r.decl)
}

func (s *scope) local(d *decl) cty.Value {
	if v, ok := s.locals[d]; ok {
		return v
	}
	v, diags := d.expr.Value(s.context(d.travs, nil))
	if diags.HasErrors() {
		v = cty.DynamicVal
	}
	s.ev.add(diags)
	s.locals[d] = v
	return v
}

// blockValue is the reference to a block, or, with for_each, an object with one for each key.
func (s *scope) blockValue(d *decl) cty.Value {
	insts := s.instances(d)
	if d.forEach == nil {
		if len(insts) == 0 {
			return cty.DynamicVal
		}
		return refValue(d.kind.name, insts[0].addr)
	}
	all := map[string]cty.Value{}
	for _, i := range insts {
		all[*i.key] = refValue(d.kind.name, i.addr)
	}
	return cty.ObjectVal(all)
}

// instances expands for_each, once.
func (s *scope) instances(d *decl) []instance {
	if got, ok := s.insts[d]; ok {
		return got
	}
	s.insts[d] = nil
	addr := s.prefix + d.key
	var out []instance
	switch {
	case d.forEach == nil:
		out = []instance{{addr: addr}}
	default:
		for _, i := range s.expand(d) {
			i.addr = addr + "[" + strconv.Quote(*i.key) + "]"
			out = append(out, i)
		}
	}
	s.ev.instances += len(out)
	if s.ev.instances > maxExpansion {
		s.ev.tooMany(d)
		out = nil
	}
	s.insts[d] = out
	return out
}

func (ev *evaluator) tooMany(d *decl) {
	if !ev.full {
		ev.add(fail(&d.rng, "The scenario is too large", "With every for_each and every experiment it makes more than %d blocks. Repeat fewer.", maxExpansion))
	}
	ev.full = true
}

// expand evaluates for_each to its keys and values, in the order of the keys.
func (s *scope) expand(d *decl) (out []instance) {
	v, diags := d.forEach.Value(s.context(d.forEach.Variables(), nil))
	rng := d.forEach.Range().Ptr()
	if s.ev.add(diags); diags.HasErrors() {
		return nil
	}
	bare, marks := v.Unmark()
	t := bare.Type()
	switch {
	case len(marks) > 0:
		s.ev.add(fail(rng, "The for_each is sensitive", "Its keys become part of addresses, which are shown everywhere. Use a value that is not sensitive."))
	case bare.IsNull():
		s.ev.add(fail(rng, "The for_each is null", "Give a map, or a set of strings. An empty one, toset([]), makes no block."))
	case !bare.IsKnown():
		if t == cty.DynamicPseudoType && s.hasErrors(d) {
			return nil // because of a mistake that has been reported
		}
		s.ev.add(fail(rng, "The for_each is not known beforehand", "What blocks there are must follow from the files and the variables alone, and this depends on what a plugin says later."))
	case t.IsTupleType() || t.IsListType():
		s.ev.add(fail(rng, "The for_each is a list", "Each block needs a name of its own. Write toset(...) around a list of strings, or give a map."))
	case t.IsMapType() || t.IsObjectType() || t.IsSetType() && (t.ElementType() == cty.String || bare.LengthInt() == 0):
		return s.elements(d, bare, rng)
	default:
		s.ev.add(fail(rng, "The for_each is neither a map nor a set of strings", "It is %s. Give a map, or toset([...]) of strings.", article(t.FriendlyName())))
	}
	return nil
}

func (s *scope) elements(d *decl, v cty.Value, rng *hcl.Range) (out []instance) {
	if n := v.LengthInt(); n > maxExpansion {
		s.ev.tooMany(d)
		return nil
	}
	for k, e := range v.Elements() {
		if v.Type().IsSetType() {
			k = e
		}
		if b, marks := k.Unmark(); len(marks) > 0 || !b.IsKnown() || b.IsNull() {
			s.ev.add(fail(rng, "A key of the for_each is null, sensitive or not known", "Every key must be a plain string that follows from the files and the variables."))
			continue
		}
		key := k.AsString()
		out = append(out, instance{key: &key, value: e})
	}
	slices.SortFunc(out, func(a, b instance) int {
		if *a.key < *b.key {
			return -1
		}
		return 1
	})
	return out
}

// hasErrors says whether a mistake has been reported in what an unknown value came from.
func (s *scope) hasErrors(*decl) bool { return s.ev.l.diags.HasErrors() || s.ev.diags.HasErrors() }

// pluginValue is the object plugin.NAME: the outputs, and an object for each alias.
func (ev *evaluator) pluginValue(name string) cty.Value {
	attrs := map[string]cty.Value{}
	for key, p := range ev.l.plugins {
		if p.decl.name != name {
			continue
		}
		if p.unknown {
			return cty.DynamicVal
		}
		outs := ev.pluginOutputs(key, p)
		if p.decl.literal == "" {
			for k, v := range outs {
				attrs[k] = v
			}
		} else {
			attrs[p.decl.literal] = cty.ObjectVal(outs)
		}
	}
	return cty.ObjectVal(attrs)
}

func (ev *evaluator) pluginOutputs(key string, p *plugin) map[string]cty.Value {
	out := map[string]cty.Value{}
	for _, o := range p.info.Outputs {
		v := cty.UnknownVal(ctyType(o.Type))
		if ev.outputs != nil {
			got, ok := ev.outputs[key][o.Name]
			if ok {
				v = got
			} else {
				ev.add(fail(&p.decl.rng, fmt.Sprintf("Plugin %q did not say its %q", p.decl.name, o.Name), "It describes this output, and gave no value for it. This is a mistake in the plugin; tell its author."))
			}
		}
		if o.Sensitive {
			v = v.Mark(sensitiveMark)
		}
		out[o.Name] = v
	}
	return out
}
