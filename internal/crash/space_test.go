package crash

import (
	"context"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"sync"
	"testing"
	"time"

	"github.com/google/nftables"
	"github.com/stretchr/testify/require"
	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"
)

// space is a network namespace with a server in it.
type space struct {
	name   string
	fd     int
	server net.Listener
}

func newSpace(c *cell) *space {
	if os.Getuid() != 0 {
		c.Skip("making a network namespace needs root")
	}
	if _, err := exec.LookPath("ip"); err != nil {
		c.Skip("making a network namespace needs ip, of iproute2")
	}
	s := &space{name: filepath.Base(c.dir)}
	ip(c, "netns", "add", s.name)
	c.Cleanup(func() { ip(c, "netns", "delete", s.name) })
	ip(c, "-n", s.name, "link", "set", "lo", "up")
	var err error
	s.fd, err = unix.Open("/run/netns/"+s.name, unix.O_RDONLY|unix.O_CLOEXEC, 0)
	require.NoError(c, err)
	require.NoError(c, s.in(func() (err error) { s.server, err = net.Listen("tcp", "127.0.0.1:7"); return err }))
	var over sync.WaitGroup
	over.Go(func() { s.serve(&over) })
	c.Cleanup(func() { _ = s.server.Close(); over.Wait(); _ = unix.Close(s.fd) })
	return s
}

// serve says thanks for whatever it is sent.
func (s *space) serve(over *sync.WaitGroup) {
	for {
		conn, err := s.server.Accept()
		if err != nil {
			return
		}
		over.Go(func() {
			defer func() { _ = conn.Close() }()
			_ = conn.SetDeadline(time.Now().Add(patience))
			if _, err := io.Copy(io.Discard, conn); err == nil {
				_, _ = conn.Write([]byte("thanks"))
			}
		})
	}
}

// send sends more than fits into any burst, and waits for the thanks.
func send() error {
	const limit = 600 * time.Millisecond
	conn, err := (&net.Dialer{Timeout: limit / 2, FallbackDelay: -1}).Dial("tcp", "127.0.0.1:7")
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close() }()
	_ = conn.SetDeadline(time.Now().Add(limit))
	_, err = conn.Write(make([]byte, 256<<10))
	if err == nil {
		err = conn.(*net.TCPConn).CloseWrite()
	}
	if err == nil {
		_, err = io.ReadFull(conn, make([]byte, len("thanks")))
	}
	return err
}

func ip(t testing.TB, args ...string) {
	out, err := exec.Command("ip", args...).CombinedOutput()
	require.NoError(t, err, "ip %v: %s", args, out)
}

// in runs f in the namespace, on a thread that is thrown away.
func (s *space) in(f func() error) error {
	done := make(chan error)
	go func() {
		runtime.LockOSThread()
		err := unix.Setns(s.fd, unix.CLONE_NEWNET)
		if err == nil {
			err = f()
		}
		done <- err
	}()
	return <-done
}

// look says whether a connection can be made and used, and what the kernel has been told.
func (s *space) look(t testing.TB) string {
	if s == nil {
		return ""
	}
	works := s.in(send) == nil
	_, tracked, err := s.books()
	require.NoError(t, err)
	return fmt.Sprintf("the network works %t, and %d entries are tracked\n%s", works, tracked, s.told(t))
}

// told is what the kernel has been told: tables of its packet filter, and queues.
func (s *space) told(t testing.TB) string {
	filter, err := nftables.New(nftables.WithNetNSFd(s.fd))
	require.NoError(t, err)
	found, err := filter.ListTables()
	require.NoError(t, err)
	var names []string
	for _, table := range found {
		names = append(names, table.Name)
	}
	queues, _, err := s.books()
	require.NoError(t, err)
	return fmt.Sprintf("tables %v, queues %v\n", names, queues)
}

// listenPacket opens a socket in the network of the thread, and no other.
func listenPacket(address string) (net.PacketConn, error) {
	return (&net.ListenConfig{}).ListenPacket(context.Background(), "udp", address)
}

// freePort is an address of this machine that nobody listens on.
func freePort(c *cell) string {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(c, err)
	defer func() { require.NoError(c, l.Close()) }()
	return l.Addr().String()
}

// books are the queues of the network, and how many connections it tracks.
func (s *space) books() (queues []string, tracked int, err error) {
	err = s.in(func() error {
		h, err := netlink.NewHandle()
		if err != nil {
			return err
		}
		defer h.Close()
		found, err := h.QdiscList(&netlink.Dummy{LinkAttrs: netlink.LinkAttrs{Index: 1}})
		if err != nil {
			return err
		}
		for _, q := range found {
			queues = append(queues, q.Type())
		}
		flows, err := h.ConntrackTableList(netlink.ConntrackTable, netlink.InetFamily(unix.AF_INET))
		tracked = len(flows)
		return err
	})
	return queues, tracked, err
}
