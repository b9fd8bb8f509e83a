package lang

import (
	"fmt"
	"path/filepath"
	"slices"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"
)

// decl is one thing that the files declare: a block, or one of the locals.
type decl struct {
	kind      *kind // nil for a local
	typ, name string
	key       string     // how it is referred to: fault.lab_zone_outage.lose_zone, var.zone, local.x
	block     *hcl.Block // nil for a local
	expr      hcl.Expression
	rng       hcl.Range // the header, for diagnostics
	forEach   hcl.Expression
	travs     []hcl.Traversal // every reference in it
	uses      []use
	inCycle   bool
	plugin    string          // key of the plugin that offers its type
	spec      *spec           // of its body; nil where its type is not known
	child     *source         // of an experiment
	cyclic    bool            // an experiment that leads back to itself
	source    string          // of a guard's condition
	consts    []hcl.Traversal // the references of a guard to what is known beforehand
	misshapen bool            // has arguments that do not belong there
	sensitive bool            // an output
	project   bool            // declared in the project file
	literal   string          // the alias of a plugin, the source of an experiment
}

// source is one directory, or one file, as it was read: what it declares. It is evaluated once for the scenario, and
// once for each instance of an experiment.
type source struct {
	dir, abs   string
	experiment bool
	blocks     int  // how many were found
	broken     bool // some of it could not be parsed, so what is not declared here may yet be
	files      []parsed
	decls      []*decl
	byKey      map[string]*decl
	vars       []*variable
}

// rootSchema is what may stand at the top of a file.
func rootSchema() *hcl.BodySchema {
	s := &hcl.BodySchema{}
	for _, k := range kinds {
		h := hcl.BlockHeaderSchema{Type: k.name, LabelNames: []string{"name"}}
		if k.typed {
			h.LabelNames = []string{"type", "name"}
		} else if k.name == "locals" {
			h.LabelNames = nil
		}
		s.Blocks = append(s.Blocks, h)
	}
	return s
}

// readSource parses the files and indexes what they declare.
func (l *loader) readSource(dir string, paths []string, experiment bool) *source {
	src := &source{dir: dir, experiment: experiment, byKey: map[string]*decl{}}
	src.abs, _ = filepath.Abs(dir)
	schema := rootSchema()
	for _, path := range paths {
		p, diags := parseFile(path)
		l.syntax = append(l.syntax, diags...)
		src.files = append(src.files, p)
		src.broken = src.broken || p.broken
		if p.file == nil {
			continue
		}
		l.files[p.name] = p.file
		if p.broken {
			l.broken[p.name] = true
		}
		if p.file.Body == nil {
			continue
		}
		content, diags := p.file.Body.Content(schema)
		l.add(diags)
		for _, b := range content.Blocks {
			l.declare(src, b)
		}
	}
	return src
}

func (l *loader) declare(src *source, b *hcl.Block) {
	k := kindOf(b.Type)
	if src.blocks++; src.blocks > maxBlocks {
		if src.blocks == maxBlocks+1 {
			l.add(fail(&b.DefRange, "There are too many blocks here", "One directory may declare %d.", maxBlocks))
		}
		return
	}
	switch {
	case k.only == "scenario" && src.experiment:
		l.add(fail(&b.DefRange, fmt.Sprintf("An experiment has no %s block", k.name), "The files of an experiment are used by scenarios. Move the block to the scenario."))
		return
	case k.name == "locals":
		l.declareLocals(src, b)
		return
	}
	if !l.goodLabels(b) {
		return
	}
	d := &decl{kind: k, name: b.Labels[len(b.Labels)-1], block: b, rng: b.DefRange}
	if k.typed {
		d.typ = b.Labels[0]
	}
	d.key = address(k.name, d.typ, d.name)
	switch k.name {
	case "variable":
		d.key = "var." + d.name
	case "plugin":
		d.literal = l.literal(b.Body, "alias")
		d.key = address("plugin", d.name, d.literal)
	}
	l.register(src, d)
}

func (l *loader) declareLocals(src *source, b *hcl.Block) {
	attrs, diags := b.Body.JustAttributes()
	l.add(diags)
	for _, name := range keys(attrs) {
		a := attrs[name]
		l.register(src, &decl{name: name, key: "local." + name, expr: a.Expr, rng: a.NameRange})
	}
}

// register adds a declaration; the order of the files is kept.
func (l *loader) register(src *source, d *decl) {
	if first, ok := src.byKey[d.key]; ok {
		l.add(fail(&d.rng, fmt.Sprintf("%s is declared twice", d.key), "It is first declared at %s. Give one of them another name.", place(first.rng)))
		return
	}
	src.byKey[d.key] = d
	src.decls = append(src.decls, d)
}

func (l *loader) goodLabels(b *hcl.Block) bool {
	for i, label := range b.Labels {
		if len(label) > 200 {
			l.add(fail(&b.LabelRanges[i], "The label is too long", "A name has 200 letters at the most, and this one has %d.", len(label)))
			return false
		}
		if !hclsyntax.ValidIdentifier(label) {
			l.add(fail(&b.LabelRanges[i], "The label is not a valid name", "A name starts with a letter and has letters, digits, - and _ only."))
			return false
		}
	}
	return len(b.Labels) > 0
}

// literal is the value of an attribute that must be known before anything is evaluated.
func (l *loader) literal(body hcl.Body, name string) string {
	content, _, _ := body.PartialContent(&hcl.BodySchema{Attributes: []hcl.AttributeSchema{{Name: name}}})
	a := content.Attributes[name]
	if a == nil {
		return ""
	}
	v, diags := a.Expr.Value(nil)
	if diags.HasErrors() || v.IsNull() || !v.IsKnown() || v.Type() != cty.String {
		l.add(fail(a.Expr.Range().Ptr(), fmt.Sprintf("The %s is not a plain string", name), "It is read before anything is evaluated. Write it out, without references."))
		return ""
	}
	return v.AsString()
}

func address(parts ...string) string {
	out := ""
	for _, p := range slices.DeleteFunc(parts, func(s string) bool { return s == "" }) {
		if out != "" {
			out += "."
		}
		out += p
	}
	return out
}

// place is FILE:LINE.
func place(r hcl.Range) string { return fmt.Sprintf("%s:%d", r.Filename, r.Start.Line) }

// ofKind lists the declarations of one kind.
func (s *source) ofKind(name string) (out []*decl) {
	for _, d := range s.decls {
		if d.kind != nil && d.kind.name == name {
			out = append(out, d)
		}
	}
	return out
}
