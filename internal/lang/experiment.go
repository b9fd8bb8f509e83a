package lang

import (
	"fmt"
	"strconv"
	"time"

	"github.com/hashicorp/hcl/v2"
	"github.com/zclconf/go-cty/cty"
)

// experiments are the scopes of an experiment block: one, or one for each key. They are made once, and evaluated by run.
func (s *scope) experiments(d *decl) []*scope {
	if kids, ok := s.kids[d]; ok {
		return kids
	}
	s.kids[d] = nil
	if d.child == nil || d.inCycle {
		return nil
	}
	var kids []*scope
	for _, inst := range s.instances(d) {
		if s.ev.full {
			return nil
		}
		kids = append(kids, s.experiment(d, inst))
	}
	s.kids[d] = kids
	return kids
}

func (s *scope) experiment(d *decl, inst instance) *scope {
	b := &body{s: s, d: d, inst: inst, ctx: s.context(d.travs, &inst)}
	b.core = b.part(d.spec.core, coreRefusal)
	kid := s.ev.newScope(d.child, inst.addr+".", b.variables())
	kid.at, kid.after = time.Duration(b.duration("at")), b.after()
	return kid
}

// variables evaluates the arguments of an experiment block.
func (b *body) variables() map[string]cty.Value {
	attrs, _ := b.d.block.Body.JustAttributes() // reported by Load
	vals, subjects := map[string]cty.Value{}, map[string]*hcl.Range{}
	for _, v := range b.d.child.vars {
		name := v.decl.name
		a := attrs[name]
		if a == nil {
			subjects[name], vals[name] = &b.d.rng, cty.DynamicVal
			if v.def != nil {
				vals[name] = *v.def
			}
			continue
		}
		subjects[name] = a.Expr.Range().Ptr()
		vals[name] = b.variable(v, a)
	}
	b.validate(vals, subjects)
	return vals
}

func (b *body) variable(v *variable, a *hcl.Attribute) cty.Value {
	val, diags := a.Expr.Value(b.ctx)
	if b.s.ev.add(diags); diags.HasErrors() {
		return cty.DynamicVal
	}
	out, err := v.convert(val)
	if err != nil {
		b.s.ev.add(fail(a.Expr.Range().Ptr(), fmt.Sprintf("The value of %q does not fit", v.decl.name), "%s%s.", upperFirst(err.Error()), hint(v.description)))
	}
	return out
}

func (b *body) validate(vals map[string]cty.Value, subjects map[string]*hcl.Range) {
	child := b.d.child
	ctx := &hcl.EvalContext{Functions: b.s.ev.l.functions(child), Variables: map[string]cty.Value{"var": cty.ObjectVal(vals)}}
	for _, v := range child.vars {
		b.s.ev.add(v.validate(ctx, subjects[v.decl.name]))
	}
}

// experimentValue is the object of an experiment's outputs, or, with for_each, one such object for each key.
func (s *scope) experimentValue(d *decl) cty.Value {
	kids := s.experiments(d)
	if d.child == nil || s.ev.full {
		return cty.DynamicVal
	}
	if d.forEach == nil {
		if len(kids) == 0 {
			return cty.DynamicVal
		}
		return kids[0].outputs()
	}
	all := map[string]cty.Value{}
	for i, inst := range s.instances(d) {
		if i < len(kids) {
			all[*inst.key] = kids[i].outputs()
		}
	}
	return cty.ObjectVal(all)
}

func (s *scope) outputs() cty.Value {
	if s.src.broken {
		return cty.DynamicVal
	}
	all := map[string]cty.Value{}
	for _, d := range s.src.ofKind("output") {
		all[d.name] = s.output(d)
	}
	return cty.ObjectVal(all)
}

func (s *scope) output(d *decl) cty.Value {
	if v, ok := s.outs[d]; ok {
		return v
	}
	v := cty.DynamicVal
	if d.expr != nil && !d.inCycle {
		got, diags := d.expr.Value(s.context(d.travs, nil))
		if s.ev.add(diags); !diags.HasErrors() {
			v = got
		}
	}
	if d.sensitive {
		v = v.Mark(sensitiveMark)
	}
	s.outs[d] = v
	return v
}

// output is evaluated also where nothing refers to it, for its mistakes.
func (b *body) output() { b.s.output(b.d) }

// quoteKey writes the key of a for_each as it stands in addresses.
func quoteKey(v cty.Value) string {
	if v.Type() == cty.String && v.IsKnown() && !v.IsNull() {
		return strconv.Quote(v.AsString())
	}
	return ""
}
