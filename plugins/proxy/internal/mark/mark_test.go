package mark_test

import (
	"net/url"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/gameday-toolkit/gameday/plugins/proxy/internal/mark"
)

// Any address of a block, keys of for_each included, survives the name, and the name survives being part of a URL.
func TestANameIsReadBack(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		run, block := rapid.String().Draw(t, "run"), rapid.String().Draw(t, "block")
		name := mark.Name(run, block, "upstream")
		gotRun, gotBlock, err := mark.Parse(name)
		require.NoError(t, err)
		require.Equal(t, []string{run, block}, []string{gotRun, gotBlock})
		require.True(t, strings.HasPrefix(name, mark.Prefix))
		require.Equal(t, name, url.PathEscape(name), "clients that do not escape reach it as well")
	})
}

func TestOtherNamesAreNotOurs(t *testing.T) {
	for _, name := range []string{"", "latency_downstream", "gameday", "gameday:", "gameday:a:b", "gameday:a:b:c:d", "gameday:~:b:c", "gameday:~zz:b:c", "gameday:~0"} {
		_, _, err := mark.Parse(name)
		require.Error(t, err, name)
	}
}
