package lang

import (
	"fmt"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2"

	"github.com/gameday-toolkit/gameday/plugins/sdk"
)

// bind finds the schema of every block's type and makes the decoders.
func (l *loader) bindTypes(src *source) {
	for _, d := range src.decls {
		if d.kind == nil || d.spec != nil || d.kind.name == "variable" || d.kind.name == "output" || d.kind.name == "experiment" {
			continue
		}
		if d.kind.name == "plugin" {
			continue
		}
		if !d.kind.typed {
			d.spec = l.specFor(d, "", sdk.Schema{})
			continue
		}
		if s, ok := l.opts.Catalog.coreKinds(d.kind.name)[d.typ]; ok {
			d.spec = l.specFor(d, "", s)
			continue
		}
		if s, owner, ok := l.pluginType(d); ok {
			d.plugin = owner.decl.literalKey()
			d.spec = l.specFor(d, owner.decl.name, s)
		}
	}
}

// specFor makes the decoder of a block's type, once for each type.
func (l *loader) specFor(d *decl, plugin string, s sdk.Schema) *spec {
	key, k := address(d.kind.name, plugin, d.typ), d.kind
	if plugin != "" {
		k = k.ofPlugin()
	}
	sp, err := l.specs.get(key, func() (*spec, error) { return newSpec(k, s) })
	if err != nil {
		l.add(fail(&d.rng, fmt.Sprintf("The type %q is described wrongly", d.typ), "%s. This is a mistake in whatever offers the type.", upperFirst(err.Error())))
	}
	return sp
}

// pluginType finds the configuration of a plugin that a block belongs to.
func (l *loader) pluginType(d *decl) (sdk.Schema, *plugin, bool) {
	if chosen, given := l.chosenPlugin(d); given {
		if chosen == nil || chosen.unknown {
			return sdk.Schema{}, nil, false
		}
		if s, ok := offered(chosen.info, d.kind.name)[d.typ]; ok {
			return s, chosen, true
		}
		l.add(fail(&d.block.LabelRanges[0], fmt.Sprintf("Plugin %q offers no %s %q", chosen.decl.name, d.kind.name, d.typ), "%s",
			orElse(didYouMean(d.typ, keys(offered(chosen.info, d.kind.name))), "It offers no such blocks at all.")))
		return sdk.Schema{}, nil, false
	}
	var owners []*plugin
	for _, key := range keys(l.plugins) {
		if _, ok := offered(l.plugins[key].info, d.kind.name)[d.typ]; ok {
			owners = append(owners, l.plugins[key])
		}
	}
	if i := slices.IndexFunc(owners, func(p *plugin) bool { return p.decl.literal == "" }); i >= 0 {
		return offered(owners[i].info, d.kind.name)[d.typ], owners[i], true
	}
	switch len(owners) {
	case 0:
		l.unknownType(d)
		return sdk.Schema{}, nil, false
	case 1:
		return offered(owners[0].info, d.kind.name)[d.typ], owners[0], true
	}
	l.add(fail(&d.rng, fmt.Sprintf("It is not said which plugin %q belongs to", d.key), "Plugin %q is configured more than once. Add plugin = plugin.%s to the block.", owners[0].decl.name, owners[0].decl.literalKey()))
	return sdk.Schema{}, nil, false
}

// chosenPlugin reads plugin = plugin.aws.west. It is nil where that does not exist, which is reported here.
func (l *loader) chosenPlugin(d *decl) (p *plugin, given bool) {
	if !d.kind.belongsToPlugin() {
		return nil, false
	}
	content, _, _ := d.block.Body.PartialContent(&hcl.BodySchema{Attributes: []hcl.AttributeSchema{{Name: "plugin"}}})
	a := content.Attributes["plugin"]
	if a == nil {
		return nil, false
	}
	var names []string
	for _, step := range staticPath(a.Expr) {
		switch s := step.(type) {
		case hcl.TraverseRoot:
			names = append(names, s.Name)
		case hcl.TraverseAttr:
			names = append(names, s.Name)
		}
	}
	key := strings.TrimPrefix(strings.Join(names, "."), "plugin.")
	if p := l.plugins[key]; p != nil && len(names) > 1 && names[0] == "plugin" {
		return p, true
	}
	if !l.rootBroken() {
		l.add(fail(a.Expr.Range().Ptr(), "This is not a configured plugin", "Write plugin = plugin.NAME, or plugin.NAME.ALIAS. %s", orElse(didYouMean("plugin."+key, prefixed("plugin.", keys(l.plugins))), "No plugin is configured.")))
	}
	return nil, true
}

func prefixed(prefix string, words []string) []string {
	out := make([]string, len(words))
	for i, w := range words {
		out[i] = prefix + w
	}
	return out
}

// unknownType reports a block type that nothing offers, or whose plugin has no block.
func (l *loader) unknownType(d *decl) {
	known := keys(l.opts.Catalog.coreKinds(d.kind.name))
	for _, p := range l.plugins {
		known = append(known, keys(offered(p.info, d.kind.name))...)
		if p.unknown && strings.HasPrefix(d.typ, p.decl.name+"_") {
			return // whether it exists cannot be known, and the plugin has been reported
		}
	}
	if l.rootBroken() {
		return
	}
	for i, c := range d.typ {
		if c != '_' {
			continue
		}
		name := d.typ[:i]
		if l.hasPlugin(name) {
			continue
		}
		info, err := l.describe(name)
		if err != nil {
			continue
		}
		if _, ok := offered(info, d.kind.name)[d.typ]; ok {
			l.add(fail(&d.block.LabelRanges[0], fmt.Sprintf("The %s %q needs plugin %q", d.kind.name, d.typ, name), "Add a block to the scenario: plugin %q {}", name))
			return
		}
		known = append(known, keys(offered(info, d.kind.name))...)
	}
	l.add(fail(&d.block.LabelRanges[0], fmt.Sprintf("There is no %s of type %q", d.kind.name, d.typ), "%s", orElse(didYouMean(d.typ, known),
		"No plugin that is configured offers any. Add a plugin block for the one that does.")))
}

func (l *loader) hasPlugin(name string) bool {
	for _, p := range l.plugins {
		if p.decl.name == name {
			return true
		}
	}
	return false
}
