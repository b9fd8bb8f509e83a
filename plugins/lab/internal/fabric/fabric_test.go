package fabric_test

import (
	"context"
	"errors"
	"io"
	"net"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/gameday-toolkit/gameday/plugins/lab/internal/fabric"
)

// echo answers every byte with itself.
func echo(t *testing.T) string {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	t.Cleanup(func() { _ = ln.Close() })
	go func() {
		for {
			c, err := ln.Accept()
			if err != nil {
				return
			}
			go func() { _, _ = io.Copy(c, c); _ = c.Close() }()
		}
	}()
	return ln.Addr().String()
}

func open(t *testing.T) (*fabric.Fabric, string) {
	t.Cleanup(func() { goleak.VerifyNone(t) })
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	addr := ln.Addr().String()
	require.NoError(t, ln.Close())
	ctx, cancel := context.WithCancel(context.Background())
	f := fabric.New(ctx)
	target := echo(t)
	t.Cleanup(func() { cancel(); f.Wait() })
	require.NoError(t, f.Add(fabric.Spec{Name: "l", Listen: addr, Target: target}))
	return f, addr
}

func dial(t *testing.T, addr string) net.Conn {
	c, err := net.Dial("tcp", addr)
	require.NoError(t, err)
	t.Cleanup(func() { _ = c.Close() })
	return c
}

// say writes a word and waits for its echo.
func say(t *testing.T, c net.Conn, word string, patience time.Duration) error {
	require.NoError(t, c.SetDeadline(time.Now().Add(patience)))
	if _, err := c.Write([]byte(word)); err != nil {
		return err
	}
	got := make([]byte, len(word))
	_, err := io.ReadFull(c, got)
	if err == nil {
		require.Equal(t, word, string(got))
	}
	return err
}

func set(f *fabric.Fabric, rule fabric.Rule) { f.Each(func(fabric.Spec) fabric.Rule { return rule }) }

func isTimeout(err error) bool {
	var timeout net.Error
	return errors.As(err, &timeout) && timeout.Timeout()
}

func TestALinkCarriesAndDelays(t *testing.T) {
	f, addr := open(t)
	c := dial(t, addr)
	require.NoError(t, say(t, c, "hello", 5*time.Second))
	set(f, fabric.Rule{Delay: 60 * time.Millisecond})
	began := time.Now()
	require.NoError(t, say(t, c, "slowly", 5*time.Second))
	require.GreaterOrEqual(t, time.Since(began), 120*time.Millisecond, "the delay is that of one way")
}

func TestADropHangsWhatIsOpenAndWhatComesAndIsResetWhenItEnds(t *testing.T) {
	f, addr := open(t)
	before := dial(t, addr)
	require.NoError(t, say(t, before, "hello", 5*time.Second))
	set(f, fabric.Rule{Block: fabric.Drop})
	require.True(t, isTimeout(say(t, before, "lost", 50*time.Millisecond)))
	during := dial(t, addr)
	require.True(t, isTimeout(say(t, during, "lost", 50*time.Millisecond)))
	set(f, fabric.Rule{})
	for _, c := range []net.Conn{before, during} {
		err := say(t, c, "again", 5*time.Second)
		require.Error(t, err)
		require.False(t, isTimeout(err), "a reset, at once: %v", err)
	}
	require.NoError(t, say(t, dial(t, addr), "anew", 5*time.Second))
}

func TestADropLosesWhatIsInFlight(t *testing.T) {
	f, addr := open(t)
	set(f, fabric.Rule{Delay: 200 * time.Millisecond})
	c := dial(t, addr)
	_, err := c.Write([]byte("in flight"))
	require.NoError(t, err)
	set(f, fabric.Rule{Block: fabric.Drop})
	require.NoError(t, c.SetReadDeadline(time.Now().Add(500*time.Millisecond)))
	_, err = c.Read(make([]byte, 1))
	require.True(t, isTimeout(err), "nothing comes back: %v", err)
}

func TestARefusalResets(t *testing.T) {
	f, addr := open(t)
	before := dial(t, addr)
	require.NoError(t, say(t, before, "hello", 5*time.Second))
	set(f, fabric.Rule{Block: fabric.Refuse})
	require.ErrorIs(t, say(t, before, "no", 5*time.Second), syscall.ECONNRESET)
	c, err := net.Dial("tcp", addr) // the reset may come as early as this
	if err == nil {
		err = say(t, c, "no", 5*time.Second)
		require.NoError(t, c.Close())
	}
	require.Error(t, err)
	require.False(t, isTimeout(err))
	require.Equal(t, fabric.Refuse, f.Rules()["l"].Block)
}

func TestARemovedLinkIsGone(t *testing.T) {
	f, addr := open(t)
	f.Remove("l")
	f.Remove("l")
	require.Eventually(t, func() bool {
		c, err := net.Dial("tcp", addr)
		if err == nil {
			_ = c.Close()
		}
		return err != nil
	}, 5*time.Second, time.Millisecond)
}
