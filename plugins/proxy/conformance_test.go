package proxy_test

import (
	"context"
	"encoding/json"
	"fmt"
	"os/exec"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"

	toxiproxy "github.com/Shopify/toxiproxy/v2"
	"github.com/stretchr/testify/require"

	"github.com/gameday-toolkit/gameday/plugins/proxy"
	"github.com/gameday-toolkit/gameday/plugins/sdk"
	"github.com/gameday-toolkit/gameday/plugins/sdk/conformance"
)

// windGrace is for how long after the lease the plugin lets a server's clock run.
const windGrace = time.Second

// attributes are those of each fault in the suite.
func attributes() map[string]string {
	return map[string]string{
		"proxy_latency":    `{"delay":"200ms","jitter":"50ms","percent":30,"direction":"both"}`,
		"proxy_bandwidth":  `{"bytes_per_second":64000}`,
		"proxy_slow_close": `{"delay":"1s"}`,
		"proxy_timeout":    `{"close_after":"2s","direction":"upstream"}`,
		"proxy_reset":      `{}`,
		"proxy_slicing":    `{"size":10,"variation":3,"delay":"50us"}`,
		"proxy_limit":      `{"bytes":1000}`,
	}
}

// TestConformance runs the SDK's suite over every fault, against a Toxiproxy as it comes. One of them goes through real
// processes as well: all faults undo alike.
func TestConformance(t *testing.T) {
	t.Parallel()
	binary := filepath.Join(t.TempDir(), "gameday-plugin-proxy")
	out, err := exec.Command("go", "build", "-o", binary, "../../cmd/gameday-plugin-proxy").CombinedOutput()
	require.NoError(t, err, string(out))
	s := newStock(t, "db", "cache")
	subject := conformance.Subject{
		New: proxy.New, Config: settings(s.url),
		Targets: []conformance.TargetCase{
			{Type: "proxy_route", Config: json.RawMessage(`{"names":["db"]}`), Names: []string{"db"}},
			{Type: "proxy_route", Config: json.RawMessage(fmt.Sprintf(`{"upstreams":[%q]}`, s.upstream)), Names: []string{"cache", "db"}},
		},
	}
	for fault, config := range attributes() {
		subject.Faults = append(subject.Faults, s.suite(t, fault, config))
	}
	conformance.Run(t, subject)
	real := conformance.Subject{Binary: binary, Config: settings(s.url), Faults: []conformance.Case{s.suite(t, "proxy_latency", attributes()["proxy_latency"])}}
	for _, r := range conformance.Verify(t.Context(), real) {
		if r.Check != "Describe" { // which asks for a case of each fault
			require.NoError(t, r.Err, r.String())
		}
	}
}

// suite is a fault on two proxies of its own.
func (s *stock) suite(t *testing.T, fault, config string) conformance.Case {
	var n atomic.Int64
	return conformance.Case{
		Fault: fault,
		Setup: func(ctx context.Context) (sdk.Request, error) {
			l := plugin(t, s.url, 0)
			req := sdk.Request{Config: json.RawMessage(config)}
			for range 2 {
				name := fmt.Sprintf("%s-%d", fault, n.Add(1))
				if err := s.Collection.Add(toxiproxy.NewProxy(s.ApiServer, name, "127.0.0.1:0", s.upstream), true); err != nil {
					return req, err
				}
				req.Targets = append(req.Targets, targets(t, l, name)...)
			}
			return req, l.Close()
		},
		Look: func(_ context.Context, h sdk.Handle) (bool, error) {
			for _, target := range h.Targets {
				if len(s.ours(t, target.Name)) > 0 {
					return true, nil
				}
			}
			return false, nil
		},
		Snapshot: func(_ context.Context, req sdk.Request) (string, error) {
			var out string
			for _, target := range req.Targets {
				out += fmt.Sprintln(target.ID, len(s.shown(t, target.Name)))
			}
			return out, nil
		},
		Teardown: func(_ context.Context, req sdk.Request) error {
			for _, target := range req.Targets {
				if err := s.Collection.Remove(target.Name); err != nil {
					return err
				}
			}
			return nil
		},
	}
}

// A server of the plugin's own has a clock. When the plugin is killed and nobody is left, the server ends the fault.
func TestTheServersOwnClockEndsTheFault(t *testing.T) {
	t.Parallel()
	url := served(t, "db=127.0.0.1:0,"+echo(t))
	const lease = 2 * time.Second
	l := plugin(t, url, lease)
	h, problems, err := l.Prepare(t.Context(), "proxy_latency", sdk.Request{Run: "r", ID: "fault.proxy_latency.f", Config: json.RawMessage(`{"delay":"1ms"}`), Targets: targets(t, l, "db")})
	require.NoError(t, err)
	require.Empty(t, problems)
	require.Contains(t, h.Effects[len(h.Effects)-1], "ends the fault by itself within 5s")
	require.NoError(t, l.Inject(t.Context(), h))
	tick := time.NewTicker(200 * time.Millisecond)
	defer tick.Stop()
	for range 30 { // for longer than the clock's 5 s
		<-tick.C
		require.NoError(t, l.Renew(t.Context()))
		require.Equal(t, sdk.Active, inspect(t, l, h).Status, "it is renewed")
	}

	require.NoError(t, l.Kill()) // which reverts nothing, and renews for no longer than the lease that was left
	died := time.Now()
	fresh := plugin(t, url, 0)
	require.Eventually(t, func() bool { return inspect(t, fresh, h).Status == sdk.Inactive }, 10*time.Second, 50*time.Millisecond)
	t.Logf("it ended %v after the plugin", time.Since(died))
	require.Less(t, time.Since(died), lease+windGrace+2*time.Second)
}
