package dns_test

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/gameday-toolkit/gameday/plugins/sdk"
)

// What unbound and bind9 make of each failure of the server behind them, and what a client sees that asks it directly.
func TestEveryModeThroughUnboundAndBind(t *testing.T) {
	long(t)
	w := newWorld(t)
	l := local(t, nobody(t))
	target := traffic(t, l, w.middle, origin)
	for _, c := range []struct {
		mode                  string
		more                  map[string]any
		unbound, bind, direct string
	}{
		{mode: "nxdomain", unbound: "NXDOMAIN", bind: "NXDOMAIN", direct: "NXDOMAIN"},
		{mode: "servfail", unbound: "SERVFAIL", bind: "SERVFAIL", direct: "SERVFAIL"},
		{mode: "refused", unbound: "SERVFAIL", bind: "SERVFAIL", direct: "REFUSED"},
		{mode: "empty", unbound: "NOERROR", bind: "NOERROR", direct: "NOERROR"},
		{mode: "wrong_address", unbound: "NOERROR 192.0.2.1", bind: "NOERROR 192.0.2.1", direct: "NOERROR 192.0.2.1"},
		{mode: "wrong_address", more: map[string]any{"addresses": []string{"192.0.2.9"}, "ttl": "9s"}, unbound: "NOERROR 192.0.2.9", bind: "NOERROR 192.0.2.9", direct: "NOERROR 192.0.2.9"},
		{mode: "stale", unbound: "NOERROR " + right, bind: "NOERROR " + right, direct: "NOERROR " + right},
		{mode: "delay", more: map[string]any{"delay": "200ms"}, unbound: "NOERROR " + right, bind: "NOERROR " + right, direct: "NOERROR " + right},
		{mode: "truncated", unbound: "NOERROR " + right, bind: "NOERROR " + right, direct: "NOERROR " + right},
		{mode: "truncated", more: map[string]any{"tcp": "close"}, unbound: "SERVFAIL", bind: "SERVFAIL", direct: "silence"},
		{mode: "drop", unbound: "silence", bind: "silence", direct: "silence"},
	} {
		name := strings.ReplaceAll(c.mode, "_", "-") + strings.Repeat("x", len(c.more)) + ".w.test"
		config := map[string]any{"names": []string{name}, "mode": c.mode}
		for k, v := range c.more {
			config[k] = v
		}
		t.Run(name, func(t *testing.T) {
			h := inject(t, l, config, target)
			requireState(t, l, h, sdk.Active)
			wait := "+time=4"
			if c.mode == "drop" {
				wait = "+time=1"
			}
			gotUnbound, gotBind, direct := dig(t, w.client, unbound, name, "A", wait), dig(t, w.client, bind, name, "A", wait), dig(t, w.client, origin, name, "A", wait)
			require.Equal(t, c.unbound, gotUnbound.short(), "through unbound")
			require.Equal(t, c.bind, gotBind.short(), "through bind9")
			require.Equal(t, c.direct, direct.short(), "directly")
			other := "not-" + name
			require.Equal(t, "NOERROR "+right, dig(t, w.client, origin, other, "A").short(), "another name")
			switch c.mode {
			case "delay":
				require.GreaterOrEqual(t, direct.Took, 200*time.Millisecond)
				require.GreaterOrEqual(t, gotUnbound.Took, 200*time.Millisecond)
			case "stale":
				require.Equal(t, []string{"3600 " + right}, direct.Answers)
				require.Contains(t, []string{"3600 " + right, "3599 " + right}, gotUnbound.Answers[0])
			}
			require.NoError(t, l.Revert(t.Context(), h))
			requireState(t, l, h, sdk.Inactive)
			require.Equal(t, "NOERROR "+right, dig(t, w.client, origin, name, "A").short(), "afterwards")
		})
	}
	now, err := tables(w.middle)
	require.NoError(t, err)
	require.Empty(t, now)
}

// Everything but the chosen names, types and clients looks exactly as it does without us.
func TestWhatIsNotChosenIsTheSame(t *testing.T) {
	w := newWorld(t)
	l := local(t, nobody(t))
	questions := [][]string{
		{"a.w.test", "A"},
		{"a.w.test", "A", "+dnssec"},
		{"a.w.test", "A", "+dnssec", "+cdflag"},
		{"a.w.test", "A", "+noedns"},
		{"a.w.test", "A", "+bufsize=512", "+nocookie"},
		{"a.w.test", "A", "+adflag", "+norecurse"},
		{"a.w.test", "A", "+ednsopt=65001:c0ffee", "+nsid"},
		{"A.w.TeSt", "AAAA"},
		{"big.test", "TXT"},
		{"big.test", "TXT", "+ignore", "+bufsize=1232"},
		{"big.test", "TXT", "+tcp"},
		{"test", "DNSKEY", "+dnssec"},
		{"nothing.test", "A", "+dnssec"},
		{"other.example", "A"},
		{"test", "AXFR", "-b", "10.78.1.10"},
	}
	ask := func() (out []string) {
		for _, q := range questions {
			s := dig(t, w.client, origin, q[0], q[1], q[2:]...)
			require.NotEqual(t, "", s.All, q)
			out = append(out, s.All)
		}
		return out
	}
	before := ask()
	for _, ns := range []string{w.client, w.middle} { // at the client itself, and on the way
		h := inject(t, l, map[string]any{"names": []string{"chosen.w.test"}, "mode": "servfail"}, traffic(t, l, ns, origin))
		require.Equal(t, "SERVFAIL", dig(t, w.client, origin, "chosen.w.test", "A").short())
		for i, now := range ask() {
			require.Equal(t, before[i], now, "%v", questions[i])
		}
		require.Regexp(t, `diverted [1-9]\d+ packets`, requireState(t, l, h, sdk.Active).Evidence)
		require.NoError(t, l.Revert(t.Context(), h))
	}
}

func TestNamesTypesAndClients(t *testing.T) {
	long(t)
	w := newWorld(t)
	l := local(t, nobody(t))
	bad, good := "SERVFAIL", "NOERROR "+right
	for i, c := range []struct {
		config map[string]any
		// what is said of x1.w.test A, api-1.w.test A, x1.v.test A, x1.w.test AAAA, and of x1.w.test A to the other address
		want [5]string
	}{
		{map[string]any{"names": []string{"x1.w.test"}}, [5]string{bad, good, good, bad, bad}},
		{map[string]any{"names": []string{"X1.W.Test."}}, [5]string{bad, good, good, bad, bad}},
		{map[string]any{"names": []string{".w.test"}}, [5]string{bad, bad, good, bad, bad}},
		{map[string]any{"names": []string{"api-*.w.test"}}, [5]string{good, bad, good, "NOERROR " + right6, good}},
		{map[string]any{"names": []string{"x1.?.test"}}, [5]string{bad, good, bad, bad, bad}},
		{map[string]any{"names": []string{"."}, "types": []string{"AAAA"}}, [5]string{good, good, good, bad, good}},
		{map[string]any{"names": []string{"."}, "clients": []string{"10.78.1.11"}}, [5]string{good, good, good, "NOERROR " + right6, bad}},
		{map[string]any{"names": []string{"."}, "clients": []string{"10.78.1.8/30"}}, [5]string{bad, bad, bad, bad, bad}},
	} {
		c.config["mode"] = "servfail"
		ns := []string{w.client, w.middle}[i%2] // at the client itself, and on the way
		h := inject(t, l, c.config, traffic(t, l, ns, origin))
		ask := func(from, name, kind string) string { return dig(t, w.client, origin, name, kind, "-b", from).short() }
		got := [5]string{
			ask("10.78.1.10", "x1.w.test", "A"), ask("10.78.1.10", "api-1.w.test", "A"), ask("10.78.1.10", "x1.v.test", "A"),
			ask("10.78.1.10", "x1.w.test", "AAAA"), ask("10.78.1.11", "x1.w.test", "A"),
		}
		require.Equal(t, c.want, got, "%v in %s", c.config, ns)
		require.NoError(t, l.Revert(t.Context(), h))
	}
}

// The server may be in the namespace itself, and be asked by IPv6.
func TestAServerInsideOverIPv6AndTCP(t *testing.T) {
	long(t)
	w := newWorld(t)
	l := local(t, nobody(t))
	h := inject(t, l, map[string]any{"names": []string{"x.w.test"}, "mode": "wrong_address"}, traffic(t, l, w.middle, unbound, unbound6))
	for _, from := range []string{w.client, w.middle} {
		for _, server := range []string{unbound, unbound6} {
			for _, way := range []string{"+notcp", "+tcp"} {
				require.Equal(t, "NOERROR 192.0.2.1", dig(t, from, server, "x.w.test", "A", way).short(), "%s %s", server, way)
				require.Equal(t, "NOERROR 2001:db8::1", dig(t, from, server, "x.w.test", "AAAA", way).short(), "%s %s", server, way)
				require.Equal(t, "NOERROR "+right, dig(t, from, server, "y.w.test", "A", way).short(), "%s %s", server, way)
			}
		}
	}
	require.Equal(t, "NOERROR "+right, dig(t, w.client, bind, "x.w.test", "A").short(), "a server that is not diverted")
	require.NoError(t, l.Revert(t.Context(), h))
	require.Equal(t, "NOERROR "+right, dig(t, w.client, unbound6, "x.w.test", "A", "+tcp").short())
}

func TestTwoFaultsAtOnePlaceBothHold(t *testing.T) {
	w := newWorld(t)
	l := local(t, nobody(t))
	target := traffic(t, l, w.client, origin)
	one := inject(t, l, map[string]any{"names": []string{"one.w.test"}, "mode": "nxdomain"}, target)
	two := inject(t, l, map[string]any{"names": []string{"two.w.test"}, "mode": "servfail"}, target)
	ask := func() string {
		return dig(t, w.client, origin, "one.w.test", "A").Status + " " + dig(t, w.client, origin, "two.w.test", "A").Status
	}
	require.Equal(t, "NXDOMAIN SERVFAIL", ask())
	_, problems := prepare(t, l, "run-2", map[string]any{"names": []string{"x.test"}}, target)
	require.Contains(t, problems[0].Summary, "held already by run-1/")
	require.NoError(t, l.Revert(t.Context(), one))
	require.Equal(t, "NOERROR SERVFAIL", ask())
	require.NoError(t, l.Revert(t.Context(), two))
	require.Equal(t, "NOERROR NOERROR", ask())
}

func TestFlapping(t *testing.T) {
	long(t)
	w := newWorld(t)
	l := local(t, nobody(t))
	h := inject(t, l, map[string]any{"names": []string{"x.w.test"}, "mode": "servfail", "percent": 30}, traffic(t, l, w.client, origin))
	failed := 0
	for range 100 {
		if dig(t, w.client, origin, "x.w.test", "A").Status == "SERVFAIL" {
			failed++
		}
	}
	require.InDelta(t, 30, failed, 23, "five standard deviations of 100 throws at 30 %")
	require.NoError(t, l.Revert(t.Context(), h))
}
