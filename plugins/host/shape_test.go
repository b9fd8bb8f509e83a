package host_test

import (
	"io"
	"net"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/gameday-toolkit/gameday/plugins/sdk"
)

// queues is what tc shows of an interface of a.
func (p *pair) queues() (string, error) {
	out, err := exec.Command("tc", "-n", p.a, "qdisc", "show", "dev", "gd0").CombinedOutput()
	return string(out), err
}

func (p *pair) tc(args ...string) {
	p.t.Helper()
	out, err := exec.Command("tc", append([]string{"-n", p.a}, args...)...).CombinedOutput()
	require.NoError(p.t, err, string(out))
}

func hasQueue(kind string) func(*pair) (bool, error) {
	return func(p *pair) (bool, error) {
		out, err := p.queues()
		return strings.Contains(out, kind), err
	}
}

func TestBandwidthConforms(t *testing.T) {
	newPair(t)
	conform(t, networkCase(t, "host_bandwidth", `{"bytes_per_second":50000}`, "host_interface", hasQueue("tbf")), t.TempDir())
}

// netem says whether this kernel has it, by asking tc and not the plugin.
func netem(t *testing.T) bool {
	p := newPair(t)
	return exec.Command("tc", "-n", p.a, "qdisc", "add", "dev", "gd0", "root", "netem", "delay", "1ms").Run() == nil
}

func TestNetemConforms(t *testing.T) {
	if !netem(t) {
		t.Skip("this kernel has no netem: the message is tested in internal/shape, and the way to it by TestBandwidthConforms")
	}
	for fault, config := range map[string]string{
		"host_delay": `{"delay":"30ms","jitter":"5ms"}`, "host_corruption": `{"percent":10}`, "host_duplication": `{"percent":10}`,
	} {
		t.Run(fault, func(t *testing.T) {
			conform(t, networkCase(t, fault, config, "host_interface", hasQueue("netem")), t.TempDir())
		})
	}
}

func TestAKernelWithoutNetemIsRecognisedBeforehand(t *testing.T) {
	if netem(t) {
		t.Skip("this kernel has netem")
	}
	p := newPair(t)
	l := local(t, t.TempDir())
	before, err := p.queues()
	require.NoError(t, err)
	for fault, config := range map[string]any{
		"host_delay": map[string]string{"delay": "10ms"}, "host_corruption": map[string]int{"percent": 1}, "host_duplication": map[string]int{"percent": 1},
	} {
		_, problems := prepare(t, l, fault, config, p.link(l))
		require.Len(t, problems, 1)
		require.Equal(t, sdk.Error, problems[0].Severity)
		require.Contains(t, problems[0].Permission, "sch_netem")
	}
	after, err := p.queues()
	require.NoError(t, err)
	require.Equal(t, before, after)
}

// fetch times how long it takes to get so many bytes from a.
func (p *pair) fetch(n int) time.Duration {
	p.t.Helper()
	var l net.Listener
	require.NoError(p.t, in(p.a, func() (err error) { l, err = net.Listen("tcp", p.v4a+":0"); return err }))
	sent := make(chan struct{})
	go func() {
		defer close(sent)
		if c, err := l.Accept(); err == nil {
			_, _ = c.Write(make([]byte, n))
			_ = c.Close()
		}
	}()
	began := time.Now()
	require.NoError(p.t, in(p.b, func() error {
		c, err := net.DialTimeout("tcp", net.JoinHostPort(p.v4a, strconv.Itoa(l.Addr().(*net.TCPAddr).Port)), patience)
		if err != nil {
			return err
		}
		defer func() { _ = c.Close() }()
		_ = c.SetDeadline(time.Now().Add(patience))
		_, err = io.Copy(io.Discard, c)
		return err
	}))
	took := time.Since(began)
	<-sent
	_ = l.Close()
	return took
}

const portion = 400_000

func TestBandwidthSlowsWhatItIsToldToAndNothingElse(t *testing.T) {
	p := newPair(t)
	l := local(t, t.TempDir())
	require.Less(t, p.fetch(portion), time.Second)
	h := inject(t, l, "host_bandwidth", map[string]any{"bytes_per_second": 200_000, "peers": []string{p.v4}}, p.link(l))
	require.Greater(t, p.fetch(portion), time.Second, "400 kB at 200 kB/s take two seconds, but for the first burst")
	require.Contains(t, requireState(t, l, h, sdk.Active).Evidence, "the queue tbf has passed on")
	require.NoError(t, l.Revert(t.Context(), h))
	require.Less(t, p.fetch(portion), time.Second)

	h = inject(t, l, "host_bandwidth", map[string]any{"bytes_per_second": 2000, "peers": []string{"10.77.0.99"}}, p.link(l))
	require.Less(t, p.fetch(portion), time.Second, "another peer was meant")
	require.NoError(t, l.Revert(t.Context(), h))
}

func TestWhatArrivesHasNoQueue(t *testing.T) {
	p := newPair(t)
	l := local(t, t.TempDir())
	for fault, config := range map[string]map[string]any{"host_bandwidth": {"bytes_per_second": 1000}, "host_delay": {"delay": "10ms"}} {
		config["direction"] = "in"
		_, problems := prepare(t, l, fault, config, p.link(l))
		require.Len(t, problems, 1)
		require.Equal(t, []string{"direction"}, problems[0].Path)
		require.Contains(t, problems[0].Detail, "host_policing", "what to do instead")
	}
}

func TestAQueueOfSomebodyElseIsNeverReplaced(t *testing.T) {
	p := newPair(t)
	l := local(t, t.TempDir())
	config := map[string]any{"bytes_per_second": 1_000_000}
	h, problems := prepare(t, l, "host_bandwidth", config, p.link(l))
	require.Empty(t, problems)
	p.tc("qdisc", "add", "dev", "gd0", "root", "handle", "1:", "tbf", "rate", "100mbit", "burst", "64kb", "latency", "100ms")
	before, err := p.queues()
	require.NoError(t, err)

	_, problems = prepare(t, l, "host_bandwidth", config, p.link(l))
	require.Len(t, problems, 1)
	require.Contains(t, problems[0].Summary, "tbf already")
	require.ErrorContains(t, l.Inject(t.Context(), h), "not the kernel's default", "it came after the plan was made")
	require.NoError(t, l.Revert(t.Context(), h))
	requireState(t, l, h, sdk.Inactive)
	after, err := p.queues()
	require.NoError(t, err)
	require.Equal(t, before, after)
}

func TestTheKernelHealsTheBandwidthByItself(t *testing.T) {
	t.Parallel()
	p := newPair(t)
	marks := t.TempDir()
	r := startReal(t, marks, time.Hour)
	r.injectOne(t, "host_bandwidth", map[string]any{"bytes_per_second": 200_000}, p.link(local(t, t.TempDir())))
	require.Greater(t, p.fetch(portion), time.Second)
	r.kill(t)
	eventually(t, patience, func() bool { return p.fetch(portion) < time.Second }, "the link to be fast again")

	require.NoError(t, os.RemoveAll(marks))
	l := local(t, marks)
	left, err := l.Sweep(t.Context())
	require.NoError(t, err)
	for _, h := range left {
		if h.Fault == "host_bandwidth" && strings.Contains(strings.Join(h.Steps, " "), p.a) {
			require.NoError(t, l.Revert(t.Context(), h))
		}
	}
	queues, err := p.queues()
	require.NoError(t, err)
	require.NotContains(t, queues, "htb", "the queue without packets is gone too")
	now, err := tables(p.a)
	require.NoError(t, err)
	require.Empty(t, now)
}
