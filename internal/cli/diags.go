package cli

import (
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"slices"

	"github.com/hashicorp/hcl/v2"

	"github.com/gameday-toolkit/gameday/internal/cli/wiring"
	"github.com/gameday-toolkit/gameday/internal/lang"
)

// showMistakes writes diagnostics for people, each with its source line underlined.
func (a *app) showMistakes(w io.Writer, m *wiring.Mistakes) error {
	if len(m.Diags) == 0 {
		return nil
	}
	err := lang.WriteDiagnostics(w, m.Files, m.Diags, 100, a.colour)
	fmt.Fprintln(w)
	return err
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

func printJSON(w io.Writer, v any) error {
	e := json.NewEncoder(w)
	e.SetIndent("", "  ")
	e.SetEscapeHTML(false)
	return e.Encode(v)
}

func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }
