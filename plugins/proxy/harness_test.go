package proxy_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	toxiproxy "github.com/Shopify/toxiproxy/v2"
	"github.com/Shopify/toxiproxy/v2/toxics"
	"github.com/rs/zerolog"
	"github.com/stretchr/testify/require"

	"github.com/gameday-toolkit/gameday/plugins/proxy"
	"github.com/gameday-toolkit/gameday/plugins/proxy/internal/server"
	"github.com/gameday-toolkit/gameday/plugins/sdk"
)

// foreign is the toxic of somebody else that lies on each proxy, and must lie there afterwards.
const foreign = `{"name":"theirs","type":"latency","stream":"upstream","toxicity":1,"attributes":{"latency":1,"jitter":0}}`

// stock is a Toxiproxy as it comes, in this process, with an upstream that echoes.
type stock struct {
	*toxiproxy.ApiServer
	url, upstream string
}

func newStock(t *testing.T, proxies ...string) *stock {
	t.Helper()
	s := &stock{ApiServer: toxiproxy.NewServer(toxiproxy.NewMetricsContainer(nil), zerolog.Nop()), upstream: echo(t)}
	web := httptest.NewServer(s.Routes())
	s.url = web.URL
	t.Cleanup(func() {
		require.NoError(t, s.Collection.Clear())
		web.Close()
	})
	for _, name := range proxies {
		p := toxiproxy.NewProxy(s.ApiServer, name, "127.0.0.1:0", s.upstream)
		require.NoError(t, s.Collection.Add(p, true))
		_, err := p.Toxics.AddToxicJson(strings.NewReader(foreign))
		require.NoError(t, err)
	}
	return s
}

// served is a Toxiproxy that the plugin serves itself, in this process.
func served(t *testing.T, args ...string) string {
	t.Helper()
	o := server.Options{API: "127.0.0.1:0"}
	for _, a := range args {
		require.NoError(t, proxy.AddProxy(&o, a))
	}
	s, err := server.Listen(o)
	require.NoError(t, err)
	ctx, cancel := context.WithCancel(context.Background())
	over := make(chan error, 1)
	go func() { over <- s.Serve(ctx) }()
	t.Cleanup(func() {
		cancel()
		require.NoError(t, <-over)
	})
	return "http://" + s.Addr()
}

// echo is a service that sends back what it is sent.
func echo(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	over := make(chan struct{})
	go func() {
		defer close(over)
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				defer func() { _ = c.Close() }()
				_, _ = io.Copy(c, c)
			}()
		}
	}()
	t.Cleanup(func() {
		require.NoError(t, l.Close())
		<-over
	})
	return l.Addr().String()
}

// shown are the toxics of a proxy as the server itself has them, without the plugin's help.
func (s *stock) shown(t testing.TB, name string) (out []*toxics.ToxicWrapper) {
	p, err := s.Collection.Get(name)
	require.NoError(t, err)
	for _, x := range p.Toxics.GetToxicArray() {
		out = append(out, x.(*toxics.ToxicWrapper))
	}
	return out
}

func (s *stock) listen(t testing.TB, name string) string {
	p, err := s.Collection.Get(name)
	require.NoError(t, err)
	return p.Listen
}

// ours are the names of gameday's toxics on a proxy.
func (s *stock) ours(t testing.TB, name string) (out []string) {
	for _, x := range s.shown(t, name) {
		if x.Name != "theirs" {
			out = append(out, x.Name)
		}
	}
	return out
}

// snapshot is all that a Toxiproxy would tell of itself.
func (s *stock) snapshot(t testing.TB) string {
	var out []string
	for name, p := range s.Collection.Proxies() {
		for _, x := range s.shown(t, name) {
			b, err := json.Marshal(x)
			require.NoError(t, err)
			out = append(out, fmt.Sprintf("%s %s %s %t %s", name, p.Listen, p.Upstream, p.Enabled, b))
		}
	}
	slices.Sort(out)
	return strings.Join(out, "\n")
}

// plugin is the plugin at work on a server, with a lease.
func plugin(t testing.TB, url string, lease time.Duration) *sdk.Local {
	t.Helper()
	l, err := sdk.ServeLocal(proxy.New(), io.Discard)
	require.NoError(t, err)
	t.Cleanup(func() { _ = l.Kill() })
	_, problems, err := l.Configure(t.Context(), sdk.Settings{Config: settings(url), StateDir: t.TempDir(), Lease: lease})
	require.NoError(t, err)
	require.Empty(t, problems)
	return l
}

func settings(url string) json.RawMessage {
	return json.RawMessage(fmt.Sprintf(`{"url":%q}`, url))
}

// targets resolves proxies by their names.
func targets(t testing.TB, l *sdk.Local, names ...string) []sdk.Target {
	t.Helper()
	b, err := json.Marshal(map[string]any{"names": names})
	require.NoError(t, err)
	found, problems, err := l.Resolve(t.Context(), "proxy_route", sdk.Request{ID: "target.proxy_route.t", Config: b})
	require.NoError(t, err)
	require.Empty(t, problems)
	return found.Targets
}

// inject prepares and injects a fault on a proxy.
func inject(t testing.TB, l *sdk.Local, fault, config string, names ...string) sdk.Handle {
	t.Helper()
	h, problems, err := l.Prepare(t.Context(), fault, sdk.Request{
		Run: "2026-11-23T10-00-00Z-test", ID: "fault." + fault + `.f["a/b"]`, Config: json.RawMessage(config), Targets: targets(t, l, names...),
	})
	require.NoError(t, err)
	require.Empty(t, problems)
	require.NoError(t, l.Inject(t.Context(), h))
	require.Equal(t, sdk.Active, inspect(t, l, h).Status)
	return h
}

func inspect(t testing.TB, l *sdk.Local, h sdk.Handle) sdk.State {
	t.Helper()
	s, err := l.Inspect(t.Context(), h)
	require.NoError(t, err)
	return s
}
