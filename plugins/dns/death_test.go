package dns_test

import (
	"net"
	"os/exec"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/gameday-toolkit/gameday/plugins/sdk"
)

// The promise of the transparent way: with every process of ours killed, names resolve again, for a client too that has one
// long conversation with its server from one port.
func TestTheKernelHealsByItself(t *testing.T) {
	long(t)
	w := newWorld(t)
	r := startReal(t, nobody(t))
	l := local(t, nobody(t))
	target := traffic(t, l, w.client, origin)
	steady := w.conversation(t)
	require.Equal(t, "NOERROR", steady(), "before")
	h := inject(t, r, map[string]any{"names": []string{"x.w.test"}, "mode": "servfail"}, target)
	require.Equal(t, "SERVFAIL", steady(), "a client that was there before is hit as well")
	for began := time.Now(); time.Since(began) < 4*time.Second; { // longer than the kernel's clock runs without being wound
		require.Equal(t, "SERVFAIL", steady())
	}
	r.kill(t)
	took := eventually(t, 8*time.Second, func() bool { return steady() == "NOERROR" }, "the conversation to heal")
	t.Logf("healed %v after kill -9", took)
	require.Equal(t, "NOERROR "+right, dig(t, w.client, origin, "x.w.test", "A").short())

	require.Contains(t, requireState(t, l, h, sdk.Inactive).Evidence, "ended the fault by itself")
	left, err := l.Sweep(t.Context())
	require.NoError(t, err)
	require.Len(t, ours(left, h), 1)
	require.NoError(t, l.Revert(t.Context(), h))
	require.Equal(t, "", bare(t, w.client), "the table without effect is gone too")
}

// A plugin that lives and is frozen stops winding.
func TestTheKernelHealsWhenThePluginIsFrozen(t *testing.T) {
	long(t)
	w := newWorld(t)
	r := startReal(t, nobody(t))
	inject(t, r, map[string]any{"names": []string{"."}, "mode": "servfail"}, traffic(t, r, w.middle, unbound))
	require.Equal(t, "SERVFAIL", dig(t, w.client, unbound, "x.w.test", "A").short())
	require.NoError(t, r.cmd.Process.Signal(syscall.SIGSTOP))
	eventually(t, 8*time.Second, func() bool { return dig(t, w.client, unbound, "x.w.test", "A", "+time=1").Status == "NOERROR" }, "the network to heal")
	r.kill(t)
}

func TestSweepRevertsWhatItFinds(t *testing.T) {
	w := newWorld(t)
	l := local(t, nobody(t))
	h := inject(t, l, map[string]any{"names": []string{"x.w.test"}}, traffic(t, l, w.client, origin))
	left, err := local(t, nobody(t)).Sweep(t.Context())
	require.NoError(t, err)
	found := ours(left, h)
	require.Len(t, found, 1)
	require.Equal(t, h.Run, found[0].Run)
	require.Contains(t, found[0].Steps[0], "nft delete table inet gamedaydns-run-1-")
	require.NoError(t, l.Revert(t.Context(), found[0]))
	require.Equal(t, "", bare(t, w.client))
	require.Equal(t, "NOERROR "+right, dig(t, w.client, origin, "x.w.test", "A").short())
}

// The steps for a person do what they say.
func TestByHand(t *testing.T) {
	long(t)
	w := newWorld(t)
	need(t, "nft", "nsenter")
	l := local(t, nobody(t))
	h := inject(t, l, map[string]any{"names": []string{"x.w.test"}}, traffic(t, l, w.client, origin))
	require.Equal(t, "NXDOMAIN", dig(t, w.client, origin, "x.w.test", "A").short())
	out, err := exec.Command("sh", "-c", h.Steps[0]).CombinedOutput()
	require.NoError(t, err, string(out))
	require.Equal(t, "NOERROR "+right, dig(t, w.client, origin, "x.w.test", "A").short())
	requireState(t, l, h, sdk.Inactive)
}

// A namespace of the same name that was made later is another one.
func TestANewNamespaceOfTheSameNameIsNotTouched(t *testing.T) {
	long(t)
	w := newWorld(t)
	l := local(t, nobody(t))
	h := inject(t, l, map[string]any{"names": []string{"x.w.test"}}, traffic(t, l, w.client, origin))
	require.NoError(t, run("ip", "netns", "delete", w.client))
	require.NoError(t, run("ip", "netns", "add", w.client))
	require.NoError(t, l.Revert(t.Context(), h))
	require.Contains(t, requireState(t, l, h, sdk.Inactive).Evidence, "namespace is gone")
	require.ErrorContains(t, l.Inject(t.Context(), h), "no such network namespace")
	require.Equal(t, "", bare(t, w.client))
	require.NoError(t, l.Revert(t.Context(), h))
}

// conversation asks from one port again and again, and says how each question was answered.
func (w *world) conversation(t *testing.T) func() string {
	t.Helper()
	var c net.Conn
	require.NoError(t, in(w.client, func() (err error) {
		c, err = net.Dial("udp", origin+":53")
		return err
	}))
	t.Cleanup(func() { _ = c.Close() })
	query := []byte("\x12\x34\x01\x00\x00\x01\x00\x00\x00\x00\x00\x00\x01x\x01w\x04test\x00\x00\x01\x00\x01")
	return func() string {
		_, _ = c.Write(query)
		_ = c.SetReadDeadline(time.Now().Add(200 * time.Millisecond))
		buf := make([]byte, 2000)
		n, err := c.Read(buf)
		if err != nil || n < 12 {
			return "silence"
		}
		return map[byte]string{0: "NOERROR", 2: "SERVFAIL"}[buf[3]&0xf]
	}
}

func ours(all []sdk.Handle, h sdk.Handle) (out []sdk.Handle) {
	for _, one := range all {
		if one.ID == h.ID && one.Fault == h.Fault {
			out = append(out, one)
		}
	}
	return out
}

// bare is what nft itself shows of a namespace.
func bare(t *testing.T, ns string) string {
	t.Helper()
	need(t, "nft")
	out, err := exec.Command("ip", "netns", "exec", ns, "nft", "list", "tables").CombinedOutput()
	require.NoError(t, err, string(out))
	return string(out)
}
