package dns_test

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/google/nftables"
	"github.com/hashicorp/go-hclog"
	"github.com/hashicorp/go-plugin"
	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

	"github.com/gameday-toolkit/gameday/plugins/dns"
	"github.com/gameday-toolkit/gameday/plugins/sdk"
)

const patience = 20 * time.Second

// serial makes names that no other process has.
var serial atomic.Int64

func TestMain(m *testing.M) {
	code := m.Run()
	if built.dir != "" {
		_ = os.RemoveAll(built.dir)
	}
	os.Exit(code)
}

// built is the real plugin, built once for all tests.
var built struct {
	once sync.Once
	dir  string
	err  error
}

func binary(t *testing.T) string {
	t.Helper()
	built.once.Do(func() {
		if built.dir, built.err = os.MkdirTemp("", "gameday-plugin-dns-"); built.err != nil {
			return
		}
		out, err := exec.Command("go", "build", "-o", built.dir, "../../cmd/gameday-plugin-dns").CombinedOutput()
		if err != nil {
			built.err = fmt.Errorf("%w: %s", err, out)
		}
	})
	require.NoError(t, built.err)
	return filepath.Join(built.dir, "gameday-plugin-dns")
}

// need skips a test that cannot run here, or fails it where everything has to be there.
func need(t *testing.T, programs ...string) {
	t.Helper()
	missing := func(why string) {
		if os.Getenv("GAMEDAY_REQUIRE") == "1" {
			require.FailNow(t, why)
		}
		t.Skip(why)
	}
	if os.Geteuid() != 0 {
		missing("network namespaces need root")
	}
	for _, p := range append(programs, "ip") {
		if _, err := exec.LookPath(p); err != nil {
			missing("there is no " + p + ": make integration-deps")
		}
	}
}

// long marks a test that -short leaves out.
func long(t *testing.T) {
	t.Helper()
	if testing.Short() {
		t.Skip("it takes many seconds of real time")
	}
}

// local is the plugin in this process, with a lease that lasts.
func local(t *testing.T, control string) *sdk.Local {
	t.Helper()
	l, err := sdk.ServeLocal(dns.New(), t.Output())
	require.NoError(t, err)
	_, problems, err := l.Configure(t.Context(), sdk.Settings{Config: jsonOf(t, map[string]string{"control": control}), Lease: time.Hour})
	require.NoError(t, err)
	require.Empty(t, problems)
	t.Cleanup(func() { require.NoError(t, l.Close()) })
	return l
}

// nobody is a control socket that no resolver is behind.
func nobody(t *testing.T) string { return filepath.Join(t.TempDir(), "none.sock") }

func jsonOf(t *testing.T, v any) json.RawMessage {
	t.Helper()
	b, err := json.Marshal(v)
	require.NoError(t, err)
	return b
}

type client interface {
	Resolve(context.Context, string, sdk.Request) (sdk.Selection, []sdk.Problem, error)
	Prepare(context.Context, string, sdk.Request) (sdk.Handle, []sdk.Problem, error)
	Inject(context.Context, sdk.Handle) error
}

func prepare(t *testing.T, l client, run string, config any, targets ...sdk.Target) (sdk.Handle, []sdk.Problem) {
	t.Helper()
	h, problems, err := l.Prepare(t.Context(), "dns_failure", sdk.Request{
		Run: run, ID: fmt.Sprintf("fault.dns_failure.x%d", serial.Add(1)), Config: jsonOf(t, config), Targets: targets, Seed: 7,
	})
	require.NoError(t, err)
	return h, problems
}

func inject(t *testing.T, l client, config any, targets ...sdk.Target) sdk.Handle {
	t.Helper()
	h, problems := prepare(t, l, "run-1", config, targets...)
	require.Empty(t, problems)
	require.NoError(t, l.Inject(t.Context(), h))
	return h
}

func requireState(t *testing.T, l *sdk.Local, h sdk.Handle, want sdk.Status) sdk.State {
	t.Helper()
	state, err := l.Inspect(t.Context(), h)
	require.NoError(t, err)
	require.Equal(t, want, state.Status, state.Evidence)
	return state
}

// traffic is the target of a namespace and servers.
func traffic(t *testing.T, l client, ns string, servers ...string) sdk.Target {
	t.Helper()
	sel, problems, err := l.Resolve(t.Context(), "dns_traffic", sdk.Request{
		ID: "target.dns_traffic.x", Config: jsonOf(t, map[string]any{"namespaces": []string{ns}, "servers": servers}),
	})
	require.NoError(t, err)
	require.Empty(t, problems)
	require.Len(t, sel.Targets, 1)
	return sel.Targets[0]
}

// run is a command of the test's environment.
func run(args ...string) error {
	if out, err := exec.Command(args[0], args[1:]...).CombinedOutput(); err != nil {
		return fmt.Errorf("%v: %w: %s", args, err, out)
	}
	return nil
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

// tables lists the nftables tables of a namespace that match something. One of ours that has lapsed does not.
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
		sets, err := c.GetSets(t)
		if err != nil {
			return "", err
		}
		alive := len(sets) == 0
		for _, s := range sets {
			elements, err := c.GetSetElements(s)
			alive = alive || err != nil || len(elements) > 0
		}
		if alive {
			names = append(names, t.Name)
		}
	}
	return strings.Join(names, ","), err
}

// said is what dig prints of an answer.
type said struct {
	Status  string // NOERROR, or "silence"
	Flags   string
	Answers []string // "TTL data"
	All     string
	Took    time.Duration
}

var (
	status  = regexp.MustCompile(`status: (\w+)`)
	flags   = regexp.MustCompile(`;; flags: ([a-z ]*);`)
	changes = regexp.MustCompile(`(?m)^(;; (Query time|WHEN|MSG SIZE|SERVER).*|; COOKIE.*|;.*DiG.*|;; global.*)\n|, id: \d+|^\n`)
)

// dig is an independent client. It asks once and waits for two seconds, unless the options say otherwise.
func dig(t *testing.T, ns, server, name, kind string, options ...string) said {
	t.Helper()
	args := append([]string{"netns", "exec", ns, "dig", "+tries=1", "+time=2", "@" + server, name, kind}, options...)
	began := time.Now()
	out, err := exec.Command("ip", args...).Output()
	s := said{Status: "silence", Took: time.Since(began)}
	if m := status.FindSubmatch(out); m != nil && err == nil {
		s.Status = string(m[1])
	}
	if m := flags.FindSubmatch(out); m != nil {
		s.Flags = string(m[1])
	}
	lines := strings.Split(changes.ReplaceAllString(string(out), ""), "\n")
	slices.Sort(lines) // servers shuffle what they answer
	s.All = strings.Join(lines, "\n")
	for _, line := range strings.Split(string(out), "\n") {
		if f := strings.Fields(line); len(f) >= 5 && f[2] == "IN" && !strings.HasPrefix(line, ";") && f[3] == kind {
			s.Answers = append(s.Answers, f[1]+" "+strings.Join(f[4:], " "))
		}
	}
	return s
}

// short is the status and the data of the answers, which is what most tests are about.
func (s said) short() string {
	out := []string{s.Status}
	for _, a := range s.Answers {
		out = append(out, strings.SplitN(a, " ", 2)[1])
	}
	return strings.Join(out, " ")
}

// real is the plugin as a process of its own.
type real struct {
	*sdk.Client
	cmd *exec.Cmd
	c   *plugin.Client
}

func startReal(t *testing.T, control string) *real {
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
	r := &real{Client: sdk.NewClient("dns", conn), cmd: cmd, c: c}
	_, problems, err := r.Configure(t.Context(), sdk.Settings{Config: jsonOf(t, map[string]string{"control": control}), Lease: time.Hour})
	require.NoError(t, err)
	require.Empty(t, problems)
	return r
}

// kill is kill -9 of the plugin, which is every process of ours that knows of its faults.
func (r *real) kill(t *testing.T) {
	t.Helper()
	require.NoError(t, r.cmd.Process.Kill())
	r.c.Kill()
}

// eventually waits for a condition that takes its own time to find out.
func eventually(t *testing.T, within time.Duration, ok func() bool, what string) time.Duration {
	t.Helper()
	began := time.Now()
	for !ok() {
		require.Less(t, time.Since(began), within, what)
		runtime.Gosched()
	}
	return time.Since(began)
}
