package reports

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"github.com/stretchr/testify/require"
)

// The reports that people look at first are whole, of today's shape, and small enough to be mailed.
func TestTheExamplesAreOfTodaysShape(t *testing.T) {
	s := compiled(t)
	for _, name := range []string{"az-loss", "az-loss-missed", "quota-exhaustion", "dns-failure", "region-failover"} {
		for _, r := range Renderers() {
			b, err := os.ReadFile(filepath.Join("examples", name, r.Name))
			require.NoError(t, err, "make examples makes it")
			require.Less(t, len(b), 1<<20, "%s/%s", name, r.Name)
			if r.Format == "json" {
				doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(b))
				require.NoError(t, err)
				require.NoError(t, s.Validate(doc), "%s: make examples makes it again", name)
			}
		}
	}
}

// Nothing in a page moves by itself, so there is nothing to stop for people who asked for less motion.
func TestNothingMoves(t *testing.T) {
	for _, name := range []string{"report.css", "executive.css", "uplot/uPlot.min.css"} {
		for _, word := range []string{"transition", "animation", "@keyframes", "scroll-behavior", "@import", "url("} {
			require.NotContains(t, asset(name), word, name)
		}
	}
}
