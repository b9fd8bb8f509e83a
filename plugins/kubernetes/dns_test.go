package kubernetes_test

import (
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/miekg/dns"
	"github.com/stretchr/testify/require"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/gameday-toolkit/gameday/plugins/sdk"
	"github.com/gameday-toolkit/gameday/plugins/sdk/conformance"
)

// corefile is whose turn it is with the one CoreDNS of the cluster.
var corefile sync.Mutex

func corefileTurn(t *testing.T) {
	t.Helper()
	corefile.Lock()
	t.Cleanup(corefile.Unlock)
}

// dns is where cluster DNS answers.
func (c *testCluster) dns(t testing.TB) string {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(c.dir, "cluster.json"))
	require.NoError(t, err)
	var state struct {
		DNS string `json:"dns"`
	}
	require.NoError(t, json.Unmarshal(b, &state))
	require.NotEmpty(t, state.DNS)
	return state.DNS
}

// lookup is what cluster DNS says: such as NXDOMAIN, or NOERROR 192.0.2.10.
func lookup(ctx context.Context, server, name string, typ uint16) (string, error) {
	client := dns.Client{Timeout: patience}
	answer, _, err := client.ExchangeContext(ctx, new(dns.Msg).SetQuestion(dns.Fqdn(name), typ), server)
	if err != nil {
		return "", err
	}
	out := dns.RcodeToString[answer.Rcode]
	for _, rr := range answer.Answer {
		out += " " + strings.TrimPrefix(rr.String(), rr.Header().String())
	}
	return out, nil
}

func requireLookup(t *testing.T, server, name string, typ uint16, want string) {
	t.Helper()
	got, err := lookup(t.Context(), server, name, typ)
	require.NoError(t, err)
	require.Equal(t, want, got, "%s %s", dns.TypeToString[typ], name)
}

func (c *testCluster) corefile(ctx context.Context) (string, error) {
	m, err := c.api.CoreV1().ConfigMaps("kube-system").Get(ctx, "coredns", metav1.GetOptions{})
	if err != nil {
		return "", err
	}
	m.ResourceVersion, m.ManagedFields = "", nil
	b, err := json.Marshal(m)
	return string(b), err
}

func TestDNSConforms(t *testing.T) {
	c := aCluster(t)
	server := c.dns(t)
	l := c.plugin(t, nil)
	t.Parallel()
	corefileTurn(t)
	config, err := json.Marshal(map[string]any{"mode": "nxdomain", "names": []string{"external.test"}, "resolver": server, "arrival": "6s"})
	require.NoError(t, err)
	// CoreDNS looks for a change every two seconds, and each check waits for that several times: real processes are enough.
	s := conformance.Subject{
		Binary: binary(t), Config: c.settings(nil), Settle: patience, Timeout: 4 * time.Minute,
		Faults: []conformance.Case{{
			Fault: "kubernetes_dns", Exclusive: true,
			Setup: func(ctx context.Context) (sdk.Request, error) {
				on, err := resolve(ctx, l, "kubernetes_dns", map[string]any{})
				return sdk.Request{Config: config, Targets: on}, err
			},
			Look: func(ctx context.Context, _ sdk.Handle) (bool, error) {
				got, err := lookup(ctx, server, "external.test", dns.TypeA)
				return got == "NXDOMAIN", err
			},
			Snapshot: func(ctx context.Context, _ sdk.Request) (string, error) { return c.corefile(ctx) },
		}},
	}
	for _, r := range conformance.Verify(t.Context(), s) {
		if r.Check != "Describe" && r.Err != nil {
			t.Errorf("%s: %v", r, r.Err)
		}
	}
}

func TestHowNamesFail(t *testing.T) {
	c := aCluster(t)
	server := c.dns(t)
	l := c.plugin(t, nil)
	t.Parallel()
	corefileTurn(t)
	on := targets(t, l, "kubernetes_dns", map[string]any{})
	const name = "kubernetes.default.svc.cluster.local"
	for _, tt := range []struct{ mode, a, aaaa string }{
		{"empty", "NOERROR", "NOERROR"},
		{"servfail", "SERVFAIL", "SERVFAIL"},
		{"refused", "REFUSED", "REFUSED"},
		{"wrong_address", "NOERROR 192.0.2.7", "NOERROR"},
	} {
		h := inject(t, l, "kubernetes_dns", map[string]any{
			"mode": tt.mode, "names": []string{".default.svc.cluster.local", "External.Test."}, "resolver": server, "addresses": []string{"192.0.2.7"},
		}, on)
		for _, asked := range []string{name, "KUBERNETES.default.svc.cluster.local", "external.test", "External.TEST"} {
			requireLookup(t, server, asked, dns.TypeA, tt.a)
			requireLookup(t, server, asked, dns.TypeAAAA, tt.aaaa)
		}
		requireLookup(t, server, "beside.external.test", dns.TypeA, "NOERROR 192.0.2.10")
		requireLookup(t, server, "kube-dns.kube-system.svc.cluster.local", dns.TypeA, "NOERROR 10.96.0.10")
		require.NoError(t, l.Revert(t.Context(), h))
		requireLookup(t, server, name, dns.TypeA, "NOERROR 10.96.0.1")
		requireLookup(t, server, "external.test", dns.TypeA, "NOERROR 192.0.2.10")
	}
}

func TestACorefileThatSomebodyHasChangedStays(t *testing.T) {
	c := aCluster(t)
	server := c.dns(t)
	l := c.plugin(t, nil)
	t.Parallel()
	corefileTurn(t)
	on := targets(t, l, "kubernetes_dns", map[string]any{})
	h := inject(t, l, "kubernetes_dns", map[string]any{"mode": "nxdomain", "names": []string{"external.test"}, "resolver": server}, on)
	maps := c.api.CoreV1().ConfigMaps("kube-system")
	m, err := maps.Get(t.Context(), "coredns", metav1.GetOptions{})
	require.NoError(t, err)
	ours := m.Data["Corefile"]
	m.Data["Corefile"] = strings.Replace(ours, "loadbalance", "loadbalance\n    log", 1)
	m, err = maps.Update(t.Context(), m, metav1.UpdateOptions{})
	require.NoError(t, err)

	err = l.Revert(t.Context(), h)
	require.ErrorContains(t, err, "conflict")
	require.ErrorContains(t, err, "configmap kube-system/coredns")
	is, err := maps.Get(t.Context(), "coredns", metav1.GetOptions{})
	require.NoError(t, err)
	require.Equal(t, m.Data, is.Data, "theirs is not overwritten")

	is.Data["Corefile"] = ours
	_, err = maps.Update(t.Context(), is, metav1.UpdateOptions{})
	require.NoError(t, err)
	require.NoError(t, l.Revert(t.Context(), h), "once it is as gameday left it, it can be undone")
	requireLookup(t, server, "external.test", dns.TypeA, "NOERROR 192.0.2.10")
}

func TestMistakesInADNSBlock(t *testing.T) {
	c := aCluster(t)
	server := c.dns(t)
	l := c.plugin(t, nil)
	t.Parallel()
	ns := c.namespace(t)
	for _, tt := range []struct {
		corefile string
		config   map[string]any
		path     string
		want     string
	}{
		{".:53 {\n reload\n}", map[string]any{"names": []string{"shop_*.test"}}, "names.0", "is no name"},
		{".:53 {\n reload\n}", map[string]any{"resolver": "localhost"}, "resolver", "no address with a port"},
		{".:53 {\n reload\n}", map[string]any{"mode": "wrong_address", "addresses": []string{"x"}}, "addresses.0", "no IP address"},
		{".:53 {\n reload\n}", map[string]any{"resolver": "127.0.0.1:9"}, "resolver", "cannot be asked"},
		{".:53 {\n reload\n}", map[string]any{"resolver": ""}, "resolver", "no metrics"},
		{".:53 {\n reload\n prometheus\n}", map[string]any{"resolver": ""}, "targets", "No pod of CoreDNS is ready"},
		{".:53 {\n forward . 192.0.2.1\n}", nil, "targets", "does not look for changes"},
		{"cluster.local:53 {\n reload\n}", nil, "names.0", "No server block"},
		{".:53 {\n reload\n", nil, "targets", "not understood: line 1"},
		{"tls://.:853 {\n reload\n}", nil, "names", "only over encrypted"},
		{".:53 {\n reload\n view x {\n expr true\n }\n}", nil, "names.0", "depends on who asks"},
		{"import custom/*.server\n.:53 {\n reload\n}", map[string]any{"resolver": ""}, "resolver", "imports server blocks (custom/*.server)"},
		{"10.0.0.0/8 . {\n reload\n}", map[string]any{"names": []string{"1.0.0.10.in-addr.arpa"}}, "names.0", "are for networks"},
	} {
		m := &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Name: name("corefile")}, Data: map[string]string{"Corefile": tt.corefile}}
		_, err := c.api.CoreV1().ConfigMaps(ns).Create(t.Context(), m, metav1.CreateOptions{})
		require.NoError(t, err)
		on := targets(t, l, "kubernetes_dns", map[string]any{"namespace": ns, "config_map": m.Name})
		config := map[string]any{"mode": "nxdomain", "names": []string{"shop.test"}, "resolver": server}
		for k, v := range tt.config {
			config[k] = v
		}
		_, problems := prepare(t, l, "kubernetes_dns", config, on)
		require.Len(t, problems, 1, tt.want)
		require.Contains(t, problems[0].Summary, tt.want)
		require.Equal(t, tt.path, strings.Join(problems[0].Path, "."), tt.want)
	}
}
