package cli

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/gameday-toolkit/gameday/internal/cli/wiring"
	"github.com/gameday-toolkit/gameday/internal/plan"
)

// planFile is what `gameday plan -out` saves: the plan, and what is needed to make it again. It holds no sensitive value;
// those are given again when the file is run.
type planFile struct {
	Gameday string     `json:"gameday"` // the version that wrote it, for people
	Format  int        `json:"plan_file"`
	Path    string     `json:"path"` // of the scenario, absolute
	Hash    string     `json:"hash"`
	Plan    *plan.Plan `json:"plan"`
}

const planFileFormat = 1

func savePlan(file, path string, p *plan.Plan) error {
	abs, err := filepath.Abs(path)
	if err != nil {
		return fmt.Errorf("saving the plan: %w", err)
	}
	var b bytes.Buffer
	if err := printJSON(&b, planFile{Gameday: toolVersion(), Format: planFileFormat, Path: abs, Hash: p.Hash(), Plan: p}); err != nil {
		return fmt.Errorf("saving the plan: %w", err)
	}
	return replaceFile(file, b.Bytes())
}

// openPlan reads a saved plan. It returns nil for a path that is a scenario.
func openPlan(path string) (*planFile, error) {
	info, err := os.Stat(path)
	if err != nil || info.IsDir() {
		return nil, nil // whoever loads the scenario says what is wrong
	}
	b, err := os.ReadFile(path)
	if err != nil || len(b) == 0 || b[0] != '{' || !bytes.Contains(b, []byte(`"plan_file"`)) {
		return nil, nil
	}
	var f planFile
	if err := json.Unmarshal(b, &f); err != nil {
		return nil, fmt.Errorf("reading the plan %s: %w", path, err)
	}
	switch {
	case f.Format != planFileFormat || f.Plan == nil || f.Plan.Version != plan.FormatVersion:
		return nil, hint(fmt.Errorf("the plan %s was saved by another version of gameday (%s)", path, f.Gameday), "plan again with this one")
	case f.Plan.Hash() != f.Hash:
		return nil, hint(fmt.Errorf("the plan %s is not as it was saved", path), "plan again; what runs must be what somebody has looked at")
	}
	return &f, nil
}

// source is the scenario with the values that its variables had. Sensitive ones come from the flags and the environment.
// The values travel in a file, because only that keeps their types.
func (f *planFile) source(vars *varFlags) (src wiring.Source, clean func() error, err error) {
	b, err := json.Marshal(f.Plan.Variables)
	if err != nil {
		return src, nil, fmt.Errorf("reading the plan's variables: %w", err)
	}
	dir, err := os.MkdirTemp("", "gameday-plan-")
	if err != nil {
		return src, nil, err
	}
	clean = func() error { return os.RemoveAll(dir) }
	name := filepath.Join(dir, "plan.vars.json")
	if f.Plan.Variables == nil {
		b = []byte("{}")
	}
	if err := os.WriteFile(name, b, 0o600); err != nil {
		return src, nil, errors.Join(err, clean())
	}
	src, err = vars.source(f.Path)
	src.VarFiles = append([]string{name}, src.VarFiles...)
	if err != nil {
		err = errors.Join(err, clean())
	}
	return src, clean, err
}
