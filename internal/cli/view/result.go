package view

import (
	"fmt"
	"io"
	"strings"

	"github.com/gameday-toolkit/gameday/internal/backlog"
	"github.com/gameday-toolkit/gameday/internal/measure"
	"github.com/gameday-toolkit/gameday/internal/plan"
)

// Result is the end of a run in a few lines: the verdict and why, each objective with its figure and its limit, what is
// still broken, and where the report is. The plan may be nil.
func Result(w io.Writer, p *plan.Plan, r *measure.Result, findings []backlog.Finding, report string, paint Paint) {
	v := page{w, paint}
	title := ""
	if p != nil {
		title = p.Scenario.Title
		if title == "" {
			title = p.Scenario.Name
		}
	}
	fmt.Fprintf(w, "\n%s  %s\n", paint(verdictColour(r.Verdict)+";"+bold, strings.ToUpper(r.Verdict.String())), paint(bold, clean(title)))
	v.line(0, 2, "", "", r.Why)
	if len(r.Objectives) > 0 {
		fmt.Fprintln(w)
	}
	for _, o := range r.Objectives {
		v.objective(o)
	}
	for _, a := range r.Assumption {
		if !a.OK {
			v.line(2, 16, "not given", yellow, a.Name+": "+a.Detail)
		}
	}
	v.broken(r)
	fmt.Fprintf(w, "\n%s. Report: %s\n", plural(len(findings), "finding"), report)
}

func (v page) objective(o measure.ObjectiveResult) {
	v.line(2, 16, o.Verdict.String(), verdictColour(o.Verdict), fmt.Sprintf("%s: %s (limit %s)", o.Addr, o.Value, o.Limit))
	if o.Verdict != measure.Pass && o.Why != "" {
		v.line(16, 16, "", "", o.Why)
	}
}

func (v page) broken(r *measure.Result) {
	if len(r.Outstanding) == 0 {
		return
	}
	v.head("Not proven to be back as it was")
	for _, f := range r.Faults {
		if f.State != "stuck" && f.State != "outstanding" {
			continue
		}
		v.line(2, 16, f.Addr, red, f.Err)
		for i, s := range f.Steps {
			v.line(4, 16, []string{"by hand", ""}[min(i, 1)], "", s)
		}
	}
	fmt.Fprintf(v.w, "  Try again: %s\n", v.paint(bold, "gameday recover"))
}

func verdictColour(v measure.Verdict) string {
	switch v {
	case measure.Pass:
		return green
	case measure.Fail, measure.Leaked:
		return red
	case measure.Inconclusive:
		return yellow
	}
	return dim
}
