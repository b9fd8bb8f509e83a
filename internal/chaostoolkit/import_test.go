package chaostoolkit

import (
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/stretchr/testify/require"
)

var update = flag.Bool("update", false, "rewrite the golden files")

func parsed(t testing.TB, src []byte) *hclsyntax.Body {
	t.Helper()
	f, diags := hclsyntax.ParseConfig(src, "x.hcl", hcl.InitialPos)
	require.False(t, diags.HasErrors(), "%s\n%s", diags, src)
	return f.Body.(*hclsyntax.Body)
}

func TestAnExperimentBecomesAScenario(t *testing.T) {
	for _, file := range []string{"experiment.json", "native.yaml"} {
		b, err := os.ReadFile(filepath.Join("testdata", file))
		require.NoError(t, err)
		made, err := Import(file, b)
		require.NoError(t, err)
		parsed(t, made.Source)
		path := filepath.Join("testdata", strings.TrimSuffix(file, filepath.Ext(file))+".gameday.hcl.golden")
		if *update {
			require.NoError(t, os.WriteFile(path, made.Source, 0o600))
		}
		want, err := os.ReadFile(path)
		require.NoError(t, err)
		require.Equal(t, string(want), string(made.Source))
	}
}

func imported(t *testing.T, src string) (*Made, string) {
	t.Helper()
	made, err := Import("x.yaml", []byte(src))
	require.NoError(t, err)
	parsed(t, made.Source)
	return made, string(made.Source)
}

func TestItWarnsWhereTheOriginalLeavesItsFaultBehind(t *testing.T) {
	method := "title: x\nmethod:\n- {type: action, name: a, provider: {type: process, path: stop}}\n"
	made, _ := imported(t, method)
	require.Contains(t, made.Warnings[0], "x.yaml:3: the original leaves its fault behind")
	made, src := imported(t, method+"rollbacks:\n- {type: action, name: b, provider: {type: process, path: start}}\n")
	require.NotContains(t, strings.Join(made.Warnings, " "), "leaves its fault behind")
	require.Regexp(t, `(?s)action "exec" "a".*undo \{.*command = \["start"\]`, src)
}

func TestRollbacksAreUndoneInTheirOrder(t *testing.T) {
	_, src := imported(t, `title: x
method:
- {type: action, name: one, provider: {type: process, path: a}}
- {type: action, name: two, provider: {type: process, path: b}}
rollbacks:
- {type: action, name: first, provider: {type: process, path: undo-first}}
- {type: action, name: second, provider: {type: process, path: undo-second}}
`)
	// Undos are run newest first: the first rollback belongs to the last action.
	require.Regexp(t, `(?s)"one".*undo-second.*"two".*undo-first`, src)
	require.Regexp(t, `(?s)"two" \{[^}]*after\s+= action.exec.one`, src)
}

func TestEachFormOfATolerance(t *testing.T) {
	for tolerance, want := range map[string]string{
		"200":             `status = [200]`,
		"[200, 204, 301]": `status = [200, 204, 301]`,
		`{type: regex, pattern: "a+", target: body}`:                `body_regex = "a+"`,
		`{type: regex, pattern: "(?<=a)b", target: body}`:           "its regular expression is one of Python only",
		`{type: regex, pattern: a}`:                                 "it has no target",
		`{type: jsonpath, path: "$.a[*]", target: body, expect: 1}`: `"gameday", "import", "tolerance"`,
		`{type: jsonpath, path: "$[", target: body}`:                "its JSON path is not understood",
		`{type: range, range: [1, 2], target: body}`:                `"gameday", "import", "tolerance"`,
		`{type: range, range: [1], target: body}`:                   "its range has not two ends",
		"true":   "it is a bool",
		"ok":     "it is a text",
		"[a, b]": "it is a list of something else than numbers",
		"1.5":    "a status is a whole number",
		`{type: probe, provider: {type: python, module: m, func: f}}`: "the Python function m.f decides",
		`{type: magic}`: `there is no tolerance of type`,
	} {
		_, src := imported(t, "title: x\nsteady-state-hypothesis:\n  title: y\n  probes:\n  - {type: probe, name: p, tolerance: "+tolerance+", provider: {type: http, url: 'http://x/'}}\n")
		require.Contains(t, src, want, tolerance)
	}
}

func TestNothingOfAnExperimentIsEvaluated(t *testing.T) {
	_, src := imported(t, `{"title": "${file(\"/etc/passwd\")} %{ for x in [1] }\u001b[31m", "configuration": {"a": "${env(\"HOME\")}", "b$": "x"},
 "method": [{"type": "action", "name": "\"\nfault \"x\" \"y\" {}", "provider": {"type": "process", "path": "$${a}$${b$}%{x}", "arguments": ["${a}$", "$${a}", "%{if}"]}}], "rollbacks": []}`)
	body := parsed(t, []byte(src))
	for _, b := range body.Blocks {
		require.NotEqual(t, "fault", b.Type, "there is none in the original")
		for name, a := range b.Body.Attributes {
			for _, v := range a.Expr.Variables() {
				require.Contains(t, []string{"var", "action", "probe", "slo", "string"}, v.RootName(), name)
			}
			if name != "default" {
				require.NotContains(t, string(a.Expr.Range().SliceBytes([]byte(src))), "file(\"/etc", "%s", src)
			}
		}
	}
	require.NotContains(t, src, "\x1b")
}

func TestWhatIsNoExperimentIsSaid(t *testing.T) {
	for src, want := range map[string]string{
		`{"chaoslib-version": "1", "experiment": {}}`: "x:1: this is a journal",
		`[1]`:                       "this is not an experiment",
		`{"method": []}`:            "the experiment has no title",
		`{"title": "x"}`:            "has neither a steady-state-hypothesis nor a method",
		"title: x\nmethod:\n  a: 1": "x:3: this has to be a list",
		"title: x\nmethod: [1]":     "x:2: this is not an activity",
		"{\n\"title\": ":            "x:2: the file ends in the middle",
		"title: x\nmethod: [" + strings.Repeat("{},", maxActivities+1) + "]": "there may be 500",
	} {
		_, err := Import("x", []byte(src))
		require.ErrorContains(t, err, want, src)
	}
}

func TestJudge(t *testing.T) {
	a := Answer{Status: 200, Parts: map[string]string{"body": `{"a": [{"n": 1}, {"n": 2}]}`, "stdout": " 7\n"}}
	for tolerance, want := range map[string]string{
		`{"type":"jsonpath","path":"$.a[*].n","target":"body","expect":[1,2]}`: "",
		`{"type":"jsonpath","path":"$.a[*].n","target":"body","expect":[2]}`:   "expected",
		`{"type":"jsonpath","path":"$.a[0].n","target":"body","expect":1}`:     "",
		`{"type":"jsonpath","path":"$.a[*]","target":"body","count":2}`:        "",
		`{"type":"jsonpath","path":"$.a[*]","target":"body","count":3}`:        "found 2 values",
		`{"type":"jsonpath","path":"$.b","target":"body"}`:                     "found nothing",
		`{"type":"jsonpath","path":"$.b","target":"stdout"}`:                   "found nothing",
		`{"type":"range","range":[5,8],"target":"stdout"}`:                     "",
		`{"type":"range","range":[8,9],"target":"stdout"}`:                     "7 is not within 8 and 9",
		`{"type":"range","range":[8,9],"target":"body"}`:                       "is no number",
		`{"type":"regex","pattern":"^20","target":"status"}`:                   "",
		`{"type":"regex","pattern":"x","target":"nowhere"}`:                    `the answer has no "nowhere"`,
		`{"type":"x"}`: "there is no tolerance",
		`{`:            "reading the tolerance",
	} {
		err := Judge(tolerance, a)
		if want == "" {
			require.NoError(t, err, tolerance)
			continue
		}
		require.ErrorContains(t, err, want, tolerance)
	}
}

func FuzzImport(f *testing.F) {
	for _, file := range []string{"testdata/experiment.json", "testdata/native.yaml"} {
		b, err := os.ReadFile(file)
		require.NoError(f, err)
		f.Add(string(b))
	}
	f.Add("title: ${x}\nconfiguration: {x: {type: env, key: '\"'}}\nmethod:\n- &a {type: action, name: a, provider: {type: http, url: '${x}$', method: POST, arguments: {a: 1}}}\n- *a\nrollbacks: [{ref: a}]\n")
	f.Fuzz(func(t *testing.T, src string) {
		if len(src) > 1<<16 {
			return
		}
		made, err := Import("x", []byte(src))
		if err != nil {
			return
		}
		require.True(t, hclsyntax.ValidIdentifier(made.Name))
		allowed := []string{"scenario", "variable", "probe", "slo", "objective", "action", "plugin", "target", "fault", "todo"}
		for _, block := range parsed(t, made.Source).Blocks {
			require.Contains(t, allowed, block.Type)
			for _, l := range block.Labels {
				require.True(t, hclsyntax.ValidIdentifier(l), l)
			}
		}
	})
}

func FuzzJudge(f *testing.F) {
	f.Add(`{"type":"jsonpath","path":"$.a[?(@.n > 1)]","target":"body","expect":[1]}`, `{"a":[{"n":2}]}`)
	f.Add(`{"type":"range","range":[1e999,"x"],"target":"body"}`, "NaN")
	f.Fuzz(func(_ *testing.T, tolerance, body string) {
		if len(tolerance)+len(body) < 1<<14 {
			_ = Judge(tolerance, Answer{Parts: map[string]string{"body": body}})
		}
	})
}
