package dns_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// world is three network namespaces of the test's own, in a row:
//
//	client 10.78.1.10, .11 ---- middle: unbound 10.78.1.1, bind9 10.78.1.2 ---- origin: bind9 10.78.0.53, authoritative
//
// The middle routes, so that the client can ask the origin as well.
type world struct {
	client, middle, origin string
	dir                    string
}

const (
	unbound  = "10.78.1.1"
	bind     = "10.78.1.2"
	origin   = "10.78.0.53"
	unbound6 = "fd78:1::1"
	right    = "198.51.100.7"
	right6   = "2001:db8:7::7"
)

func newWorld(t *testing.T) *world {
	t.Helper()
	need(t, "dig", "unbound", "named")
	n := fmt.Sprintf("gdd%d-%d", os.Getpid(), serial.Add(1))
	w := &world{client: n + "c", middle: n + "m", origin: n + "o", dir: t.TempDir()}
	t.Cleanup(func() {
		for _, ns := range []string{w.client, w.middle, w.origin} {
			require.NoError(t, run("ip", "netns", "delete", ns))
		}
	})
	for _, line := range []string{
		"netns add C", "netns add M", "netns add O",
		"link add c0 netns C type veth peer name m1 netns M", "link add m0 netns M type veth peer name o0 netns O",
		"-n C addr add 10.78.1.10/24 dev c0", "-n C addr add 10.78.1.11/24 dev c0", "-n C addr add fd78:1::10/64 dev c0 nodad",
		"-n M addr add 10.78.1.1/24 dev m1", "-n M addr add 10.78.1.2/24 dev m1", "-n M addr add fd78:1::1/64 dev m1 nodad",
		"-n M addr add 10.78.0.1/24 dev m0", "-n O addr add 10.78.0.53/24 dev o0",
		"-n C link set c0 up", "-n C link set lo up", "-n M link set m0 up", "-n M link set m1 up", "-n M link set lo up", "-n O link set o0 up", "-n O link set lo up",
		"-n C route add default via 10.78.1.1", "-n O route add default via 10.78.0.1",
	} {
		line = strings.NewReplacer("C", w.client, "M", w.middle, "O", w.origin).Replace(line)
		require.NoError(t, run(append([]string{"ip"}, strings.Fields(line)...)...))
	}
	require.NoError(t, run("ip", "netns", "exec", w.middle, "sysctl", "-qw", "net.ipv4.ip_forward=1"))
	for _, ns := range []string{w.client, w.middle} { // as strict about where packets come from as Linux can be
		require.NoError(t, run("ip", "netns", "exec", ns, "sysctl", "-qw", "net.ipv4.conf.all.rp_filter=1"))
	}
	w.start(t, w.origin, "named", "-g", "-c", w.file(t, "origin.conf", originConf), "-p", "53")
	w.start(t, w.middle, "named", "-g", "-c", w.file(t, "bind.conf", bindConf), "-p", "53")
	w.start(t, w.middle, "unbound", "-d", "-c", w.file(t, "unbound.conf", unboundConf))
	for _, server := range []string{origin, unbound, bind, unbound6} {
		eventually(t, patience, func() bool { return dig(t, w.client, server, "ready.w.test", "A").short() == "NOERROR "+right }, server+" to answer")
	}
	eventually(t, patience, func() bool { // the zone signs itself when it is loaded
		return strings.Contains(dig(t, w.client, origin, "ready.w.test", "A", "+dnssec").All, "RRSIG")
	}, "the zone to be signed")
	return w
}

func (w *world) file(t *testing.T, name, text string) string {
	t.Helper()
	if name == "origin.conf" {
		w.file(t, "test.zone", zone+big())
	}
	for _, dir := range []string{"origin", "bind"} {
		require.NoError(t, os.MkdirAll(filepath.Join(w.dir, dir), 0o755))
	}
	path := filepath.Join(w.dir, name)
	require.NoError(t, os.WriteFile(path, []byte(strings.ReplaceAll(text, "DIR", w.dir)), 0o644))
	return path
}

// start runs a server in a namespace until the test ends.
func (w *world) start(t *testing.T, ns string, args ...string) {
	t.Helper()
	log, err := os.Create(filepath.Join(w.dir, filepath.Base(args[0])+fmt.Sprint(serial.Add(1))+".log"))
	require.NoError(t, err)
	cmd := exec.Command("ip", append([]string{"netns", "exec", ns}, args...)...)
	cmd.Stdout, cmd.Stderr = log, log
	require.NoError(t, cmd.Start())
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
		_ = log.Close()
		if t.Failed() {
			text, _ := os.ReadFile(log.Name())
			t.Logf("%v:\n%s", args, text[max(0, len(text)-2000):])
		}
	})
}

// big is an answer that does not fit into a datagram.
func big() string {
	var out strings.Builder
	for i := range 20 {
		fmt.Fprintf(&out, "big TXT \"%03d %s\"\n", i, strings.Repeat("x", 200))
	}
	return out.String()
}

const zone = `$ORIGIN test.
$TTL 60
@ SOA ns.test. root.test. 1 3600 600 86400 30
@ NS ns.test.
ns A 10.78.0.53
*.w A 198.51.100.7
*.w AAAA 2001:db8:7::7
*.w TXT "right"
*.v A 198.51.100.7
`

const originConf = `options { directory "DIR/origin"; pid-file none; session-keyfile none; recursion no; allow-transfer { any; };
 listen-on { 10.78.0.53; }; listen-on-v6 { none; }; dnssec-validation no; };
controls { };
zone "test" { type primary; file "DIR/test.zone"; dnssec-policy default; inline-signing yes; };
`

const bindConf = `options { directory "DIR/bind"; pid-file none; session-keyfile none; recursion yes; allow-query { any; }; allow-recursion { any; };
 listen-on { 10.78.1.2; }; listen-on-v6 { none; }; dnssec-validation no; forwarders { 10.78.0.53; }; forward only; };
controls { };
`

const unboundConf = `server:
 interface: 10.78.1.1
 interface: fd78:1::1
 access-control: 0.0.0.0/0 allow
 access-control: ::/0 allow
 do-daemonize: no
 username: ""
 chroot: ""
 pidfile: ""
 use-syslog: no
 num-threads: 1
 module-config: "iterator"
 local-zone: "test." nodefault
forward-zone:
 name: "."
 forward-addr: 10.78.0.53
`
