// Command gameday runs chaos and resilience game days.
package main

import (
	"os"

	"github.com/gameday-toolkit/gameday/internal/cli"
)

func main() {
	os.Exit(cli.Main(os.Args[1:], os.Stdin, os.Stdout, os.Stderr))
}
