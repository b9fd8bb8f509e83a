package crash

import (
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// proxyFaults are the faults of TCP connections.
var proxyFaults = []struct{ name, attributes string }{
	{"proxy_latency", `delay = "1s"`}, {"proxy_bandwidth", "bytes_per_second = 1000"}, {"proxy_slow_close", `delay = "1s"`}, {"proxy_timeout", ""},
	{"proxy_reset", ""}, {"proxy_slicing", "size = 100\ndelay = \"10ms\""}, {"proxy_limit", "bytes = 100"},
}

// TestProxy has connections fail that go through gameday-plugin-proxy serve, whose clock ends a fault that nobody renews.
func TestProxy(t *testing.T) {
	if !*full {
		t.Skip("the part of the proxy of the matrix takes minutes: make crash-test")
	}
	t.Parallel()
	binary := build(t, "proxy")
	table := results.table("proxy", names(moments)...)
	for _, f := range proxyFaults {
		eachMoment(t, table, f.name, func(c *cell, how crash) string {
			p := &proxied{cell: c, api: freePort(c), listen: freePort(c)}
			p.own(binary, f.name, f.attributes)
			return c.killedAt(how, serverClock)
		})
	}
}

// proxied is a cell whose target is the way to a server.
type proxied struct {
	*cell
	api, listen string
}

// theirs is a toxic of somebody else, which must be there afterwards.
const theirs = `{"name":"theirs","type":"latency","stream":"upstream","toxicity":1,"attributes":{"latency":1,"jitter":0}}`

func (p *proxied) own(binary, fault, attributes string) {
	c := p.cell
	c.useBinary(binary)
	path := filepath.Join(c.dir, "toxiproxy")
	require.NoError(c, os.Link(binary, path))
	cmd := exec.Command(path, "serve", "-api", p.api, "-proxy", "way="+p.listen+","+echo(c))
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	require.NoError(c, cmd.Start())
	c.Cleanup(func() {
		require.NoError(c, cmd.Process.Signal(syscall.SIGTERM))
		_ = cmd.Wait()
	})
	eventually(c, patience, "the proxy is there", func() bool {
		resp, err := http.Post("http://"+p.api+"/proxies/way/toxics", "application/json", strings.NewReader(theirs))
		return err == nil && resp.Body.Close() == nil && resp.StatusCode == http.StatusOK
	})
	c.settle = 15 * time.Second // the server's clock has five
	c.look = p.look
	c.faults = func(looked string) string { return looked }
	c.replaceScenario(fmt.Sprintf("scenario \"proxy\" {\nservice = \"proxy\"\nbaseline = \"50ms\"\nrecovery = \"5s\"\n}\nplugin \"proxy\" {\nurl = \"http://%s\"\n}\n"+
		"target \"proxy_route\" \"t\" {\nnames = [\"way\"]\n}\nfault %q \"f\" {\ntargets = target.proxy_route.t\nhold = \"300ms\"\n%s\n}\n", p.api, fault, attributes))
	eventually(c, patience, "the way is free", func() bool { c.before = p.look(); return strings.Contains(c.before, "way is free") })
}

const kilobyte = 1 << 10

// echo is a server that sends back a kilobyte and closes.
func echo(c *cell) string {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(c, err)
	over := make(chan struct{})
	go func() {
		defer close(over)
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			go func() { // until the proxy closes
				_, _ = io.CopyN(conn, conn, kilobyte)
				_ = conn.Close()
			}()
		}
	}()
	c.Cleanup(func() {
		require.NoError(c, l.Close())
		<-over
	})
	return l.Addr().String()
}

// look asks the Toxiproxy for its toxics, and goes the way that they lie on.
func (p *proxied) look() string {
	resp, err := http.Get("http://" + p.api + "/proxies/way")
	require.NoError(p, err)
	defer func() { require.NoError(p, resp.Body.Close()) }()
	var shown struct {
		Enabled bool
		Toxics  []struct{ Name, Type string }
	}
	require.NoError(p, json.NewDecoder(resp.Body).Decode(&shown))
	var toxics []string
	for _, t := range shown.Toxics {
		toxics = append(toxics, t.Type+" "+map[bool]string{true: "theirs", false: "ours"}[t.Name == "theirs"])
	}
	slices.Sort(toxics)
	return fmt.Sprintf("enabled %t, toxics %v\nthe way is %s\n", shown.Enabled, toxics, p.way())
}

// way sends a kilobyte through and wants it back, and the end after it.
func (p *proxied) way() string {
	const limit = 500 * time.Millisecond
	conn, err := net.DialTimeout("tcp", p.listen, limit)
	if err != nil {
		return "closed"
	}
	defer func() { _ = conn.Close() }()
	_ = conn.SetDeadline(time.Now().Add(limit))
	_, _ = conn.Write(make([]byte, kilobyte))
	if got, err := io.ReadAll(conn); err != nil || len(got) != kilobyte {
		return "not free"
	}
	return "free"
}
