package lang

import (
	"bytes"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/rogpeppe/go-internal/txtar"
	"github.com/stretchr/testify/require"
)

// FuzzLoad feeds an archive of files to Check: no input makes it panic, and every range lies inside its file.
func FuzzLoad(f *testing.F) {
	seeds, err := filepath.Glob("testdata/*/*.txtar")
	require.NoError(f, err)
	for _, s := range seeds {
		b, err := os.ReadFile(s)
		require.NoError(f, err)
		f.Add(b)
	}
	for _, s := range []string{
		"-- a.gameday.hcl --\nscenario \"x\" {", "-- a.gameday.hcl --\n\xff\xfe", "-- a.gameday.hcl.json --\n{\"scenario\": [1, {}], \"probe\": null, \"locals\": 3}",
		"-- a.gameday.hcl --\nlocals {\n  x = " + strings.Repeat("(", 200) + "\n}", "-- a.gameday.hcl --\nlocals {\n  x = 1e999999999\n}",
		"-- a.gameday.hcl --\nlocals {\n  x = \"" + strings.Repeat("${\"", 150) + "\n}", "-- a.gameday.hcl.json --\n" + strings.Repeat("[", 500),
		"-- a.gameday.hcl --\nlocals {\n  x = " + strings.Repeat("!", 300) + "true\n}",
		"-- a.gameday.hcl --\nfault \"\" \"\" {}\nprobe \"http\" {}\nslo {}\ntarget \"a\" \"b\" \"c\" {}",
		"-- a.gameday.hcl --\nexperiment \"a\" {\n  source = \".\"\n}\nexperiment \"b\" {\n  source = \"./e\\u0000\"\n}",
		"-- a.gameday.hcl --\nvariable \"x\" {\n  type = object({ a = optional(slo) })\n  default = null\n}",
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, archive []byte) {
		if len(archive) > 1<<14 || bytes.Contains(archive, []byte("range")) || bytes.Contains(archive, []byte("setproduct")) {
			return // loops of the author's own making take as long as they take
		}
		dir := t.TempDir()
		for i, file := range split(archive) {
			name := filepath.Join(dir, filepath.FromSlash(file.Name))
			if i == 8 || !strings.Contains(file.Name, "gameday.hcl") || !filepath.IsLocal(file.Name) || len(file.Name) > 100 || !utf8.ValidString(file.Name) {
				continue
			}
			if os.MkdirAll(filepath.Dir(name), 0o755) == nil {
				_ = os.WriteFile(name, file.Data, 0o600)
			}
		}
		m, diags := Check(dir, Options{Catalog: testCatalog()})
		for _, d := range diags {
			requireInside(t, m, d)
		}
		_ = render(m, diags)
		require.NoError(t, WriteDiagnosticsJSON(new(bytes.Buffer), m.Files(), diags))
		if !diags.HasErrors() {
			_, diags = m.Draft(labOutputs())
			for _, d := range diags {
				requireInside(t, m, d)
			}
		}
	})
}

var fileMarker = regexp.MustCompile(`(?m)^-- (\S+) --\n`)

// split is txtar.Parse for input that nobody has written by hand, on which that one may panic.
func split(archive []byte) (files []txtar.File) {
	marks := fileMarker.FindAllSubmatchIndex(archive, -1)
	for i, m := range marks {
		end := len(archive)
		if i+1 < len(marks) {
			end = marks[i+1][0]
		}
		files = append(files, txtar.File{Name: string(archive[m[2]:m[3]]), Data: archive[m[1]:end]})
	}
	return files
}

// FuzzFormat checks that formatting twice is formatting once, and that it changes no meaning.
func FuzzFormat(f *testing.F) {
	for _, s := range []string{"a=1\nbb   = 2\n", "x {\ny=[1,\n2]\n}", "a = <<EOT\n  x\nEOT\n", "#c\r\na=1\r\n", "a = b ? c:d // x", ""} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, src []byte) {
		if len(src) > 1<<13 {
			return
		}
		once, diags := Format(src, "x.gameday.hcl")
		if diags.HasErrors() {
			require.Equal(t, src, once, "a file with a mistake is not touched")
			return
		}
		twice, diags := Format(once, "x.gameday.hcl")
		require.False(t, diags.HasErrors(), "%s", diags.Error())
		require.Equal(t, string(once), string(twice))
	})
}
