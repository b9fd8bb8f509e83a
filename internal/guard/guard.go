package guard

import (
	"encoding/json"
	"fmt"
	"slices"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/convert"
	"github.com/zclconf/go-cty/cty/function"

	"github.com/gameday-toolkit/gameday/internal/plan"
)

// Live gives the live value of an attribute of an address: ("slo.checkout", "sli") a number, ("slo.checkout",
// "violated") a bool, ("run", "phase") a string. Times are in seconds. known is false for what nobody can say (yet).
type Live interface {
	Value(addr, attr string) (value any, known bool)
}

// LiveFunc is a Live made of a function.
type LiveFunc func(addr, attr string) (any, bool)

// Value implements Live.
func (f LiveFunc) Value(addr, attr string) (any, bool) { return f(addr, attr) }

// Guard is a condition ready to be evaluated, many times a second. It is not safe for concurrent use.
type Guard struct {
	expr   hclsyntax.Expression
	base   map[string]cty.Value // var, local and plugin
	leaves []leaf
	funcs  map[string]function.Function
	// The last live values and what came of them: while they stay the same, nothing is evaluated again.
	last   []any
	result result
}

type result struct {
	tripped, known bool
	err            error
}

// Compile prepares the condition of a guard.
func Compile(g plan.Guard) (*Guard, error) {
	expr, diags := hclsyntax.ParseExpression([]byte(g.Expr), g.Pos.File, hcl.Pos{Line: max(1, g.Pos.Line), Column: 1})
	if diags.HasErrors() {
		return nil, fmt.Errorf("reading the condition of %s: %w", g.Addr, diags)
	}
	base, err := consts(g.Consts)
	if err != nil {
		return nil, fmt.Errorf("reading the constants of %s: %w", g.Addr, err)
	}
	out := &Guard{expr: expr, base: base, funcs: Functions()}
	for _, t := range expr.Variables() {
		if err := out.bind(g.Scope, t); err != nil {
			return nil, fmt.Errorf("reading the condition of %s: %w", g.Addr, err)
		}
	}
	return out, nil
}

// Eval says whether the condition is true now. While it depends on a value that is not known it is not true, and known
// is false: a guard that sees nothing must be reported as blind, never as calm.
func (g *Guard) Eval(live Live) (tripped, known bool, err error) {
	now := g.look(live)
	if g.last == nil || !slices.Equal(now, g.last) {
		g.result = g.eval(now)
		g.last = now
	}
	return g.result.tripped, g.result.known, g.result.err
}

// look takes the live values, by leaf; nil for what is not known.
func (g *Guard) look(live Live) []any {
	now := make([]any, len(g.leaves))
	for i, l := range g.leaves {
		if v, ok := live.Value(l.addr, l.attr); ok {
			now[i] = v
		}
	}
	return now
}

func (g *Guard) context(now []any) (*hcl.EvalContext, error) {
	tree := node{}
	for i, l := range g.leaves {
		v, err := l.value(now[i])
		if err != nil {
			return nil, err
		}
		tree.put(append(slices.Clip(l.path), l.attr), v)
	}
	vars := make(map[string]cty.Value, len(g.base)+len(tree))
	for k, v := range g.base {
		vars[k] = v
	}
	for k, v := range tree {
		vars[k] = plant(v)
	}
	return &hcl.EvalContext{Variables: vars, Functions: g.funcs}, nil
}

func (g *Guard) eval(now []any) result {
	ctx, err := g.context(now)
	if err != nil {
		return result{err: err}
	}
	v, diags := g.expr.Value(ctx)
	if diags.HasErrors() {
		return result{err: fmt.Errorf("evaluating the condition: %w", diags)}
	}
	v, err = convert.Convert(v, cty.Bool)
	switch {
	case err != nil:
		return result{err: fmt.Errorf("evaluating the condition: it is neither true nor false: %w", err)}
	case !v.IsKnown() || v.IsNull():
		return result{}
	}
	return result{tripped: v.True(), known: true}
}

// consts are the values that the language wrote down, by root and name. JSON has no sets and no types of its own, and
// a condition needs neither.
func consts(raw json.RawMessage) (map[string]cty.Value, error) {
	out := map[string]cty.Value{}
	if len(raw) == 0 {
		return out, nil
	}
	var roots map[string]map[string]json.RawMessage
	if err := json.Unmarshal(raw, &roots); err != nil {
		return nil, err
	}
	for root, names := range roots {
		attrs := map[string]cty.Value{}
		for name, b := range names {
			v, err := fromJSON(b)
			if err != nil {
				return nil, fmt.Errorf("%s.%s: %w", root, name, err)
			}
			attrs[name] = v
		}
		out[root] = cty.ObjectVal(attrs)
	}
	return out, nil
}
