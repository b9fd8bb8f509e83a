package netns

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"os"
	"runtime"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// Dialer opens marked sockets in one namespace. Sockets stay in the namespace that they were made in, so one thread inside
// makes them all.
type Dialer struct {
	mark uint32
	orig *os.File
	jobs chan func()
	end  chan struct{}
	done chan struct{}
}

// NewDialer starts the thread. The file is the dialer's to close.
func NewDialer(f *os.File, mark uint32) (*Dialer, error) {
	own, err := IsOwn(f)
	if err != nil {
		return nil, errors.Join(err, f.Close())
	}
	d := &Dialer{mark: mark, orig: f, jobs: make(chan func()), end: make(chan struct{}), done: make(chan struct{})}
	inside := make(chan error)
	go func() {
		defer close(d.done)
		if !own {
			runtime.LockOSThread()
			if err := unix.Setns(int(f.Fd()), unix.CLONE_NEWNET); err != nil {
				inside <- err
				return
			}
		}
		inside <- nil
		for {
			select {
			case job := <-d.jobs:
				job()
			case <-d.end:
				return
			}
		}
	}()
	if err := <-inside; err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return d, nil
}

// Close ends the thread.
func (d *Dialer) Close() error {
	close(d.end)
	<-d.done
	return d.orig.Close()
}

// Inside runs fn on the thread. It must not wait for long: every socket waits for it.
func (d *Dialer) Inside(fn func() error) error {
	result := make(chan error, 1)
	select {
	case d.jobs <- func() { result <- fn() }:
		return <-result
	case <-d.end:
		return net.ErrClosed
	}
}

// Dial connects to a server, from the client's address where that is one of the namespace's own.
func (d *Dialer) Dial(ctx context.Context, network string, server netip.AddrPort, client netip.Addr) (c net.Conn, err error) {
	run := d.Inside
	if network == "tcp" { // which waits for the other end
		run = func(fn func() error) error { return Do(d.orig, fn) }
	}
	err = run(func() error {
		if c, err = d.dialer(network, client).DialContext(ctx, network, server.String()); errors.Is(err, unix.EADDRNOTAVAIL) || errors.Is(err, unix.EINVAL) {
			c, err = d.dialer(network, netip.Addr{}).DialContext(ctx, network, server.String())
		}
		return err
	})
	return c, err
}

func (d *Dialer) dialer(network string, from netip.Addr) *net.Dialer {
	out := &net.Dialer{Timeout: 5 * time.Second, Control: d.control}
	if from.IsValid() && network == "udp" {
		out.LocalAddr = net.UDPAddrFromAddrPort(netip.AddrPortFrom(from, 0))
	} else if from.IsValid() {
		out.LocalAddr = net.TCPAddrFromAddrPort(netip.AddrPortFrom(from, 0))
	}
	return out
}

// control marks a socket, so that its packets are told from those of others.
func (d *Dialer) control(_, _ string, raw syscall.RawConn) error {
	var err error
	if outer := raw.Control(func(fd uintptr) {
		err = unix.SetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_MARK, int(d.mark))
	}); outer != nil {
		return outer
	}
	return err
}

// Listen opens the same free port of an address for UDP and for TCP.
func (d *Dialer) Listen(at netip.Addr) (u *net.UDPConn, t *net.TCPListener, err error) {
	const tries = 10 // a port that is free for UDP may be taken for TCP
	err = d.Inside(func() error {
		for range tries {
			if u, err = net.ListenUDP("udp", net.UDPAddrFromAddrPort(netip.AddrPortFrom(at, 0))); err != nil {
				return err
			}
			port := u.LocalAddr().(*net.UDPAddr).AddrPort()
			if t, err = net.ListenTCP("tcp", net.TCPAddrFromAddrPort(port)); err == nil {
				return nil
			}
			err = errors.Join(err, u.Close())
		}
		return err
	})
	return u, t, err
}
