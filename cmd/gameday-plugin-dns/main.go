// Command gameday-plugin-dns is the dns plugin of gameday when it is started without arguments, and a resolver that clients
// can be pointed at with the argument serve.
package main

import (
	"os"

	"github.com/gameday-toolkit/gameday/plugins/dns"
)

func main() {
	os.Exit(dns.Main(os.Args[1:], os.Stdout, os.Stderr))
}
