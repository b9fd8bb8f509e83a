package corefile_test

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/gameday-toolkit/gameday/plugins/kubernetes/internal/corefile"
)

const usual = `# cluster DNS { not a brace }
.:53 { # the world
    errors
    health {
        lameduck 5s
    }
    kubernetes cluster.local in-addr.arpa {
        pods insecure
    }
    template IN A odd.test {
        match "^a{2} # b \" } $"
        answer "{{ .Name }} 5 IN A 192.0.2.1"
    }
    prometheus :9153
    forward . /etc/resolv.conf
    reload 10s 4s
}

corp.test:53, Sub.Corp.Test. 10.0.0.0/8:53 {
    forward . 192.0.2.53
}
tls://.:853 {
    import tail
}
`

func TestServerBlocks(t *testing.T) {
	f, err := corefile.Parse("(tail) {\n  cache\n  reload\n}\n" + usual)
	require.NoError(t, err)
	require.Len(t, f.Blocks, 3)
	require.Equal(t, []corefile.Key{{Transport: "dns", Port: "53"}}, f.Blocks[0].Keys)
	require.Equal(t, "sub.corp.test.:53", f.Blocks[1].Keys[1].String())
	require.True(t, f.HasReverse())
	var names []string
	for _, d := range f.Blocks[0].Directives {
		names = append(names, d.Name)
	}
	require.Equal(t, "errors health kubernetes template prometheus forward reload", strings.Join(names, " "))
	require.Equal(t, []string{":9153"}, f.Blocks[0].Find("prometheus")[0].Args)
	require.True(t, f.Blocks[0].Find("health")[0].Nested)
	require.NotEmpty(t, f.Blocks[2].Find("cache"), "a snippet stands for its lines")
}

func TestWhichBlocksServeAName(t *testing.T) {
	f, err := corefile.Parse(usual)
	require.NoError(t, err)
	for name, want := range map[string][]int{
		"shop.test":         {0, 2},
		"corp.test":         {1, 2},
		"x.corp.test":       {1, 2},
		"notcorp.test":      {0, 2},
		"a.b.sub.corp.test": {1, 2},
	} {
		require.Equal(t, want, f.Serving(corefile.Name{Text: name}), name)
	}
	require.Equal(t, []int{0, 1, 2}, f.Serving(corefile.Name{Text: "test", Below: true}), "the zone below has a block of its own")
	require.Equal(t, []int{0, 1, 2}, f.Serving(corefile.Name{Below: true}))

	f, err = corefile.Parse("cluster.local {\n}\n")
	require.NoError(t, err)
	require.Empty(t, f.Serving(corefile.Name{Text: "shop.test"}))
}

func TestReload(t *testing.T) {
	for text, want := range map[string]time.Duration{
		". {\n reload 10s 4s\n}": 12 * time.Second, ". {\n reload\n}": 37500 * time.Millisecond, ". {\n reload 2s 1s\n}": 2500 * time.Millisecond,
	} {
		f, err := corefile.Parse(text)
		require.NoError(t, err)
		every, ok := f.Reload()
		require.True(t, ok)
		require.Equal(t, want, every, text)
	}
	f, err := corefile.Parse(". {\n # reload\n}")
	require.NoError(t, err)
	_, ok := f.Reload()
	require.False(t, ok, "a comment is no plugin")
}

func TestAddKeepsTheRest(t *testing.T) {
	f, err := corefile.Parse(usual)
	require.NoError(t, err)
	got := f.Add(map[int]string{0: "    ours 1\n", 1: "    ours 2\n"}, "ours.test {\n}\n")
	require.Equal(t, usual, strings.NewReplacer("    ours 1\n", "", "    ours 2\n", "", "ours.test {\n}\n", "").Replace(got))
	require.Contains(t, got, "# the world\n    ours 1\n    errors\n")
	require.Contains(t, got, "10.0.0.0/8:53 {\n    ours 2\n    forward")
	again, err := corefile.Parse(got)
	require.NoError(t, err)
	require.Equal(t, "ours", again.Blocks[0].Directives[0].Name)
	require.Len(t, again.Blocks, 4)

	f, err = corefile.Parse(". {\n}")
	require.NoError(t, err)
	require.Equal(t, ". {\n    ours\n}\nx {\n}\n", f.Add(map[int]string{0: "    ours\n"}, "x {\n}\n"))
}

func TestWhatIsNotUnderstoodIsRefused(t *testing.T) {
	for text, want := range map[string]string{
		"":                                    "no server block",
		"# nothing\n":                         "no server block",
		".:53\nerrors\n":                      "without braces",
		".:53 {\n errors\n":                   "not closed",
		".:53 {\n template IN A {\n match \"": "quote is not closed",
		"{\n errors\n}":                       "no zone before the brace",
		".:{$PORT} {\n}":                      "environment",
		".:dns {\n}":                          "no zone with a port",
		". { errors\n}":                       "behind the brace",
		"a, {\n}":                             "no zone before the brace",
		". {\n {\n }\n}":                      "brace without a directive",
		"import\n":                            "import of nothing",
		"import a b\n. {\n}":                  "more than one thing",
		"(s) {\n . {\n }\n}\nimport s\n":      "stands for server blocks",
	} {
		_, err := corefile.Parse(text)
		require.ErrorContains(t, err, want, "%q", text)
	}
	f, err := corefile.Parse("import custom/*.server\n. {\n import custom/*.override\n}\n")
	require.NoError(t, err)
	require.Equal(t, []string{"custom/*.server"}, f.Imports)
	require.Len(t, f.Blocks[0].Find("import"), 1)
}

func FuzzParse(f *testing.F) {
	f.Add(usual)
	f.Add("import x\n(a) {\n b\n}\n. \"{\" {\n}")
	f.Fuzz(func(t *testing.T, text string) {
		file, err := corefile.Parse(text)
		if err != nil {
			return
		}
		got := file.Add(map[int]string{0: "    ours\n"}, "")
		again, err := corefile.Parse(got)
		require.NoError(t, err)
		require.Equal(t, "ours", again.Blocks[0].Directives[0].Name)
		require.Len(t, again.Blocks, len(file.Blocks))
	})
}
