package lang

import (
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/gameday-toolkit/gameday/plugins/sdk"
)

// What plugins must not call their attributes is what the language calls its own.
func TestThePluginsAreToldOfEveryWord(t *testing.T) {
	words := map[string][]string{}
	for _, k := range kinds {
		if !k.belongsToPlugin() && k.name != "plugin" {
			continue
		}
		own := k.ofPlugin()
		for _, a := range own.core.Attributes {
			words[k.name] = append(words[k.name], a.Name)
		}
		for _, b := range own.core.Blocks {
			words[k.name] = append(words[k.name], b.Name)
		}
		words[k.name] = append(words[k.name], own.refNames()...)
		if k.name == "action" {
			words[k.name] = append(words[k.name], "undo") // see newSpec
		}
		slices.Sort(words[k.name])
	}
	require.Equal(t, words, sdk.CoreWords())
}
