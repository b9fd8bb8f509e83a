// Command gameday-plugin-host is the plugin for the faults of a Linux host, and the workers that put it under pressure.
package main

import (
	"os"

	"github.com/gameday-toolkit/gameday/plugins/host"
)

func main() {
	os.Exit(host.Main(os.Args[1:], os.Stdin, os.Stdout))
}
