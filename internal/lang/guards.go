package lang

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/convert"
	ctyjson "github.com/zclconf/go-cty/cty/json"

	"github.com/gameday-toolkit/gameday/internal/guard"
	"github.com/gameday-toolkit/gameday/internal/plan"
)

// guardExpr is the source of a guard's condition, and the condition itself.
func (l *loader) guardExpr(e hcl.Expression) (string, hcl.Expression, hcl.Diagnostics) {
	rng := e.Range()
	f := l.files[rng.Filename]
	if f == nil || !rng.CanSliceBytes(f.Bytes) {
		return "", e, nil
	}
	src := rng.SliceBytes(f.Bytes)
	if _, native := e.(hclsyntax.Expression); native {
		return string(src), e, nil
	}
	var text string // JSON: a template "${...}", or the bare condition
	if json.Unmarshal(src, &text) != nil {
		return "", nil, fail(&rng, "The condition is not an expression", "Write it as a string, such as \"slo.checkout.sli < 0.5\".")
	}
	if inner, ok := strings.CutPrefix(strings.TrimSpace(text), "${"); ok && strings.HasSuffix(inner, "}") {
		text = strings.TrimSuffix(inner, "}")
	}
	parsed, diags := hclsyntax.ParseExpression([]byte(text), rng.Filename, rng.Start)
	for _, d := range diags {
		d.Subject, d.Context = &rng, nil
	}
	return text, parsed, diags
}

// checkGuard looks at the references of a condition, and at its type.
func (l *loader) checkGuard(src *source, d *decl) {
	if d.expr == nil {
		return
	}
	text, expr, diags := l.guardExpr(d.expr)
	if l.add(diags); diags.HasErrors() {
		d.expr = nil
		return
	}
	d.source, d.expr = strings.TrimSpace(string(bytes.ReplaceAll([]byte(text), []byte("\r\n"), []byte("\n")))), expr
	before := len(l.diags)
	for _, t := range expr.Variables() {
		switch t.RootName() {
		case "slo", "probe":
			l.checkLive(src, d, t)
		case "run":
			l.checkRun(t)
		case "var", "local", "plugin":
			r, diags := l.resolve(src, t, false)
			l.add(diags)
			if r.decl != nil {
				d.uses = append(d.uses, use{r.decl, r.rng})
			}
			d.consts = append(d.consts, t)
		default:
			l.add(fail(t.SourceRange().Ptr(), fmt.Sprintf("A guard cannot look at %s", t.RootName()), "It sees slo.NAME, probe.TYPE.NAME, run, and the values of var, local and plugin."))
		}
	}
	if l.diags[before:].HasErrors() {
		d.expr = nil
	}
}

func (l *loader) checkRun(t hcl.Traversal) {
	if a, ok := next(t, 1).(hcl.TraverseAttr); !ok || guard.Attributes("run")[a.Name] == cty.NilType {
		l.add(fail(t.SourceRange().Ptr(), "There is no such value of the run", "There is run.elapsed, in seconds, and run.phase."))
	}
}

func (l *loader) checkLive(src *source, d *decl, t hcl.Traversal) {
	r, diags := l.resolveNames(src, t, false)
	if diags.HasErrors() || r.decl == nil {
		l.add(diags)
		return
	}
	d.uses = append(d.uses, use{r.decl, r.rng})
	rest := r.rest
	if _, ok := next(rest, 0).(hcl.TraverseIndex); ok {
		rest = rest[1:]
	} else if l.attrExpr(r.decl.block.Body, "for_each") != nil {
		l.add(fail(&r.rng, fmt.Sprintf("%s is many", r.key()), "It has a for_each. Name one of them: %s[\"KEY\"].", r.key()))
		return
	}
	a, ok := next(rest, 0).(hcl.TraverseAttr)
	if !ok || guard.Attributes(r.root)[a.Name] == cty.NilType {
		name := ""
		if ok {
			name = a.Name
		}
		l.add(fail(&r.rng, "There is no such live value", "A guard sees of %s: %s. %s", r.key(), strings.Join(keys(guard.Attributes(r.root)), ", "), suggestion(name, keys(guard.Attributes(r.root)))))
		return
	}
	if r.root == "slo" && a.Name == "p99" && len(blocksOf(r.decl.block.Body, "prometheus")) > 0 {
		l.add(fail(&r.rng, fmt.Sprintf("%s has no p99", r.key()), "It counts events of Prometheus, which have no latency. Use a probe, or put the latency into the PromQL expression."))
	}
}

func (b *body) guard() {
	g := plan.Guard{Addr: b.inst.addr, Expr: b.d.source, For: b.duration("for"), Scope: b.s.prefix, Pos: b.pos()}
	if b.d.expr == nil || b.d.source == "" {
		return
	}
	ctx := b.s.context(b.d.consts, nil)
	ctx.Functions = guard.Functions()
	g.Consts = b.consts(ctx)
	b.checkCondition(ctx)
	b.s.ev.draft.Guards = append(b.s.ev.draft.Guards, g)
}

// consts writes the values of var, local and plugin in a condition down, by root and name.
func (b *body) consts(ctx *hcl.EvalContext) json.RawMessage {
	out := map[string]map[string]json.RawMessage{}
	for _, t := range b.d.consts {
		root := t.RootName()
		a, ok := next(t, 1).(hcl.TraverseAttr)
		whole := ctx.Variables[root]
		if !ok || !whole.IsKnown() || !whole.Type().HasAttribute(a.Name) {
			continue
		}
		v := whole.GetAttr(a.Name)
		switch {
		case v.ContainsMarked():
			b.s.ev.add(fail(t.SourceRange().Ptr(), "A guard looks at a sensitive value", "The values of a guard are written to the journal. Use one that is not sensitive."))
			continue
		case !v.IsWhollyKnown():
			continue
		}
		raw, err := ctyjson.Marshal(v, v.Type())
		if err != nil {
			b.s.ev.add(fail(t.SourceRange().Ptr(), "A guard cannot look at this value", "It is not plain data: refer to slo.NAME or probe.TYPE.NAME directly."))
			continue
		}
		if out[root] == nil {
			out[root] = map[string]json.RawMessage{}
		}
		out[root][a.Name] = raw
	}
	if len(out) == 0 {
		return nil
	}
	return mustJSON(out)
}

// checkCondition evaluates the condition with live values of which only the types are known.
func (b *body) checkCondition(ctx *hcl.EvalContext) {
	for _, t := range b.d.expr.Variables() {
		if root := t.RootName(); guard.Attributes(root) != nil {
			ctx.Variables[root] = cty.DynamicVal
			if root == "run" {
				ctx.Variables[root] = unknownLive(root)
			}
		}
	}
	for _, root := range []string{"slo", "probe"} {
		if v := b.liveObject(root); v != cty.NilVal {
			ctx.Variables[root] = v
		}
	}
	v, diags := b.d.expr.Value(ctx)
	if b.s.ev.add(diags); diags.HasErrors() {
		return
	}
	if c, err := convert.Convert(v, cty.Bool); err != nil || c.IsNull() {
		b.s.ev.add(fail(b.d.expr.Range().Ptr(), "The condition is neither true nor false", "It is %s. Compare it with something, such as slo.checkout.sli < 0.5.", article(v.Type().FriendlyName())))
	}
}

func unknownLive(root string) cty.Value {
	attrs := map[string]cty.Value{}
	for name, t := range guard.Attributes(root) {
		attrs[name] = cty.UnknownVal(t)
	}
	return cty.ObjectVal(attrs)
}

// liveObject has the shape of the live values under slo or probe that the condition refers to.
func (b *body) liveObject(root string) cty.Value {
	tree := map[string]any{}
	for _, t := range b.d.expr.Variables() {
		if t.RootName() != root {
			continue
		}
		r, diags := b.s.ev.l.resolveNames(b.s.src, t, false)
		if diags.HasErrors() || r.decl == nil {
			return cty.DynamicVal
		}
		v := unknownLive(root)
		if r.decl.forEach != nil {
			all := map[string]cty.Value{}
			for _, i := range b.s.instances(r.decl) {
				all[*i.key] = v
			}
			v = cty.ObjectVal(all)
		}
		put(tree, append([]string{root}, r.names...), v)
	}
	if len(tree) == 0 {
		return cty.NilVal
	}
	return plant(tree[root])
}
