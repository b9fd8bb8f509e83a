package host_test

import (
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/gameday-toolkit/gameday/plugins/sdk"
)

// trackedIn counts the entries of a namespace, by the kernel's file and not as the plugin does.
func (p *pair) trackedIn() (n, most int, err error) {
	err = in(p.a, func() error {
		for file, to := range map[string]*int{"count": &n, "max": &most} {
			b, err := os.ReadFile("/proc/sys/net/netfilter/nf_conntrack_" + file)
			if err != nil {
				return err
			}
			if _, err := fmt.Sscan(string(b), to); err != nil {
				return err
			}
		}
		return nil
	})
	return n, most, err
}

// tracks has a namespace track connections, as a firewall does that asks for their state.
func (p *pair) tracks() {
	out, err := exec.Command("ip", "netns", "exec", p.a, "nft", "add table inet fw; add chain inet fw in { type filter hook input priority 0; }; add rule inet fw in ct state invalid drop").CombinedOutput()
	if err != nil {
		p.t.Skipf("needs nft, to have connections tracked: %v: %s", err, out)
	}
}

func TestConntrackConforms(t *testing.T) {
	newPair(t)
	conform(t, networkCase(t, "host_conntrack_exhaustion", `{"percent":0.5}`, "host_namespace", func(p *pair) (bool, error) {
		n, most, err := p.trackedIn()
		return n >= most/250, err
	}), t.TempDir())
}

// greeted is a connection from b to a that stays open.
func (p *pair) greeted() net.Conn {
	p.t.Helper()
	var l net.Listener
	var c net.Conn
	require.NoError(p.t, in(p.a, func() (err error) { l, err = net.Listen("tcp", p.v4a+":0"); return err }))
	require.NoError(p.t, in(p.b, func() (err error) {
		c, err = (&net.Dialer{}).DialContext(context.Background(), "tcp", l.Addr().String())
		return err
	}))
	other, err := l.Accept()
	require.NoError(p.t, err)
	echoed := make(chan struct{})
	go func() {
		defer close(echoed)
		for buf := make([]byte, 1); ; {
			if _, err := other.Read(buf); err != nil {
				return
			}
			_, _ = other.Write(buf)
		}
	}()
	p.t.Cleanup(func() { _, _, _ = c.Close(), other.Close(), l.Close(); <-echoed })
	return c
}

// keepsOut says that nobody gets in for some time, but for the few who find the place of a connection that has just been forgotten.
func (p *pair) keepsOut(d time.Duration) {
	p.t.Helper()
	let := 0
	for began := time.Now(); time.Since(began) < d; {
		if reach(p.b, p.v4a, port) == nil {
			let++
		}
	}
	require.LessOrEqual(p.t, let, 3)
}

func answers(c net.Conn) bool {
	_ = c.SetDeadline(time.Now().Add(patience))
	_, err := c.Write([]byte("?"))
	if err == nil {
		_, err = c.Read(make([]byte, 1))
	}
	return err == nil
}

func TestAFullTableOfConnectionsLetsNoNewOneIn(t *testing.T) {
	t.Parallel()
	p := newPair(t)
	p.tracks()
	serve(t, p.a, port)
	l := local(t, t.TempDir())
	require.NoError(t, reach(p.b, p.v4a, port))
	old := p.greeted()
	require.True(t, answers(old))
	h := inject(t, l, "host_conntrack_exhaustion", struct{}{}, p.namespace(l))
	n, most, err := p.trackedIn()
	require.NoError(t, err)
	require.GreaterOrEqual(t, n, most)
	p.keepsOut(8 * time.Second) // also when some of it has been renewed
	require.True(t, answers(old), "what is tracked already goes on")
	require.Contains(t, requireState(t, l, h, sdk.Active).Evidence, fmt.Sprintf("of %d connections are tracked", most))

	require.NoError(t, l.Revert(t.Context(), h))
	requireState(t, l, h, sdk.Inactive)
	require.NoError(t, reach(p.b, p.v4a, port))
	require.True(t, answers(old))
	n, _, err = p.trackedIn()
	require.NoError(t, err)
	require.Less(t, n, 100)
}

func TestTheKernelMakesRoomInTheTableByItself(t *testing.T) {
	if testing.Short() {
		t.Skip("it takes half a minute of real time")
	}
	t.Parallel()
	p := newPair(t)
	p.tracks()
	serve(t, p.a, port)
	marks := t.TempDir()
	r := startReal(t, marks, time.Hour)
	require.NoError(t, reach(p.b, p.v4a, port))
	h := r.injectOne(t, "host_conntrack_exhaustion", struct{}{}, p.namespace(local(t, t.TempDir())))
	p.keepsOut(16 * time.Second) // it has to stand while the lease lasts, for longer than an entry lives
	r.kill(t)
	took := eventually(t, patience, func() bool { return reach(p.b, p.v4a, port) == nil }, "room in the table")
	t.Logf("healed %v after kill -9", took)

	require.NoError(t, os.RemoveAll(marks))
	l := local(t, marks)
	left, err := l.Sweep(t.Context())
	require.NoError(t, err)
	for _, one := range left {
		if one.ID == h.ID {
			require.Equal(t, h.Fault, one.Fault)
			require.NoError(t, l.Revert(t.Context(), one))
		}
	}
	requireState(t, l, h, sdk.Inactive)
	now, err := tables(p.a)
	require.NoError(t, err)
	require.Equal(t, "fw", now, "the table without effect is gone too, and the firewall's is not")
}

func TestConntrackIsPlannedWithCare(t *testing.T) {
	p := newPair(t)
	l := local(t, t.TempDir())
	_, problems := prepare(t, l, "host_conntrack_exhaustion", struct{}{}, p.namespace(l))
	require.Len(t, problems, 1, "nothing is tracked in an empty namespace")
	require.Equal(t, sdk.Warning, problems[0].Severity)
	for _, percent := range []float64{-1, 101} {
		_, problems = prepare(t, l, "host_conntrack_exhaustion", map[string]float64{"percent": percent}, p.namespace(l))
		require.Equal(t, "percent", strings.Join(problems[0].Path, "."))
	}
}
