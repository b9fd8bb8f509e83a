package lang

import (
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2"
)

// sound leaves out what is said about a file with a mistake of syntax beyond that mistake: half a file misleads.
func (l *loader) sound(diags hcl.Diagnostics) (out hcl.Diagnostics) {
	for _, d := range diags {
		if d.Subject == nil || !l.broken[d.Subject.Filename] {
			out = append(out, d)
		}
	}
	return out
}

// onlyFirst drops the echoes of a quote that was not closed: every following line has one quote too many.
func onlyFirst(diags hcl.Diagnostics) (out hcl.Diagnostics) {
	seen := map[string]bool{}
	for _, d := range diags {
		const echo = "Invalid multi-line string"
		if d.Summary == echo && seen[d.Subject.Filename] {
			continue
		}
		seen[d.Subject.Filename] = seen[d.Subject.Filename] || d.Summary == echo
		out = append(out, d)
	}
	return out
}

// tidy puts diagnostics into the order of the files, once each. None keeps the means to show a value.
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
		_ = within(hcl.Diagnostics{&d}, f.Bytes, rng.Filename) // it is the diagnostic itself that is changed
	}
	return &d
}

// showsSecret says whether the words of a diagnostic may have been made from a sensitive value.
func showsSecret(d *hcl.Diagnostic) bool {
	if d.Expression == nil || d.EvalContext == nil || d.Summary == "Call to unknown function" {
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
