package dns

import (
	"fmt"
	"io"

	"github.com/gameday-toolkit/gameday/plugins/dns/internal/resolver"
	"github.com/gameday-toolkit/gameday/plugins/sdk"
)

// Main runs the binary and returns its exit code. Without arguments it is the plugin, and does not return.
func Main(args []string, out, errOut io.Writer) int {
	if len(args) == 0 {
		sdk.Serve(New())
	}
	if args[0] == resolver.Command {
		return resolver.Main(args[1:], out, errOut)
	}
	fmt.Fprintf(errOut, "gameday-plugin-dns is a plugin: gameday starts it. See what it offers with: gameday plugin docs dns\n"+
		"A resolver that clients can be pointed at is started with: gameday-plugin-dns %s -help\n", resolver.Command)
	return 2
}
