package dns_test

import (
	"bufio"
	"fmt"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/gameday-toolkit/gameday/plugins/sdk"
)

// served is a resolver as a user starts it.
type served struct {
	cmd     *exec.Cmd
	listen  string // ip and port, with a space for dig
	control string
}

func serveResolver(t *testing.T, upstream, control string) *served {
	t.Helper()
	cmd := exec.Command(binary(t), "serve", "-listen", "127.0.0.1:0", "-upstream", upstream, "-control", control)
	out, err := cmd.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, cmd.Start())
	s := &served{cmd: cmd, control: control}
	t.Cleanup(s.stop)
	line, err := bufio.NewReader(out).ReadString('\n')
	require.NoError(t, err)
	_, rest, _ := strings.Cut(line, "resolving on ")
	s.listen, _, _ = strings.Cut(rest, " ")
	return s
}

func (s *served) stop() {
	_ = s.cmd.Process.Signal(syscall.SIGTERM)
	_ = s.cmd.Wait()
}

// ask asks it as a client would.
func (s *served) ask(t *testing.T, name string) string {
	t.Helper()
	m, err := exchange(s.listen, name)
	if err != nil {
		return "silence"
	}
	return m
}

func resolverTarget(t *testing.T, l client) sdk.Target {
	t.Helper()
	sel, problems, err := l.Resolve(t.Context(), "dns_resolver", sdk.Request{ID: "target.dns_resolver.x"})
	require.NoError(t, err)
	require.Empty(t, problems)
	require.Len(t, sel.Targets, 1)
	return sel.Targets[0]
}

// It needs no privilege, and what is left when all processes of a game day die is a resolver that resolves.
func TestTheResolverAndItsClock(t *testing.T) {
	s := serveResolver(t, upstreamFor(t), filepath.Join(t.TempDir(), "dns.sock"))
	l := local(t, s.control)
	r := startReal(t, s.control)
	require.Equal(t, "NOERROR 198.51.100.7", s.ask(t, "x.test."))
	h := inject(t, r, map[string]any{"names": []string{"x.test"}, "mode": "refused"}, resolverTarget(t, l))
	require.Equal(t, "REFUSED", s.ask(t, "x.test."))
	require.Equal(t, "NOERROR 198.51.100.7", s.ask(t, "y.test."))
	require.Contains(t, requireState(t, l, h, sdk.Active).Evidence, "it has hit 1 queries")
	for began := time.Now(); time.Since(began) < 4*time.Second; {
		require.Equal(t, "REFUSED", s.ask(t, "x.test."), "it has to stand while the lease lasts")
	}
	left, err := l.Sweep(t.Context())
	require.NoError(t, err)
	require.Len(t, ours(left, h), 1)

	r.kill(t)
	took := eventually(t, 8*time.Second, func() bool { return s.ask(t, "x.test.") == "NOERROR 198.51.100.7" }, "the resolver to end the rule")
	t.Logf("healed %v after kill -9", took)
	requireState(t, l, h, sdk.Inactive)
	require.NoError(t, l.Revert(t.Context(), h))
	left, err = l.Sweep(t.Context())
	require.NoError(t, err)
	require.Empty(t, ours(left, h))
}

func TestAResolverThatIsStartedAgainHasNoRules(t *testing.T) {
	upstream, control := upstreamFor(t), filepath.Join(t.TempDir(), "dns.sock")
	s := serveResolver(t, upstream, control)
	l := local(t, control)
	h := inject(t, l, map[string]any{"names": []string{"."}}, resolverTarget(t, l))
	s.stop()
	require.Contains(t, requireState(t, l, h, sdk.Inactive).Evidence, "gone")
	s = serveResolver(t, upstream, control)
	require.Equal(t, "NOERROR 198.51.100.7", s.ask(t, "x.test."))
	requireState(t, l, h, sdk.Inactive)
	require.ErrorContains(t, l.Inject(t.Context(), h), "plan again")
	require.NoError(t, l.Revert(t.Context(), h))
}

func TestWithoutAResolverTheTargetSaysHowToStartOne(t *testing.T) {
	l := local(t, nobody(t))
	_, problems, err := l.Resolve(t.Context(), "dns_resolver", sdk.Request{ID: "target.dns_resolver.x"})
	require.NoError(t, err)
	require.Contains(t, problems[0].Detail, "gameday-plugin-dns serve -listen")
}

// A rule that delays lets go of what it holds when it is reverted.
func TestARevertLetsDelayedQueriesGo(t *testing.T) {
	s := serveResolver(t, upstreamFor(t), filepath.Join(t.TempDir(), "dns.sock"))
	l := local(t, s.control)
	h := inject(t, l, map[string]any{"names": []string{"x.test"}, "mode": "delay", "delay": "1m"}, resolverTarget(t, l))
	answers := make(chan string, 1)
	go func() { answers <- s.ask(t, "x.test.") }()
	eventually(t, patience, func() bool {
		state, err := l.Inspect(t.Context(), h)
		return err == nil && strings.Contains(state.Evidence, "hit 1 queries")
	}, "the query to arrive")
	require.NoError(t, l.Revert(t.Context(), h))
	require.Equal(t, "NOERROR 198.51.100.7", <-answers)
}

func TestMistakesInABlock(t *testing.T) {
	s := serveResolver(t, "127.0.0.1:9", filepath.Join(t.TempDir(), "dns.sock"))
	l := local(t, s.control)
	target := resolverTarget(t, l)
	for config, path := range map[string]string{
		`{"names":[]}`: "names", `{"names":["a..b"]}`: "names.0", `{"names":["x","**.test"]}`: "names.1", `{"names":["x"],"types":["A","AAA"]}`: "types.1",
		`{"names":["x"],"clients":["host"]}`: "clients.0", `{"names":["x"],"percent":0}`: "percent", `{"names":["x"],"delay":"1s"}`: "delay",
		`{"names":["x"],"mode":"drop","ttl":"1s"}`: "ttl", `{"names":["x"],"tcp":"drop"}`: "tcp", `{"names":["x"],"addresses":["192.0.2.1"]}`: "addresses",
		`{"names":["x"],"mode":"wrong_address","addresses":["there"]}`: "addresses.0", `{"names":["x"],"mode":"wrong_address","types":["MX"]}`: "types",
		`{"names":["x"],"ttl":"500ms"}`: "ttl", `{"names":["x"],"mode":"delay","delay":"1h"}`: "delay",
	} {
		var cfg map[string]any
		require.NoError(t, unmarshal(config, &cfg))
		_, problems := prepare(t, l, "run-1", cfg, target)
		require.Len(t, problems, 1, config)
		require.Equal(t, path, strings.Join(problems[0].Path, "."), config)
	}
	_, problems := prepare(t, l, "run-1", map[string]any{"names": []string{"x"}}, sdk.Target{Type: "host_namespace", Name: "x"})
	require.Equal(t, "dns_failure cannot touch a host_namespace", problems[0].Summary)
	_, problems = prepare(t, l, "run-1", map[string]any{"names": []string{"x"}})
	require.Equal(t, "The fault has no targets", problems[0].Summary)
}

func TestTheCommandSaysWhatIsWrong(t *testing.T) {
	for _, c := range [][2]string{{"", "is the dns plugin"}, {"serve", "-upstream: \"\" is no address of a server"}, {"serve -upstream 127.0.0.1 -listen nowhere", "listening on nowhere"},
		{"serve -upstream 127.0.0.1:5353", "is where this resolver itself listens"}} {
		out, err := exec.Command(binary(t), strings.Fields(c[0])...).CombinedOutput()
		require.Error(t, err)
		require.Contains(t, string(out), c[1], fmt.Sprint(c))
	}
}
