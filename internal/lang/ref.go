package lang

import (
	"reflect"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"
)

// Ref identifies a block. It is what a reference such as probe.http.checkout evaluates to.
type Ref struct {
	Kind string // probe
	Addr string // probe.http.checkout, with the address of the experiment that it stands in
}

var refType = cty.CapsuleWithOps("reference to a block", reflect.TypeFor[Ref](), &cty.CapsuleOps{
	Equals:    func(a, b any) cty.Value { return cty.BoolVal(*a.(*Ref) == *b.(*Ref)) },
	RawEquals: func(a, b any) bool { return *a.(*Ref) == *b.(*Ref) },
	HashKey:   func(v any) string { return v.(*Ref).Addr },
})

func refValue(kind, addr string) cty.Value {
	return cty.CapsuleVal(refType, &Ref{Kind: kind, Addr: addr})
}

// asRefs collects the references of a value: one, or a collection of them, as a whole block with for_each is.
func asRefs(v cty.Value) (refs []Ref, ok bool) {
	v, _ = v.Unmark()
	t := v.Type()
	switch {
	case v.IsNull() || !v.IsKnown():
		return nil, true
	case t.Equals(refType):
		return []Ref{*v.EncapsulatedValue().(*Ref)}, true
	case t.IsObjectType() || t.IsTupleType() || t.IsCollectionType():
		for _, e := range v.Elements() {
			more, ok := asRefs(e)
			if !ok {
				return nil, false
			}
			refs = append(refs, more...)
		}
		return refs, true
	}
	return nil, false
}

// staticPath is the traversal that an expression consists of, or nil. In JSON it stands in a template: "${slo.x}".
func staticPath(e hcl.Expression) hcl.Traversal {
	if t, diags := hcl.AbsTraversalForExpr(e); !diags.HasErrors() {
		return t
	}
	if _, native := e.(hclsyntax.Expression); native {
		return nil
	}
	if vars := e.Variables(); len(vars) == 1 {
		return vars[0]
	}
	return nil
}
