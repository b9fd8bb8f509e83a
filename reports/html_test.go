package reports

import (
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/net/html"
)

// parsed gives every element of a rendered page, in document order.
func parsed(t *testing.T, m *Model) []*html.Node {
	t.Helper()
	root, err := html.Parse(strings.NewReader(render(t, Renderer{Name: "report.html", Render: HTML}, m)))
	require.NoError(t, err)
	var all []*html.Node
	for n := range root.Descendants() {
		if n.Type == html.ElementNode {
			all = append(all, n)
		}
	}
	return all
}

func attr(n *html.Node, name string) string {
	for _, a := range n.Attr {
		if a.Key == name {
			return a.Val
		}
	}
	return ""
}

func text(n *html.Node) string {
	var b strings.Builder
	for d := range n.Descendants() {
		if d.Type == html.TextNode {
			b.WriteString(d.Data)
		}
	}
	return b.String()
}

// The page asks nobody for anything, and nothing of the scenario becomes markup.
func TestPageIsSelfContained(t *testing.T) {
	for name, m := range models() {
		scripts := 0
		for _, n := range parsed(t, m) {
			switch n.Data {
			case "script":
				scripts++
			case "img", "iframe", "link", "object", "embed", "form", "base":
				t.Errorf("%s: an element %s", name, n.Data)
			}
			for _, a := range n.Attr {
				require.False(t, strings.HasPrefix(a.Key, "on") || a.Key == "style" || a.Key == "src", "%s: attribute %s", name, a.Key)
				if a.Key == "href" {
					require.True(t, strings.HasPrefix(a.Val, "#"), "%s: a link to %s", name, a.Val)
				}
			}
		}
		require.Equal(t, 3, scripts, "%s: the data, the library and our script", name)
	}
}

// The policy names the style and the script by their content; a browser refuses them if this does not match.
func TestPolicyMatchesContent(t *testing.T) {
	var policy string
	var inline []string
	for _, n := range parsed(t, hostile()) {
		switch {
		case attr(n, "http-equiv") == "Content-Security-Policy":
			policy = attr(n, "content")
		case n.Data == "style", n.Data == "script" && attr(n, "type") == "":
			inline = append(inline, text(n))
		}
	}
	require.True(t, strings.HasPrefix(policy, "default-src 'none'"), policy)
	require.NotContains(t, policy, "unsafe")
	require.Len(t, inline, 3, "a style, the library and our script")
	for _, content := range inline {
		sum := sha256.Sum256([]byte(content))
		require.Contains(t, policy, "sha256-"+base64.StdEncoding.EncodeToString(sum[:]))
	}
}

// What a screen reader needs: one h1, no level left out, landmarks, a caption or heads for each table, a name for each
// picture, and links that lead somewhere.
func TestPageIsAccessible(t *testing.T) {
	for name, m := range models() {
		ids, level, mains, h1 := map[string]bool{}, 0, 0, 0
		all := parsed(t, m)
		for _, n := range all {
			if id := attr(n, "id"); id != "" {
				require.False(t, ids[id], "%s: the id %s twice", name, id)
				ids[id] = true
			}
			switch n.Data {
			case "main":
				mains++
			case "h1", "h2", "h3", "h4":
				next := int(n.Data[1] - '0')
				require.LessOrEqual(t, next, level+1, "%s: heading %q leaves a level out", name, text(n))
				level = next
				if next == 1 {
					h1++
				}
			case "th":
				require.NotEmpty(t, attr(n, "scope"), "%s: a head without a scope", name)
			case "svg":
				named := attr(n, "role") == "img" && attr(n, "aria-labelledby") != ""
				require.True(t, named || attr(n, "aria-hidden") == "true", "%s: a picture without a name", name)
			}
		}
		require.Equal(t, []int{1, 1}, []int{mains, h1}, name)
		for _, n := range all {
			if href := attr(n, "href"); href != "" {
				require.True(t, ids[href[1:]], "%s: a link to nowhere: %s", name, href)
			}
			for _, id := range strings.Fields(attr(n, "aria-labelledby")) {
				require.True(t, ids[id], "%s: named by nothing: %s", name, id)
			}
		}
	}
}

// The verdict is a word and a sign before it is a colour.
func TestVerdictInWords(t *testing.T) {
	want := map[string]string{"pass": "Passed", "censored": "Failed", "inconclusive": "Inconclusive", "aborted": "Aborted", "leaked": "Leaked"}
	for name, word := range want {
		m := models()[name]
		page := render(t, Renderer{Name: "report.html", Render: HTML}, m)
		require.Contains(t, page, `<p class="word">`+word+`<span`)
		require.Contains(t, page, "<title>"+word+": ")
		require.Contains(t, render(t, Renderer{Name: "report.md", Render: Markdown}, m), "**"+word+"**")
	}
}

func TestLeakedPageSaysHowToUndoByHand(t *testing.T) {
	for _, r := range []Renderer{{"html", "report.html", HTML}, {"md", "report.md", Markdown}} {
		out := render(t, r, leaked())
		for _, step := range leaked().Result.Faults[0].Steps {
			require.Contains(t, out, step)
		}
		require.Contains(t, out, "cut short")
	}
}

// The run may be on no register where its report is read.
func TestTheAdviceToRecoverNamesADirectory(t *testing.T) {
	m := leaked()
	m.Result.Why = "something may still be broken: fault.x; run `gameday recover`"
	for _, r := range []Renderer{{"html", "report.html", HTML}, {"md", "report.md", Markdown}, {"junit", "junit.xml", JUnit}, {"executive", "executive.html", Executive}} {
		out := render(t, r, m)
		require.Contains(t, out, "gameday recover DIR", r.Name)
		require.NotRegexp(t, "gameday recover(`|&#96;|</code>)", out, r.Name)
	}
}

// A page of a very long run with many SLOs stays small and quick, because curves are thinned to pixels and lists are
// bounded.
func TestPageStaysSmall(t *testing.T) {
	m := many()
	for i := range m.Result.SLOs {
		m.Result.SLOs[i].Points = points(20*time.Minute, m.Result.SLOs[i].Violations...)
	}
	m.Run.Length, m.Phases = 20*time.Minute, nil
	for i := range 20000 {
		m.Entries = append(m.Entries, Entry{At: time.Duration(i) * 50 * ms, Seq: uint64(1000 + i), Kind: KindEvent, Who: "autoscaler", Text: "scaled"})
	}
	page := render(t, Renderer{Name: "report.html", Render: HTML}, m)
	require.Less(t, len(page), 1<<20, fmt.Sprint(len(page)))
	require.Contains(t, page, "more are in <code>report.json</code>")
}
