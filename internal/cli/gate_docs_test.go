package cli

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"go.yaml.in/yaml/v3"
)

const ci = "../../docs/ci"

// The examples for CI systems are YAML, and of the shape that the systems want.
func TestTheExamplesForCIAreWellFormed(t *testing.T) {
	read := func(name string) map[string]any {
		b, err := os.ReadFile(filepath.Join(ci, name))
		require.NoError(t, err)
		out := map[string]any{}
		require.NoError(t, yaml.Unmarshal(b, &out), name)
		return out
	}
	gate := read("github-actions.yml")["jobs"].(map[string]any)["gate"].(map[string]any)
	require.NotEmpty(t, gate["runs-on"])
	require.IsType(t, 0, gate["timeout-minutes"])
	for _, s := range gate["steps"].([]any) {
		step := s.(map[string]any)
		require.True(t, (step["uses"] == nil) != (step["run"] == nil), "a step either uses or runs something: %v", step)
	}
	job := read("gitlab-ci.yml")["resilience"].(map[string]any)
	require.NotEmpty(t, job["script"])
	require.Equal(t, "gameday-gate/junit.xml", job["artifacts"].(map[string]any)["reports"].(map[string]any)["junit"])
	b, err := os.ReadFile(filepath.Join(ci, "Jenkinsfile"))
	require.NoError(t, err)
	require.Equal(t, strings.Count(string(b), "{"), strings.Count(string(b), "}"))
}

var (
	commandForm = regexp.MustCompile(`(?m)(?:^ *-? *|run: |script: '|sh ')(gameday [a-z][^\n#|]*)`)
	shellForm   = regexp.MustCompile("(?s)```sh\n(.*?)```")
	quotedForm  = regexp.MustCompile(`'[^']*'`)
)

// Every command line in the examples and in the pages about the archive, the backlog and the gate is one that gameday takes.
func TestTheCommandsInTheDocumentationExist(t *testing.T) {
	pages, err := filepath.Glob(ci + "/*")
	require.NoError(t, err)
	root := (&app{}).root()
	n := 0
	for _, page := range append(pages, "../../docs/gate.md", "../../docs/backlog.md", "../../docs/archive.md") {
		b, err := os.ReadFile(page)
		require.NoError(t, err)
		text := string(b)
		if filepath.Ext(page) == ".md" { // the rest is prose
			text = ""
			for _, m := range shellForm.FindAllStringSubmatch(string(b), -1) {
				text += m[1]
			}
		}
		for _, m := range commandForm.FindAllStringSubmatch(text, -1) {
			if strings.ContainsAny(m[1], "[`") {
				continue // it shows what may be left out
			}
			line := quotedForm.ReplaceAllString(m[1], "text")
			line, _, _ = strings.Cut(line, "'") // the end of a quoted command
			args := normalise(root, strings.Fields(line)[1:])
			cmd, rest, err := root.Find(args)
			require.NoError(t, err, m[1])
			require.NotEqual(t, root, cmd, m[1])
			require.NoError(t, cmd.ParseFlags(rest), "%s: %s", page, m[1])
			n++
		}
	}
	require.Greater(t, n, 8)
}
