package wiring

import (
	"path/filepath"
	"strconv"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"

	"github.com/gameday-toolkit/gameday/internal/plan"
	"github.com/gameday-toolkit/gameday/plugins/sdk"
)

// bind turns notices, which name a block's line and the path of an attribute, into diagnostics with the range of the
// attribute in the source. Positions are relative to dir, the scenario's.
func bind(notices []plan.Notice, files map[string]*hcl.File, dir string, secrets map[string]string) hcl.Diagnostics {
	var diags hcl.Diagnostics
	for _, n := range notices {
		d := &hcl.Diagnostic{
			Severity: hcl.DiagError, Summary: plan.Redact(n.Problem.Summary, secrets),
			Detail: plan.Redact(detail(n.Problem), secrets), Subject: locate(n, files, dir),
		}
		if n.Problem.Severity == sdk.Warning {
			d.Severity = hcl.DiagWarning
		}
		diags = append(diags, d)
	}
	return diags
}

func detail(p sdk.Problem) string {
	if p.Permission == "" {
		return p.Detail
	}
	return "Missing permission: " + p.Permission + ". " + p.Detail
}

func locate(n plan.Notice, files map[string]*hcl.File, dir string) *hcl.Range {
	name, f := fileOf(n.Pos.File, files, dir)
	line := hcl.Range{Filename: name, Start: hcl.Pos{Line: n.Pos.Line, Column: 1}, End: hcl.Pos{Line: n.Pos.Line, Column: 1}}
	if f == nil {
		return &line
	}
	body, ok := f.Body.(*hclsyntax.Body)
	if !ok {
		return &line // JSON: the line has to do
	}
	for _, b := range body.Blocks {
		if b.DefRange().Start.Line == n.Pos.Line {
			r := within(b, n.Problem.Path)
			return &r
		}
	}
	return &line
}

func fileOf(shown string, files map[string]*hcl.File, dir string) (string, *hcl.File) {
	for name, f := range files {
		for _, candidate := range []string{shown, filepath.Join(dir, shown)} {
			if filepath.Clean(filepath.FromSlash(name)) == filepath.Clean(filepath.FromSlash(candidate)) {
				return name, f
			}
		}
	}
	return shown, nil
}

// within follows a path as far as the source goes; the rest is inside of a value.
func within(b *hclsyntax.Block, path []string) hcl.Range {
	if len(path) == 0 {
		return b.DefRange()
	}
	if a := b.Body.Attributes[path[0]]; a != nil {
		return a.SrcRange
	}
	rest, nth := path[1:], 0
	if len(rest) > 0 {
		if i, err := strconv.Atoi(rest[0]); err == nil {
			nth, rest = i, rest[1:]
		}
	}
	for _, inner := range b.Body.Blocks {
		if inner.Type != path[0] {
			continue
		}
		if nth == 0 {
			return within(inner, rest)
		}
		nth--
	}
	return b.DefRange()
}
