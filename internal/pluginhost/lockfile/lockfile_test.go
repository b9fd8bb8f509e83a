package lockfile

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestLockRoundTrip(t *testing.T) {
	path := filepath.Join(t.TempDir(), Name)
	lock, diags := Read(path)
	require.Empty(t, diags)
	require.Nil(t, lock, "no file, no lock")
	require.Nil(t, lock.Checksums())

	var l Lock
	l.Set("lab", "0.1.0", strings.Repeat("ab", 32))
	l.Set("dns", "0.2.0", strings.Repeat("cd", 32))
	l.Set("lab", "0.1.1", strings.Repeat("ef", 32))
	require.NoError(t, l.Write(path))
	src, err := os.ReadFile(path)
	require.NoError(t, err)
	require.Equal(t, header+`plugin "dns" {
  version = "0.2.0"
  sha256  = "`+strings.Repeat("cd", 32)+`"
}
plugin "lab" {
  version = "0.1.1"
  sha256  = "`+strings.Repeat("ef", 32)+`"
}
`, string(src))

	lock, diags = Read(path)
	require.Empty(t, diags)
	require.Equal(t, map[string]string{"dns": strings.Repeat("cd", 32), "lab": strings.Repeat("ef", 32)}, lock.Checksums())
	require.Equal(t, 3, lock.Plugins[0].Range.Start.Line)
	entries, err := os.ReadDir(filepath.Dir(path))
	require.NoError(t, err)
	require.Len(t, entries, 1, "no temporary file stays")
}

func TestReadReportsMistakesWithTheirLine(t *testing.T) {
	for _, c := range []struct{ name, src, want string }{
		{"syntax", "plugin \"lab\" {", "block"},
		{"unknown attribute", "plugin \"lab\" {\n  version = \"1.0.0\"\n  sha256 = \"00\"\n  sha1 = \"\"\n}\n", "sha1"},
		{"not a checksum", "plugin \"lab\" {\n  version = \"1.0.0\"\n  sha256 = \"00\"\n}\n", "is not a SHA-256"},
		{"twice", strings.Repeat("plugin \"lab\" {\n  version = \"1.0.0\"\n  sha256 = \""+strings.Repeat("00", 32)+"\"\n}\n", 2), "locked twice"},
	} {
		t.Run(c.name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), Name)
			require.NoError(t, os.WriteFile(path, []byte(c.src), 0o600))
			_, diags := Read(path)
			require.True(t, diags.HasErrors())
			require.ErrorContains(t, diags, c.want)
			require.NotNil(t, diags[0].Subject)
		})
	}
}

func TestWriteToAMissingDirectory(t *testing.T) {
	require.ErrorContains(t, new(Lock).Write(filepath.Join(t.TempDir(), "none", Name)), "writing the plugin lock")
}
