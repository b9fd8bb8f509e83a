package lang

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/gameday-toolkit/gameday/plugins/sdk"
)

const reference = "../../docs/language.md"

// TestTheReferenceIsTrue compares the tables of docs/language.md with what the language accepts.
func TestTheReferenceIsTrue(t *testing.T) {
	b, err := os.ReadFile(reference)
	require.NoError(t, err)
	const begin, end = "-update -->\n", "<!-- end of reference -->"
	head, rest, ok := strings.Cut(string(b), begin)
	require.True(t, ok)
	tables, tail, ok := strings.Cut(rest, end)
	require.True(t, ok)
	want := blockTables()
	if *update {
		require.NoError(t, os.WriteFile(reference, []byte(head+begin+want+end+tail), 0o644))
		return
	}
	require.Equal(t, want, tables, "run go test ./internal/lang -update")
	for name := range standardFunctions() {
		require.Regexp(t, `\b`+name+`\b`, tail, "the function is not documented")
	}
}

func blockTables() string {
	var out strings.Builder
	for _, k := range append(kinds, environmentKind()) {
		if len(k.core.Attributes)+len(k.refs)+len(k.added) == 0 {
			continue
		}
		labels := ` "NAME"`
		if k.typed {
			labels = ` "TYPE" "NAME"`
		}
		fmt.Fprintf(&out, "\n### %s%s\n\n| argument | type | what it is |\n| --- | --- | --- |\n", k.name, labels)
		for _, r := range k.refs {
			form := "reference to " + article(strings.Join(r.to, " or "))
			if r.list {
				form = "one or several: " + form
			}
			row(&out, r.name, form, r.doc)
		}
		attributes(&out, "", k.core)
		for _, a := range k.added {
			a.Doc += "; for the types of plugins, where the core's own types have theirs"
			attributes(&out, "", schema(a))
		}
		if k.each {
			row(&out, "for_each", "map or set of strings", "repeats the block")
		}
		if k.name == "action" {
			row(&out, "undo", "block", "arguments of the same type, with which the action is run on the way out")
		}
		if k.name == "guard" {
			row(&out, "when", "condition (required)", "see Guards")
		}
		if k.name == "experiment" {
			row(&out, "source", "string (required)", "the directory of the experiment; every other argument is one of its variables")
		}
		if k.belongsToPlugin() {
			row(&out, "plugin", "reference to a plugin", "the configuration it belongs to, where there are several")
		}
	}
	return out.String() + "\n"
}

func attributes(out *strings.Builder, prefix string, s sdk.Schema) {
	for _, a := range s.Attributes {
		typ := string(a.Type)
		if len(a.OneOf) > 0 {
			typ = strings.ReplaceAll(quoted(a.OneOf), ", ", " or ")
		}
		if a.Required {
			typ += " (required)"
		}
		if a.Default != nil {
			typ += fmt.Sprintf(", default %v", a.Default)
		}
		row(out, prefix+a.Name, typ, a.Doc)
	}
	for _, b := range s.Blocks {
		if b.Name == "limit" {
			row(out, prefix+b.Name, "block", "a limit for this fault alone")
			continue
		}
		row(out, prefix+b.Name, "block", "see the rows below")
		attributes(out, prefix+b.Name+".", b.Schema)
	}
}

func row(out *strings.Builder, name, typ, doc string) {
	fmt.Fprintf(out, "| `%s` | %s | %s |\n", name, typ, doc)
}

// TestTheExamplesOfTheReference checks the scenario of docs/language.md beside its project file, and how all examples are written.
func TestTheExamplesOfTheReference(t *testing.T) {
	b, err := os.ReadFile(reference)
	require.NoError(t, err)
	examples := regexp.MustCompile("(?s)```hcl\n(.*?)```").FindAllStringSubmatch(string(b), -1)
	require.Len(t, examples, 3, "the scenario, the project file, an SLO from OpenSLO")
	dir := t.TempDir()
	require.NoError(t, os.Mkdir(filepath.Join(dir, "s"), 0o755))
	for i, name := range []string{"s/main.gameday.hcl", "gameday.hcl", "other.gameday.hcl"} {
		src := examples[i][1]
		require.NoError(t, os.WriteFile(filepath.Join(dir, name), []byte(src), 0o600))
		formatted, diags := Format([]byte(src), name)
		require.False(t, diags.HasErrors())
		require.Equal(t, string(formatted), src, "%s is in the canonical style", name)
	}
	m, diags := Check(filepath.Join(dir, "s"), Options{Catalog: testCatalog()})
	require.Empty(t, render(m, diags))
}
