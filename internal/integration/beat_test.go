package integration

import (
	"encoding/binary"
	"net"
	"os"
	"runtime"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"
)

// every is the pace of the datagrams, and so what is known of the moment of a cut.
const every = 4 * time.Millisecond

// beats are datagrams that the test sends from one network namespace to another, one every few milliseconds. Which of them
// arrive says when the way was cut and healed, and nothing of gameday has a part in it.
type beats struct {
	mu      sync.Mutex
	sent    []time.Time
	arrived map[uint64]bool
}

func beat(t *testing.T, from, to, address string) *beats {
	t.Helper()
	b := &beats{arrived: map[uint64]bool{}}
	var in net.PacketConn
	var out net.Conn
	inside(t, to, func() (err error) { in, err = net.ListenPacket("udp", address); return err })
	inside(t, from, func() (err error) { out, err = net.Dial("udp", address); return err })
	end := make(chan struct{})
	var over sync.WaitGroup
	over.Go(func() { b.send(out, end) })
	over.Go(func() { b.receive(in) })
	t.Cleanup(func() {
		close(end)
		require.NoError(t, in.Close())
		over.Wait()
		require.NoError(t, out.Close())
	})
	return b
}

func (b *beats) send(out net.Conn, end chan struct{}) {
	tick := time.NewTicker(every)
	defer tick.Stop()
	for {
		select {
		case <-end:
			return
		case <-tick.C:
		}
		b.mu.Lock()
		n := uint64(len(b.sent))
		b.sent = append(b.sent, time.Now())
		b.mu.Unlock()
		_, _ = out.Write(binary.BigEndian.AppendUint64(nil, n)) // one that is refused is one that does not arrive
	}
}

func (b *beats) receive(in net.PacketConn) {
	buf := make([]byte, 16)
	for {
		n, _, err := in.ReadFrom(buf)
		if err != nil {
			return
		}
		if n == 8 {
			b.mu.Lock()
			b.arrived[binary.BigEndian.Uint64(buf)] = true
			b.mu.Unlock()
		}
	}
}

// gap is the longest time in which nothing arrived: between which datagrams it began, and between which it ended.
func (b *beats) gap(t testing.TB) (from, to time.Time) {
	t.Helper()
	b.mu.Lock()
	defer b.mu.Unlock()
	last, best := -1, time.Duration(0)
	for n := range b.sent {
		if !b.arrived[uint64(n)] {
			continue
		}
		if last >= 0 && n > last+1 && b.sent[n].Sub(b.sent[last]) > best {
			best = b.sent[n].Sub(b.sent[last])
			from = middle(b.sent[last], b.sent[last+1])
			to = middle(b.sent[n-1], b.sent[n])
		}
		last = n
	}
	require.Greater(t, best, time.Second, "nothing was cut")
	t.Logf("the way was cut for %v", to.Sub(from))
	return from, to
}

func middle(a, b time.Time) time.Time { return a.Add(b.Sub(a) / 2) }

// inside runs fn on a thread that is in a network namespace meanwhile; sockets that it opens stay there.
func inside(t testing.TB, namespace string, fn func() error) {
	t.Helper()
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	own, err := os.Open("/proc/thread-self/ns/net")
	require.NoError(t, err)
	defer own.Close()
	ns, err := os.Open("/run/netns/" + namespace)
	require.NoError(t, err)
	defer ns.Close()
	require.NoError(t, unix.Setns(int(ns.Fd()), unix.CLONE_NEWNET))
	err = fn()
	require.NoError(t, unix.Setns(int(own.Fd()), unix.CLONE_NEWNET))
	require.NoError(t, err)
}
