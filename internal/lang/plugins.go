package lang

import (
	"fmt"
	"slices"
	"strings"

	"github.com/hashicorp/go-version"
	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"

	"github.com/gameday-toolkit/gameday/plugins/sdk"
)

// plugin is one plugin block, with what the plugin offers.
type plugin struct {
	decl    *decl
	info    sdk.Info
	unknown bool   // could not be described: nothing more is said about what it would offer
	version string // all constraints on it
}

// offered are the block types of a kind that a plugin has.
func offered(info sdk.Info, kind string) map[string]sdk.Schema {
	switch kind {
	case "target":
		return info.Targets
	case "probe":
		return info.Probers
	case "fault":
		return info.Faults
	case "action":
		return info.Actions
	case "ledger":
		return info.Ledgers
	case "alert":
		return info.Alerts
	}
	return nil
}

// coreKinds are the block types of a kind that need no plugin.
func (c Catalog) coreKinds(kind string) map[string]sdk.Schema {
	switch kind {
	case "probe":
		return c.Probes
	case "ledger":
		return c.Ledgers
	case "alert":
		return c.Alerts
	case "action":
		return c.Actions
	case "notify":
		return c.Notifies
	}
	return nil
}

// noPlugin tells a plugin that is not there, and may have another name, from one that is there and does not work.
func (l *loader) noPlugin(d *decl, err error) hcl.Diagnostics {
	why := upperFirst(strings.TrimSuffix(err.Error(), "."))
	if slices.Contains(l.opts.Catalog.Names, d.name) {
		return fail(&d.rng, fmt.Sprintf("The plugin %q cannot be used", d.name), "%s.", why)
	}
	return fail(&d.rng, fmt.Sprintf("There is no plugin %q to be had", d.name), "%s. %s", why, orElse(suggestion(d.name, l.opts.Catalog.Names),
		"Put gameday-plugin-"+d.name+" beside gameday, or into a directory that GAMEDAY_PLUGIN_DIR names."))
}

// loadPlugins describes every plugin that the scenario configures.
func (l *loader) loadPlugins(src *source) {
	for _, d := range src.ofKind("plugin") {
		p := &plugin{decl: d}
		l.plugins[d.literalKey()] = p
		p.version = l.constraint(d)
		info, err := l.describe(d.name)
		if err != nil {
			p.unknown = true
			l.add(l.noPlugin(d, err))
			continue
		}
		p.info = info
		l.checkInfo(p)
	}
	for key, p := range l.plugins {
		if base := l.plugins[p.decl.name]; p.decl.literal != "" && base != nil && slices.ContainsFunc(base.info.Outputs, func(a sdk.Attribute) bool { return a.Name == p.decl.literal }) {
			l.add(fail(&p.decl.rng, "The alias has the name of an output", "plugin.%s would mean two things. Choose another alias.", key))
		}
	}
}

func suggestion(name string, names []string) string {
	if n := nearest(name, names); n != "" {
		return fmt.Sprintf("Did you mean %q?", n)
	}
	return ""
}

func (d *decl) literalKey() string { return strings.TrimPrefix(d.key, "plugin.") }

// describe asks the catalog once for each name.
func (l *loader) describe(name string) (sdk.Info, error) {
	if got, ok := l.infos[name]; ok {
		return got.info, got.err
	}
	var got described
	if l.opts.Catalog.Plugin == nil {
		got.err = fmt.Errorf("no plugins are known")
	} else {
		got.info, got.err = l.opts.Catalog.Plugin(name)
	}
	l.infos[name] = got
	return got.info, got.err
}

type described struct {
	info sdk.Info
	err  error
}

// checkInfo refuses a plugin whose own schemas make no sense.
func (l *loader) checkInfo(p *plugin) {
	spec, err := l.specs.get("plugin."+p.info.Name, func() (*spec, error) { return newSpec(p.decl.kind, p.info.Config) })
	for _, o := range p.info.Outputs {
		if err == nil && ctyType(o.Type) == cty.NilType {
			err = fmt.Errorf("output %q has the unknown type %q", o.Name, o.Type)
		}
	}
	if err != nil {
		p.unknown = true
		l.add(fail(&p.decl.rng, fmt.Sprintf("Plugin %q describes itself wrongly", p.decl.name), "%s. This is a mistake in the plugin; tell its author.", upperFirst(err.Error())))
		return
	}
	p.decl.spec = spec
}

// constraint reads the version constraint of a plugin block.
func (l *loader) constraint(d *decl) string {
	v := l.literal(d.block.Body, "version")
	if v == "" {
		return ""
	}
	if _, err := version.NewConstraint(v); err != nil {
		rng := l.attrRange(d.block.Body, "version", d.rng)
		l.add(fail(&rng, fmt.Sprintf("%q is not a version constraint", clip(v)), "Write one such as \">= 0.1\" or \"~> 1.2\"."))
		return ""
	}
	return v
}

func (l *loader) attrRange(body hcl.Body, name string, otherwise hcl.Range) hcl.Range {
	content, _, _ := body.PartialContent(&hcl.BodySchema{Attributes: []hcl.AttributeSchema{{Name: name}}})
	if a := content.Attributes[name]; a != nil {
		return a.Expr.Range()
	}
	return otherwise
}

// configuresNothing refuses whatever the plugin block of an experiment holds besides a version.
func (l *loader) configuresNothing(d *decl) {
	var places []hcl.Range
	attrs, _ := d.block.Body.JustAttributes()
	for _, name := range keys(attrs) {
		if name != "version" {
			places = append(places, attrs[name].NameRange)
		}
	}
	if body, ok := d.block.Body.(*hclsyntax.Body); ok {
		for _, b := range body.Blocks {
			places = append(places, b.TypeRange)
		}
	}
	for _, rng := range places {
		l.add(fail(&rng, fmt.Sprintf("An experiment does not configure plugin %q", d.name), "Here the block may say which version is needed. The scenario configures the plugin."))
	}
}

// demandPlugins takes the plugin blocks of an experiment, which configure nothing: they say what it needs.
func (l *loader) demandPlugins(src *source) {
	for _, d := range src.ofKind("plugin") {
		l.configuresNothing(d)
		want, found := l.constraint(d), false
		for _, p := range l.plugins {
			if p.decl.name == d.name {
				found = true
				if want != "" && !strings.Contains(p.version, want) {
					p.version = strings.TrimPrefix(p.version+", "+want, ", ")
				}
			}
		}
		if !found && !l.rootBroken() {
			l.add(fail(&d.rng, fmt.Sprintf("The experiment needs plugin %q, which the scenario does not have", d.name), "Add a block to the scenario: plugin %q {}", d.name))
		}
	}
}
