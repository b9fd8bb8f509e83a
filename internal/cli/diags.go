package cli

import (
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"slices"

	"github.com/hashicorp/hcl/v2"

	"github.com/gameday-toolkit/gameday/internal/cli/wiring"
)

// showMistakes writes diagnostics for people, each with its source line underlined.
func (a *app) showMistakes(w io.Writer, m *wiring.Mistakes) error {
	if len(m.Diags) == 0 {
		return nil
	}
	return hcl.NewDiagnosticTextWriter(w, m.Files, 100, a.colour).WriteDiagnostics(m.Diags)
}

// refuse shows the mistakes and returns the error that ends the command, if there is an error among them.
func (a *app) refuse(m *wiring.Mistakes) error {
	if err := a.showMistakes(a.err, m); err != nil {
		return err
	}
	errs, _ := count(m.Diags)
	if errs == 0 {
		return nil
	}
	return fmt.Errorf("%s in the scenario; nothing was touched", plural(errs, "mistake"))
}

func count(diags hcl.Diagnostics) (errs, warnings int) {
	for _, d := range diags {
		if d.Severity == hcl.DiagError {
			errs++
		} else {
			warnings++
		}
	}
	return errs, warnings
}

func plural(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}

// diagnosis is the JSON of `validate -json`. Lines and columns count from 1, bytes from 0.
type diagnosis struct {
	Valid       bool         `json:"valid"`
	Errors      int          `json:"errors"`
	Warnings    int          `json:"warnings"`
	Scenarios   []string     `json:"scenarios"`
	Diagnostics []diagnostic `json:"diagnostics"`
}

type diagnostic struct {
	Severity string     `json:"severity"`
	Summary  string     `json:"summary"`
	Detail   string     `json:"detail,omitempty"`
	Range    *textRange `json:"range,omitempty"`
}

type textRange struct {
	Filename string  `json:"filename"`
	Start    textPos `json:"start"`
	End      textPos `json:"end"`
}

type textPos struct {
	Line   int `json:"line"`
	Column int `json:"column"`
	Byte   int `json:"byte"`
}

func diagnose(paths []string, all []*wiring.Mistakes) diagnosis {
	out := diagnosis{Scenarios: paths, Diagnostics: []diagnostic{}}
	for _, m := range all {
		for _, d := range m.Diags {
			j := diagnostic{Severity: "error", Summary: d.Summary, Detail: d.Detail}
			if d.Severity == hcl.DiagWarning {
				j.Severity = "warning"
			}
			if r := d.Subject; r != nil {
				j.Range = &textRange{Filename: r.Filename, Start: textPos(r.Start), End: textPos(r.End)}
			}
			out.Diagnostics = append(out.Diagnostics, j)
		}
		e, w := count(m.Diags)
		out.Errors, out.Warnings = out.Errors+e, out.Warnings+w
	}
	out.Valid = out.Errors == 0
	return out
}

func printJSON(w io.Writer, v any) error {
	e := json.NewEncoder(w)
	e.SetIndent("", "  ")
	e.SetEscapeHTML(false)
	return e.Encode(v)
}

func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }
