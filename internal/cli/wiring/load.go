package wiring

import (
	"context"
	"fmt"
	"os"
	"path/filepath"

	"github.com/hashicorp/hcl/v2"
	"github.com/zclconf/go-cty/cty"

	"github.com/gameday-toolkit/gameday/internal/lang"
	"github.com/gameday-toolkit/gameday/internal/plan"
	"github.com/gameday-toolkit/gameday/internal/pluginhost/lockfile"
)

// Source is a scenario and what was given to it from outside.
type Source struct {
	Path     string // a directory, or one file
	Vars     []lang.VarFlag
	VarFiles []string
}

// dir is the scenario's directory.
func (s Source) dir() string {
	if info, err := os.Stat(s.Path); err == nil && !info.IsDir() {
		return filepath.Dir(s.Path)
	}
	return s.Path
}

// Mistakes is what is wrong with the files of a scenario, with the files for whoever shows it.
type Mistakes struct {
	Diags hcl.Diagnostics
	Files map[string]*hcl.File
}

func (m *Mistakes) Error() string { return m.Diags.Error() }

// Validate finds every mistake that can be found without asking the world. The diagnostics may be warnings only.
func Validate(ctx context.Context, r *Readers, src Source) (*lang.Module, *Mistakes) {
	lock, diags := lockfile.Read(filepath.Join(src.dir(), lockfile.Name))
	m, more := lang.Check(src.Path, lang.Options{
		Catalog: r.Catalog(ctx, lock), Vars: src.Vars, VarFiles: src.VarFiles, Environ: os.Environ(),
	})
	return m, &Mistakes{Diags: append(diags, more...), Files: m.Files()}
}

// Plan checks a scenario against the world. The plan is nil where there are errors among the mistakes; the error is for a
// world that could not be asked, or from first, which may be nil and is called before the world is asked.
func Plan(ctx context.Context, r *Readers, src Source, seed int64, first func(*plan.Draft) error) (*plan.Plan, *Mistakes, error) {
	m, mistakes := Validate(ctx, r, src)
	if mistakes.Diags.HasErrors() {
		return nil, mistakes, nil
	}
	draft, diags, err := Draft(ctx, r, m)
	if err != nil || diags.HasErrors() {
		mistakes.Diags = append(mistakes.Diags, diags...)
		return nil, mistakes, err
	}
	if first != nil {
		if err := first(draft); err != nil {
			return nil, mistakes, err
		}
	}
	p, notices, err := plan.Build(ctx, *draft, seed, r)
	if err != nil {
		return nil, mistakes, err
	}
	mistakes.Diags = append(mistakes.Diags, bind(m, append(misfits(draft), notices...), draft.Secrets)...)
	if mistakes.Diags.HasErrors() {
		p = nil
	}
	return p, mistakes, nil
}

// Draft configures the plugins of a module and evaluates it with their outputs.
func Draft(ctx context.Context, r *Readers, m *lang.Module) (*plan.Draft, hcl.Diagnostics, error) {
	outputs, notices, err := r.Configure(ctx, m.Plugins(), m.Secrets())
	if diags := bind(m, notices, m.Secrets()); err != nil || diags.HasErrors() {
		return nil, diags, err
	}
	vals := map[string]map[string]cty.Value{}
	for _, p := range m.Plugins() {
		proc, err := r.Client(p.Key())
		if err != nil {
			return nil, nil, err
		}
		got, err := raw(outputs[p.Key()])
		if err == nil {
			vals[p.Key()], err = lang.OutputValues(proc.Info.Outputs, got)
		}
		if err != nil {
			return nil, nil, fmt.Errorf("plugin %s: %w", p.Key(), err)
		}
	}
	draft, diags := m.Draft(vals)
	if diags.HasErrors() {
		return nil, diags, nil
	}
	return draft, nil, r.found(draft, outputs)
}

// found writes into the draft which plugins answered.
func (r *Readers) found(d *plan.Draft, outputs map[string]map[string]any) error {
	for i := range d.Plugins {
		p := &d.Plugins[i]
		proc, err := r.Client(p.Key())
		if err != nil {
			return err
		}
		p.Found, p.SHA256 = proc.Info.Version, proc.SHA256
		if p.Output, err = plain(proc.Info.Outputs, outputs[p.Key()]); err != nil {
			return err
		}
	}
	return nil
}
