package lang

import (
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestAbsurdFilesAreRefused(t *testing.T) {
	pad := strings.Repeat("# padding\n", 2000)
	for name, c := range map[string]struct{ file, src, want string }{
		"parentheses":  {"a.gameday.hcl", pad + "locals {\n  x = " + strings.Repeat("(", 50_000) + "\n}\n", "The file nests too deeply"},
		"negations":    {"a.gameday.hcl", pad + "locals {\n  x = " + strings.Repeat("! ", 20_000) + "true\n}\n", "The file nests too deeply"},
		"conditionals": {"a.gameday.hcl", pad + "locals {\n  x = " + strings.Repeat("true ? 1 : ", 5_000) + "2\n}\n", "The file nests too deeply"},
		"number":       {"a.gameday.hcl", "locals {\n  x = \"${1e999999999}\"\n}\n", "The file nests too deeply"},
		"arrays":       {"a.gameday.hcl.json", strings.Repeat("[", 50_000), "The file nests too deeply"},
		"template":     {"a.gameday.hcl.json", `{"locals": {"x": "${` + strings.Repeat("!", 20_000) + `true}"}}`, "The file nests too deeply"},
		"size":         {"a.gameday.hcl", strings.Repeat("#", maxFileSize+1), "The file cannot be read"},
		"blocks":       {"a.gameday.hcl", strings.Repeat("guard \"g\" {}\n", maxBlocks+5), "There are too many blocks here"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Chdir(t.TempDir())
			require.NoError(t, os.WriteFile(c.file, []byte(c.src), 0o600))
			m, diags := Check(".", Options{Catalog: testCatalog()})
			require.Contains(t, render(m, diags), c.want)
		})
	}
}

func TestExperimentsThatMultiplyAreRefused(t *testing.T) {
	t.Chdir(t.TempDir())
	for i, dir := range []string{".", "a", "b", "c", "d", "e", "f", "g", "h", "i"} {
		require.NoError(t, os.MkdirAll(dir, 0o755))
		src := ""
		if i == 0 {
			src = "scenario \"s\" {}\n"
		}
		if next := string(rune('a' + i)); i < 9 {
			for _, n := range []string{"one", "two", "three", "four"} {
				up := "../"
				if i == 0 {
					up = "./"
				}
				src += "experiment \"" + n + "\" {\n  source = \"" + up + next + "\"\n}\n"
			}
		}
		require.NoError(t, os.WriteFile(dir+"/x.gameday.hcl", []byte(src), 0o600))
	}
	m, diags := Check(".", Options{Catalog: testCatalog()})
	got := render(m, diags)
	require.True(t, strings.Contains(got, "There are too many experiments") || strings.Contains(got, "Experiments are nested too deeply"), got)
}
