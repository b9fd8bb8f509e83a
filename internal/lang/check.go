package lang

import (
	"fmt"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hcldec"

	"github.com/gameday-toolkit/gameday/plugins/sdk"
)

// checkDecl looks at everything about a declaration that needs no evaluation: which arguments there are, and whether
// what it refers to exists.
func (l *loader) checkDecl(src *source, d *decl) {
	switch {
	case d.kind == nil:
		d.travs = d.expr.Variables()
	case d.kind.name == "variable":
		return
	case d.kind.name == "todo":
		l.unfinished(d)
		return
	case d.kind.name == "output":
		l.shape(d, outputSchema)
		d.expr = l.attrExpr(d.block.Body, "value")
		content, _, _ := d.block.Body.PartialContent(outputSchema)
		d.sensitive = l.plainBool(content.Attributes["sensitive"], false)
		if d.expr != nil {
			d.travs = d.expr.Variables()
		}
	case d.kind.name == "guard":
		d.expr = l.attrExpr(d.block.Body, "when")
		l.shape(d, withRequired(d.spec.all, "when"))
		d.travs = hcldec.Variables(l.remain(d.block.Body, "when"), d.spec.core.dec)
		l.checkGuard(src, d)
	case d.kind.name == "experiment":
		l.prepareExperiment(d)
	case d.kind.name == "plugin" && src.experiment:
		return
	default:
		l.prepareBlock(d)
	}
	for _, t := range d.travs {
		r, diags := l.resolve(src, t, d.forEach != nil && !inside(d.forEach.Range(), t.SourceRange()))
		if r.root == "plugin" && d.kind != nil && d.kind.name == "plugin" {
			diags = fail(&r.rng, "A plugin's configuration refers to a plugin", "Outputs are known only after every plugin has been configured. Use a variable or a local instead.")
		}
		l.add(diags)
		if r.decl != nil {
			d.uses = append(d.uses, use{r.decl, r.rng})
		}
	}
}

// use is a reference from one declaration to another.
type use struct {
	decl *decl
	rng  hcl.Range
}

// inside says whether a range lies inside another of the same file.
func inside(outer, inner hcl.Range) bool {
	return outer.Filename == inner.Filename && outer.Start.Byte <= inner.Start.Byte && inner.End.Byte <= outer.End.Byte
}

var outputSchema = &hcl.BodySchema{Attributes: []hcl.AttributeSchema{{Name: "value", Required: true}, {Name: "description"}, {Name: "sensitive"}}}

func withRequired(s *hcl.BodySchema, name string) *hcl.BodySchema {
	return &hcl.BodySchema{Attributes: append(slices.Clip(s.Attributes), hcl.AttributeSchema{Name: name, Required: true}), Blocks: s.Blocks}
}

// shape reports arguments and blocks that do not belong into a body.
func (l *loader) shape(d *decl, s *hcl.BodySchema) {
	_, diags := d.block.Body.Content(s)
	d.misshapen = diags.HasErrors()
	l.add(diags)
}

func (l *loader) attrExpr(body hcl.Body, name string) hcl.Expression {
	content, _, _ := body.PartialContent(&hcl.BodySchema{Attributes: []hcl.AttributeSchema{{Name: name}}})
	if a := content.Attributes[name]; a != nil {
		return a.Expr
	}
	return nil
}

// remain is a body without one attribute.
func (l *loader) remain(body hcl.Body, name string) hcl.Body {
	_, rest, _ := body.PartialContent(&hcl.BodySchema{Attributes: []hcl.AttributeSchema{{Name: name}}})
	return rest
}

func (l *loader) prepareBlock(d *decl) {
	if d.spec == nil {
		d.travs = untypedVariables(d)
		if d.kind.each {
			d.forEach = l.attrExpr(d.block.Body, "for_each")
		}
		return
	}
	l.shape(d, d.spec.all)
	d.travs = d.spec.variables(d.block.Body)
	if d.kind.each {
		d.forEach = l.attrExpr(d.block.Body, "for_each")
	}
}

// untypedVariables are the references in a block whose type is not known: only the arguments that the core knows can
// be told from others, but that is enough for a misspelt reference to be found in the same go.
func untypedVariables(d *decl) []hcl.Traversal {
	sp, err := newSpec(d.kind, sdk.Schema{})
	if err != nil {
		return nil
	}
	return sp.variables(d.block.Body)
}

// prepareExperiment checks the arguments of an experiment block against the variables of its source.
func (l *loader) prepareExperiment(d *decl) {
	sp, err := newSpec(d.kind, sdk.Schema{})
	if err != nil {
		panic("lang: the core's own schemas are right: " + err.Error())
	}
	d.spec = sp
	d.forEach = l.attrExpr(d.block.Body, "for_each")
	attrs, diags := d.block.Body.JustAttributes()
	l.add(diags)
	known := append([]string{"source"}, prefixed("", attrNames(sp.all))...)
	if d.child != nil {
		for _, v := range d.child.vars {
			known = append(known, v.decl.name)
			if attrs[v.decl.name] == nil && v.def == nil && !d.child.broken {
				l.add(fail(&d.rng, fmt.Sprintf("The experiment needs a value for %q", v.decl.name), "Add %s = ... to the block%s.", v.decl.name, hint(v.description)))
			}
		}
	}
	for _, name := range keys(attrs) {
		a := attrs[name]
		if name != "source" {
			d.travs = append(d.travs, a.Expr.Variables()...)
		}
		if d.child != nil && !d.child.broken && !slices.Contains(known, name) {
			l.add(fail(&a.NameRange, fmt.Sprintf("The experiment has no variable %q", name), "%s", didYouMean(name, known)))
		}
	}
}

func hint(description string) string {
	if description == "" {
		return ""
	}
	return " (" + strings.TrimSuffix(description, ".") + ")"
}

func attrNames(s *hcl.BodySchema) (names []string) {
	for _, a := range s.Attributes {
		names = append(names, a.Name)
	}
	return names
}

// checkUnused warns of what was surely meant to be used. While there are mistakes it says nothing: one of them may be
// the reason.
func (l *loader) checkUnused(src *source) {
	if src.broken || l.diags.HasErrors() {
		return
	}
	used := map[*decl]bool{}
	for _, d := range src.decls {
		for _, u := range d.uses {
			used[u.decl] = true
		}
	}
	for _, d := range src.decls {
		switch {
		case d.kind == nil || used[d]:
		case d.kind.name == "target":
			l.add(warn(&d.rng, fmt.Sprintf("%s is not used", d.key), "No fault or action names it, so nothing will be done to it. Remove it, or write targets = "+d.key+" where it belongs."))
		case d.kind.name == "probe" && !src.experiment:
			l.add(warn(&d.rng, fmt.Sprintf("%s is judged by nothing", d.key), "Its answers count for no SLO and no guard. Add an slo block with probe = "+d.key+"."))
		}
	}
}
