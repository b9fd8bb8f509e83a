package lang

import (
	"bytes"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/hashicorp/hcl/v2"
	"github.com/rogpeppe/go-internal/txtar"
	"github.com/stretchr/testify/require"
)

var update = flag.Bool("update", false, "rewrite the golden files")

// TestMistakes checks every scenario of testdata/mistakes and compares what a user would read with the file "want". A
// golden file is read by a person before it is committed: is it the right line, and does it say what to do?
func TestMistakes(t *testing.T) {
	files, err := filepath.Glob("testdata/mistakes/*.txtar")
	require.NoError(t, err)
	require.NotEmpty(t, files)
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txtar"), func(t *testing.T) {
			ar, err := txtar.ParseFile(file)
			require.NoError(t, err)
			abs, err := filepath.Abs(file)
			require.NoError(t, err)
			t.Chdir(t.TempDir())
			want, i := unpack(t, ar)
			dir := "."
			if _, err := os.Stat("scenario"); err == nil {
				dir = "scenario"
			}
			m, diags := Check(dir, Options{Catalog: testCatalog()})
			got := render(m, diags)
			for _, d := range diags {
				requireInside(t, m, d)
			}
			require.NotContains(t, got, "hunter2")
			if *update {
				ar.Files = append(ar.Files[:i], txtar.File{Name: "want", Data: []byte(got)})
				require.NoError(t, os.WriteFile(abs, txtar.Format(ar), 0o644))
				return
			}
			require.Equal(t, want, got)
		})
	}
}

// requireInside demands that a diagnostic points into the file that it names.
func requireInside(t require.TestingT, m *Module, d *hcl.Diagnostic) {
	require.NotNil(t, d.Subject, d.Summary)
	require.NotEmpty(t, d.Summary)
	require.NotEmpty(t, d.Detail, d.Summary)
	require.False(t, strings.HasSuffix(d.Summary, "."), d.Summary)
	for _, r := range []*hcl.Range{d.Subject, d.Context} {
		if r == nil {
			continue
		}
		if f := m.Files()[r.Filename]; f != nil {
			require.True(t, 0 <= r.Start.Byte && r.Start.Byte <= r.End.Byte && r.End.Byte <= len(f.Bytes), "%s: %v", d.Summary, r)
			require.LessOrEqual(t, r.Start.Line, bytes.Count(f.Bytes, []byte("\n"))+1, d.Summary)
		}
	}
}

// unpack writes the files of an archive but for the last one, "want".
func unpack(t *testing.T, ar *txtar.Archive) (want string, index int) {
	t.Helper()
	for i, f := range ar.Files {
		if f.Name == "want" {
			return string(f.Data), i
		}
		require.NoError(t, os.MkdirAll(filepath.Dir(f.Name), 0o755))
		require.NoError(t, os.WriteFile(f.Name, f.Data, 0o644))
	}
	return "", len(ar.Files)
}
