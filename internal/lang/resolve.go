package lang

import (
	"fmt"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/zclconf/go-cty/cty"

	"github.com/gameday-toolkit/gameday/internal/guard"
)

// roots says how many names follow the first word of a reference, and what they are.
var roots = map[string][]string{
	"var": {"NAME"}, "local": {"NAME"}, "each": {"key"}, "plugin": {"NAME"}, "experiment": {"NAME"},
	"slo": {"NAME"}, "tier": {"NAME"},
	"target": {"TYPE", "NAME"}, "probe": {"TYPE", "NAME"}, "ledger": {"TYPE", "NAME"}, "alert": {"TYPE", "NAME"},
	"fault": {"TYPE", "NAME"}, "action": {"TYPE", "NAME"},
}

// resolved is a reference whose names have been looked up.
type resolved struct {
	root  string
	names []string      // after the root
	rest  hcl.Traversal // what follows the names
	decl  *decl         // nil for each, for plugin, and for what does not exist
	rng   hcl.Range
}

func (r resolved) key() string { return address(append([]string{r.root}, r.names...)...) }

// resolve looks a reference up in the declarations, and refuses what cannot follow a block's name: it stands for the
// block, and has no attributes.
func (l *loader) resolve(src *source, t hcl.Traversal, inEach bool) (resolved, hcl.Diagnostics) {
	r, diags := l.resolveNames(src, t, inEach)
	if diags.HasErrors() || r.decl == nil || r.root == "var" || r.root == "local" {
		return r, diags
	}
	if r.root == "experiment" {
		return r, checkExperimentOutput(r)
	}
	rest := r.rest
	if _, ok := next(rest, 0).(hcl.TraverseIndex); ok {
		rest = rest[1:]
	}
	a, ok := next(rest, 0).(hcl.TraverseAttr)
	switch {
	case ok && guard.Attributes(r.root)[a.Name] != cty.NilType:
		return r, fail(&r.rng, fmt.Sprintf("%s is not known beforehand", a.Name), "Live values such as %s.%s exist in a guard only.", r.key(), a.Name)
	case ok:
		return r, fail(&r.rng, fmt.Sprintf("%s has no attribute %q", r.key(), a.Name), "A reference to %s stands for the block itself. Write %s.", article(r.root), r.key())
	}
	return r, nil
}

// checkExperimentOutput looks at experiment.NAME.OUT and experiment.NAME["key"].OUT.
func checkExperimentOutput(r resolved) hcl.Diagnostics {
	rest := r.rest
	if _, ok := next(rest, 0).(hcl.TraverseIndex); ok {
		rest = rest[1:]
	}
	a, ok := next(rest, 0).(hcl.TraverseAttr)
	if child := r.decl.child; !ok || child == nil || child.broken || child.byKey["output."+a.Name] != nil {
		return nil
	}
	var outs []string
	for _, d := range r.decl.child.ofKind("output") {
		outs = append(outs, d.name)
	}
	return fail(&r.rng, fmt.Sprintf("%s has no output %q", r.key(), a.Name), "%s", orElse(didYouMean(a.Name, outs), "It has no outputs at all."))
}

// resolveNames looks a reference up in the declarations.
func (l *loader) resolveNames(src *source, t hcl.Traversal, inEach bool) (resolved, hcl.Diagnostics) {
	r := resolved{root: t.RootName(), rng: t.SourceRange()}
	shape, ok := roots[r.root]
	if !ok {
		return r, l.unknownRoot(src, t)
	}
	for i := range shape {
		step, ok := next(t, i+1).(hcl.TraverseAttr)
		if !ok {
			return r, fail(&r.rng, "The reference is not complete", "Write %s.%s.", r.root, strings.Join(shape, "."))
		}
		r.names = append(r.names, step.Name)
	}
	r.rest = t[1+len(shape):]
	switch r.root {
	case "each":
		return r, checkEach(r, inEach)
	case "plugin":
		return r, l.checkPluginRef(r)
	}
	if r.decl = l.lookup(src, r); r.decl == nil {
		return r, l.unknownRef(src, r)
	}
	return r, nil
}

func next(t hcl.Traversal, i int) hcl.Traverser {
	if i < len(t) {
		return t[i]
	}
	return nil
}

// lookup finds a declaration; tiers are shared by the scenario and its experiments.
func (l *loader) lookup(src *source, r resolved) *decl {
	if d := src.byKey[r.key()]; d != nil {
		return d
	}
	if r.root == "tier" {
		return l.tiers[r.names[0]]
	}
	return nil
}

func checkEach(r resolved, inEach bool) hcl.Diagnostics {
	if n := r.names[0]; n != "key" && n != "value" {
		return fail(&r.rng, fmt.Sprintf("each has no %q", n), "There is each.key and each.value.")
	}
	if !inEach {
		return fail(&r.rng, "There is no each here", "each.key and each.value exist in a block with for_each. Add for_each to the block, or use another value.")
	}
	return nil
}

func (l *loader) checkPluginRef(r resolved) hcl.Diagnostics {
	name := r.names[0]
	if _, ok := l.plugins[name]; ok {
		return l.checkOutput(r, name)
	}
	var aliases []string
	for key, p := range l.plugins {
		if strings.HasPrefix(key, name+".") {
			aliases = append(aliases, p.decl.literal)
		}
	}
	if len(aliases) == 0 {
		if l.rootBroken() {
			return nil
		}
		return fail(&r.rng, fmt.Sprintf("There is no plugin %q", name), "%s", l.pluginRemedy(name))
	}
	if a, ok := next(r.rest, 0).(hcl.TraverseAttr); !ok || !slices.Contains(aliases, a.Name) {
		return fail(&r.rng, fmt.Sprintf("Plugin %q has aliases only", name), "Write plugin.%s.ALIAS, with one of %s.", name, strings.Join(aliases, ", "))
	}
	return nil
}

func (l *loader) pluginRemedy(name string) string {
	var have []string
	for _, p := range l.plugins {
		have = append(have, p.decl.name)
	}
	if n := nearest(name, have); n != "" {
		return fmt.Sprintf("Did you mean %q?", n)
	}
	return fmt.Sprintf("Add a block to the scenario: plugin %q {}", name)
}

// checkOutput looks at plugin.NAME.x, where x is an output or an alias.
func (l *loader) checkOutput(r resolved, name string) hcl.Diagnostics {
	p := l.plugins[name]
	a, ok := next(r.rest, 0).(hcl.TraverseAttr)
	if !ok || p.unknown || l.plugins[name+"."+a.Name] != nil {
		return nil
	}
	var outs []string
	for _, o := range p.info.Outputs {
		outs = append(outs, o.Name)
	}
	if slices.Contains(outs, a.Name) {
		return nil
	}
	return fail(&r.rng, fmt.Sprintf("Plugin %q has no output %q", name, a.Name), "%s", orElse(didYouMean(a.Name, outs), "It has no outputs at all."))
}

func (l *loader) unknownRoot(src *source, t hcl.Traversal) hcl.Diagnostics {
	name, rng := t.RootName(), t.SourceRange()
	for _, d := range src.decls { // zone instead of var.zone
		if d.name == name && (strings.HasPrefix(d.key, "var.") || strings.HasPrefix(d.key, "local.")) {
			return fail(&rng, fmt.Sprintf("There is no %q", name), "Did you mean %q?", d.key)
		}
	}
	if name == "run" {
		return fail(&rng, "run exists in a guard only", "run.elapsed and run.phase are known while the game day runs.")
	}
	return fail(&rng, fmt.Sprintf("There is no %q", name), "%s A text is written in quotes.", didYouMean(name, keys(roots)))
}

func (l *loader) unknownRef(src *source, r resolved) hcl.Diagnostics {
	if src.broken {
		return nil
	}
	var have, types []string
	for _, d := range src.decls {
		if strings.HasPrefix(d.key, r.root+".") {
			have = append(have, d.key)
			types = append(types, d.typ)
		}
	}
	if r.root == "tier" {
		for _, d := range l.tiers {
			have = append(have, d.key)
		}
	}
	help := didYouMean(r.key(), have)
	if help == "" {
		help = fmt.Sprintf("None is declared here. Add a block for it: %s", r.header())
	} else if len(r.names) == 2 && !slices.Contains(types, r.names[0]) && nearest(r.key(), have) == "" {
		help += " The first name is the type."
	}
	return fail(&r.rng, fmt.Sprintf("There is no %s", r.key()), "%s", help)
}

func (r resolved) header() string {
	switch r.root {
	case "var":
		return fmt.Sprintf("variable %q {}", r.names[0])
	case "local":
		return fmt.Sprintf("locals { %s = ... }", r.names[0])
	}
	return r.root + " " + strings.ReplaceAll(quoted(r.names), ",", "") + " {}"
}

func orElse(a, b string) string {
	if a == "" {
		return b
	}
	return a
}
