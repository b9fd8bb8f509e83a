package fis

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/hashicorp/hcl/v2/hclwrite"
	"github.com/stretchr/testify/require"
)

var update = flag.Bool("update", false, "rewrite the golden files")

func parsed(t testing.TB, src []byte) *hclsyntax.Body {
	t.Helper()
	f, diags := hclsyntax.ParseConfig(src, "x.hcl", hcl.InitialPos)
	require.False(t, diags.HasErrors(), "%s\n%s", diags, src)
	return f.Body.(*hclsyntax.Body)
}

// templates are the files of testdata, each with what is said about it.
func templates(t testing.TB) []string {
	files, err := filepath.Glob("testdata/*.*")
	require.NoError(t, err)
	var out []string
	for _, f := range files {
		if !strings.HasSuffix(f, ".golden") {
			out = append(out, f)
		}
	}
	require.NotEmpty(t, out)
	return out
}

func TestATemplateBecomesAScenario(t *testing.T) {
	for _, file := range templates(t) {
		for _, o := range []Options{{}, {Whole: true}} {
			b, err := os.ReadFile(file)
			require.NoError(t, err)
			made, err := Import(filepath.Base(file), b, o)
			path := file + ".golden"
			if o.Whole {
				path = file + ".whole.golden"
				if _, statErr := os.Stat(path); err != nil && os.IsNotExist(statErr) {
					require.ErrorContains(t, err, "the template has no id", file)
					continue
				}
			}
			require.NoError(t, err, file)
			parsed(t, made.Source)
			require.Equal(t, string(hclwrite.Format(made.Source)), string(made.Source), "the canonical style")
			got := string(made.Source) + said(made)
			if *update {
				require.NoError(t, os.WriteFile(path, []byte(got), 0o600))
			}
			want, err := os.ReadFile(path)
			require.NoError(t, err)
			require.Equal(t, string(want), got)
		}
	}
}

func said(m *Made) string {
	var out strings.Builder
	for _, l := range []struct {
		title string
		lines []string
	}{{"Warnings", m.Warnings}, {"Assumed", m.Assumed}, {"Unsupported", m.Unsupported}, {"Left", m.Left}, {"Needed", m.Needed}} {
		out.WriteString("\n-- " + l.title + "\n" + strings.Join(l.lines, "\n"))
	}
	return out.String() + "\n"
}

func TestWhatIsNoTemplateIsSaid(t *testing.T) {
	for src, want := range map[string]string{
		`[1]`:                         "x:1: this is not an experiment template",
		`{"experiments": []}`:         "it has no actions",
		`{"experimentTemplates": []}`: "a list of templates; import one",
		`{"experiment": {}}`:          "an experiment that ran",
		"{\n\"actions\": [1]}":        "x:2: actions has to be a map",
		`{"actions": {}}`:             "the template has no actions",
		`{"actions": {"a": 1}}`:       "actions.a has to be a map",
		`{"actions": {"a": {}}}`:      `the action "a" has no actionId`,
		`{"actions": {"a": {"actionId": "x"}}, "targets": [1]}`:                                                                   "targets has to be a map",
		`{"actions": {"a": {"actionId": "x"}}, "stopConditions": {}}`:                                                             "stopConditions has to be a list",
		`{"actions": {"a": {"actionId": "x", "startAfter": ["b"]}}}`:                                                              `starts after "b", which there is not`,
		`{"actions": {"a": {"actionId": "x", "startAfter": "a"}}}`:                                                                "in a circle",
		"actions:\n  a: {actionId: x, startAfter: [b]}\n  b: {actionId: x, startAfter: [c]}\n  c: {actionId: x, startAfter: [b]}": "x:3: the actions start after each other in a circle",
		`{"actions": {"a": {"actionId": "x", "targets": {"Instances": "t"}}}}`:                                                    `names the target "t", which there is not`,
		"{\n\"actions\": ": "x:2: the file ends in the middle",
		`{"actions": {` + strings.Repeat(`"a": {},`, 3) + `"b": {"actionId": "x"}}}`: `the action "a" has no actionId`,
		"actions: {" + many(maxEntries+1) + "}":                                      "there are 501 actions, and there may be 500",
	} {
		_, err := Import("x", []byte(src), Options{})
		require.ErrorContains(t, err, want, src)
	}
}

func many(n int) string {
	var out strings.Builder
	for i := range n {
		fmt.Fprintf(&out, "a%d: {actionId: x}, ", i)
	}
	return strings.TrimSuffix(out.String(), ", ")
}

func TestSpans(t *testing.T) {
	for text, want := range map[string]time.Duration{"": 0, "PT1M": time.Minute, "PT90S": 90 * time.Second, "P1DT2H3M4S": 26*time.Hour + 3*time.Minute + 4*time.Second, "P1D": 24 * time.Hour} {
		got, unclear := span(text)
		require.Empty(t, unclear)
		require.Equal(t, want, got, text)
	}
	for _, text := range []string{"PT", "P", "PT0S", "1M", "PT1.5H", "PT99999999H", "P15D", "pt1m", "P1M", "PT-1M"} {
		got, unclear := span(text)
		require.NotEmpty(t, unclear, text)
		require.Zero(t, got)
	}
}

// A long chain, each action of which starts after all before it, is no riddle.
func TestManyActionsInARow(t *testing.T) {
	var src strings.Builder
	src.WriteString("targets: {t: {resourceType: 'aws:ec2:instance', resourceTags: {a: b}}}\nactions:\n")
	var before []string
	for i := range 300 {
		name := fmt.Sprint("a", i)
		src.WriteString("  " + name + ": {actionId: 'aws:ec2:stop-instances', parameters: {startInstancesAfterDuration: PT1M}, targets: {Instances: t}, startAfter: [" + strings.Join(before, ",") + "]}\n")
		before = append(before, name)
	}
	made, err := Import("x", []byte(src.String()), Options{})
	require.NoError(t, err)
	faults := 0
	for _, b := range parsed(t, made.Source).Blocks {
		if b.Type == "fault" {
			faults++
		}
	}
	require.Equal(t, 300, faults)
}

func FuzzImport(f *testing.F) {
	for _, file := range templates(f) {
		b, err := os.ReadFile(file)
		require.NoError(f, err)
		f.Add(string(b), false)
		f.Add(string(b), true)
	}
	f.Add("actions: {'${x}': {actionId: 'aws:eks:pod-delete', targets: {Pods: '%{if}'}}}\ntargets: {'%{if}': {resourceType: 'aws:eks:pod', parameters: {namespace: '\"', selectorType: podName, selectorValue: '$${'}}}\nstopConditions: [{source: 'aws:cloudwatch:alarm', value: 'arn:aws:cloudwatch:::alarm:\"${x}'}, 1]\n", false)
	f.Add(`{"actions":{"a":{"actionId":"aws:fis:wait","startAfter":["b","b"]},"b":{"actionId":"aws:fis:wait","parameters":{"duration":"P9DT9999H"}}}}`, true)
	f.Fuzz(func(t *testing.T, src string, whole bool) {
		if len(src) > 1<<16 {
			return
		}
		made, err := Import("x", []byte(src), Options{Whole: whole})
		if err != nil {
			return
		}
		require.True(t, hclsyntax.ValidIdentifier(made.Name))
		names := map[string]bool{}
		for _, block := range parsed(t, made.Source).Blocks {
			require.Contains(t, []string{"scenario", "variable", "plugin", "target", "probe", "slo", "objective", "guard", "fault", "todo"}, block.Type)
			for _, l := range block.Labels {
				require.True(t, hclsyntax.ValidIdentifier(l), l)
			}
			name := strings.Join(append([]string{block.Type}, block.Labels...), ".")
			require.False(t, names[name], "%s is there twice", name)
			names[name] = true
		}
	})
}
