// Command gameday-plugin-aws is the plugin for the faults of an AWS account.
package main

import (
	"github.com/gameday-toolkit/gameday/plugins/aws"
	"github.com/gameday-toolkit/gameday/plugins/sdk"
)

func main() {
	sdk.Serve(aws.New())
}
