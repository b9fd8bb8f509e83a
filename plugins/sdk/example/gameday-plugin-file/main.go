// gameday-plugin-file is the example plugin as a program. It is not part of a release.
package main

import (
	"github.com/gameday-toolkit/gameday/plugins/sdk"
	"github.com/gameday-toolkit/gameday/plugins/sdk/example"
)

func main() {
	sdk.Serve(example.New())
}
