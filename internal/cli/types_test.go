package cli

import (
	"bytes"
	"flag"
	"os"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/gameday-toolkit/gameday/internal/cli/view"
	"github.com/gameday-toolkit/gameday/internal/cli/wiring"
)

var update = flag.Bool("update", false, "rewrite docs/types.md")

// TestTheTypesAreDocumented compares docs/types.md with what the core's own types accept.
func TestTheTypesAreDocumented(t *testing.T) {
	const path = "../../docs/types.md"
	var want bytes.Buffer
	view.Types(&want, wiring.Types())
	if *update {
		require.NoError(t, os.WriteFile(path, want.Bytes(), 0o644))
	}
	got, err := os.ReadFile(path)
	require.NoError(t, err)
	require.Equal(t, want.String(), string(got), "run go test ./internal/cli -update")
}
