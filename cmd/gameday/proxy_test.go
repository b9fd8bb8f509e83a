package main

import (
	"bufio"
	"net/url"
	"os/exec"
	"path/filepath"
	"strings"

	"github.com/rogpeppe/go-internal/testscript"
)

// toxiproxy starts a Toxiproxy with the proxy "shop" in front of the service at a URL. Its interface is in the variable TOXIPROXY,
// and the service through it in PROXIED.
func toxiproxy(ts *testscript.TestScript, _ bool, args []string) {
	to, err := url.Parse(args[0])
	ts.Check(err)
	cmd := exec.Command(filepath.Join(binaries, "proxy", "gameday-plugin-proxy"), "serve", "-api", "127.0.0.1:0", "-proxy", "shop=127.0.0.1:0,"+to.Host)
	out, err := cmd.StdoutPipe()
	ts.Check(err)
	ts.Check(cmd.Start())
	ts.Defer(func() {
		ts.Check(cmd.Process.Kill())
		_ = cmd.Wait() // with what Kill made of it
	})
	for lines := bufio.NewScanner(out); lines.Scan(); {
		f := strings.Fields(lines.Text())
		if f[0] == "proxy" {
			ts.Setenv("PROXIED", "http://"+f[3])
			continue
		}
		ts.Setenv("TOXIPROXY", f[len(f)-1])
		return
	}
	ts.Fatalf("the Toxiproxy ended before it was ready")
}
