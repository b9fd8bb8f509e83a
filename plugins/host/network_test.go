package host_test

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/gameday-toolkit/gameday/plugins/sdk"
	"github.com/gameday-toolkit/gameday/plugins/sdk/conformance"
)

const port = 7001

// networkCase is a conformance case for a fault in a pair of namespaces made for the case.
func networkCase(t *testing.T, fault, config string, kind string, look func(p *pair) (bool, error)) conformance.Case {
	var mu sync.Mutex
	pairs := map[string]*pair{}
	of := func(target sdk.Target) *pair {
		mu.Lock()
		defer mu.Unlock()
		return pairs[target.ID]
	}
	l := local(t, t.TempDir())
	return conformance.Case{
		Fault: fault,
		Setup: func(context.Context) (sdk.Request, error) {
			p := newPair(t)
			serve(t, p.b, port)
			target := p.namespace(l)
			if kind == "host_interface" {
				target = p.link(l)
			}
			mu.Lock()
			defer mu.Unlock()
			pairs[target.ID] = p
			return sdk.Request{Config: json.RawMessage(config), Targets: []sdk.Target{target}}, nil
		},
		Look: func(_ context.Context, h sdk.Handle) (bool, error) { return look(of(h.Targets[0])) },
		Snapshot: func(_ context.Context, req sdk.Request) (string, error) {
			p := of(req.Targets[0])
			rules, err := tables(p.a)
			if err != nil {
				return "", err
			}
			queues, err := exec.Command("tc", "-n", p.a, "qdisc", "show").CombinedOutput()
			return rules + "\n" + string(queues), err
		},
		Teardown: func(_ context.Context, req sdk.Request) error { of(req.Targets[0]).remove(); return nil },
	}
}

func cutOff(p *pair) (bool, error) { return reach(p.a, p.v4, port) != nil, nil }

func TestPartitionConforms(t *testing.T) {
	newPair(t) // skips where there is none
	conform(t, networkCase(t, "host_partition", `{"peers":["10.77.0.2"]}`, "host_namespace", cutOff), t.TempDir())
}

func TestLossConforms(t *testing.T) {
	newPair(t)
	conform(t, networkCase(t, "host_loss", `{"percent":60,"protocol":"udp","direction":"out"}`, "host_interface", func(p *pair) (bool, error) {
		got, _, err := echoes(p.a, p.v4, port, 50)
		return got < 50, err
	}), t.TempDir())
}

func TestPolicingConforms(t *testing.T) {
	newPair(t)
	conform(t, networkCase(t, "host_policing", `{"bytes_per_second":1000,"protocol":"udp","direction":"in"}`, "host_interface", func(p *pair) (bool, error) {
		got, _, err := echoesOf(p.a, p.v4, port, 40, 1000) // more than the burst
		return got < 40, err
	}), t.TempDir())
}

func TestPolicingSlowsWhatArrives(t *testing.T) {
	p := newPair(t)
	l := local(t, t.TempDir())
	require.Less(t, p.fetch(portion), time.Second)
	receiver := resolveOne(t, l, "host_namespace", map[string]any{"names": []string{p.b}})
	h := inject(t, l, "host_policing", map[string]any{"bytes_per_second": 100_000, "direction": "in", "peers": []string{p.v4a}}, receiver)
	require.Contains(t, h.Effects[0], "lose what is more than 100000 bytes per second of packets in")
	require.Greater(t, p.fetch(portion), 2*time.Second, "400 kB at 100 kB/s take four seconds, but for the bucket of 116 kB")
	require.NoError(t, l.Revert(t.Context(), h))
	require.Less(t, p.fetch(portion), time.Second)
	_, problems := prepare(t, l, "host_policing", map[string]any{"bytes_per_second": 999}, receiver)
	require.Equal(t, []string{"bytes_per_second"}, problems[0].Path)
}

func TestPartitionByPeerPortProtocolAndDirection(t *testing.T) {
	t.Parallel()
	p := newPair(t)
	serve(t, p.b, port)
	serve(t, p.b, port+1)
	serve(t, p.a, port+2)
	l := local(t, t.TempDir())
	for _, c := range []struct {
		config map[string]any
		// whether a reaches b by v4, by v6, on another port and by UDP, and b reaches a
		want string
	}{
		{map[string]any{}, "-----"},
		{map[string]any{"peers": []string{"10.77.0.2"}}, "-6---"},
		{map[string]any{"peers": []string{"10.77.0.0/16"}}, "-6---"},
		{map[string]any{"peers": []string{"10.78.0.0/16"}}, "46oub"},
		{map[string]any{"peers": []string{"fd77::/64"}}, "4-oub"},
		{map[string]any{"ports": []int{port}}, "--o-b"},
		{map[string]any{"ports": []int{port}, "protocol": "udp"}, "46o-b"},
		{map[string]any{"protocol": "tcp"}, "---u-"},
		{map[string]any{"protocol": "icmp", "peers": []string{"10.77.0.2"}}, "46oub"},
		{map[string]any{"ports": []int{port + 2}, "direction": "in"}, "46ou-"},
		{map[string]any{"ports": []int{port}, "mode": "reject"}, "--o-b"},
	} {
		t.Run(fmt.Sprint(c.config), func(t *testing.T) {
			h := inject(t, l, "host_partition", c.config, p.namespace(l))
			require.Equal(t, c.want, p.reachable())
			require.NoError(t, l.Revert(t.Context(), h))
			requireState(t, l, h, sdk.Inactive)
			require.Equal(t, "46oub", p.reachable())
		})
	}
}

func (p *pair) reachable() string {
	got, _, err := echoes(p.a, p.v4, port, 1)
	var out strings.Builder
	for _, one := range []struct {
		letter string
		ok     bool
	}{
		{"4", reach(p.a, p.v4, port) == nil}, {"6", reach(p.a, p.v6, port) == nil}, {"o", reach(p.a, p.v4, port+1) == nil},
		{"u", err == nil && got == 1}, {"b", reach(p.b, p.v4a, port+2) == nil},
	} {
		if one.ok {
			out.WriteString(one.letter)
		} else {
			out.WriteString("-")
		}
	}
	return out.String()
}

func TestRejectAnswersAtOnce(t *testing.T) {
	p := newPair(t)
	serve(t, p.b, port)
	serve(t, p.a, port)
	l := local(t, t.TempDir())
	h := inject(t, l, "host_partition", map[string]any{"mode": "reject"}, p.link(l))
	require.ErrorContains(t, reach(p.a, p.v4, port), "connection refused")
	require.ErrorContains(t, reach(p.b, p.v4a, port), "connection refused", "who knocks from outside is answered too")
	require.ErrorContains(t, reach(p.a, p.v6, port), "connection refused")
	require.Contains(t, requireState(t, l, h, sdk.Active).Evidence, "has hit")
	require.NoError(t, l.Revert(t.Context(), h))
	h = inject(t, l, "host_partition", map[string]any{"mode": "drop"}, p.link(l))
	require.ErrorContains(t, reach(p.a, p.v4, port), "timeout")
	require.NoError(t, l.Revert(t.Context(), h))
}

func TestLossIsAboutThatMuch(t *testing.T) {
	p := newPair(t)
	serve(t, p.b, port)
	l := local(t, t.TempDir())
	h := inject(t, l, "host_loss", map[string]any{"percent": 30, "direction": "in"}, p.link(l))
	got := 0
	for range 10 { // 1000 packets, in portions that no buffer on the way is too small for
		n, _, err := echoes(p.a, p.v4, port, 100)
		require.NoError(t, err)
		got += n
	}
	require.InDelta(t, 700, got, 75, "five standard deviations of 1000 throws at 30 %")
	require.NoError(t, l.Revert(t.Context(), h))
	n, _, err := echoes(p.a, p.v4, port, 100)
	require.NoError(t, err)
	require.Equal(t, 100, n)
}

func TestLoopbackAndSSHAreSparedUnlessAskedFor(t *testing.T) {
	p := newPair(t)
	serve(t, p.a, port)
	l := local(t, t.TempDir())
	h := inject(t, l, "host_partition", struct{}{}, p.namespace(l))
	require.Contains(t, h.Effects[0], "spares lo")
	require.NoError(t, reach(p.a, "127.0.0.1", port), "lo is the way to the tool itself")
	require.Error(t, reach(p.b, p.v4a, port))
	require.NoError(t, l.Revert(t.Context(), h))

	h = inject(t, l, "host_partition", map[string]any{"include_loopback": true}, p.namespace(l))
	require.Error(t, reach(p.a, "127.0.0.1", port))
	require.NoError(t, l.Revert(t.Context(), h))

	lo := resolveOne(t, l, "host_interface", map[string]any{"names": []string{"lo"}, "namespace": p.a})
	h = inject(t, l, "host_partition", struct{}{}, lo)
	require.Error(t, reach(p.a, "127.0.0.1", port), "lo was asked for by name")
	require.NoError(t, reach(p.b, p.v4a, port))
	require.NoError(t, l.Revert(t.Context(), h))
}

// sshd is a process of that name that listens in a namespace: this test program again, by another name.
func TestTheSSHServerIsSpared(t *testing.T) {
	p := newPair(t)
	dir := t.TempDir()
	self, err := os.Executable()
	require.NoError(t, err)
	require.NoError(t, os.Symlink(self, filepath.Join(dir, "sshd")))
	server, err := start("ip", "netns", "exec", p.a, filepath.Join(dir, "sshd"), standIn, "2222")
	require.NoError(t, err)
	t.Cleanup(server.stop)
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	_, err = server.out.after(ctx, 0)
	require.NoError(t, err)
	serve(t, p.a, port)
	l := local(t, t.TempDir())

	h := inject(t, l, "host_partition", struct{}{}, p.namespace(l))
	require.Contains(t, h.Effects[0], "SSH on [2222]")
	require.Error(t, reach(p.b, p.v4a, port))
	require.NoError(t, reach(p.b, p.v4a, 2222), "somebody steers this through it")
	require.NoError(t, l.Revert(t.Context(), h))
	h = inject(t, l, "host_partition", map[string]any{"include_ssh": true}, p.namespace(l))
	require.Error(t, reach(p.b, p.v4a, 2222))
	require.NoError(t, l.Revert(t.Context(), h))
}

// The promise of the host plugin's network faults: with every process of ours killed, the network is whole again.
func TestTheKernelHealsTheNetworkByItself(t *testing.T) {
	t.Parallel()
	p := newPair(t)
	serve(t, p.b, port)
	marks := t.TempDir()
	r := startReal(t, marks, time.Hour)
	target := p.namespace(local(t, t.TempDir()))
	h := r.injectOne(t, "host_partition", struct{}{}, target)
	require.Error(t, reach(p.a, p.v4, port))
	// It stands for longer than the kernel's clock runs without being wound.
	for began := time.Now(); time.Since(began) < 7*time.Second; {
		require.Error(t, reach(p.a, p.v4, port), "it has to stand while the lease lasts")
	}
	r.kill(t)
	took := eventually(t, 8*time.Second, func() bool { return reach(p.a, p.v4, port) == nil }, "the network to heal")
	t.Logf("healed %v after kill -9", took)

	l := local(t, marks)
	require.Contains(t, requireState(t, l, h, sdk.Inactive).Evidence, "ended the fault by itself")
	left, err := l.Sweep(t.Context())
	require.NoError(t, err)
	require.Contains(t, left, h)
	require.NoError(t, l.Revert(t.Context(), h))
	now, err := tables(p.a)
	require.NoError(t, err)
	require.Empty(t, now, "the table without effect is gone too")
}

// A plugin that lives and is not renewed stops winding, even before it has got round to reverting.
func TestTheKernelHealsWhenThePluginIsFrozen(t *testing.T) {
	t.Parallel()
	p := newPair(t)
	serve(t, p.b, port)
	r := startReal(t, t.TempDir(), time.Hour)
	r.injectOne(t, "host_partition", struct{}{}, p.namespace(local(t, t.TempDir())))
	require.Error(t, reach(p.a, p.v4, port))
	require.NoError(t, r.cmd.Process.Signal(sigstop))
	took := eventually(t, 8*time.Second, func() bool { return reach(p.a, p.v4, port) == nil }, "the network to heal")
	t.Logf("healed %v after SIGSTOP", took)
	r.kill(t)
}

func TestSweepFindsATableWithoutAMark(t *testing.T) {
	p := newPair(t)
	dir := t.TempDir()
	l := local(t, dir)
	h := inject(t, l, "host_partition", map[string]any{"ports": []int{port}}, p.namespace(l))
	require.NoError(t, os.RemoveAll(dir))
	left, err := l.Sweep(t.Context())
	require.NoError(t, err)
	var found []sdk.Handle
	for _, one := range left {
		if one.ID == h.ID && one.Fault == h.Fault && one.Run == h.Run {
			found = append(found, one)
		}
	}
	require.Len(t, found, 1)
	require.NoError(t, l.Revert(t.Context(), found[0]))
	now, err := tables(p.a)
	require.NoError(t, err)
	require.Empty(t, now)
}

// A namespace of the same name that was made later is another one.
func TestANewNamespaceOfTheSameNameIsNotTouched(t *testing.T) {
	p := newPair(t)
	l := local(t, t.TempDir())
	h := inject(t, l, "host_partition", struct{}{}, p.namespace(l))
	again := func(args ...string) {
		out, err := exec.Command("ip", args...).CombinedOutput()
		require.NoError(t, err, string(out))
	}
	again("netns", "delete", p.a)
	again("netns", "add", p.a)
	require.Contains(t, requireState(t, l, h, sdk.Inactive).Evidence, "namespace is gone")
	require.NoError(t, l.Revert(t.Context(), h))
	require.ErrorContains(t, l.Inject(t.Context(), h), "no such network namespace")
	now, err := tables(p.a)
	require.NoError(t, err)
	require.Empty(t, now)
	require.NoError(t, l.Revert(t.Context(), h))
}

func TestMistakesInANetworkBlock(t *testing.T) {
	p := newPair(t)
	l := local(t, t.TempDir())
	for config, path := range map[string]string{
		`{"peers":["db.example"]}`: "peers.0", `{"ports":[0]}`: "ports.0", `{"ports":[80],"protocol":"icmp"}`: "ports", `{"peers":["10.0.0.1","fe80::1%eth0"]}`: "peers.1",
	} {
		var cfg map[string]any
		require.NoError(t, json.Unmarshal([]byte(config), &cfg))
		_, problems := prepare(t, l, "host_partition", cfg, p.namespace(l))
		require.Len(t, problems, 1, config)
		require.Equal(t, path, strings.Join(problems[0].Path, "."))
	}
	_, problems := prepare(t, l, "host_loss", map[string]any{"percent": 0.001}, p.namespace(l))
	require.Equal(t, []string{"percent"}, problems[0].Path)
}
