package forward_test

import (
	"context"
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"net/netip"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/gameday-toolkit/gameday/plugins/dns/internal/forward"
	"github.com/gameday-toolkit/gameday/plugins/dns/internal/rule"
)

func sockets(t *testing.T) (*net.UDPConn, *net.TCPListener) {
	t.Helper()
	u, err := net.ListenUDP("udp", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	require.NoError(t, err)
	l, err := net.ListenTCP("tcp", &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: u.LocalAddr().(*net.UDPAddr).Port})
	if err != nil { // somebody has that port for TCP
		require.NoError(t, u.Close())
		return sockets(t)
	}
	return u, l
}

// echo is a server that sends the query back as its answer, with strange bytes behind it, and shows what it got.
func echo(t *testing.T, tail []byte) (at netip.AddrPort, got chan []byte) {
	t.Helper()
	u, l := sockets(t)
	got = make(chan []byte, 100)
	answer := func(b []byte) []byte {
		got <- append([]byte(nil), b...)
		out := append(append([]byte(nil), b...), tail...)
		out[2] |= 0x80
		return out
	}
	done := make(chan struct{}, 2)
	go func() {
		defer func() { done <- struct{}{} }()
		for buf := make([]byte, 65535); ; {
			n, from, err := u.ReadFrom(buf)
			if err != nil {
				return
			}
			_, _ = u.WriteTo([]byte("\xff\xff\x80not the answer"), from) // of another ID
			_, _ = u.WriteTo(answer(buf[:n]), from)
		}
	}()
	go func() {
		defer func() { done <- struct{}{} }()
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			if b, err := frame(c); err == nil {
				b = answer(b)
				_, _ = c.Write(append(binary.BigEndian.AppendUint16(nil, uint16(len(b))), b...))
			}
			_ = c.Close()
		}
	}()
	t.Cleanup(func() { _ = u.Close(); _ = l.Close(); <-done; <-done })
	return u.LocalAddr().(*net.UDPAddr).AddrPort(), got
}

func frame(r io.Reader) ([]byte, error) {
	var n uint16
	if err := binary.Read(r, binary.BigEndian, &n); err != nil {
		return nil, err
	}
	b := make([]byte, n)
	_, err := io.ReadFull(r, b)
	return b, err
}

func start(t *testing.T, server netip.AddrPort) (string, *rule.Set, *forward.Forwarder) {
	t.Helper()
	f := &forward.Forwarder{Rules: rule.NewSet(), Server: server, Dial: func(ctx context.Context, network string, to netip.AddrPort, _ netip.Addr) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, network, to.String())
	}}
	u, l := sockets(t)
	require.NoError(t, f.Start(u, l))
	t.Cleanup(f.Stop)
	return u.LocalAddr().String(), f.Rules, f
}

func ask(t *testing.T, network, at string, query []byte) ([]byte, error) {
	t.Helper()
	c, err := net.Dial(network, at)
	require.NoError(t, err)
	defer func() { _ = c.Close() }()
	require.NoError(t, c.SetDeadline(time.Now().Add(10*time.Second)))
	if network == "tcp" {
		_, err = c.Write(append(binary.BigEndian.AppendUint16(nil, uint16(len(query))), query...))
		require.NoError(t, err)
		return frame(c)
	}
	_, err = c.Write(query)
	require.NoError(t, err)
	buf := make([]byte, 65535)
	n, err := c.Read(buf)
	return buf[:n], err
}

const question = "\x12\x34\x01\x20\x00\x01\x00\x00\x00\x00\x00\x00\x01x\x04TeSt\x00\x00\x01\x00\x01"

// What no rule is about arrives as it was sent, in both directions, whatever it is.
func TestBytesPassUnchanged(t *testing.T) {
	defer goleak.VerifyNone(t, goleak.IgnoreCurrent())
	t.Run("", func(t *testing.T) {
		tail := make([]byte, 3000)
		for i := range tail {
			tail[i] = byte(i * 7)
		}
		server, got := echo(t, tail)
		at, rules, _ := start(t, server)
		rules.Put("x", rule.Rule{Names: []string{"other.test"}, Mode: rule.ServFail, Percent: 100}, time.Time{})
		for _, query := range []string{question, question + "trailing \x00\xff", "\xab\xcd\x28\x00an update, say", "\x00\x01\x00"} {
			for _, network := range []string{"udp", "tcp"} {
				answer, err := ask(t, network, at, []byte(query))
				require.NoError(t, err, "%s %q", network, query)
				require.Equal(t, []byte(query), <-got)
				want := append([]byte(query), tail...)
				want[2] |= 0x80
				require.Equal(t, want, answer)
			}
		}
	})
}

// One query that waits does not hold up another of the same connection.
func TestAConnectionIsAnsweredAsAnswersCome(t *testing.T) {
	server, _ := echo(t, nil)
	at, rules, f := start(t, server)
	rules.Put("x", rule.Rule{Names: []string{"x.test"}, Mode: rule.Delay, Delay: time.Minute, Percent: 100}, time.Time{})
	c, err := net.Dial("tcp", at)
	require.NoError(t, err)
	defer func() { _ = c.Close() }()
	for _, q := range []string{question, "\x99\x99" + question[2:13] + "y" + question[14:]} {
		_, err = c.Write(append(binary.BigEndian.AppendUint16(nil, uint16(len(q))), q...))
		require.NoError(t, err)
	}
	b, err := frame(c)
	require.NoError(t, err)
	require.Equal(t, "9999", fmt.Sprintf("%x", b[:2]))
	rules.Drop("x")
	b, err = frame(c)
	require.NoError(t, err)
	require.Equal(t, "1234", fmt.Sprintf("%x", b[:2]))
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	f.Drain(ctx)
	require.NoError(t, ctx.Err())
}

// Queries that a rule delays take no room from the others.
func TestMoreLateQueriesThanThereIsRoomForOthers(t *testing.T) {
	server, _ := echo(t, nil)
	at, rules, _ := start(t, server)
	rules.Put("x", rule.Rule{Names: []string{"x.test"}, Mode: rule.Delay, Delay: time.Minute, Percent: 100}, time.Time{})
	c, err := net.Dial("udp", at)
	require.NoError(t, err)
	defer func() { _ = c.Close() }()
	other := []byte("\x99\x99" + question[2:13] + "y" + question[14:])
	for i := range 3000 {
		_, err = c.Write([]byte(question))
		require.NoError(t, err)
		if i%50 == 0 { // no faster than they are read
			_, err = ask(t, "udp", at, other)
			require.NoError(t, err)
		}
	}
	require.Eventually(t, func() bool { _, hits, _ := rules.Look("x"); return hits > 2048 }, 10*time.Second, time.Millisecond)
	_, err = ask(t, "udp", at, other)
	require.NoError(t, err)
}
