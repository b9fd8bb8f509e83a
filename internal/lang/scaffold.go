package lang

import (
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"text/template"

	"github.com/hashicorp/hcl/v2/hclsyntax"
)

//go:embed scaffold
var scaffold embed.FS

// Scaffold writes a scenario for the lab to start from: commented, and ready to run. It makes the directory, and
// overwrites nothing. It returns the files that it wrote.
func Scaffold(dir, name string) ([]string, error) {
	if !hclsyntax.ValidIdentifier(name) {
		return nil, fmt.Errorf("naming the scenario: %q is not a name: it starts with a letter and has letters, digits, - and _ only", name)
	}
	if have, err := filepath.Glob(filepath.Join(dir, "*"+suffixHCL+"*")); err == nil && len(have) > 0 {
		return nil, fmt.Errorf("writing a scenario: %s is there already, and nothing is overwritten; choose another directory", have[0])
	}
	t, err := template.ParseFS(scaffold, "scaffold/*.tmpl")
	if err != nil {
		return nil, fmt.Errorf("reading the scaffold: %w", err)
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, fmt.Errorf("making the directory: %w", err)
	}
	var written []string
	for _, file := range []string{"main.gameday.hcl", "README.md"} {
		path := filepath.Join(dir, file)
		if err := writeTemplate(path, t.Lookup(file+".tmpl"), name); err != nil {
			for _, p := range written { // half a scenario helps nobody
				_ = os.Remove(p)
			}
			return nil, err
		}
		written = append(written, path)
	}
	return written, nil
}

func writeTemplate(path string, t *template.Template, name string) error {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
	if errors.Is(err, fs.ErrExist) {
		return fmt.Errorf("writing a scenario: %s is there already, and nothing is overwritten; choose another directory", path)
	}
	if err != nil {
		return fmt.Errorf("writing a scenario: %w", err)
	}
	err = t.Execute(f, struct{ Name string }{name})
	if err := errors.Join(err, f.Close()); err != nil {
		_ = os.Remove(path)
		return fmt.Errorf("writing %s: %w", path, err)
	}
	return nil
}
