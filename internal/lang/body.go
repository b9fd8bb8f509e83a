package lang

import (
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hcldec"
	"github.com/zclconf/go-cty/cty"

	"github.com/gameday-toolkit/gameday/internal/plan"
)

// body is one instance of a block, decoded: its plain arguments, its references, and the Config of its type.
type body struct {
	s    *scope
	d    *decl
	inst instance
	ctx  *hcl.EvalContext
	core map[string]any
	conf json.RawMessage
	ok   bool // nothing was wrong with it
}

// decode evaluates one instance of a block.
func (s *scope) decode(d *decl, inst instance) *body {
	before := len(s.ev.diags)
	b := &body{s: s, d: d, inst: inst, core: map[string]any{}, ctx: s.context(d.travs, &inst)}
	if d.spec == nil || d.spec.all == nil {
		return b
	}
	b.core = b.part(d.spec.core, coreRefusal)
	if conf := b.part(d.spec.typ, func([]string) string { return "" }); len(conf) > 0 {
		b.conf = mustJSON(conf)
	}
	b.ok = !s.ev.diags[before:].HasErrors()
	return b
}

func (b *body) part(p part, refuse func([]string) string) map[string]any {
	v, _, diags := hcldec.PartialDecode(b.d.block.Body, p.dec, b.ctx)
	b.s.ev.add(diags)
	e := &encoder{secret: b.s.ev.draft.AddSecret, refuse: refuse, subject: b.at}
	out := e.object(p.schema, v, nil)
	b.s.ev.add(e.diags)
	return out
}

// coreRefusal says where no sensitive value may stand among the core's own arguments: nearly everywhere, since they are
// written to the journal as they are.
func coreRefusal(path []string) string {
	switch {
	case len(path) == 2 && path[0] == "prometheus" && path[1] == "headers":
		return ""
	case path[0] == "undo":
		return "An undo must be possible from the journal alone, and secrets are not in it. Let the undo need none."
	}
	return "This argument is written to the journal. Use a value that is not sensitive."
}

// at is the place of an argument, by path.
func (b *body) at(path []string) *hcl.Range {
	r := rangeOf(b.d.block, path)
	return &r
}

func (b *body) fail(name, summary, detail string, args ...any) {
	b.ok = false
	b.s.ev.add(fail(b.at([]string{name}), summary, detail, args...))
}

// incomplete reports what a block lacks as a whole, unless an argument that does not exist may have been meant for it.
func (b *body) incomplete(summary, detail string, args ...any) {
	if !b.d.misshapen {
		b.fail("", summary, detail, args...)
	}
}

func (b *body) pos() plan.Pos { return b.s.ev.pos(b.d.rng) }

func (b *body) has(name string) bool { _, ok := b.core[name]; return ok }

// given says whether an argument is written in the block, whatever its value.
func (b *body) given(name string) bool { return b.s.ev.l.attrExpr(b.d.block.Body, name) != nil }

func (b *body) str(name string) string { return text(b.core, name) }

func text(m map[string]any, name string) string {
	s, _ := m[name].(string)
	return s
}

func (b *body) list(name string) []string { return texts(b.core, name) }

func texts(m map[string]any, name string) (out []string) {
	all, _ := m[name].([]any)
	for _, x := range all {
		if s, ok := x.(string); ok {
			out = append(out, s)
		}
	}
	return out
}

func (b *body) duration(name string) plan.Duration { return duration(b.core, name) }

func duration(m map[string]any, name string) plan.Duration {
	d, _ := time.ParseDuration(text(m, name)) // the decoder has checked it
	return plan.Duration(d)
}

// positive is a duration that must not be zero.
func (b *body) positive(name string) plan.Duration {
	d, err := time.ParseDuration(b.str(name))
	if b.has(name) && err == nil && d == 0 {
		b.fail(name, fmt.Sprintf("The value of %s is zero", name), "Write a duration longer than zero, such as \"10s\".")
	}
	return plan.Duration(d)
}

func (b *body) optional(name string) *plan.Duration {
	if !b.has(name) {
		return nil
	}
	d := b.duration(name)
	return &d
}

// number is a number above zero, and not above a bound.
func (b *body) number(name string, high float64) float64 {
	f, ok := number(b.core, name)
	if ok && (f <= 0 || f > high) {
		b.fail(name, fmt.Sprintf("The value of %s is out of range", name), "It must be more than 0 and at most %s; it is %s.", plain(high), plain(f))
	}
	return f
}

// whole is a number of things.
func (b *body) whole(name string) int {
	f, ok := number(b.core, name)
	if !ok {
		return 0
	}
	if f != math.Trunc(f) || f < 1 || f > 1e6 {
		b.fail(name, fmt.Sprintf("The value of %s is not a whole number from 1 to 1000000", name), "Write one, such as %s = 1.", name)
		return 0
	}
	return int(f)
}

func number(m map[string]any, name string) (float64, bool) {
	raw, ok := m[name].(json.RawMessage)
	if !ok {
		return 0, false
	}
	var f float64
	if json.Unmarshal(raw, &f) != nil {
		return math.Inf(1), true
	}
	return f, true
}

func plain(f float64) string { return strings.TrimSuffix(fmt.Sprintf("%.10g", f), ".0") }

// refs evaluates an argument that refers to blocks.
func (b *body) refs(name string) []string {
	if expr := b.s.ev.l.attrExpr(b.d.block.Body, name); expr != nil {
		return b.refsIn(name, expr)
	}
	return nil
}

func (b *body) refsIn(name string, expr hcl.Expression) []string {
	i := slices.IndexFunc(b.d.kind.refs, func(r refAttr) bool { return r.name == name })
	want := b.d.kind.refs[i]
	v, diags := expr.Value(b.ctx)
	b.s.ev.add(diags)
	if diags.HasErrors() {
		return nil
	}
	bare, _ := v.Unmark()
	if want.word && bare.Type() == cty.String && bare.IsKnown() && !bare.IsNull() {
		return []string{want.to[0] + "." + bare.AsString()}
	}
	refs, ok := asRefs(v)
	if !ok {
		b.wrongRef(want, "This is "+article(bare.Type().FriendlyName())+".")
		return nil
	}
	if !want.list && len(refs) > 1 {
		b.wrongRef(want, "This is more than one.")
		return nil
	}
	var out []string
	for _, r := range refs {
		if !slices.Contains(want.to, r.Kind) {
			b.wrongRef(want, fmt.Sprintf("%s is %s.", r.Addr, article(r.Kind)))
			return nil
		}
		if !slices.Contains(out, r.Addr) {
			out = append(out, r.Addr)
		}
	}
	return out
}

// ref is refs where there can be one only.
func (b *body) ref(name string) string {
	if refs := b.refs(name); len(refs) > 0 {
		return refs[0]
	}
	return ""
}

func (b *body) wrongRef(want refAttr, got string) {
	var forms []string
	for _, k := range want.to {
		forms = append(forms, address(append([]string{k}, roots[k]...)...))
	}
	b.fail(want.name, fmt.Sprintf("The value of %s is not a reference to %s", want.name, article(strings.Join(want.to, " or "))),
		"%s Write %s = %s, without quotes.", got, want.name, strings.Join(forms, " or "))
}

func article(noun string) string {
	if noun != "" && strings.ContainsRune("aeiou", rune(noun[0])) {
		return "an " + noun
	}
	if strings.HasPrefix(noun, "slo") {
		return "an " + noun
	}
	return "a " + noun
}
