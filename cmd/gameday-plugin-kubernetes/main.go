// Command gameday-plugin-kubernetes is the plugin for faults of Kubernetes clusters, and the watchdog and the pressure inside them.
package main

import (
	"os"

	"github.com/gameday-toolkit/gameday/plugins/kubernetes"
)

func main() {
	os.Exit(kubernetes.Main(os.Args[1:], os.Stdin, os.Stdout, os.Stderr))
}
