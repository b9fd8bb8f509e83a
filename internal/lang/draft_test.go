package lang

import (
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/txtar"
	"github.com/stretchr/testify/require"
	"github.com/zclconf/go-cty/cty"

	"github.com/gameday-toolkit/gameday/internal/guard"
	"github.com/gameday-toolkit/gameday/internal/plan"
	"github.com/gameday-toolkit/gameday/plugins/sdk"
)

func labOutputs() map[string]map[string]cty.Value {
	return map[string]map[string]cty.Value{"lab": {
		"dns": cty.StringVal("127.0.0.1:53"), "zones": cty.ListVal([]cty.Value{cty.StringVal("east-a")}), "key": cty.StringVal("hunter3"),
	}}
}

// posForm are the places, which differ between the two syntaxes.
var posForm = regexp.MustCompile(`,"pos":\{[^}]*\}`)

// inDir writes the files of an archive into a fresh directory and goes there.
func inDir(t *testing.T, archive string) {
	t.Helper()
	ar := txtar.Parse([]byte(archive))
	t.Chdir(t.TempDir())
	unpack(t, ar)
}

// mustDraft loads the current directory, which has no mistakes.
func mustDraft(t *testing.T, o Options) (*Module, *plan.Draft) {
	t.Helper()
	o.Catalog = testCatalog()
	m, diags := Check(".", o)
	require.Empty(t, render(m, diags))
	d, diags := m.Draft(labOutputs())
	require.Empty(t, render(m, diags))
	return m, d
}

func TestDrafts(t *testing.T) {
	files, err := filepath.Glob("testdata/drafts/*.txtar")
	require.NoError(t, err)
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txtar"), func(t *testing.T) {
			abs, err := filepath.Abs(file)
			require.NoError(t, err)
			ar, err := txtar.ParseFile(file)
			require.NoError(t, err)
			t.Chdir(t.TempDir())
			want, i := unpack(t, ar)
			_, d := mustDraft(t, Options{})
			d.Dir = "DIR"
			b, err := json.MarshalIndent(d, "", "  ")
			require.NoError(t, err)
			got := strings.ReplaceAll(string(b), `\u003c`, "<") + "\n"
			if *update {
				ar.Files = append(ar.Files[:i], txtar.File{Name: "want", Data: []byte(got)})
				require.NoError(t, os.WriteFile(abs, txtar.Format(ar), 0o644))
				return
			}
			require.Equal(t, want, got)
			for _, g := range d.Guards {
				_, err := guard.Compile(g)
				require.NoError(t, err)
			}
		})
	}
}

const secretive = `
-- main.gameday.hcl --
scenario "secrets" {}
variable "token" {
  sensitive = true
}
variable "plain" {
  default = 3
}
plugin "lab" {
  token = var.token
}
target "lab_zone" "t" {
  names = ["a", "x${var.token}"]
}
fault "lab_latency" "f" {
  targets = target.lab_zone.t
  delay   = "1s"
  hold    = "1s"
  match {
    path   = plugin.lab.key
    secret = "plain in the file, secret by the schema"
  }
}
probe "http" "p" {
  url     = "http://x/"
  headers = { Authorization = "Bearer ${var.token}" }
}
slo "s" {
  probe  = probe.http.p
  target = 99
}
`

func TestSecretsStayOutOfTheDraft(t *testing.T) {
	inDir(t, secretive)
	m, d := mustDraft(t, Options{Vars: []VarFlag{{"token", "hunter2"}}})
	b, err := json.Marshal(d)
	require.NoError(t, err)
	for _, secret := range []string{"hunter2", "hunter3", "plain in the file"} {
		require.NotContains(t, string(b), secret)
	}
	require.JSONEq(t, `{"names":["a","xhunter2"]}`, string(plan.Reveal(d.Targets[0].Config, d.Secrets)))
	require.JSONEq(t, `{"delay":"1s","match":[{"path":"hunter3","secret":"plain in the file, secret by the schema"}]}`, string(plan.Reveal(d.Faults[0].Config, d.Secrets)))
	require.JSONEq(t, `{"token":"hunter2"}`, string(plan.Reveal(m.Plugins()[0].Config, m.Secrets())), "a plugin can be configured before there is a draft")
	require.JSONEq(t, `{"token":"hunter2"}`, string(plan.Reveal(d.Plugins[0].Config, d.Secrets)))
	require.Contains(t, string(plan.Reveal(d.Probes[0].Config, d.Secrets)), "Bearer hunter2")
	require.Equal(t, map[string]json.RawMessage{"plain": json.RawMessage("3")}, d.Variables)
	require.Equal(t, "looking up y-(sensitive).test", plan.Redact("looking up y-hunter2.test", d.Secrets), "a part of what a block holds")
}

func TestAZeroByteIsRefused(t *testing.T) {
	inDir(t, "-- main.gameday.hcl --\nscenario \"z\" {}\nprobe \"http\" \"p\" {\n  url = \"\\u0000secret:0\"\n}\n")
	m, diags := Check(".", Options{Catalog: testCatalog()})
	require.Contains(t, render(m, diags), "The text has a zero byte in it")
}

func TestTheLastValueOfAVariableWins(t *testing.T) {
	const files = `
-- main.gameday.hcl --
scenario "v" {}
variable "a" { default = "default" }
variable "b" { default = "default" }
variable "c" { default = "default" }
variable "d" { default = "default" }
variable "list" {
  type    = list(string)
  default = []
}
variable "n" {
  type    = object({ rate = number, name = optional(string, "none") })
  default = { rate = 1 }
}
variable "kept" {
  default  = "default"
  nullable = false
}
-- one.vars.hcl --
b = "file one"
c = "file one"
d = "file one"
kept = null
-- two.vars.json --
{"c": "file two", "d": "file two", "list": ["x"]}
`
	inDir(t, files)
	_, d := mustDraft(t, Options{
		Environ:  []string{"GAMEDAY_VAR_a=environment", "GAMEDAY_VAR_b=environment", "GAMEDAY_VAR_unknown=x"},
		VarFiles: []string{"one.vars.hcl", "two.vars.json"},
		Vars:     []VarFlag{{"d", "first"}, {"d", "flag"}, {"n", "{ rate = 5 }"}},
	})
	b, err := json.Marshal(d.Variables)
	require.NoError(t, err)
	require.JSONEq(t, `{"a":"environment","b":"file one","c":"file two","d":"flag","list":["x"],"n":{"rate":5,"name":"none"},"kept":"default"}`, string(b))
}

func TestMistakesInGivenValues(t *testing.T) {
	inDir(t, `
-- main.gameday.hcl --
scenario "v" {}
variable "zone" { default = "a" }
variable "secret" {
  type      = number
  sensitive = true
}
variable "list" {
  type    = list(string)
  default = []
}
-- x.vars.hcl --
zne = "b"
secret = "hunter2"
`)
	m, diags := Check(".", Options{Catalog: testCatalog(), VarFiles: []string{"x.vars.hcl", "missing.vars.hcl"}, Vars: []VarFlag{{"zoen", "x"}, {"list", "[hunter2"}}})
	got := render(m, diags)
	require.NotContains(t, got, "hunter2", "neither the value nor the line of the file is shown")
	for _, want := range []string{
		"Error: The scenario has no variable \"zoen\"", "Did you mean \"zone\"?", "Warning: The scenario has no variable \"zne\"",
		"x.vars.hcl line 2", "The value of \"secret\" does not fit", "The variable file cannot be read", "The value of \"list\" cannot be read",
	} {
		require.Contains(t, got, want)
	}
}

func TestBothSyntaxesMeanTheSame(t *testing.T) {
	inDir(t, `
-- a/main.gameday.hcl --
scenario "same" {
  tags = ["x"]
}
plugin "lab" {}
target "lab_zone" "t" {
  for_each = toset(["b", "a"])
  names    = [each.key]
}
fault "lab_zone_outage" "f" {
  targets = [target.lab_zone.t["a"], target.lab_zone.t["b"]]
  hold    = "10s"
  plugin  = plugin.lab
}
fault "lab_latency" "g" {
  delay = "1s"
  hold  = "${5 * 2}s"
  after = fault.lab_zone_outage.f
  match { path = "/a" }
  match { path = "/b" }
}
probe "http" "p" {
  url = "http://x/"
  expect {
    status = [200]
  }
}
slo "s" {
  probe  = probe.http.p
  target = 99
}
guard "g" {
  when = slo.s.sli < 0.5
}
-- b/main.gameday.hcl.json --
{
  "scenario": {"same": {"tags": ["x"]}},
  "plugin": {"lab": {}},
  "target": {"lab_zone": {"t": {"for_each": "${toset([\"b\", \"a\"])}", "names": ["${each.key}"]}}},
  "fault": {
    "lab_zone_outage": {"f": {"targets": ["${target.lab_zone.t[\"a\"]}", "${target.lab_zone.t[\"b\"]}"], "hold": "10s", "plugin": "${plugin.lab}"}},
    "lab_latency": {"g": {"delay": "1s", "hold": "${5 * 2}s", "after": "${fault.lab_zone_outage.f}", "match": [{"path": "/a"}, {"path": "/b"}]}}
  },
  "probe": {"http": {"p": {"url": "http://x/", "expect": {"status": [200]}}}},
  "slo": {"s": {"probe": "${probe.http.p}", "target": 99}},
  "guard": {"g": {"when": "${slo.s.sli < 0.5}"}}
}
`)
	var got []string
	for _, dir := range []string{"a", "b"} {
		m, diags := Check(dir, Options{Catalog: testCatalog()})
		require.Empty(t, render(m, diags))
		d, diags := m.Draft(labOutputs())
		require.Empty(t, render(m, diags))
		d.Dir, d.Files = "", nil
		b, err := json.Marshal(d)
		require.NoError(t, err)
		got = append(got, posForm.ReplaceAllString(string(b), ""))
	}
	require.JSONEq(t, got[0], got[1])
}

func TestBindFindsTheLine(t *testing.T) {
	inDir(t, `
-- main.gameday.hcl --
scenario "b" {}
plugin "lab" {
  ports = 3
}
experiment "e" {
  source   = "./e"
  for_each = toset(["x.y"])
}
-- e/e.gameday.hcl --
fault "lab_latency" "f" {
  for_each = toset(["k"])
  delay    = "1s"
  hold     = "1s"
  match {
    path = "/a"
  }
  match {
    path = "/b"
  }
}
target "lab_zone" "t" {
  names = ["a",
    "b"]
}
`)
	m := mustLoad(t)
	const f = `experiment.e["x.y"].fault.lab_latency.f["k"]`
	for _, c := range []struct {
		addr string
		path []string
		file string
		line int
	}{
		{f, nil, "e/e.gameday.hcl", 1},
		{f, []string{"delay"}, "e/e.gameday.hcl", 3},
		{f, []string{"match", "1", "path"}, "e/e.gameday.hcl", 9},
		{f, []string{"match", "7"}, "e/e.gameday.hcl", 8},
		{f, []string{"nothing"}, "e/e.gameday.hcl", 1},
		{`experiment.e["x.y"].target.lab_zone.t`, []string{"names", "1"}, "e/e.gameday.hcl", 14},
		{"plugin.lab", []string{"ports"}, "main.gameday.hcl", 3},
		{"fault.not.there", []string{"x"}, ".", 1},
	} {
		d := m.Bind(c.addr, sdk.Problem{Severity: sdk.Error, Path: c.path, Summary: "It is wrong", Permission: "root"})
		require.Equal(t, c.file, d.Subject.Filename, "%s %v", c.addr, c.path)
		require.Equal(t, c.line, d.Subject.Start.Line, "%s %v", c.addr, c.path)
		require.Contains(t, d.Detail, "root")
	}
}

func TestTheProjectTightens(t *testing.T) {
	inDir(t, `
-- gameday.hcl --
tier "gold" {
  rto = "7s"
}
environment "production" {
  protected   = true
  max_targets = 1
}
environment "staging" {}
limit "everywhere" {
  protect = ["db"]
}
-- s/main.gameday.hcl --
scenario "p" {
  environment = "production"
  tier        = tier.gold
}
probe "http" "p" {
  url = file("../url.txt")
}
slo "s" {
  probe  = probe.http.p
  target = 99
}
objective "o" {
  slo = slo.s
}
limit "mine" {
  max_targets = 5
}
-- url.txt --
http://x/
`)
	t.Chdir("s")
	_, d := mustDraft(t, Options{})
	require.Equal(t, "gold", d.Scenario.Tier)
	require.Equal(t, "7s", d.Objectives[0].RTO.String())
	require.Equal(t, "gold", d.Objectives[0].Tier)
	var addrs []string
	for _, l := range d.Limits {
		addrs = append(addrs, l.Addr)
	}
	require.Equal(t, []string{"project.limit.everywhere", "project.environment.production", "limit.mine"}, addrs, "all of them hold")
	require.Equal(t, 1, d.Limits[1].Approvals)
	require.Equal(t, "../gameday.hcl", d.Limits[0].Pos.File)
	var names []string
	for _, f := range d.Files {
		names = append(names, f.Name)
		require.Len(t, f.SHA256, 64)
	}
	require.Equal(t, []string{"../gameday.hcl", "../url.txt", "main.gameday.hcl"}, names, "what file() read is part of the contract")
}

func TestFileStaysInside(t *testing.T) {
	dir := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(dir, "secret"), []byte("hunter2"), 0o600))
	scenario := filepath.Join(dir, "s")
	require.NoError(t, os.Mkdir(scenario, 0o755))
	require.NoError(t, os.Symlink("../secret", filepath.Join(scenario, "link")))
	for _, path := range []string{"../secret", "link", "/etc/passwd", filepath.Join(dir, "secret"), "missing"} {
		src := "scenario \"s\" {}\nlocals {\n  x = file(\"" + path + "\")\n}\n"
		require.NoError(t, os.WriteFile(filepath.Join(scenario, "main.gameday.hcl"), []byte(src), 0o600))
		_, diags := Check(scenario, Options{Catalog: testCatalog()})
		require.True(t, diags.HasErrors(), path)
		require.NotContains(t, diags.Error(), "hunter2")
	}
}

func TestFunctions(t *testing.T) {
	for expr, want := range map[string]string{
		`duration("1m30s")`: "90", `env("HOME")`: `"/home/x"`, `env("NONE", "y")`: `"y"`, `length("äb")`: "2", `length([1, 2, 3])`: "3",
		`length({ a = 1 })`: "1", `sum([1, 2.5])`: "3.5", `one(["x"])`: `"x"`, `alltrue([true, false])`: "false", `anytrue([true, false])`: "true",
		`startswith("abc", "ab")`: "true", `endswith("abc", "ab")`: "false", `strcontains("abc", "b")`: "true", `base64decode(base64encode("x"))`: `"x"`,
		`urlencode("a b&c")`: `"a+b%26c"`, `sha256("")`: `"e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"`,
		`try(local.o.missing, "d")`: `"d"`, `can(regex("^a", "b"))`: "false", `jsonencode({ b = 1, a = [true] })`: `"{\"a\":[true],\"b\":1}"`,
		`format("%03d-%s", 7, "x")`: `"007-x"`, `sort(keys({ b = 1, a = 2 }))`: `["a","b"]`, `tolist(toset(["b", "a", "b"]))`: `["a","b"]`,
		`merge({ a = 1 }, { b = 2 })`: `{"a":1,"b":2}`, `replace("a.b", ".", "-")`: `"a-b"`, `nonsensitive(sensitive("x"))`: `"x"`,
	} {
		inDir(t, "-- main.gameday.hcl --\nscenario \"f\" {}\nlocals {\n  o = {}\n  out = jsonencode("+expr+")\n}\nplugin \"lab\" {\n  token = local.out\n}\n")
		m, _ := mustDraft(t, Options{Environ: []string{"HOME=/home/x"}})
		var got struct{ Token string }
		require.NoError(t, json.Unmarshal(plan.Reveal(m.Plugins()[0].Config, m.Secrets()), &got), expr)
		require.Equal(t, want, got.Token, expr)
	}
}

func mustLoad(t *testing.T) *Module {
	t.Helper()
	m, diags := Load(".", Options{Catalog: testCatalog()})
	require.False(t, diags.HasErrors(), render(m, diags))
	return m
}
