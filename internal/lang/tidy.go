package lang

import (
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2"
)

// tidy puts diagnostics into the order of the files, once each. What is said about a file with a mistake of syntax,
// beyond that mistake, is left out: half a file misleads. No diagnostic keeps the means to show a value.
func (l *loader) tidy(diags hcl.Diagnostics) hcl.Diagnostics {
	type id struct {
		sev             hcl.DiagnosticSeverity
		summary, detail string
		rng             hcl.Range
	}
	seen := map[id]bool{}
	var out hcl.Diagnostics
	for _, d := range diags {
		d := l.finished(d)
		k := id{d.Severity, d.Summary, d.Detail, *d.Subject}
		if !seen[k] {
			seen[k] = true
			out = append(out, d)
		}
	}
	slices.SortStableFunc(out, func(a, b *hcl.Diagnostic) int {
		if c := strings.Compare(a.Subject.Filename, b.Subject.Filename); c != 0 {
			return c
		}
		return a.Subject.Start.Byte - b.Subject.Start.Byte
	})
	return out
}

// finished is a diagnostic with a subject inside its file, and without sensitive values.
func (l *loader) finished(in *hcl.Diagnostic) *hcl.Diagnostic {
	d := *in
	if d.Subject == nil {
		d.Subject = at(l.root.dir)
	}
	d.Summary = strings.TrimSuffix(d.Summary, ".")
	if showsSecret(&d) {
		d.Detail = "The reason is not shown, since the value is sensitive. Check what the expression is given."
	}
	d.Expression, d.EvalContext, d.Extra = nil, nil, nil
	rng := *d.Subject
	d.Subject = &rng
	if d.Context != nil {
		ctx := *d.Context
		d.Context = &ctx
	}
	if f := l.files[rng.Filename]; f != nil {
		within(hcl.Diagnostics{&d}, f.Bytes, rng.Filename)
	}
	return &d
}

// showsSecret says whether the words of a diagnostic may have been made from a sensitive value.
func showsSecret(d *hcl.Diagnostic) bool {
	if d.Expression == nil || d.EvalContext == nil {
		return false
	}
	for _, t := range d.Expression.Variables() {
		if v, _ := t.TraverseAbs(d.EvalContext); v.ContainsMarked() {
			return true
		}
		for ctx := d.EvalContext; ctx != nil; ctx = ctx.Parent() { // also where a step of it fails
			if v, ok := ctx.Variables[t.RootName()]; ok && v.ContainsMarked() {
				return true
			}
		}
	}
	return false
}
