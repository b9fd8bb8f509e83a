package lang

import (
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2"

	"github.com/gameday-toolkit/gameday/internal/plan"
)

func (b *body) fault() {
	f := plan.Fault{Addr: b.inst.addr, Type: b.d.typ, Plugin: b.d.plugin, Targets: b.refs("targets"), When: b.when(),
		Hold: b.positive("hold"), Release: b.str("release"), Config: b.conf, Pos: b.pos()}
	if m, ok := b.core["limit"].(map[string]any); ok {
		blocks := blocksOf(b.d.block.Body, "limit")
		inner := &body{s: b.s, d: &decl{kind: b.d.kind, block: blocks[0], rng: blocks[0].DefRange}, core: m}
		l := inner.limits()
		f.Limit = &l
	}
	b.s.steps = append(b.s.steps, f.Addr)
	b.s.ev.draft.Faults = append(b.s.ev.draft.Faults, f)
}

func (b *body) action() {
	a := plan.Action{Addr: b.inst.addr, Type: b.d.typ, Plugin: b.d.plugin, Targets: b.refs("targets"), When: b.when(),
		Timeout: b.positive("timeout"), Config: b.conf, Pos: b.pos()}
	if undo, ok := b.core["undo"].(map[string]any); ok {
		a.Undo = mustJSON(undo)
	}
	b.s.steps = append(b.s.steps, a.Addr)
	b.s.ev.draft.Actions = append(b.s.ev.draft.Actions, a)
}

func (b *body) when() plan.When {
	return plan.When{At: b.duration("at"), After: b.after()}
}

// after evaluates `after`, in which an experiment stands for everything that it does.
func (b *body) after() (out []string) {
	expr := b.s.ev.l.attrExpr(b.d.block.Body, "after")
	if expr == nil {
		return nil
	}
	list, diags := hcl.ExprList(expr)
	if diags.HasErrors() {
		list = []hcl.Expression{expr}
	}
	for _, e := range list {
		if steps, ok := b.experimentSteps(e); ok {
			out = append(out, steps...)
			continue
		}
		out = append(out, b.refsIn("after", e)...)
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// experimentSteps are the steps of experiment.NAME, or of experiment.NAME["key"], if e is one of these.
func (b *body) experimentSteps(e hcl.Expression) (out []string, ok bool) {
	t := staticPath(e)
	if len(t) < 2 || t.RootName() != "experiment" || len(t) > 3 {
		return nil, false
	}
	r, diags := b.s.ev.l.resolve(b.s.src, t, b.inst.key != nil)
	if diags.HasErrors() || r.decl.inCycle {
		return nil, true // reported already
	}
	prefix := ""
	if len(t) == 3 {
		ix, isIndex := t[2].(hcl.TraverseIndex)
		if !isIndex || r.decl.forEach == nil {
			return nil, false
		}
		prefix = b.s.prefix + r.decl.key + "[" + quoteKey(ix.Key) + "]."
	}
	for _, kid := range b.s.experiments(r.decl) {
		b.s.ev.run(kid)
		if strings.HasPrefix(kid.prefix, prefix) {
			out = append(out, kid.steps...)
		}
	}
	if len(out) == 0 && !b.s.ev.l.diags.HasErrors() {
		b.fail("after", "The experiment does nothing to wait for", "It has no fault and no action, so nothing of it ever happens. Wait for something else.")
	}
	return out, true
}

// shift moves the steps of an experiment to when the experiment starts. A step that waits for another step of it moves
// with that one; any other waits for what the experiment waits for, and starts later by as much. Its steps are those of
// the draft from the given numbers on.
func (s *scope) shift(faults, actions int) {
	if s.at == 0 && len(s.after) == 0 {
		return
	}
	mine := map[string]bool{}
	for _, a := range s.steps {
		mine[a] = true
	}
	move := func(addr string, w *plan.When) {
		if !mine[addr] || slices.ContainsFunc(w.After, func(a string) bool { return mine[a] }) {
			return
		}
		w.At += plan.Duration(s.at)
		w.After = append(slices.Clip(w.After), s.after...)
		slices.Sort(w.After)
		w.After = slices.Compact(w.After)
	}
	for i := range s.ev.draft.Faults[faults:] {
		f := &s.ev.draft.Faults[faults+i]
		move(f.Addr, &f.When)
	}
	for i := range s.ev.draft.Actions[actions:] {
		a := &s.ev.draft.Actions[actions+i]
		move(a.Addr, &a.When)
	}
}
