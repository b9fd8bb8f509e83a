package lab

import (
	"io"

	"github.com/gameday-toolkit/gameday/plugins/lab/internal/command"
)

// Version is the version of the plugin and of the lab.
const Version = "0.1.0"

// Main runs the binary and returns its exit code.
func Main(args []string, out, errOut io.Writer) int {
	return command.Main(Version, args, out, errOut)
}
