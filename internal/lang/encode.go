package lang

import (
	"encoding/json"
	"fmt"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/zclconf/go-cty/cty"
	ctyjson "github.com/zclconf/go-cty/cty/json"

	"github.com/gameday-toolkit/gameday/plugins/sdk"
)

type mark string

// sensitiveMark marks a value that must not be written anywhere; it sticks to everything that is computed from it.
const sensitiveMark = mark("sensitive")

// encoder turns a decoded body into the JSON of a Config. A sensitive string becomes a reference by plan.AddSecret: a
// string that starts with a zero byte. No other string may hold one, so no value is ever taken for a reference.
type encoder struct {
	// secret keeps a value and returns the reference; refuse says why none may stand at a path, or "".
	secret  func(string) string
	refuse  func(path []string) string
	subject func(path []string) *hcl.Range
	diags   hcl.Diagnostics
}

// object encodes the attributes and blocks of a schema. What is null or not known is left out.
func (e *encoder) object(s sdk.Schema, v cty.Value, path []string) map[string]any {
	out := map[string]any{}
	v, marks := v.Unmark()
	if v.IsNull() || !v.IsKnown() {
		return out
	}
	for _, a := range s.Attributes {
		if !v.Type().HasAttribute(a.Name) {
			continue
		}
		if x, ok := e.value(v.GetAttr(a.Name), a.Sensitive || len(marks) > 0, join(path, a.Name)); ok {
			out[a.Name] = x
		}
	}
	for _, b := range s.Blocks {
		if !v.Type().HasAttribute(b.Name) {
			continue
		}
		inner, _ := v.GetAttr(b.Name).Unmark()
		switch {
		case inner.IsNull() || !inner.IsKnown():
		case b.Max == 1:
			out[b.Name] = e.object(b.Schema, inner, join(path, b.Name))
		case inner.LengthInt() > 0:
			list := []any{}
			for _, one := range inner.Elements() {
				list = append(list, e.object(b.Schema, one, join(path, b.Name, fmt.Sprint(len(list)))))
			}
			out[b.Name] = list
		}
	}
	return out
}

func join(path []string, more ...string) []string {
	return append(append([]string(nil), path...), more...)
}

// value encodes an attribute; ok is false for what is null or not known.
func (e *encoder) value(v cty.Value, sensitive bool, path []string) (out any, ok bool) {
	v, marks := v.Unmark()
	sensitive = sensitive || len(marks) > 0
	t := v.Type()
	switch {
	case v.IsNull() || !v.IsKnown():
		return nil, false
	case t == cty.String:
		return e.text(v.AsString(), sensitive, path)
	case t.IsListType() || t.IsTupleType() || t.IsSetType():
		list := []any{}
		for _, x := range v.Elements() {
			if y, ok := e.value(x, sensitive, path); ok {
				list = append(list, y)
			}
		}
		return list, true
	case t.IsMapType() || t.IsObjectType():
		m := map[string]any{}
		for k, x := range v.Elements() {
			if y, ok := e.value(x, sensitive, path); ok {
				m[k.AsString()] = y
			}
		}
		return m, true
	case sensitive:
		e.fail(path, "A sensitive value stands where only a plain one can", orElse(e.refuse(path), "Only a text can be kept out of the journal, and this is "+t.FriendlyName()+"."))
		return nil, false
	case t == cty.Number || t == cty.Bool:
		b, err := ctyjson.Marshal(v, t)
		if err != nil || len(b) > 400 {
			e.fail(path, "The number is too large", "Use a number of moderate size.")
			return nil, false
		}
		return json.RawMessage(b), true
	}
	e.fail(path, "The value cannot stand here", "It is "+t.FriendlyName()+"; a text, a number, true or false, or a list or map of these is possible.")
	return nil, false
}

func (e *encoder) text(s string, sensitive bool, path []string) (any, bool) {
	refusal := e.refuse(path)
	switch {
	case sensitive && refusal != "":
		e.fail(path, "A sensitive value stands where it would be written down", refusal)
		return nil, false
	case sensitive:
		return e.secret(s), true
	case strings.ContainsRune(s, 0):
		e.fail(path, "The text has a zero byte in it", "Nothing that reads it could handle that. Remove it.")
		return nil, false
	}
	return s, true
}

func (e *encoder) fail(path []string, summary, detail string) {
	e.diags = append(e.diags, fail(e.subject(path), summary, "%s", detail)...)
}

func mustJSON(v any) json.RawMessage {
	b, err := json.Marshal(v)
	if err != nil {
		panic("lang: what was encoded is plain data: " + err.Error())
	}
	return b
}
