// Command gameday-plugin-kubernetes is the plugin for faults of Kubernetes clusters.
package main

import (
	"github.com/gameday-toolkit/gameday/plugins/kubernetes"
	"github.com/gameday-toolkit/gameday/plugins/sdk"
)

func main() {
	sdk.Serve(kubernetes.New())
}
