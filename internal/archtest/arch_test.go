package archtest

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

const module = "github.com/gameday-toolkit/gameday/"

// allowed says which of our packages a package may import, by the first element that decides: a package's own
// subpackages are always allowed. What is not listed may import nothing of ours.
var allowed = map[string][]string{
	"plugins/sdk":             {},
	"plugins/sdk/conformance": {"plugins/sdk"},
	"plugins":                 {"plugins/sdk"},
	"reports":                 {"internal/backlog", "internal/history", "internal/journal", "internal/measure", "internal/plan", "internal/record", "internal/replay", "internal/sample", "plugins/sdk"},
	"internal/varint":         {},
	"internal/sample":         {"internal/varint"},
	"internal/record":         {"internal/varint"},
	"internal/plan":           {"plugins/sdk"},
	"internal/journal":        {"internal/sample", "plugins/sdk"},
	"internal/history":        {"internal/journal", "internal/plan", "internal/record", "internal/sample", "plugins/sdk"},
	"internal/measure":        {"internal/history", "internal/journal", "internal/plan", "internal/record", "internal/sample", "plugins/sdk"},
	"internal/backlog":        {"internal/history", "internal/journal", "internal/measure", "internal/plan", "internal/record", "internal/sample", "plugins/sdk"},
	"internal/archive":        {"internal/backlog", "internal/history", "internal/journal", "internal/measure", "internal/plan"},
	"internal/probe":          {"internal/sample", "plugins/sdk"},
	"internal/ledger":         {"internal/probe", "internal/record", "internal/sample", "plugins/sdk"},
	"internal/alert":          {"internal/probe", "plugins/sdk"},
	"internal/action":         {"plugins/sdk"},
	"internal/lang":           {"internal/guard", "internal/plan", "plugins/sdk"},
	"internal/guard":          {"internal/plan"},
	"internal/undo":           {"internal/journal", "plugins/sdk"},
	"internal/engine":         {"internal/journal", "internal/plan", "internal/probe", "internal/sample", "internal/undo", "plugins/sdk"},
	"internal/pluginhost":     {"plugins/sdk"},
	"internal/approval":       {},
	"internal/notify":         {"plugins/sdk"},
	"internal/live":           {"internal/history", "internal/journal", "internal/plan", "internal/sample", "reports"},
	"internal/environment":    {},
	"internal/replay":         {"internal/history", "internal/journal", "internal/measure", "internal/plan", "internal/record", "internal/sample", "plugins/sdk"},
	"internal/chaostoolkit":   {"internal/history", "internal/journal", "internal/measure", "internal/plan", "internal/record", "internal/replay", "internal/sample", "plugins/sdk"},
	"internal/fis":            {"internal/replay"},
	"internal/cli":            {"internal", "plugins/sdk", "reports"},
	"cmd/gameday":             {"internal/cli"},
	"cmd":                     {"plugins"},
	"internal/archtest":       {},
	"internal/crash":          {}, // tests only
	"internal/integration":    {}, // tests only
}

// mayStartProcesses are the packages in which os/exec has business.
var mayStartProcesses = []string{"internal/approval", "internal/pluginhost", "plugins/sdk/conformance", "internal/probe", "internal/action", "plugins/lab", "internal/cli"}

// file is one source file that ships: neither a test nor test data.
type file struct {
	pkg  string // the folder
	name string
	ast  *ast.File
}

func sources(t *testing.T) (files []file) {
	t.Helper()
	root := "../.."
	err := filepath.WalkDir(root, func(p string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && (d.Name() == "testdata" || d.Name() == "bin" || strings.HasPrefix(d.Name(), ".") && len(d.Name()) > 2):
			return filepath.SkipDir
		case d.IsDir() && p != root && isModule(p):
			return filepath.SkipDir // a module of its own, with requirements of its own: it is in no binary of ours
		case d.IsDir() || !strings.HasSuffix(p, ".go") || strings.HasSuffix(p, "_test.go"):
			return nil
		}
		rel, err := filepath.Rel(root, p)
		require.NoError(t, err)
		f, err := parser.ParseFile(token.NewFileSet(), p, nil, parser.ParseComments)
		require.NoError(t, err)
		files = append(files, file{pkg: filepath.ToSlash(filepath.Dir(rel)), name: rel, ast: f})
		return nil
	})
	require.NoError(t, err)
	require.NotEmpty(t, files)
	return files
}

func isModule(dir string) bool {
	_, err := os.Stat(filepath.Join(dir, "go.mod"))
	return err == nil
}

func imports(f file) (out []string) {
	for _, i := range f.ast.Imports {
		p, _ := strconv.Unquote(i.Path.Value)
		out = append(out, p)
	}
	return out
}

// rule finds the entry of allowed that decides for a package: its own, or that of the nearest folder above.
func rule(pkg string) (name string, may []string, ok bool) {
	for p := pkg; p != "."; p = path.Dir(p) {
		if may, ok := allowed[p]; ok {
			return p, may, true
		}
	}
	return "", nil, false
}

func within(pkg, folder string) bool { return pkg == folder || strings.HasPrefix(pkg, folder+"/") }

func TestImportsFollowTheHouse(t *testing.T) {
	for _, f := range sources(t) {
		name, may, ok := rule(f.pkg)
		if !ok {
			t.Errorf("%s: the package %s has no rule; decide what it may import and add it here", f.name, f.pkg)
			continue
		}
		own := name
		if name == "plugins" { // a plugin is a house of its own
			own = strings.Join(strings.SplitN(f.pkg, "/", 3)[:2], "/")
		}
		for _, i := range imports(f) {
			p, ours := strings.CutPrefix(i, module)
			if ours && !within(p, own) && !slices.ContainsFunc(may, func(m string) bool { return within(p, m) }) {
				t.Errorf("%s imports %s, which %s may not", f.name, p, name)
			}
		}
	}
}

func TestTheCoreStaysLight(t *testing.T) {
	for _, f := range sources(t) {
		if !within(f.pkg, "internal") && f.pkg != "cmd/gameday" && f.pkg != "reports" {
			continue
		}
		for _, i := range imports(f) {
			for _, heavy := range []string{"github.com/aws/", "k8s.io/", "github.com/nats-io/nats-server"} {
				if strings.HasPrefix(i, heavy) {
					t.Errorf("%s imports %s: that belongs into a plugin", f.name, i)
				}
			}
		}
	}
}

func TestOnlyMainExits(t *testing.T) {
	for _, f := range sources(t) {
		if within(f.pkg, "cmd") {
			continue
		}
		ast.Inspect(f.ast, func(n ast.Node) bool {
			if s, ok := n.(*ast.SelectorExpr); ok && s.Sel.Name == "Exit" {
				if x, ok := s.X.(*ast.Ident); ok && x.Name == "os" && !within(f.pkg, "plugins/sdk") {
					t.Errorf("%s calls os.Exit: an exit deep down would skip reverts", f.name)
				}
			}
			return true
		})
	}
}

func TestOnlySomeStartProcesses(t *testing.T) {
	for _, f := range sources(t) {
		if slices.Contains(imports(f), "os/exec") && !slices.ContainsFunc(mayStartProcesses, func(m string) bool { return within(f.pkg, m) }) {
			t.Errorf("%s starts processes", f.name)
		}
	}
}

func TestNoInitAndNoDrawers(t *testing.T) {
	for _, f := range sources(t) {
		if slices.Contains([]string{"util", "utils", "common", "helpers", "types"}, path.Base(f.pkg)) {
			t.Errorf("%s: a package named %s says nothing about what is in it", f.name, path.Base(f.pkg))
		}
		for _, d := range f.ast.Decls {
			if fn, ok := d.(*ast.FuncDecl); ok && fn.Name.Name == "init" && fn.Recv == nil && !strings.HasSuffix(f.name, ".pb.go") {
				t.Errorf("%s has an init function", f.name)
			}
		}
	}
}

func TestEveryPackageSaysWhatItIs(t *testing.T) {
	said := map[string]bool{}
	for _, f := range sources(t) {
		said[f.pkg] = said[f.pkg] || f.ast.Doc != nil || strings.HasSuffix(f.name, ".pb.go")
	}
	for pkg, ok := range said {
		if !ok {
			t.Errorf("%s has no package comment", pkg)
		}
	}
}

func TestTopLevelIsExactlyTheHouse(t *testing.T) {
	entries, err := os.ReadDir("../..")
	require.NoError(t, err)
	rooms := []string{"cmd", "experiments", "plugins", "internal", "scenarios", "reports", "docs", "go.mod", "go.sum", "Makefile", "README.md", "LICENSE",
		"bin", "gameday-runs"} // made by make, ignored by git
	for _, e := range entries {
		if !strings.HasPrefix(e.Name(), ".") && !slices.Contains(rooms, e.Name()) {
			t.Errorf("%s has no place at the top level", e.Name())
		}
	}
}
