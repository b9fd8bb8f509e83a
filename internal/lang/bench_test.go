package lang

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

// BenchmarkValidate checks 1,000 scenario directories, each a copy of the example with a name of its own. The bar is two
// seconds for one iteration.
func BenchmarkValidate(b *testing.B) {
	src, err := os.ReadFile("testdata/az-loss/main.gameday.hcl")
	require.NoError(b, err)
	root := b.TempDir()
	var dirs []string
	for i := range 1000 {
		dir := filepath.Join(root, fmt.Sprintf("s%d", i))
		require.NoError(b, os.Mkdir(dir, 0o755))
		require.NoError(b, os.WriteFile(filepath.Join(dir, "main.gameday.hcl"), src, 0o600))
		dirs = append(dirs, dir)
	}
	catalog := testCatalog().Cached()
	b.ReportAllocs()
	for b.Loop() {
		for _, dir := range dirs {
			if m, diags := Check(dir, Options{Catalog: catalog}); len(diags) > 0 {
				b.Fatal(render(m, diags))
			}
		}
	}
}
