package guard

import (
	"encoding/json"
	"fmt"
	"math"
	"strconv"
	"time"

	"github.com/hashicorp/hcl/v2"
	"github.com/zclconf/go-cty/cty"
	ctyjson "github.com/zclconf/go-cty/cty/json"
)

// attributes are the live values, by what they belong to. Times are in seconds.
var attributes = map[string]map[string]cty.Type{
	"slo":   {"sli": cty.Number, "p99": cty.Number, "violated": cty.Bool},
	"probe": {"error_ratio": cty.Number, "p99": cty.Number},
	"run":   {"elapsed": cty.Number, "phase": cty.String},
}

// Attributes are the live values of slo, probe or run and their types; nil for anything else.
func Attributes(root string) map[string]cty.Type { return attributes[root] }

// leaf is one live value that a condition looks at.
type leaf struct {
	path       []string // as it is written: slo, checkout, and the key where there is one
	addr, attr string
	typ        cty.Type
}

// names says how many names follow a root.
var names = map[string]int{"slo": 1, "probe": 2, "run": 0}

// bind takes note of a reference; those to constants need nothing.
func (g *Guard) bind(scope string, t hcl.Traversal) error {
	root := t.RootName()
	n, live := names[root]
	if !live {
		if _, ok := g.base[root]; !ok {
			return fmt.Errorf("%s has no value", root)
		}
		return nil
	}
	l := leaf{path: []string{root}, addr: scope + root}
	if root == "run" {
		l.addr = root
	}
	rest := t[1:]
	for ; n > 0; n-- {
		a, ok := first(rest).(hcl.TraverseAttr)
		if !ok {
			return fmt.Errorf("a reference to %s is not complete", root)
		}
		l.path, l.addr, rest = append(l.path, a.Name), l.addr+"."+a.Name, rest[1:]
	}
	if ix, ok := first(rest).(hcl.TraverseIndex); ok && ix.Key.Type() == cty.String {
		key := ix.Key.AsString()
		l.path, l.addr, rest = append(l.path, key), l.addr+"["+strconv.Quote(key)+"]", rest[1:]
	}
	a, ok := first(rest).(hcl.TraverseAttr)
	if !ok || attributes[root][a.Name] == cty.NilType {
		return fmt.Errorf("%s has no such live value", l.addr)
	}
	l.attr, l.typ = a.Name, attributes[root][a.Name]
	g.leaves = append(g.leaves, l)
	return nil
}

func first(t hcl.Traversal) hcl.Traverser {
	if len(t) == 0 {
		return nil
	}
	return t[0]
}

// value is a live value as the expression needs it. What is not known, or not a number, is an unknown value.
func (l leaf) value(v any) (cty.Value, error) {
	var out cty.Value
	switch v := v.(type) {
	case nil:
		return cty.UnknownVal(l.typ), nil
	case float64:
		if math.IsNaN(v) {
			return cty.UnknownVal(l.typ), nil
		}
		out = cty.NumberFloatVal(v)
	case int:
		out = cty.NumberIntVal(int64(v))
	case time.Duration:
		out = cty.NumberFloatVal(v.Seconds())
	case bool:
		out = cty.BoolVal(v)
	case string:
		out = cty.StringVal(v)
	default:
		return cty.NilVal, fmt.Errorf("the live value %s.%s is a %T", l.addr, l.attr, v)
	}
	if out.Type() != l.typ {
		return cty.NilVal, fmt.Errorf("the live value %s.%s is a %s where a %s is expected", l.addr, l.attr, out.Type().FriendlyName(), l.typ.FriendlyName())
	}
	return out, nil
}

// node is a tree of values on the way to nested objects.
type node map[string]any

func (n node) put(path []string, v cty.Value) {
	for _, p := range path[:len(path)-1] {
		sub, ok := n[p].(node)
		if !ok {
			sub = node{}
			n[p] = sub
		}
		n = sub
	}
	n[path[len(path)-1]] = v
}

func plant(v any) cty.Value {
	sub, ok := v.(node)
	if !ok {
		return v.(cty.Value)
	}
	attrs := make(map[string]cty.Value, len(sub))
	for k, e := range sub {
		attrs[k] = plant(e)
	}
	return cty.ObjectVal(attrs)
}

func fromJSON(b json.RawMessage) (cty.Value, error) {
	t, err := ctyjson.ImpliedType(b)
	if err != nil {
		return cty.NilVal, err
	}
	return ctyjson.Unmarshal(b, t)
}
