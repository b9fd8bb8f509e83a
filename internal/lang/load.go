package lang

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/function"

	"github.com/gameday-toolkit/gameday/internal/plan"
)

// Module is a scenario that has been read and checked as far as that is possible without its plugins.
type Module struct {
	l       *loader
	root    *source
	vars    map[string]cty.Value
	plugins []plan.Plugin
	draft   plan.Draft // what Draft starts from: the secrets of the plugins' configurations
}

// loader carries what Load finds out. After Load only its caches change, so a module serves one goroutine at a time.
type loader struct {
	opts    Options
	syntax  hcl.Diagnostics // mistakes of syntax
	diags   hcl.Diagnostics // all others
	files   map[string]*hcl.File
	broken  map[string]bool // files with mistakes of syntax
	root    *source
	project *project
	sources map[string]*source // experiments, by resolved path
	plugins map[string]*plugin // by key
	infos   map[string]described
	specs   *specCache
	tiers   map[string]*decl
	funcs   map[*source]map[string]function.Function
	reads   map[string]string // the checksums of what file() read
	visits  int               // of experiment blocks, over all ways from the scenario to them
}

func (l *loader) add(diags hcl.Diagnostics) { l.diags = append(l.diags, diags...) }

func (l *loader) rootBroken() bool { return l.root == nil || l.root.broken }

// Load reads a scenario: a directory, or one file. The module is never nil, so that Draft can find the mistakes that
// only evaluation shows; it may be used for anything else only if there are no errors.
func Load(path string, o Options) (*Module, hcl.Diagnostics) {
	l := &loader{opts: o, files: map[string]*hcl.File{}, broken: map[string]bool{}, sources: map[string]*source{},
		plugins: map[string]*plugin{}, infos: map[string]described{}, specs: o.Catalog.specs, tiers: map[string]*decl{},
		funcs: map[*source]map[string]function.Function{}, reads: map[string]string{}}
	if l.specs == nil {
		l.specs = o.Catalog.Cached().specs
	}
	m := &Module{l: l}
	l.readRoot(path)
	m.root = l.root
	l.readProject()
	l.collectTiers()
	l.loadPlugins(l.root)
	l.loadExperiments(l.root, []string{l.identity(l.root.abs)})
	for _, src := range l.allSources() {
		l.bindTypes(src)
		l.declareVariables(src)
	}
	for _, src := range l.allSources() {
		l.checkSource(src)
	}
	for _, src := range l.allSources() {
		l.checkUnused(src)
	}
	m.vars = l.rootVariables(l.root)
	m.configurePlugins()
	return m, l.tidy(append(onlyFirst(l.syntax), l.sound(l.diags)...))
}

// Check is Load and a Draft without outputs: every mistake that can be found without starting a plugin.
func Check(path string, o Options) (*Module, hcl.Diagnostics) {
	m, diags := Load(path, o)
	_, more := m.Draft(nil)
	return m, m.l.tidy(append(diags, more...))
}

// Files are all files that were read, for a writer of diagnostics. Those that set variables are not among them, since
// their lines may hold secrets.
func (m *Module) Files() map[string]*hcl.File { return maps.Clone(m.l.files) }

// Plugins are the configurations of the plugins. A sensitive value in them is a reference into Secrets.
func (m *Module) Plugins() []plan.Plugin { return slices.Clone(m.plugins) }

// Secrets are the sensitive values in Plugins.
func (m *Module) Secrets() map[string]string { return maps.Clone(m.draft.Secrets) }

func (l *loader) readRoot(path string) {
	l.root = &source{dir: path, byKey: map[string]*decl{}, broken: true}
	l.root.abs, _ = filepath.Abs(path)
	st, err := os.Stat(path)
	if err != nil {
		l.add(fail(at(filepath.ToSlash(path)), "The scenario cannot be read", "%s. Name a directory with *.gameday.hcl files in it, or one such file.", plainError(err)))
		return
	}
	dir, files := path, []string{path}
	if st.IsDir() {
		var diags hcl.Diagnostics
		files, diags = scenarioFiles(path)
		l.add(diags)
	} else {
		dir = filepath.Dir(path)
	}
	broken := l.diags.HasErrors() // the list of files is not complete
	l.root = l.readSource(dir, files, false)
	l.root.broken = l.root.broken || broken
	l.oneScenario()
}

func (l *loader) oneScenario() {
	found := l.root.ofKind("scenario")
	if len(found) == 0 && !l.root.broken {
		l.add(fail(at(l.root.files[0].name), "There is no scenario block", "A scenario needs exactly one: scenario \"NAME\" { title = \"...\" }"))
	}
	for i, d := range found {
		if i > 0 {
			l.add(fail(&d.rng, "There is more than one scenario block", "A directory is one scenario, and its scenario block is at %s. Move this one to a directory of its own.", place(found[0].rng)))
		}
	}
}

// loadExperiments reads the sources of all experiments, depth first. trail is the way from the scenario to src.
func (l *loader) loadExperiments(src *source, trail []string) {
	for _, d := range src.ofKind("experiment") {
		rng := l.attrRange(d.block.Body, "source", d.rng)
		d.literal = l.literal(d.block.Body, "source")
		if d.literal == "" {
			if content, _, _ := d.block.Body.PartialContent(&hcl.BodySchema{Attributes: []hcl.AttributeSchema{{Name: "source"}}}); content.Attributes["source"] == nil {
				l.add(fail(&d.rng, "The experiment has no source", "Name the directory of the experiment: source = \"../../experiments/NAME\""))
			}
			continue
		}
		if filepath.IsAbs(d.literal) || strings.Contains(d.literal, "\x00") {
			l.add(fail(&rng, "The source is not a relative path", "It is relative to the directory of the file that names it, so that the scenario works wherever it is checked out."))
			continue
		}
		dir := filepath.Join(src.dir, filepath.FromSlash(d.literal))
		abs, _ := filepath.Abs(dir)
		id := l.identity(abs)
		l.visits++
		switch {
		case l.visits > maxExpansion:
			l.add(fail(&rng, "There are too many experiments", "Experiments within experiments make more than %d instances here.", maxExpansion))
			return
		case slices.Contains(trail, id):
			d.cyclic = true
			l.add(fail(&rng, "The experiment contains itself", "%s. An experiment cannot use the directory that it is used by.", l.trail(append(trail[slices.Index(trail, id):], id))))
		case len(trail) > maxDepth:
			l.add(fail(&rng, "Experiments are nested too deeply", "They may be nested %d deep.", maxDepth))
		case !d.cyclic:
			d.child = l.loadExperiment(dir, id, &rng, append(slices.Clip(trail), id))
		}
	}
}

func (l *loader) loadExperiment(dir, id string, rng *hcl.Range, trail []string) *source {
	if src, ok := l.sources[id]; ok {
		if src != nil {
			l.loadExperiments(src, trail) // again, since the way here is another: cycles and depth
		}
		return src
	}
	l.sources[id] = nil
	files, diags := scenarioFiles(dir)
	if diags.HasErrors() {
		l.add(fail(rng, "The experiment cannot be read", "%s: %s", dir, diags[0].Detail))
		return nil
	}
	src := l.readSource(dir, files, true)
	l.sources[id] = src
	l.demandPlugins(src)
	l.loadExperiments(src, trail)
	return src
}

// identity is the same for all paths to one directory.
func (l *loader) identity(abs string) string {
	if real, err := filepath.EvalSymlinks(abs); err == nil {
		return real
	}
	return abs
}

func (l *loader) trail(ids []string) string {
	names := make([]string, len(ids))
	for i, id := range ids {
		names[i] = l.relative(id)
	}
	return strings.Join(names, " uses ")
}

// relative is a path as seen from the scenario's directory.
func (l *loader) relative(abs string) string {
	if rel, err := filepath.Rel(l.root.abs, abs); err == nil {
		return filepath.ToSlash(rel)
	}
	return filepath.ToSlash(abs)
}

// allSources are the scenario and all experiments, in a fixed order.
func (l *loader) allSources() []*source {
	out := []*source{l.root}
	for _, id := range keys(l.sources) {
		if src := l.sources[id]; src != nil {
			out = append(out, src)
		}
	}
	return out
}

// checkSource finds all mistakes of one directory that need no evaluation.
func (l *loader) checkSource(src *source) {
	for _, d := range src.decls {
		l.checkDecl(src, d)
	}
	l.checkCycles(src)
}

func (l *loader) collectTiers() {
	if l.project != nil {
		for _, d := range l.project.tiers {
			l.tiers[d.name] = d
		}
	}
	for _, d := range l.root.ofKind("tier") {
		if first, ok := l.tiers[d.name]; ok && first.block != d.block {
			l.add(fail(&d.rng, fmt.Sprintf("%s is declared twice", d.key), "The project file declares it at %s, and a scenario may not change it. Choose another name.", place(first.rng)))
			continue
		}
		l.tiers[d.name] = d
	}
}
