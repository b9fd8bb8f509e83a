package reports

import (
	"bytes"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

var update = flag.Bool("update", false, "rewrite the golden files")

// Each hand-made run is rendered in every format, twice, and compared byte for byte with what was reviewed.
func TestGolden(t *testing.T) {
	for name, m := range models() {
		for _, r := range Renderers() {
			t.Run(name+"/"+r.Name, func(t *testing.T) {
				first, again := render(t, r, m), render(t, r, models()[name])
				require.Equal(t, first, again, "the same model must give the same bytes")
				first = strings.Replace(first, asset("uplot/uPlot.iife.min.js"), "/* uPlot */", 1) // ten times 50 kB of somebody else's
				path := filepath.Join("testdata", name, r.Name)
				if *update {
					require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o755))
					require.NoError(t, os.WriteFile(path, []byte(first), 0o644))
				}
				want, err := os.ReadFile(path)
				require.NoError(t, err)
				require.Equal(t, string(want), first, "if this is what you want, run the test with -update")
			})
		}
	}
}

func render(t *testing.T, r Renderer, m *Model) string {
	t.Helper()
	var b bytes.Buffer
	require.NoError(t, r.Render(&b, m))
	return b.String()
}
