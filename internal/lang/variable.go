package lang

import (
	"fmt"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/ext/typeexpr"
	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/convert"
)

// variable is one variable block.
type variable struct {
	decl        *decl
	typ         cty.Type
	defaults    *typeexpr.Defaults // of optional object attributes
	refKind     string             // type = slo: the kind of block that it takes a reference to
	def         *cty.Value         // the default; nil where a value must be given
	description string
	sensitive   bool
	nullable    bool
	validations []validation
}

type validation struct {
	condition, message hcl.Expression
}

var (
	variableSchema = &hcl.BodySchema{
		Attributes: []hcl.AttributeSchema{{Name: "type"}, {Name: "default"}, {Name: "description"}, {Name: "sensitive"}, {Name: "nullable"}},
		Blocks:     []hcl.BlockHeaderSchema{{Type: "validation"}},
	}
	validationSchema = &hcl.BodySchema{Attributes: []hcl.AttributeSchema{{Name: "condition", Required: true}, {Name: "error_message", Required: true}}}
	// reserved are the arguments of an experiment block, which a variable must not be named after.
	reserved = []string{"source", "at", "after", "for_each"}
	// refKinds are the types of variables that take a reference to a block.
	refKinds = []string{"target", "probe", "slo", "ledger", "alert", "fault", "action", "tier"}
)

func (l *loader) declareVariables(src *source) {
	for _, d := range src.ofKind("variable") {
		content, diags := d.block.Body.Content(variableSchema)
		l.add(diags)
		d.misshapen = diags.HasErrors()
		v := &variable{decl: d, typ: cty.DynamicPseudoType, nullable: true}
		if slices.Contains(reserved, d.name) {
			l.add(fail(&d.block.LabelRanges[0], fmt.Sprintf("A variable cannot be named %q", d.name), "An experiment block has an argument of this name. Choose another."))
		}
		l.variableType(v, content.Attributes["type"])
		v.description = l.plainString(content.Attributes["description"])
		v.sensitive = l.plainBool(content.Attributes["sensitive"], false)
		v.nullable = l.plainBool(content.Attributes["nullable"], true)
		l.variableDefault(src, v, content.Attributes["default"])
		for _, b := range content.Blocks {
			l.variableValidation(src, v, b)
		}
		src.vars = append(src.vars, v)
	}
}

func (l *loader) variableType(v *variable, a *hcl.Attribute) {
	if a == nil {
		return
	}
	if word := hcl.ExprAsKeyword(a.Expr); slices.Contains(refKinds, word) {
		v.refKind, v.typ = word, refType
		return
	}
	typ, defaults, diags := typeexpr.TypeConstraintWithDefaults(a.Expr)
	for _, d := range diags {
		d.Detail += " A type is string, number, bool, any, list(...), set(...), map(...), object({...}) or tuple([...]), or a kind of block: " + strings.Join(refKinds, ", ") + "."
	}
	l.add(diags)
	if v.decl.misshapen = v.decl.misshapen || diags.HasErrors(); !diags.HasErrors() {
		v.typ, v.defaults = typ, defaults
	}
}

func (l *loader) variableDefault(src *source, v *variable, a *hcl.Attribute) {
	if a == nil {
		return
	}
	unknown := cty.DynamicVal
	v.def = &unknown
	if vars := a.Expr.Variables(); len(vars) > 0 {
		l.add(fail(vars[0].SourceRange().Ptr(), "A default refers to something", "It must stand by itself. Use functions and literals only, or compute the value in locals."))
		return
	}
	val, diags := a.Expr.Value(&hcl.EvalContext{Functions: l.functions(src)})
	l.add(diags)
	if diags.HasErrors() {
		return
	}
	val, err := v.convert(val)
	if err != nil {
		l.add(fail(a.Expr.Range().Ptr(), "The default does not fit the type", "%s.", upperFirst(err.Error())))
		return
	}
	v.def = &val
}

// convert makes a value fit the variable. The error never shows the value.
func (v *variable) convert(val cty.Value) (cty.Value, error) {
	if val.IsNull() && !v.nullable {
		if v.def != nil {
			return *v.def, nil
		}
		return val, fmt.Errorf("null is not allowed here")
	}
	if v.defaults != nil && !val.IsNull() && val.IsKnown() {
		val = v.defaults.Apply(val)
	}
	out, err := convert.Convert(val, v.typ)
	if err != nil {
		if v.refKind != "" {
			err = fmt.Errorf("a reference to a block is required, such as %s.%s", v.refKind, roots[v.refKind][len(roots[v.refKind])-1])
		}
		return cty.DynamicVal, err
	}
	if refs, ok := asRefs(out); v.refKind != "" && ok && len(refs) == 1 && refs[0].Kind != v.refKind {
		return cty.DynamicVal, fmt.Errorf("a reference to a block of the kind %s is required, and %s is none", v.refKind, refs[0].Addr)
	}
	if v.sensitive {
		out = out.Mark(sensitiveMark)
	}
	return out, nil
}

func (l *loader) variableValidation(src *source, v *variable, b *hcl.Block) {
	content, diags := b.Body.Content(validationSchema)
	l.add(diags)
	cond, msg := content.Attributes["condition"], content.Attributes["error_message"]
	if cond == nil || msg == nil {
		return
	}
	ok := true
	for _, t := range append(cond.Expr.Variables(), msg.Expr.Variables()...) {
		rng := t.SourceRange()
		if t.RootName() != "var" {
			l.add(fail(&rng, "A validation may look at variables only", "Refer to var.%s.", v.decl.name))
			ok = false
		} else if _, diags := l.resolve(src, t, false); diags.HasErrors() {
			l.add(diags)
			ok = false
		}
	}
	if ok {
		v.validations = append(v.validations, validation{cond.Expr, msg.Expr})
	}
}

func (l *loader) plainString(a *hcl.Attribute) string {
	v := l.plain(a, cty.String)
	if v.IsNull() {
		return ""
	}
	return v.AsString()
}

func (l *loader) plainBool(a *hcl.Attribute, otherwise bool) bool {
	v := l.plain(a, cty.Bool)
	if v.IsNull() {
		return otherwise
	}
	return v.True()
}

// plain is the value of an attribute that must be a literal.
func (l *loader) plain(a *hcl.Attribute, typ cty.Type) cty.Value {
	if a == nil {
		return cty.NullVal(typ)
	}
	v, diags := a.Expr.Value(nil)
	if !diags.HasErrors() {
		if v, err := convert.Convert(v, typ); err == nil && v.IsWhollyKnown() && !v.IsMarked() {
			return v
		}
	}
	l.add(fail(a.Expr.Range().Ptr(), fmt.Sprintf("The value of %s is not a plain %s", a.Name, typ.FriendlyName()), "Write it out, without references or functions."))
	return cty.NullVal(typ)
}

// validate runs the validations on a value; vars are the values of all variables. The subject is where the value was
// given.
func (v *variable) validate(ctx *hcl.EvalContext, subject *hcl.Range) (diags hcl.Diagnostics) {
	for _, c := range v.validations {
		ok, more := c.condition.Value(ctx)
		ok, _ = ok.Unmark()
		if more.HasErrors() {
			diags = append(diags, more...)
			continue
		}
		if ok, err := convert.Convert(ok, cty.Bool); err != nil || ok.IsNull() {
			diags = append(diags, fail(c.condition.Range().Ptr(), "The condition is neither true nor false", "Write an expression such as can(regex(\"^a\", var.%s)).", v.decl.name)...)
		} else if ok.IsKnown() && ok.False() {
			diags = append(diags, fail(subject, fmt.Sprintf("The value of %q is not allowed", v.decl.name), "%s", message(c.message, ctx))...)
		}
	}
	return diags
}

// message is the author's own sentence, unless it would show a sensitive value.
func message(e hcl.Expression, ctx *hcl.EvalContext) string {
	val, diags := e.Value(ctx)
	if _, marks := val.UnmarkDeep(); len(marks) > 0 {
		return "The error message of the validation would show a sensitive value, so it is not shown."
	}
	s, err := convert.Convert(val, cty.String)
	if diags.HasErrors() || err != nil || s.IsNull() || !s.IsKnown() {
		return "The error message of the validation cannot be made."
	}
	return s.AsString()
}
