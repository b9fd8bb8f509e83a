package host_test

import (
	"context"
	"encoding/base64"
	"fmt"
	"io"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/gameday-toolkit/gameday/plugins/sdk"
	"github.com/gameday-toolkit/gameday/plugins/sdk/conformance"
)

// limited is a server that takes so many connections, and says sorry to the rest, as a database does. A connection counts
// once it has sent the opening, if there is one.
type limited struct {
	net.Listener
	limit   int
	opening string
	all     sync.WaitGroup
	left    chan struct{} // when a connection has ended

	mu    sync.Mutex
	conns map[net.Conn]bool // by whether it counts
}

func newLimited(limit int, opening string) (*limited, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	s := &limited{Listener: l, limit: limit, opening: opening, conns: map[net.Conn]bool{}, left: make(chan struct{}, 1)}
	s.all.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			s.mu.Lock()
			s.conns[c] = false
			s.mu.Unlock()
			s.all.Go(func() { s.serve(c) })
		}
	})
	return s, nil
}

func (s *limited) serve(c net.Conn) {
	defer func() {
		s.mu.Lock()
		delete(s.conns, c)
		s.mu.Unlock()
		_ = c.Close()
		select {
		case s.left <- struct{}{}:
		default:
		}
	}()
	got := make([]byte, len(s.opening))
	if _, err := io.ReadFull(c, got); err != nil || string(got) != s.opening {
		return
	}
	if !s.count(c) {
		_, _ = c.Write([]byte("sorry, too many clients already"))
		return
	}
	_, _ = c.Write([]byte("welcome"))
	_, _ = io.Copy(io.Discard, c)
}

func (s *limited) count(c net.Conn) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.conns[c] = s.taken() < s.limit
	return s.conns[c]
}

// taken is how many count. Needs the lock.
func (s *limited) taken() (n int) {
	for _, counts := range s.conns {
		if counts {
			n++
		}
	}
	return n
}

func (s *limited) full() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.taken() == s.limit
}

// drop closes so many of those that count, as a server does that has waited in vain for a password.
func (s *limited) drop(n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for c, counts := range s.conns {
		if counts && n > 0 {
			_ = c.Close()
			s.conns[c] = false
			n--
		}
	}
}

func (s *limited) stop() {
	_ = s.Close()
	s.mu.Lock()
	for c := range s.conns {
		_ = c.Close()
	}
	s.mu.Unlock()
	s.all.Wait()
}

// welcomes says whether a client gets in.
func (s *limited) welcomes() bool {
	c, err := net.DialTimeout("tcp", s.Addr().String(), time.Second)
	if err != nil {
		return false
	}
	defer func() { _ = c.Close() }()
	_ = c.SetDeadline(time.Now().Add(patience))
	got := make([]byte, 7)
	_, err = c.Write([]byte(s.opening))
	if err == nil {
		_, err = io.ReadFull(c, got)
	}
	return err == nil && string(got) == "welcome"
}

// welcomesSoon says the same, after a moment in which the server may hear of connections that have ended.
func (s *limited) welcomesSoon() bool {
	over := time.After(500 * time.Millisecond)
	for !s.welcomes() {
		select {
		case <-s.left:
		case <-over:
			return false
		}
	}
	return true
}

func (s *limited) target() sdk.Target {
	return sdk.Target{Type: "host_endpoint", ID: "tcp " + s.Addr().String(), Name: s.Addr().String()}
}

func limitedFor(t *testing.T, limit int, opening string) *limited {
	t.Helper()
	s, err := newLimited(limit, opening)
	require.NoError(t, err)
	t.Cleanup(s.stop)
	return s
}

func TestConnectionExhaustionConforms(t *testing.T) {
	var servers sync.Map
	of := func(target sdk.Target) *limited { s, _ := servers.Load(target.ID); return s.(*limited) }
	conform(t, conformance.Case{
		Fault: "host_connection_exhaustion", EndsWithPlugin: true,
		Setup: func(context.Context) (sdk.Request, error) {
			s, err := newLimited(20, "hi\x00")
			if err != nil {
				return sdk.Request{}, err
			}
			servers.Store(s.target().ID, s)
			return sdk.Request{Config: []byte(`{"opening":"hi\\x00"}`), Targets: []sdk.Target{s.target()}}, nil
		},
		Look: func(_ context.Context, h sdk.Handle) (bool, error) { return !of(h.Targets[0]).welcomesSoon(), nil },
		Teardown: func(_ context.Context, req sdk.Request) error {
			of(req.Targets[0]).stop()
			return nil
		},
	}, t.TempDir())
}

func TestConnectionsAreTakenUntilOneIsRefused(t *testing.T) {
	s := limitedFor(t, 30, "")
	l := local(t, t.TempDir())
	h := inject(t, l, "host_connection_exhaustion", struct{}{}, s.target())
	require.False(t, s.welcomes(), "a client finds no place")
	requireHeld(t, l, h, "holds 30 connections")
	require.NoError(t, l.Revert(t.Context(), h))
	eventually(t, patience, s.welcomes, "a client to get in again")
}

// A server that closes what it has waited for in vain does not end the fault, nor does somebody who leaves.
func TestConnectionsThatAreClosedAreTakenAgain(t *testing.T) {
	t.Parallel()
	s := limitedFor(t, 30, "user\x00")
	l := local(t, t.TempDir())
	h := inject(t, l, "host_connection_exhaustion", map[string]any{"opening_base64": base64.StdEncoding.EncodeToString([]byte("user\x00"))}, s.target())
	for range 3 {
		s.drop(20)
		require.Eventually(t, s.full, patience, 10*time.Millisecond)
		require.False(t, s.welcomes())
		requireHeld(t, l, h, "holds 30 connections")
	}
	require.NoError(t, l.Revert(t.Context(), h))
}

// requireHeld waits for the evidence: a connection that is just being turned away is one that the kernel knows, too.
func requireHeld(t *testing.T, l *sdk.Local, h sdk.Handle, want string) {
	t.Helper()
	require.Eventually(t, func() bool {
		state, err := l.Inspect(t.Context(), h)
		return err == nil && state.Status == sdk.Active && strings.Contains(state.Evidence, want)
	}, patience, 20*time.Millisecond, want)
}

func TestSoManyConnectionsAndNoMore(t *testing.T) {
	s := limitedFor(t, 30, "")
	l := local(t, t.TempDir())
	h := inject(t, l, "host_connection_exhaustion", map[string]any{"connections": 25}, s.target())
	require.Contains(t, requireState(t, l, h, sdk.Active).Evidence, "holds 25 connections")
	require.True(t, s.welcomes(), "five places are left")
	require.NoError(t, l.Revert(t.Context(), h))
}

// A listener that does not accept has a queue, which the kernel fills.
func TestTheQueueOfAListenerIsFilled(t *testing.T) {
	t.Parallel()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	t.Cleanup(func() { _ = l.Close() })
	shorten(t, l, 5)
	p := local(t, t.TempDir())
	h := inject(t, p, "host_connection_exhaustion", struct{}{}, sdk.Target{Type: "host_endpoint", ID: "tcp " + l.Addr().String(), Name: "queue"})
	_, err = net.DialTimeout("tcp", l.Addr().String(), 300*time.Millisecond)
	require.ErrorContains(t, err, "timeout")
	require.NoError(t, p.Revert(t.Context(), h))
}

func TestMistakesInAConnectionBlock(t *testing.T) {
	s := limitedFor(t, 1, "hello")
	p := local(t, t.TempDir())
	for config, want := range map[string]string{
		`{"connections":-1}`: "connections", `{"connections":10001}`: "connections", `{"opening":"\\x0"}`: "opening",
		`{"opening_base64":"?"}`: "opening_base64", `{"opening":"a","opening_base64":"YQ=="}`: "opening", `{"opening":"wrong"}`: "targets",
	} {
		_, problems := prepare(t, p, "host_connection_exhaustion", raw(config), s.target())
		require.Len(t, problems, 1, config)
		require.Equal(t, want, strings.Join(problems[0].Path, "."), config)
	}
	nobody := sdk.Target{Type: "host_endpoint", ID: "tcp 127.0.0.1:1", Name: "localhost:1"}
	_, problems := prepare(t, p, "host_connection_exhaustion", raw(`{}`), nobody)
	require.Contains(t, problems[0].Summary, "connection refused")

	for addresses, want := range map[string]string{`["here"]`: "no address of a server", `["x:http-nowhere"]`: "no port", `["nowhere.invalid:1"]`: "has no address"} {
		_, problems, err := p.Resolve(t.Context(), "host_endpoint", sdk.Request{Config: raw(fmt.Sprintf(`{"addresses":%s}`, addresses))})
		require.NoError(t, err)
		require.Contains(t, problems[0].Summary, want)
		require.Equal(t, []string{"addresses", "0"}, problems[0].Path)
	}
}
