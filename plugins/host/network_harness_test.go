package host_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/nftables"
	"github.com/hashicorp/go-hclog"
	"github.com/hashicorp/go-plugin"
	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

	"github.com/gameday-toolkit/gameday/plugins/sdk"
)

// pair is two network namespaces of the test's own with a cable between them. Nothing of it touches the machine's network.
type pair struct {
	t    *testing.T
	a, b string
	// v4 and v6 are the addresses of b, and v4a that of a.
	v4, v6, v4a string
}

func newPair(t *testing.T) *pair {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("needs root, to make network namespaces")
	}
	if _, err := exec.LookPath("ip"); err != nil {
		t.Skip("needs ip, of iproute2, to make network namespaces")
	}
	p, err := makePair()
	require.NoError(t, err)
	p.t = t
	t.Cleanup(p.remove)
	return p
}

func makePair() (*pair, error) {
	n := serial.Add(1)
	p := &pair{a: fmt.Sprintf("gdt%d-%da", os.Getpid(), n), b: fmt.Sprintf("gdt%d-%db", os.Getpid(), n), v4: "10.77.0.2", v4a: "10.77.0.1", v6: "fd77::2"}
	for _, line := range []string{
		"netns add A", "netns add B", "link add gd0 netns A type veth peer name gd0 netns B",
		"-n A addr add 10.77.0.1/24 dev gd0", "-n B addr add 10.77.0.2/24 dev gd0",
		"-n A addr add fd77::1/64 dev gd0 nodad", "-n B addr add fd77::2/64 dev gd0 nodad",
		"-n A link set gd0 up", "-n B link set gd0 up", "-n A link set lo up", "-n B link set lo up",
	} {
		line = strings.NewReplacer("A", p.a, "B", p.b).Replace(line)
		if out, err := exec.Command("ip", strings.Fields(line)...).CombinedOutput(); err != nil {
			return p, fmt.Errorf("ip %s: %w: %s", line, err, out)
		}
	}
	return p, nil
}

func (p *pair) remove() {
	for _, ns := range []string{p.a, p.b} {
		_ = exec.Command("ip", "netns", "delete", ns).Run()
	}
}

// in runs fn in a namespace, on a thread that is thrown away.
func in(ns string, fn func() error) error {
	done := make(chan error)
	go func() {
		runtime.LockOSThread()
		f, err := os.Open("/run/netns/" + ns)
		if err == nil {
			err = unix.Setns(int(f.Fd()), unix.CLONE_NEWNET)
			_ = f.Close()
		}
		if err == nil {
			err = fn()
		}
		done <- err
	}()
	return <-done
}

// serve answers TCP and UDP on a port of a namespace, with what it was sent.
func serve(t *testing.T, ns string, port int) {
	t.Helper()
	var l net.Listener
	var u net.PacketConn
	require.NoError(t, in(ns, func() (err error) {
		if l, err = net.Listen("tcp", fmt.Sprintf(":%d", port)); err != nil {
			return err
		}
		u, err = net.ListenPacket("udp", fmt.Sprintf(":%d", port))
		return err
	}))
	done := make(chan struct{}, 2)
	go func() {
		defer func() { done <- struct{}{} }()
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			_, _ = c.Write([]byte("hello"))
			_ = c.Close()
		}
	}()
	go func() {
		defer func() { done <- struct{}{} }()
		for buf := make([]byte, 2000); ; {
			n, from, err := u.ReadFrom(buf)
			if err != nil {
				return
			}
			_, _ = u.WriteTo(buf[:n], from)
		}
	}()
	t.Cleanup(func() { _ = l.Close(); _ = u.Close(); <-done; <-done })
}

// reach opens a TCP connection from a namespace and waits for the greeting.
func reach(ns, addr string, port int) error {
	return in(ns, func() error {
		c, err := net.DialTimeout("tcp", net.JoinHostPort(addr, fmt.Sprint(port)), 400*time.Millisecond)
		if err != nil {
			return err
		}
		defer func() { _ = c.Close() }()
		_ = c.SetDeadline(time.Now().Add(400 * time.Millisecond))
		_, err = c.Read(make([]byte, 5))
		return err
	})
}

// echoes counts the answers to n datagrams, sent one after another.
func echoes(ns, addr string, port, n int) (got int, took time.Duration, err error) {
	return echoesOf(ns, addr, port, n, 1)
}

func echoesOf(ns, addr string, port, n, size int) (got int, took time.Duration, err error) {
	err = in(ns, func() error {
		c, err := net.Dial("udp", net.JoinHostPort(addr, fmt.Sprint(port)))
		if err != nil {
			return err
		}
		defer func() { _ = c.Close() }()
		began := time.Now()
		for range n {
			_, _ = c.Write(make([]byte, size)) // EPERM where a firewall drops it
		}
		for buf := make([]byte, size); got < n; got++ {
			_ = c.SetReadDeadline(time.Now().Add(300 * time.Millisecond))
			if _, err := c.Read(buf); err != nil {
				break
			}
			took = time.Since(began)
		}
		return nil
	})
	return got, took, err
}

// tables lists the nftables tables of a namespace.
func tables(ns string) (string, error) {
	f, err := os.Open("/run/netns/" + ns)
	if err != nil {
		return "", err
	}
	defer func() { _ = f.Close() }()
	c, err := nftables.New(nftables.WithNetNSFd(int(f.Fd())))
	if err != nil {
		return "", err
	}
	all, err := c.ListTables()
	var names []string
	for _, t := range all {
		names = append(names, t.Name)
	}
	return strings.Join(names, ","), err
}

func resolveOne(t *testing.T, l *sdk.Local, kind string, config any) sdk.Target {
	t.Helper()
	cfg, err := json.Marshal(config)
	require.NoError(t, err)
	sel, problems, err := l.Resolve(t.Context(), kind, sdk.Request{ID: "target." + kind + ".x", Config: cfg})
	require.NoError(t, err)
	require.Empty(t, problems)
	require.Len(t, sel.Targets, 1)
	return sel.Targets[0]
}

func (p *pair) namespace(l *sdk.Local) sdk.Target {
	return resolveOne(p.t, l, "host_namespace", map[string]any{"names": []string{p.a}})
}

func (p *pair) link(l *sdk.Local) sdk.Target {
	return resolveOne(p.t, l, "host_interface", map[string]any{"names": []string{"gd0"}, "namespace": p.a})
}

// real is the plugin as a process of its own.
type real struct {
	*sdk.Client
	cmd *exec.Cmd
	c   *plugin.Client
}

func startReal(t *testing.T, marks string, lease time.Duration) *real {
	t.Helper()
	cmd := exec.Command(binary(t))
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	c := plugin.NewClient(&plugin.ClientConfig{
		HandshakeConfig: sdk.Handshake(), VersionedPlugins: sdk.HostPlugins(), Cmd: cmd, AutoMTLS: true,
		AllowedProtocols: []plugin.Protocol{plugin.ProtocolGRPC}, GRPCDialOptions: sdk.DialOptions(),
		Logger: hclog.NewNullLogger(), StartTimeout: patience,
	})
	t.Cleanup(c.Kill)
	wire, err := c.Client()
	require.NoError(t, err)
	conn, err := sdk.Connect(wire)
	require.NoError(t, err)
	r := &real{Client: sdk.NewClient("host", conn), cmd: cmd, c: c}
	cfg, err := json.Marshal(map[string]string{"marks_dir": marks})
	require.NoError(t, err)
	_, problems, err := r.Configure(t.Context(), sdk.Settings{Config: cfg, Lease: lease})
	require.NoError(t, err)
	require.Empty(t, problems)
	return r
}

func (r *real) injectOne(t *testing.T, fault string, config any, target sdk.Target) sdk.Handle {
	t.Helper()
	cfg, err := json.Marshal(config)
	require.NoError(t, err)
	h, problems, err := r.Prepare(t.Context(), fault, sdk.Request{
		Run: fmt.Sprintf("run-%d", serial.Add(1)), ID: "fault." + fault + ".x", Config: cfg, Targets: []sdk.Target{target},
	})
	require.NoError(t, err)
	require.Empty(t, problems)
	require.NoError(t, r.Inject(t.Context(), h))
	return h
}

// kill is kill -9 of the plugin, which is every process of ours that knows of its faults.
func (r *real) kill(t *testing.T) {
	t.Helper()
	require.NoError(t, r.cmd.Process.Kill())
	r.c.Kill()
}

func eventually(t *testing.T, within time.Duration, ok func() bool, what string) time.Duration {
	t.Helper()
	began := time.Now()
	ctx, cancel := context.WithTimeout(t.Context(), within)
	defer cancel()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for !ok() {
		select {
		case <-tick.C:
		case <-ctx.Done():
			require.Fail(t, "in vain after "+within.String(), what)
		}
	}
	return time.Since(began)
}
