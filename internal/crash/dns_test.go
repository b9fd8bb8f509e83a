package crash

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/miekg/dns"
	"github.com/stretchr/testify/require"
)

// dnsModes are the ways in which a name fails. "stale" shows in how long the answer may be kept.
var dnsModes = []string{"nxdomain", "servfail", "refused", "drop", "delay", "truncated", "wrong_address", "empty", "stale"}

// TestDNS has names fail on their way, in a network of the cell's own, and at a resolver.
func TestDNS(t *testing.T) {
	if !*full {
		t.Skip("the part of DNS of the matrix takes minutes: make crash-test")
	}
	t.Parallel()
	binary := build(t, "dns")
	table := results.table("dns", names(moments)...)
	for _, mode := range dnsModes {
		eachMoment(t, table, "on the way, "+mode, func(c *cell, how crash) string {
			n := &named{cell: c, space: newSpace(c), server: "127.0.0.1:53"}
			require.NoError(c, n.space.in(func() error { return n.serve(n.server) }))
			n.own(binary, mode, fmt.Sprintf("target \"dns_traffic\" \"t\" {\nnamespaces = [%q]\nservers = [\"127.0.0.1\"]\n}\n", n.space.name), "dns_traffic")
			return c.killedAt(how, kernelClock)
		})
	}
	for _, mode := range dnsModes {
		eachMoment(t, table, "at a resolver, "+mode, func(c *cell, how crash) string {
			n := &named{cell: c}
			n.resolve(binary)
			n.own(binary, mode, "target \"dns_resolver\" \"t\" {}\n", "dns_resolver")
			return c.killedAt(how, serverClock)
		})
	}
}

// named is a cell whose target is a name.
type named struct {
	*cell
	space  *space // nil for the machine's own network
	server string // that is asked
}

func (n *named) own(binary, mode, target, kind string) {
	c := n.cell
	c.useBinary(binary)
	c.settle = 10 * time.Second // the plugin's clocks have three
	c.look = n.look
	c.faults = func(looked string) string { return hostMarks.ReplaceAllString(looked, "") }
	c.replaceScenario(fmt.Sprintf("scenario \"dns\" {\nservice = \"dns\"\nbaseline = \"50ms\"\nrecovery = \"5s\"\n}\nplugin \"dns\" {\ncontrol = %q\n}\n%s"+
		"fault \"dns_failure\" \"f\" {\ntargets = target.%s.t\nhold = \"300ms\"\nnames = [\"shop.test\"]\nmode = %q\n}\n", n.control(), target, kind, mode))
	eventually(c, patience, "the name resolves", func() bool { c.before = n.look(); return strings.Count(c.before, "NOERROR") == 2 })
}

func (n *named) control() string { return filepath.Join(n.dir, "dns.sock") }

// serve answers every question with one address, and a TTL of a minute.
func (n *named) serve(address string) error {
	started := make(chan struct{})
	s := &dns.Server{Addr: address, Net: "udp", NotifyStartedFunc: func() { close(started) }, Handler: dns.HandlerFunc(func(w dns.ResponseWriter, q *dns.Msg) {
		r := new(dns.Msg)
		r.SetReply(q)
		r.Answer = []dns.RR{&dns.A{Hdr: dns.RR_Header{Name: q.Question[0].Name, Rrtype: dns.TypeA, Class: dns.ClassINET, Ttl: 60}, A: []byte{198, 51, 100, 7}}}
		_ = w.WriteMsg(r)
	})}
	var err error
	if s.PacketConn, err = listenPacket(address); err != nil {
		return err
	}
	n.server = s.PacketConn.LocalAddr().String()
	over := make(chan error, 1)
	go func() { over <- s.ActivateAndServe() }()
	<-started
	n.Cleanup(func() {
		require.NoError(n, s.Shutdown())
		require.NoError(n, <-over)
	})
	return nil
}

// resolve has a resolver in front of the server, which outlives gameday and its plugins as a user's would.
func (n *named) resolve(binary string) {
	require.NoError(n, n.serve("127.0.0.1:0"))
	upstream := n.server
	n.server = freePort(n.cell)
	path := filepath.Join(n.dir, "resolver")
	require.NoError(n, os.Link(binary, path))
	cmd := exec.Command(path, "serve", "-listen", n.server, "-upstream", upstream, "-control", n.control())
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	require.NoError(n, cmd.Start())
	n.Cleanup(func() {
		require.NoError(n, cmd.Process.Signal(syscall.SIGTERM))
		_ = cmd.Wait()
	})
}

// look asks for the name and for another one, as a client does.
func (n *named) look() string {
	ask := func() string { return n.ask("shop.test.") + "; the other name: " + n.ask("other.test.") + "\n" }
	if n.space == nil {
		return ask()
	}
	var out string
	require.NoError(n, n.space.in(func() error { out = ask(); return nil }))
	return out + n.space.told(n)
}

func (n *named) ask(name string) string {
	q := new(dns.Msg)
	q.SetQuestion(name, dns.TypeA)
	r, _, err := (&dns.Client{Timeout: 600 * time.Millisecond}).Exchange(q, n.server)
	if err != nil {
		return "no answer"
	}
	out := dns.RcodeToString[r.Rcode]
	if r.Truncated {
		out += ", truncated"
	}
	for _, rr := range r.Answer {
		if a, ok := rr.(*dns.A); ok {
			out += fmt.Sprintf(", %v for %d s", a.A, a.Hdr.Ttl)
		}
	}
	return out
}
