// Command gameday-plugin-proxy is the plugin for faults of TCP connections, and a Toxiproxy that they can go through.
package main

import (
	"os"

	"github.com/gameday-toolkit/gameday/plugins/proxy"
)

func main() {
	os.Exit(proxy.Main(os.Args[1:], os.Stdout, os.Stderr))
}
