package lockfile

import (
	"cmp"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/gohcl"
	"github.com/hashicorp/hcl/v2/hclparse"
	"github.com/hashicorp/hcl/v2/hclwrite"
	"github.com/zclconf/go-cty/cty"
)

// Name is the file's name, in the directory of the scenario.
const Name = ".gameday.lock.hcl"

const header = "# Written by gameday. It belongs under version control, so that everybody runs the same plugins.\n\n"

// Lock is the content of the file.
type Lock struct {
	Plugins []Plugin `hcl:"plugin,block"`
}

// Plugin pins one plugin.
type Plugin struct {
	Name    string `hcl:"name,label"`
	Version string `hcl:"version"`
	// SHA256 is the checksum of the plugin's file, in hex.
	SHA256 string `hcl:"sha256"`
	// Range is where the block stands, for messages about it. Not part of the file.
	Range hcl.Range `hcl:",def_range"`
}

// Read reads the file at path. Without such a file there is no lock: nil, and no diagnostics.
func Read(path string) (*Lock, hcl.Diagnostics) {
	src, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, hcl.Diagnostics{{
			Severity: hcl.DiagError, Summary: "The plugin lock cannot be read", Detail: err.Error(),
			Subject: &hcl.Range{Filename: path, Start: hcl.InitialPos, End: hcl.InitialPos},
		}}
	}
	f, diags := hclparse.NewParser().ParseHCL(src, path)
	if diags.HasErrors() {
		return nil, diags
	}
	var lock Lock
	if diags = append(diags, gohcl.DecodeBody(f.Body, nil, &lock)...); diags.HasErrors() {
		return nil, diags
	}
	return &lock, append(diags, lock.check()...)
}

func (l *Lock) check() hcl.Diagnostics {
	var diags hcl.Diagnostics
	seen := map[string]bool{}
	for _, p := range l.Plugins {
		if b, err := hex.DecodeString(p.SHA256); err != nil || len(b) != 32 {
			diags = append(diags, &hcl.Diagnostic{
				Severity: hcl.DiagError, Summary: fmt.Sprintf("The checksum of plugin %q is not a SHA-256", p.Name),
				Detail: "It has 64 hexadecimal digits. Remove the block and run gameday init to write it anew.", Subject: p.Range.Ptr(),
			})
		}
		if seen[p.Name] {
			diags = append(diags, &hcl.Diagnostic{
				Severity: hcl.DiagError, Summary: fmt.Sprintf("Plugin %q is locked twice", p.Name),
				Detail: "Keep one of the blocks.", Subject: p.Range.Ptr(),
			})
		}
		seen[p.Name] = true
	}
	return diags
}

// Checksums returns the checksums by plugin name, as pluginhost.Options wants them. A nil lock has none.
func (l *Lock) Checksums() map[string]string {
	if l == nil {
		return nil
	}
	out := make(map[string]string, len(l.Plugins))
	for _, p := range l.Plugins {
		out[p.Name] = p.SHA256
	}
	return out
}

// Set adds or replaces the lock of one plugin.
func (l *Lock) Set(name, version, sha256 string) {
	l.Plugins = slices.DeleteFunc(l.Plugins, func(p Plugin) bool { return p.Name == name })
	l.Plugins = append(l.Plugins, Plugin{Name: name, Version: version, SHA256: sha256})
	slices.SortFunc(l.Plugins, func(a, b Plugin) int { return cmp.Compare(a.Name, b.Name) })
}

// Write puts the lock at path, whole or not at all.
func (l *Lock) Write(path string) error {
	f := hclwrite.NewEmptyFile()
	for _, p := range l.Plugins {
		b := f.Body().AppendNewBlock("plugin", []string{p.Name}).Body()
		b.SetAttributeValue("version", cty.StringVal(p.Version))
		b.SetAttributeValue("sha256", cty.StringVal(p.SHA256))
	}
	tmp, err := os.CreateTemp(filepath.Dir(path), Name+".*")
	if err != nil {
		return fmt.Errorf("writing the plugin lock: %w", err)
	}
	defer os.Remove(tmp.Name()) // gone already if all went well
	_, err = tmp.Write(append([]byte(header), hclwrite.Format(f.Bytes())...))
	err = errors.Join(err, tmp.Chmod(0o644), tmp.Sync(), tmp.Close())
	if err == nil {
		err = os.Rename(tmp.Name(), path)
	}
	if err != nil {
		return fmt.Errorf("writing the plugin lock: %w", err)
	}
	return nil
}
