package lang

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hcldec"
	"github.com/zclconf/go-cty/cty"
	ctyjson "github.com/zclconf/go-cty/cty/json"

	"github.com/gameday-toolkit/gameday/plugins/sdk"
)

// spec is what one block may hold: what the core understands of it, its references, and what its type adds.
type spec struct {
	all  *hcl.BodySchema // everything, so that a suggestion is made from all of it
	core part
	typ  part
	refs hcldec.ObjectSpec
}

// part is a schema with the decoder made from it.
type part struct {
	schema sdk.Schema
	dec    hcldec.ObjectSpec
}

func newPart(s sdk.Schema) (part, error) {
	dec, err := decoder(s)
	return part{schema: s, dec: dec}, err
}

// newSpec joins a kind with the schema of a block's type. A name that the core has already is the core's.
func newSpec(k *kind, typ sdk.Schema) (*spec, error) {
	core := k.core
	if k.name == "action" {
		core.Blocks = append(slices.Clip(core.Blocks), sdk.Block{Name: "undo", Max: 1, Schema: typ})
	}
	sp := &spec{refs: hcldec.ObjectSpec{}}
	var err error
	if sp.core, err = newPart(core); err != nil {
		return nil, err
	}
	for _, name := range k.refNames() {
		sp.refs[name] = &hcldec.AttrSpec{Name: name, Type: cty.DynamicPseudoType}
	}
	if sp.typ, err = newPart(sp.without(typ)); err != nil {
		return nil, err
	}
	sp.all = &hcl.BodySchema{}
	for _, dec := range []hcldec.ObjectSpec{sp.core.dec, sp.refs, sp.typ.dec} {
		s := hcldec.ImpliedSchema(dec)
		sp.all.Attributes = append(sp.all.Attributes, s.Attributes...)
		sp.all.Blocks = append(sp.all.Blocks, s.Blocks...)
	}
	return sp, nil
}

// variables are all references in a body.
func (sp *spec) variables(body hcl.Body) (out []hcl.Traversal) {
	for _, dec := range []hcldec.ObjectSpec{sp.core.dec, sp.refs, sp.typ.dec} {
		out = append(out, hcldec.Variables(body, dec)...)
	}
	return out
}

// refNames are the attributes that are not plain values.
func (k *kind) refNames() (names []string) {
	for _, r := range k.refs {
		names = append(names, r.name)
	}
	if k.each {
		names = append(names, "for_each")
	}
	if k.belongsToPlugin() {
		names = append(names, "plugin")
	}
	return names
}

func (sp *spec) without(s sdk.Schema) sdk.Schema {
	taken := func(name string) bool { return sp.core.dec[name] != nil || sp.refs[name] != nil }
	s.Attributes = slices.DeleteFunc(slices.Clone(s.Attributes), func(a sdk.Attribute) bool { return taken(a.Name) })
	s.Blocks = slices.DeleteFunc(slices.Clone(s.Blocks), func(b sdk.Block) bool { return taken(b.Name) })
	return s
}

// ctyType is nil for a type that does not exist.
func ctyType(t sdk.Type) cty.Type {
	switch t {
	case sdk.String, sdk.Duration:
		return cty.String
	case sdk.Number:
		return cty.Number
	case sdk.Bool:
		return cty.Bool
	case sdk.StringList:
		return cty.List(cty.String)
	case sdk.NumberList:
		return cty.List(cty.Number)
	case sdk.StringMap:
		return cty.Map(cty.String)
	}
	return cty.NilType
}

// decoder makes an hcldec spec of a schema. The error is a mistake in the schema.
func decoder(s sdk.Schema) (hcldec.ObjectSpec, error) {
	out := hcldec.ObjectSpec{}
	for _, a := range s.Attributes {
		one, err := attrDecoder(a)
		if err != nil {
			return nil, err
		}
		out[a.Name] = one
	}
	for _, b := range s.Blocks {
		nested, err := decoder(b.Schema)
		if err != nil {
			return nil, fmt.Errorf("block %q: %w", b.Name, err)
		}
		if out[b.Name] != nil {
			return nil, fmt.Errorf("%q is described twice", b.Name)
		}
		if b.Max == 1 {
			out[b.Name] = &hcldec.BlockSpec{TypeName: b.Name, Nested: nested, Required: b.Min > 0}
		} else {
			out[b.Name] = &hcldec.BlockListSpec{TypeName: b.Name, Nested: nested, MinItems: b.Min, MaxItems: b.Max}
		}
	}
	return out, nil
}

func attrDecoder(a sdk.Attribute) (hcldec.Spec, error) {
	typ := ctyType(a.Type)
	if typ == cty.NilType {
		return nil, fmt.Errorf("attribute %q has the unknown type %q", a.Name, a.Type)
	}
	var one hcldec.Spec = &hcldec.AttrSpec{Name: a.Name, Type: typ}
	if a.Default != nil {
		v, err := fromGo(a.Default, typ)
		if err != nil {
			return nil, fmt.Errorf("the default of attribute %q: %w", a.Name, err)
		}
		one = &hcldec.DefaultSpec{Primary: one, Default: &hcldec.LiteralSpec{Value: v}}
	}
	return &hcldec.ValidateSpec{Wrapped: one, Func: func(v cty.Value) hcl.Diagnostics { return checkAttr(a, v) }}, nil
}

func fromGo(v any, typ cty.Type) (cty.Value, error) {
	b, err := json.Marshal(v)
	if err != nil {
		return cty.NilVal, err
	}
	return ctyjson.Unmarshal(b, typ)
}

// checkAttr is what a type cannot say. The decoder fills in the subject.
func checkAttr(a sdk.Attribute, v cty.Value) hcl.Diagnostics {
	bare, marks := v.Unmark()
	if !bare.IsKnown() {
		return nil
	}
	if bare.IsNull() {
		if a.Required {
			return fail(nil, fmt.Sprintf("The argument %q is missing", a.Name), "It is required here: %s.", describe(a))
		}
		return nil
	}
	shown := "The value"
	if len(marks) == 0 && bare.Type() == cty.String {
		shown = fmt.Sprintf("%q", clip(bare.AsString()))
	}
	if a.Type == sdk.Duration {
		return checkDuration(a.Name, shown, bare.AsString())
	}
	if len(a.OneOf) > 0 && bare.Type() == cty.String && !slices.Contains(a.OneOf, bare.AsString()) {
		help := ""
		if n := nearest(bare.AsString(), a.OneOf); n != "" && len(marks) == 0 {
			help = fmt.Sprintf(" Did you mean %q?", n)
		}
		return fail(nil, fmt.Sprintf("%s is not possible for %q", shown, a.Name), "It is one of %s.%s", quoted(a.OneOf), help)
	}
	return nil
}

// maxDuration bounds every duration of a scenario.
const maxDuration = 10 * 366 * 24 * time.Hour

func checkDuration(name, shown, text string) hcl.Diagnostics {
	d, err := time.ParseDuration(text)
	switch {
	case err != nil:
		return fail(nil, fmt.Sprintf("%s is not a duration", shown), "Write %q as a number with its unit: \"400ms\", \"5s\", \"1m30s\" or \"2h\".", name)
	case d < 0:
		return fail(nil, fmt.Sprintf("%s is a negative duration", shown), "Write %q as a duration of zero or more.", name)
	case d > maxDuration:
		return fail(nil, fmt.Sprintf("%s is too long", shown), "No duration in a scenario may be longer than ten years.")
	}
	return nil
}

func describe(a sdk.Attribute) string {
	t := strings.NewReplacer("list(string)", "a list of strings", "list(number)", "a list of numbers", "map(string)", "a map of strings").Replace(string(a.Type))
	if a.Doc == "" {
		return t
	}
	return strings.TrimSuffix(a.Doc, ".") + " (" + t + ")"
}

func quoted(words []string) string {
	q := make([]string, len(words))
	for i, w := range words {
		q[i] = fmt.Sprintf("%q", w)
	}
	return strings.Join(q, ", ")
}

func clip(s string) string {
	if r := []rune(s); len(r) > 60 {
		return string(r[:60]) + "..."
	}
	return s
}
