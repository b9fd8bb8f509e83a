package cli

import (
	"fmt"
	"runtime"
	"runtime/debug"

	"github.com/spf13/cobra"

	"github.com/gameday-toolkit/gameday/plugins/sdk"
)

// version is the release, without a leading v.
const version = "0.1.0"

// toolVersion is what the journal and the plan say about this program.
func toolVersion() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return version
	}
	for _, s := range info.Settings {
		if s.Key == "vcs.revision" && len(s.Value) >= 12 {
			return version + "+" + s.Value[:12]
		}
	}
	return version
}

func (a *app) versionCmd() *cobra.Command {
	return &cobra.Command{
		Use: "version", Short: "Print the version", Args: usage(0, 0, ""),
		RunE: func(*cobra.Command, []string) error {
			_, err := fmt.Fprintf(a.out, "gameday %s\n%s, %s/%s, plugin protocol %d\n", toolVersion(), runtime.Version(), runtime.GOOS, runtime.GOARCH, sdk.ProtocolVersion)
			return err
		},
	}
}
