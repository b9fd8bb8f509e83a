package safehcl

import (
	"testing"
	"unicode/utf8"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/stretchr/testify/require"
	"github.com/zclconf/go-cty/cty"
)

// readBack parses what was written and evaluates it with nothing at hand: a template would be an error.
func readBack(t *testing.T, src []byte) map[string]string {
	t.Helper()
	f, diags := hclsyntax.ParseConfig(src, "x.hcl", hcl.InitialPos)
	require.False(t, diags.HasErrors(), "%s\n%s", diags, src)
	content, diags := f.Body.Content(&hcl.BodySchema{Blocks: []hcl.BlockHeaderSchema{{Type: "b", LabelNames: []string{"name"}}}})
	require.False(t, diags.HasErrors(), "%s\n%s", diags, src)
	require.Len(t, content.Blocks, 1)
	attrs, diags := content.Blocks[0].Body.JustAttributes()
	require.False(t, diags.HasErrors(), "%s\n%s", diags, src)
	out := map[string]string{"label": content.Blocks[0].Labels[0]}
	for name, a := range attrs {
		v, diags := a.Expr.Value(nil)
		require.False(t, diags.HasErrors(), "%s\n%s", diags, src)
		out[name] = v.AsString()
	}
	return out
}

func write(s string) []byte {
	var f File
	f.Comment(s)
	f.Open("b", []string{s}, s)
	f.Text("x", s, s)
	f.Close()
	return f.Bytes()
}

func TestWhateverATextHoldsItIsReadBackAsAText(t *testing.T) {
	for _, s := range []string{
		`${file("/etc/passwd")}`, `%{ for x in [1] }`, "\"\nfault \"x\" \"y\" {}\n", `\`, `"`, `$${x}`, "a\n# b\n}", "*/ }", "<<EOT", "\u2028x", `$$$${`,
	} {
		got := readBack(t, write(s))
		require.Equal(t, Clean(s), got["x"])
		require.Len(t, got, 2)
	}
}

func TestNothingSteersATerminal(t *testing.T) {
	require.Equal(t, "[31mred", Clean("\x1b[31mred\x00\u009b\u202e"))
	require.Equal(t, "a b", OneLine("a\n\r\n\tb"))
}

func TestNamesArePlain(t *testing.T) {
	for in, want := range map[string]string{
		"Lost AZ east-b!": "lost-az-east-b", "../../etc/passwd": "etc-passwd", "": "incident", "日本": "incident", "2026-03": "incident-2026-03", "C:\\con": "c-con", "\x1b]0;x\a": "incident-0-x",
	} {
		require.Equal(t, want, Slug(in, "incident"), in)
	}
	var n Names
	require.Equal(t, []string{"zone", "zone_2", "step"}, []string{n.Of("zone", "step"), n.Of("Zone", "step"), n.Of("*", "step")})
}

func FuzzText(f *testing.F) {
	for _, s := range []string{"${x}", "%{if}", "\"\n", "\\u0000", "$${", "\xff", "%%{"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		src := write(s)
		require.True(t, utf8.Valid(src))
		require.Equal(t, cty.StringVal(Clean(s)).AsString(), readBack(t, src)["x"], "up to the normal form of Unicode")
		require.True(t, hclsyntax.ValidIdentifier(Slug(s, "x")))
	})
}
