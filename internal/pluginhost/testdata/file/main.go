// gameday-plugin-file is the example plugin, which misbehaves on demand: pluginhost tests itself with it.
package main

import (
	"github.com/gameday-toolkit/gameday/plugins/sdk"
	"github.com/gameday-toolkit/gameday/plugins/sdk/example"
)

func main() {
	sdk.Serve(misbehave(example.New()))
}
