package lab

import (
	"io"

	"github.com/gameday-toolkit/gameday/plugins/lab/internal/command"
	"github.com/gameday-toolkit/gameday/plugins/sdk"
)

// Version is the version of the plugin and of the lab.
const Version = "0.1.0"

// Main runs the binary and returns its exit code. Without arguments it is the plugin, and does not return.
func Main(args []string, out, errOut io.Writer) int {
	if len(args) == 0 {
		sdk.Serve(New())
	}
	return command.Main(Version, args, out, errOut)
}
