package example

import (
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// The guide shows this package's code. Whoever changes the one changes the other.
func TestTheGuideShowsThisCode(t *testing.T) {
	guide, err := os.ReadFile("../../../docs/plugin-author.md")
	require.NoError(t, err)
	for _, file := range []string{"gameday-plugin-file/main.go", "plugin.go", "paths.go", "missing.go"} {
		code, err := os.ReadFile(file)
		require.NoError(t, err)
		require.Contains(t, string(guide), "```go\n"+strings.TrimSpace(string(code))+"\n```", "docs/plugin-author.md and %s differ", file)
	}
}
