package guard

import (
	"math"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"
)

// Near says how near the condition is to being true with these values: 1 when it is, and 0 when all is as well as it can be.
// A comparison is as near as the value has come from where it is best (1 for an SLI, else 0) to the limit; of "and" the
// farther side counts, of "or" the nearer. It is for people to look at: known is false for what has no such measure.
func (g *Guard) Near(live Live) (near float64, known bool) {
	ctx, err := g.context(g.look(live))
	if err != nil {
		return 0, false
	}
	near, known = distance{ctx}.of(g.expr)
	return near, known && !math.IsNaN(near)
}

// distance measures expressions under one set of values.
type distance struct{ ctx *hcl.EvalContext }

func (d distance) of(e hclsyntax.Expression) (float64, bool) {
	switch e := e.(type) {
	case *hclsyntax.ParenthesesExpr:
		return d.of(e.Expression)
	case *hclsyntax.BinaryOpExpr:
		switch e.Op {
		case hclsyntax.OpLogicalAnd:
			return d.both(e, math.Min)
		case hclsyntax.OpLogicalOr:
			return d.both(e, math.Max)
		case hclsyntax.OpLessThan, hclsyntax.OpLessThanOrEqual:
			return d.below(e.LHS, e.RHS)
		case hclsyntax.OpGreaterThan, hclsyntax.OpGreaterThanOrEqual:
			return d.below(e.RHS, e.LHS)
		}
	}
	v, diags := e.Value(d.ctx)
	if diags.HasErrors() || !v.IsKnown() || v.IsNull() || v.Type() != cty.Bool {
		return 0, false
	}
	if v.True() {
		return 1, true
	}
	return 0, true
}

func (d distance) both(e *hclsyntax.BinaryOpExpr, merge func(a, b float64) float64) (float64, bool) {
	a, okA := d.of(e.LHS)
	b, okB := d.of(e.RHS)
	return merge(a, b), okA && okB
}

// below measures "small < large".
func (d distance) below(small, large hclsyntax.Expression) (float64, bool) {
	s, okS := d.number(small)
	l, okL := d.number(large)
	switch {
	case !okS || !okL:
		return 0, false
	case s < l:
		return 1, true
	case best(small) == 1: // an SLI falls from 1 towards its limit
		return share(1-s, 1-l), true
	}
	return share(l, s), true // a value rises from 0 towards its limit
}

// share of a way, between 0 and 1.
func share(gone, way float64) float64 {
	if way <= 0 {
		return 0
	}
	return min(max(gone/way, 0), 1)
}

func (d distance) number(e hclsyntax.Expression) (float64, bool) {
	v, diags := e.Value(d.ctx)
	if diags.HasErrors() || !v.IsKnown() || v.IsNull() || v.Type() != cty.Number {
		return 0, false
	}
	f, _ := v.AsBigFloat().Float64()
	return f, true
}

// best is where the value of an expression is when all is well.
func best(e hclsyntax.Expression) float64 {
	for _, t := range e.Variables() {
		if a, ok := t[len(t)-1].(hcl.TraverseAttr); ok && t.RootName() == "slo" && a.Name == "sli" {
			return 1
		}
	}
	return 0
}
