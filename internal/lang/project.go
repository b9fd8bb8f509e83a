package lang

import (
	"encoding/json"
	"os"
	"path/filepath"

	"github.com/hashicorp/hcl/v2"

	"github.com/gameday-toolkit/gameday/internal/plan"
	"github.com/gameday-toolkit/gameday/plugins/sdk"
)

// ProjectFile is the name of the file that holds what all scenarios of a team share.
const ProjectFile = "gameday.hcl"

// project is the project file: tiers, environments and limits.
type project struct {
	src          *source
	shown        string // its path for people
	tiers        []*decl
	limits       []*decl
	notifies     []*decl
	shared       []*decl // archive and trackers
	environments map[string]*decl
}

var projectSchema = &hcl.BodySchema{Blocks: []hcl.BlockHeaderSchema{
	{Type: "tier", LabelNames: []string{"name"}},
	{Type: "environment", LabelNames: []string{"name"}},
	{Type: "limit", LabelNames: []string{"name"}},
	{Type: "notify", LabelNames: []string{"type", "name"}},
	{Type: "archive"},
	{Type: "tracker", LabelNames: []string{"type", "name"}},
}}

// environmentKind is a limit that holds in one environment.
func environmentKind() *kind {
	s := limitSchema()
	s.Attributes = append(s.Attributes, sdk.Attribute{Name: "protected", Type: sdk.Bool, Doc: "a run needs at least one approval"})
	return &kind{name: "environment", core: s}
}

// readProject finds the project file and reads it.
func (l *loader) readProject() {
	path := l.opts.Project
	if path == "" {
		path = findProject(l.root)
	}
	if path == "" {
		return
	}
	p := &project{shown: filepath.ToSlash(path), environments: map[string]*decl{}, src: &source{dir: filepath.Dir(path), byKey: map[string]*decl{}}}
	f, diags := parseFile(path)
	l.syntax = append(l.syntax, diags...)
	p.src.files, p.src.broken = []parsed{f}, f.broken
	l.project = p
	if f.broken {
		l.root.broken = true // what it declares is not all known
		l.broken[f.name] = true
	}
	if f.file == nil {
		return
	}
	l.files[f.name] = f.file
	if f.file.Body == nil {
		return
	}
	content, diags := f.file.Body.Content(projectSchema)
	l.add(diags)
	env := environmentKind()
	for _, b := range content.Blocks {
		switch {
		case b.Type != "archive" && !l.goodLabels(b):
		case b.Type == "archive" || b.Type == "tracker":
			l.sharedBlock(p, b)
		case b.Type == "notify":
			l.notifyBlock(p, b)
		default:
			l.projectBlock(p, b, env)
		}
	}
}

func (l *loader) projectBlock(p *project, b *hcl.Block, env *kind) {
	d := &decl{kind: kindOf(b.Type), name: b.Labels[0], block: b, rng: b.DefRange, key: address(b.Type, b.Labels[0]), project: true}
	if b.Type == "environment" {
		d.kind = env
	}
	l.register(p.src, d)
	if p.src.byKey[d.key] != d {
		return
	}
	d.spec = l.specFor(d, "project", sdk.Schema{})
	l.shape(d, d.spec.all)
	l.standsByItself(d)
	switch b.Type {
	case "tier":
		p.tiers = append(p.tiers, d)
	case "limit":
		p.limits = append(p.limits, d)
	case "environment":
		p.environments[d.name] = d
	}
}

// standsByItself reports references.
func (l *loader) standsByItself(d *decl) {
	for _, t := range d.spec.variables(d.block.Body) {
		l.add(fail(t.SourceRange().Ptr(), "The project file refers to something", "It stands by itself: use literals and functions only."))
	}
}

// findProject looks for the project file in the scenario's directory and then upwards, to the root of the file system.
func findProject(root *source) string {
	dir, shown := root.abs, root.dir
	if st, err := os.Stat(dir); err == nil && !st.IsDir() {
		dir, shown = filepath.Dir(dir), filepath.Dir(shown)
	}
	for {
		if st, err := os.Stat(filepath.Join(dir, ProjectFile)); err == nil && !st.IsDir() {
			return filepath.Join(shown, ProjectFile)
		}
		parent := filepath.Dir(dir)
		if parent == dir {
			return ""
		}
		dir, shown = parent, filepath.Join(shown, "..")
	}
}

// projectLimits adds the limits of the project file to the scenario's. Every limit holds, so a scenario can tighten
// them and never loosen one.
func (ev *evaluator) projectLimits() {
	p := ev.l.project
	if p == nil {
		return
	}
	s := ev.newScope(p.src, "project.", nil)
	decls := append([]*decl(nil), p.limits...)
	if d := p.environments[ev.draft.Scenario.Environment]; d != nil {
		decls = append(decls, d)
	}
	for _, d := range decls {
		b := s.decode(d, instance{addr: s.prefix + d.key})
		l := b.limits()
		l.Addr = b.inst.addr
		if protected, _ := b.core["protected"].(json.RawMessage); string(protected) == "true" {
			l.Approvals = max(l.Approvals, 1)
		}
		ev.draft.Limits = append(ev.draft.Limits, l)
	}
	for _, name := range keys(p.environments) { // for the mistakes in the others
		if d := p.environments[name]; name != ev.draft.Scenario.Environment {
			s.decode(d, instance{addr: s.prefix + d.key}).limits()
		}
	}
	ev.shared() // for the mistakes in it
}

// shown is a path as the plan shows it: relative to the scenario's directory.
func (l *loader) shown(path string) string {
	abs, err := filepath.Abs(path)
	if err != nil {
		return filepath.ToSlash(path)
	}
	return l.relative(abs)
}

// fileList are all files that the draft was made of, with those that file() read.
func (l *loader) fileList() []plan.File {
	sums := map[string]string{}
	for _, src := range l.allSources() {
		for _, f := range src.files {
			sums[l.shown(f.name)] = f.sha256
		}
	}
	if l.project != nil {
		for _, f := range l.project.src.files {
			sums[l.shown(f.name)] = f.sha256
		}
	}
	for path, sum := range l.reads {
		sums[l.shown(path)] = sum
	}
	out := make([]plan.File, 0, len(sums))
	for _, name := range keys(sums) {
		out = append(out, plan.File{Name: name, SHA256: sums[name]})
	}
	return out
}
