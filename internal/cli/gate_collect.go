package cli

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/gameday-toolkit/gameday/internal/archive"
	"github.com/gameday-toolkit/gameday/internal/cli/wiring"
	"github.com/gameday-toolkit/gameday/internal/plan"
)

// collect finds the scenarios and plans each, which changes nothing, to know its targets and how long it takes. One that
// cannot be planned is kept, to be named.
func (g *gate) collect(ctx context.Context, dirs []string) error {
	var paths []string
	for _, dir := range dirs {
		found, err := scenariosBelow(dir)
		if err != nil {
			return err
		}
		for _, p := range found {
			if !slices.Contains(paths, p) {
				paths = append(paths, p)
			}
		}
	}
	for _, path := range paths {
		it, wanted, err := g.item(ctx, path)
		if err != nil {
			return err
		}
		if wanted {
			g.items = append(g.items, it)
		}
	}
	switch {
	case len(paths) == 0:
		return hint(fmt.Errorf("there is no scenario in %s", strings.Join(dirs, ", ")), "a scenario is a directory with *.gameday.hcl files and a scenario block")
	case len(g.items) == 0:
		return hint(fmt.Errorf("none of %s is wanted by its tags", plural(len(paths), "scenario")), "a gate that runs nothing lets nothing pass")
	}
	return nil
}

var scenarioBlock = regexp.MustCompile(`(?m)^\s*scenario\s+"|"scenario"\s*:`)

// scenariosBelow finds the directories with a scenario block, or takes a file as it is. Those of experiments have none. What
// cannot be read is an error, and not one scenario less.
func scenariosBelow(dir string) (out []string, err error) {
	info, err := os.Stat(dir)
	if err != nil {
		return nil, fmt.Errorf("looking for scenarios: %w", err)
	}
	if !info.IsDir() {
		return []string{dir}, nil
	}
	err = filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && path != dir && (strings.HasPrefix(d.Name(), ".") || d.Name() == "gameday-runs"):
			return filepath.SkipDir
		case d.IsDir() || !isScenarioFile(d.Name()) || slices.Contains(out, filepath.Dir(path)):
			return nil
		}
		b, err := os.ReadFile(path)
		if err == nil && scenarioBlock.Match(b) {
			out = append(out, filepath.Dir(path))
		}
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("looking for scenarios: %w", err)
	}
	return out, nil
}

func isScenarioFile(name string) bool {
	return strings.HasSuffix(name, ".gameday.hcl") || strings.HasSuffix(name, ".gameday.hcl.json")
}

// item plans one scenario, if it is wanted. The error is for what stops the whole gate.
func (g *gate) item(ctx context.Context, path string) (it *gateItem, wanted bool, err error) {
	src, err := g.flags.vars.source(path)
	if err != nil {
		return nil, false, err
	}
	it = &gateItem{Path: path, Name: path, targets: map[string]bool{}}
	wanted = true
	err = withReaders(ctx, func(r *wiring.Readers) error {
		s, mistakes := wiring.Scenario(ctx, r, src)
		if s.Name != "" {
			it.Name, it.Environment = s.Name, s.Environment
			unread := len(s.Tags) == 0 && mistakes.Diags.HasErrors() // they may be one of the mistakes
			if wanted = unread || g.wanted(s.Tags); !wanted {
				return nil
			}
		}
		if mistakes.Diags.HasErrors() {
			return g.refuse(mistakes)
		}
		p, mistakes, err := wiring.Plan(ctx, r, src, newSeed(), nil)
		if err == nil && mistakes.Diags.HasErrors() {
			err = g.refuse(mistakes)
		}
		if err == nil {
			it.planned(p)
		}
		return err
	})
	if ctx.Err() != nil {
		return nil, false, ctx.Err()
	}
	if err != nil {
		it.broken = firstLine(err.Error())
		g.complain(fmt.Errorf("%s: %w", it.Name, err))
	}
	return it, wanted, nil
}

func (g *gate) wanted(tags []string) bool {
	has := func(list []string) bool {
		return slices.ContainsFunc(list, func(t string) bool { return slices.Contains(tags, t) })
	}
	return (len(g.flags.tags) == 0 || has(g.flags.tags)) && !has(g.flags.skip)
}

// planned takes over what a plan touches, and how long it takes at the longest.
func (it *gateItem) planned(p *plan.Plan) {
	for _, f := range p.Faults {
		for _, t := range f.Members {
			it.targets[t.Type+"/"+t.ID] = true
		}
	}
	for _, act := range p.Actions {
		for _, t := range act.Members {
			it.targets[t.Type+"/"+t.ID] = true
		}
	}
	var steps time.Duration // one after the other at the worst
	for _, f := range p.Faults {
		steps += time.Duration(f.When.At + f.Hold)
	}
	for _, act := range p.Actions {
		steps += time.Duration(act.When.At)
	}
	it.longest = time.Duration(p.Scenario.Baseline+p.Scenario.Recovery) + steps
	it.expected = it.longest
}

// lastGood is the reference to the last good run, whatever it is of.
const lastGood = "last"

// baselines finds for each scenario the run to compare with.
func (g *gate) baselines(ctx context.Context, arch *archive.Archive) error {
	for _, it := range g.items {
		r, err := g.baseline(ctx, arch, it)
		var none *archive.NotFoundError
		switch {
		case errors.As(err, &none):
			it.nothing = fmt.Sprintf("there is nothing to compare with: no good run of %s is known by %q", it.Name, g.flags.against)
		case err != nil:
			return err
		default:
			it.baseline = r
		}
	}
	return nil
}

func (g *gate) baseline(ctx context.Context, arch *archive.Archive, it *gateItem) (*archive.Run, error) {
	ref := g.flags.against
	good := archive.Filter{Scenario: it.Name, Environment: it.Environment, Verdict: "pass", Newest: 1}
	if ref == lastGood {
		return newest(ctx, arch, good, ref)
	}
	labelled := good
	labelled.Label = ref
	var none *archive.NotFoundError
	if r, err := newest(ctx, arch, labelled, ref); !errors.As(err, &none) {
		return r, err
	}
	switch r, err := arch.Run(ctx, ref); {
	case errors.As(err, &none):
	case err != nil:
		return nil, err
	case r.Scenario != it.Name || r.Exit != ExitOK:
		return nil, &archive.NotFoundError{Ref: ref}
	default:
		return r, nil
	}
	return atRevision(ctx, arch, good, it.Path, ref)
}

func newest(ctx context.Context, arch *archive.Archive, f archive.Filter, ref string) (*archive.Run, error) {
	runs, err := arch.Runs(ctx, f)
	if err != nil {
		return nil, err
	}
	for i := range runs {
		if runs[i].Exit == ExitOK {
			return &runs[i], nil
		}
	}
	return nil, &archive.NotFoundError{Ref: ref}
}

// looksBack is how many commits a revision is followed back.
const looksBack = "500"

// atRevision finds the last good run at a git revision, or at the nearest one before it.
func atRevision(ctx context.Context, arch *archive.Archive, f archive.Filter, path, ref string) (*archive.Run, error) {
	dir := path
	if info, err := os.Stat(path); err == nil && !info.IsDir() {
		dir = filepath.Dir(path)
	}
	if strings.HasPrefix(ref, "-") {
		return nil, &archive.NotFoundError{Ref: ref}
	}
	list, err := git(ctx, dir, "rev-list", "--first-parent", "-n", looksBack, ref, "--")
	if err != nil {
		return nil, &archive.NotFoundError{Ref: ref}
	}
	f.Newest = 0
	runs, err := arch.Runs(ctx, f)
	if err != nil {
		return nil, err
	}
	for _, commit := range strings.Fields(list) {
		for i := range runs {
			if runs[i].Commit == commit && runs[i].Exit == ExitOK {
				return &runs[i], nil
			}
		}
	}
	return nil, &archive.NotFoundError{Ref: ref}
}

func firstLine(s string) string {
	s, _, _ = strings.Cut(strings.TrimSpace(s), "\n")
	return s
}
