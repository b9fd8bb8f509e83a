package lang

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/gameday-toolkit/gameday/plugins/sdk"
)

// scaffoldCatalog has what the scaffold uses of the real lab and the real HTTP probe.
func scaffoldCatalog() Catalog {
	c := testCatalog()
	http := c.Probes["http"]
	c.Probes = map[string]sdk.Schema{"http": http}
	c.Plugin = func(name string) (sdk.Info, error) {
		info, err := testPlugin(name)
		info.Outputs = append(info.Outputs, sdk.Attribute{Name: "url", Type: sdk.String})
		return info, err
	}
	return c
}

func TestTheScaffoldIsAScenario(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "new", "day")
	written, err := Scaffold(dir, "my-day")
	require.NoError(t, err)
	require.Equal(t, []string{filepath.Join(dir, "main.gameday.hcl"), filepath.Join(dir, "README.md")}, written)
	m, diags := Check(dir, Options{Catalog: scaffoldCatalog()})
	require.Empty(t, render(m, diags))
	src, err := os.ReadFile(written[0])
	require.NoError(t, err)
	formatted, diags := Format(src, written[0])
	require.False(t, diags.HasErrors())
	require.Equal(t, string(formatted), string(src))
}

func TestTheScaffoldOverwritesNothing(t *testing.T) {
	for _, name := range []string{"README.md", "main.gameday.hcl", "other.gameday.hcl", "other.gameday.hcl.json"} {
		dir := t.TempDir()
		require.NoError(t, os.WriteFile(filepath.Join(dir, name), []byte("mine"), 0o600))
		_, err := Scaffold(dir, "day")
		require.ErrorContains(t, err, "nothing is overwritten")
		entries, err := os.ReadDir(dir)
		require.NoError(t, err)
		require.Len(t, entries, 1, "nothing half-made is left")
		b, err := os.ReadFile(filepath.Join(dir, name))
		require.NoError(t, err)
		require.Equal(t, "mine", string(b))
	}
	_, err := Scaffold(t.TempDir(), "no name")
	require.ErrorContains(t, err, "is not a name")
}
