package view

import (
	"cmp"
	"fmt"
	"io"
	"strings"

	"github.com/gameday-toolkit/gameday/internal/backlog"
	"github.com/gameday-toolkit/gameday/internal/history"
	"github.com/gameday-toolkit/gameday/internal/journal"
	"github.com/gameday-toolkit/gameday/internal/measure"
)

// Place is where a run is, as paths that can be copied into a shell. Report is empty where there is none.
type Place struct{ Run, Report string }

// Named completes the advice to recover with the run that is meant: one that was copied here is on no register.
func (p Place) Named(advice string) string {
	return strings.ReplaceAll(advice, "`gameday recover`", "`gameday recover "+p.Run+"`")
}

// Result is the end of a run in a few lines: the verdict and why, each objective with its figure and its limit, what is
// still broken, and where the report is.
func Result(w io.Writer, run *history.Run, r *measure.Result, findings []backlog.Finding, at Place, paint Paint) {
	v := page{w, paint}
	title := ""
	if run.Plan != nil {
		title = cmp.Or(run.Plan.Scenario.Title, run.Plan.Scenario.Name)
	}
	fmt.Fprintf(w, "\n%s  %s\n", paint(verdictColour(r.Verdict)+";"+bold, headline(r)), paint(bold, clean(title)))
	v.line(0, 2, "", "", at.Named(r.Why))
	// Of a run that never came to its baseline, nothing can be said but that.
	if _, began := run.Phase(journal.Baseline); began || run.Touched() {
		v.judged(r)
	}
	v.broken(r, at)
	if at.Report == "" {
		fmt.Fprintf(w, "\n%s. For a report: gameday report %s\n", plural(len(findings), "finding"), at.Run)
		return
	}
	fmt.Fprintf(w, "\n%s. Report: %s\n", plural(len(findings), "finding"), at.Report)
}

// headline is the verdict in the word that the report has for it.
func headline(r *measure.Result) string {
	switch {
	case r.Verdict == measure.Leaked:
	case r.Exit == measure.ExitAborted:
		return "ABORTED"
	case r.Exit == measure.ExitUntouched:
		return "NOT RUN"
	}
	return strings.ToUpper(r.Verdict.String())
}

func (v page) judged(r *measure.Result) {
	if len(r.Objectives) > 0 {
		fmt.Fprintln(v.w)
	}
	for _, o := range r.Objectives {
		v.objective(o)
	}
	for _, a := range r.Assumption {
		if !a.OK {
			v.line(2, 16, "not given", yellow, a.Name+": "+a.Detail)
		}
	}
}

func (v page) objective(o measure.ObjectiveResult) {
	v.line(2, 16, o.Verdict.String(), verdictColour(o.Verdict), fmt.Sprintf("%s: %s (limit %s)", o.Addr, cmp.Or(o.Value, "not measured"), o.Limit))
	if o.Verdict != measure.Pass && o.Why != "" {
		v.line(16, 16, "", "", o.Why)
	}
}

func (v page) broken(r *measure.Result, at Place) {
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
	fmt.Fprintf(v.w, "  Try again: %s\n", v.paint(bold, "gameday recover "+at.Run))
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
