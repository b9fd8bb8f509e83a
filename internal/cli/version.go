package cli

import (
	"fmt"
	"runtime"
	"runtime/debug"

	"github.com/spf13/cobra"

	"github.com/gameday-toolkit/gameday/plugins/sdk"
)

// Version is the release. The Makefile sets it; a plain `go build` or `go install` goes by what Go knows.
var Version = ""

// toolVersion is what the journal and the plan say about this program.
func toolVersion() string {
	if Version != "" {
		return Version
	}
	if info, ok := debug.ReadBuildInfo(); ok && info.Main.Version != "" && info.Main.Version != "(devel)" {
		return info.Main.Version
	}
	return "dev"
}

func (a *app) versionCmd() *cobra.Command {
	return &cobra.Command{
		Use: "version", Short: "Print the version", Args: usage(0, 0, ""),
		RunE: func(*cobra.Command, []string) error { return a.printVersion() },
	}
}

func (a *app) printVersion() error {
	_, err := fmt.Fprintf(a.out, "gameday %s\n%s, %s/%s, plugin protocol %d\n", toolVersion(), runtime.Version(), runtime.GOOS, runtime.GOARCH, sdk.ProtocolVersion)
	return err
}
