package lab_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/miekg/dns"
	"github.com/stretchr/testify/require"

	"github.com/gameday-toolkit/gameday/plugins/lab"
	"github.com/gameday-toolkit/gameday/plugins/lab/internal/labdir"
	"github.com/gameday-toolkit/gameday/plugins/lab/internal/proc"
	"github.com/gameday-toolkit/gameday/plugins/sdk"
)

// patience is far longer than anything takes on an idle machine.
const patience = 60 * time.Second

// bench is a lab with a configured plugin.
type bench struct {
	t       *testing.T
	dir     string
	plugin  *sdk.Local
	outputs map[string]any
}

func command(args ...string) (code int, out, errOut string) {
	var o, e bytes.Buffer
	code = lab.Main(args, &o, &e)
	return code, o.String(), e.String()
}

// up starts a lab that is gone when the test ends.
func up(t *testing.T, flags ...string) *bench {
	t.Helper()
	if testing.Short() {
		t.Skip("needs a lab of nine processes, and minutes of real time")
	}
	b := &bench{t: t, dir: filepath.Join(t.TempDir(), "lab")}
	t.Cleanup(func() {
		code, _, errOut := command("down", "-dir", b.dir)
		require.Zero(t, code, errOut)
		_, err := os.Stat(b.dir)
		require.ErrorIs(t, err, os.ErrNotExist, "down leaves no trace")
	})
	code, out, errOut := command(append([]string{"up", "-dir", b.dir}, flags...)...)
	require.Zero(t, code, errOut)
	t.Log(strings.TrimSpace(out))
	b.plugin = b.session()
	return b
}

// session is the plugin as another process would see it: configured anew, with nothing in its memory.
func (b *bench) session() *sdk.Local {
	p, err := sdk.ServeLocal(lab.New(), b.t.Output())
	require.NoError(b.t, err)
	b.t.Cleanup(func() { require.NoError(b.t, p.Close()) })
	config, err := json.Marshal(map[string]string{"dir": b.dir})
	require.NoError(b.t, err)
	outputs, problems, err := p.Configure(b.t.Context(), sdk.Settings{Config: config, StateDir: b.t.TempDir(), Lease: 10 * time.Minute})
	require.NoError(b.t, err)
	require.Empty(b.t, problems)
	b.outputs = outputs
	return p
}

// run runs a subtest with the bench reporting to it.
func (b *bench) run(name string, test func(t *testing.T)) {
	parent := b.t
	defer func() { b.t = parent }()
	parent.Run(name, func(t *testing.T) {
		b.t = t
		test(t)
	})
}

func (b *bench) output(name string) string { return fmt.Sprint(b.outputs[name]) }

// targets resolves names of a type.
func (b *bench) targets(kind string, names ...string) []sdk.Target {
	config, err := json.Marshal(map[string]any{"names": names})
	require.NoError(b.t, err)
	sel, problems, err := b.plugin.Resolve(b.t.Context(), kind, sdk.Request{ID: "target." + kind + ".t", Config: config})
	require.NoError(b.t, err)
	require.Empty(b.t, problems)
	require.Len(b.t, sel.Targets, len(names))
	return sel.Targets
}

func (b *bench) prepare(fault, run, config string, targets []sdk.Target) (sdk.Handle, []sdk.Problem) {
	req := sdk.Request{Run: run, ID: "fault." + fault + ".f", Targets: targets}
	if config != "" {
		req.Config = json.RawMessage(config)
	}
	h, problems, err := b.plugin.Prepare(b.t.Context(), fault, req)
	require.NoError(b.t, err)
	return h, problems
}

func (b *bench) inspect(p *sdk.Local, h sdk.Handle, want sdk.Status) {
	b.t.Helper()
	state, err := p.Inspect(b.t.Context(), h)
	require.NoError(b.t, err)
	require.Equal(b.t, want, state.Status, state.Evidence)
	require.NotEmpty(b.t, state.Evidence)
}

// cycle takes a fault through its life. The look is the test's own, past plugin and supervisor: it says whether the
// failure is there as a user of the lab would notice it.
func (b *bench) cycle(fault, config string, targets []sdk.Target, look func() error) {
	b.t.Helper()
	h, problems := b.prepare(fault, "run-1", config, targets)
	require.Empty(b.t, problems)
	require.NotEmpty(b.t, h.Effects)
	require.NotEmpty(b.t, h.Steps)
	b.inspect(b.plugin, h, sdk.Inactive)
	require.NoError(b.t, look(), "before")

	require.NoError(b.t, b.plugin.Inject(b.t.Context(), h))
	b.inspect(b.plugin, h, sdk.Active)
	require.Error(b.t, look(), "the failure must be there for users as well")

	_, problems = b.prepare(fault, "run-2", config, targets)
	require.NotEmpty(b.t, problems, "a second run must not touch what the first holds")
	swept, err := b.plugin.Sweep(b.t.Context())
	require.NoError(b.t, err)
	require.Len(b.t, swept, 1)
	require.Equal(b.t, h.ID, swept[0].ID)

	fresh := b.session()
	b.inspect(fresh, swept[0], sdk.Active)
	require.NoError(b.t, fresh.Revert(b.t.Context(), swept[0]), "from a process that has never seen it")
	b.inspect(b.plugin, h, sdk.Inactive)
	require.NoError(b.t, look(), "after")
	require.NoError(b.t, b.plugin.Revert(b.t.Context(), h), "reverting twice is reverting once")
	swept, err = b.plugin.Sweep(b.t.Context())
	require.NoError(b.t, err)
	require.Empty(b.t, swept)
}

// post sends one request on a connection of its own and returns the status.
func post(ctx context.Context, url, body string) (int, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, url, strings.NewReader(body))
	if err != nil {
		return 0, err
	}
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}, Timeout: 2 * time.Second}
	resp, err := client.Do(req)
	if err != nil {
		return 0, err
	}
	return resp.StatusCode, resp.Body.Close()
}

// orders wants an order to be taken, at a URL.
func (b *bench) orders(url string) error {
	status, err := post(b.t.Context(), url+"/orders", `{"sku":"sku-1"}`)
	if err == nil && status != http.StatusCreated {
		return fmt.Errorf("the order was answered with %d", status)
	}
	return err
}

// lookup asks the lab's DNS.
func (b *bench) lookup(name string) (string, error) {
	q := new(dns.Msg)
	q.SetQuestion(dns.Fqdn(name), dns.TypeA)
	m, _, err := (&dns.Client{Timeout: 300 * time.Millisecond}).ExchangeContext(b.t.Context(), q, b.output("dns"))
	if err != nil {
		return "", err
	}
	for _, rr := range m.Answer {
		if a, ok := rr.(*dns.A); ok {
			return a.A.String(), nil
		}
	}
	return "", fmt.Errorf("%s without an address", dns.RcodeToString[m.Rcode])
}

func (b *bench) processes() labdir.Processes {
	ps, err := labdir.Dir(b.dir).LoadProcesses()
	require.NoError(b.t, err)
	return ps
}

func (b *bench) lab() labdir.Lab {
	l, err := labdir.Dir(b.dir).Load()
	require.NoError(b.t, err)
	return l
}

func allDead(ids map[string]proc.ID) bool {
	for _, id := range ids {
		if id.Alive() {
			return false
		}
	}
	return true
}

func portOpen(addr string) error {
	c, err := net.DialTimeout("tcp", addr, time.Second)
	if err != nil {
		return err
	}
	return c.Close()
}
