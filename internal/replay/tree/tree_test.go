package tree

import (
	"fmt"
	"io"
	"runtime"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestNodesKnowTheirLine(t *testing.T) {
	for name, src := range map[string]string{
		"json": "{\n \"a\": [\n  1,\n  {\"b\": \"x\\u0041\"}\n ], \"n\": null\n}",
		"yaml": "\na:\n  - 1\n  - b: xA\nn: ~\n",
	} {
		n, err := Parse([]byte(src))
		require.NoError(t, err, name)
		require.Equal(t, "xA", n.Get("a").List()[1].Get("b").String(), name)
		require.Equal(t, 4, n.Get("a").List()[1].Get("b").At(), name)
		require.Equal(t, Number, n.Get("a").List()[0].Kind)
		require.False(t, n.Has("n"))
		require.Nil(t, n.Get("a", "no", "such"))
		require.Empty(t, n.Get("no").String())
	}
}

func TestMistakesHaveTheirLine(t *testing.T) {
	for src, want := range map[string]string{
		"{\n\"a\": [1,\n": "line 3: the file ends in the middle",
		"{\n\"a\": x}":    "line 2: this is not JSON",
		"{\"a\": 1}\n{}":  "something after the end",
		"":                "there is nothing in it",
		"a: [1\nb: 2":     "this is not YAML",
		"a: 1\n---\nb: 2": "more than one document",
		"? [a]\n: 1\n":    "not a plain word",
		"{1: 2}":          "this is not JSON",
	} {
		_, err := Parse([]byte(src))
		require.ErrorContains(t, err, want, src)
	}
}

func TestBombsAreErrors(t *testing.T) {
	var bomb strings.Builder
	bomb.WriteString("a0: &a0 [x, x, x, x, x, x, x, x, x]\n")
	for i := range 9 {
		fmt.Fprintf(&bomb, "a%d: &a%d [%s*a%d]\n", i+1, i+1, strings.Repeat(fmt.Sprintf("*a%d, ", i), 8), i)
	}
	for name, src := range map[string]string{
		"aliases":        bomb.String(),
		"loop":           "a: &a [*a]\n",
		"merged loop":    "a: &a\n  <<: *a\n  b: 1\n",
		"deep json":      strings.Repeat("[", 1e6),
		"deep yaml":      strings.Repeat("[", 5000),
		"deep block":     strings.Repeat("- ", 5000) + "x",
		"many json":      "[" + strings.Repeat("1,", maxNodes+1) + "1]",
		"much yaml":      "a: " + strings.Repeat("x", maxYAML),
		"alias, no name": "a: *\n",
		"nothing to be":  "a: *b\n",
	} {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		_, err := Parse([]byte(src))
		runtime.ReadMemStats(&after)
		require.Error(t, err, name)
		require.Less(t, after.TotalAlloc-before.TotalAlloc, uint64(512<<20), name)
	}
}

func TestMergedKeysGiveWay(t *testing.T) {
	n, err := YAML([]byte("base: &b {x: 1, y: 2}\nreal:\n  <<: *b\n  y: 3\n"))
	require.NoError(t, err)
	require.Equal(t, "1", n.Get("real", "x").String())
	require.Equal(t, "3", n.Get("real", "y").String())
}

// endless counts what was read of it.
type endless struct{ n int }

func (e *endless) Read(p []byte) (int, error) { e.n += len(p); return len(p), nil }

func TestAHugeFileIsReadNoFurtherThanTheBound(t *testing.T) {
	e := &endless{}
	_, err := ReadAll(io.LimitReader(e, 100<<20))
	require.ErrorIs(t, err, ErrTooLarge)
	require.Less(t, e.n, 2*MaxSize)
}

func FuzzParse(f *testing.F) {
	for _, s := range []string{`{"a":[1,{"b":"x"}],"c":null}`, "a: &x [1]\nb: *x\n<<: {c: 1}\n", "- 'x'\n- !!binary aGk=\n", "[", "{\"\\ud800\":1e999}", "? a\n: b", "%YAML 1.1\n---\n!!set {a}"} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, src []byte) {
		n, err := Parse(src)
		if (n == nil) == (err == nil) {
			t.Fatal("a tree or an error")
		}
		lines := 1 // YAML knows more ends of lines than one
		for _, end := range []string{"\n", "\r", "\u0085", "\u2028", "\u2029"} {
			lines += strings.Count(string(src), end)
		}
		walk(n, func(x *Node) {
			if x.Line < 0 || x.Line > lines+1 || x.Kind == Map && len(x.Keys) != len(x.Items) {
				t.Fatalf("line %d of %d", x.Line, lines)
			}
		})
	})
}

func walk(n *Node, f func(*Node)) {
	if n == nil {
		return
	}
	f(n)
	for _, i := range n.Items {
		walk(i, f)
	}
}
