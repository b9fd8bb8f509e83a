// Command gameday runs chaos and resilience game days.
package main

import (
	"os"
	_ "time/tzdata" // windows and freezes name time zones, and not every machine knows them

	"github.com/gameday-toolkit/gameday/internal/cli"
)

func main() {
	os.Exit(cli.Main(os.Args[1:], os.Stdin, os.Stdout, os.Stderr))
}
