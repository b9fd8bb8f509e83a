// Command gameday-plugin-lab is the embedded lab: a plugin of gameday when it is started without arguments, and the lab
// itself (`up`, `status`, `down`, and the lab's own processes) otherwise.
package main

import (
	"os"

	"github.com/gameday-toolkit/gameday/plugins/lab"
)

func main() {
	os.Exit(lab.Main(os.Args[1:], os.Stdout, os.Stderr))
}
