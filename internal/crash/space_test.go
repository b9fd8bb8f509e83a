package crash

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"testing"
	"time"

	"github.com/google/nftables"
	"github.com/stretchr/testify/require"
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
	c.Cleanup(func() { _, _ = s.server.Close(), unix.Close(s.fd) })
	return s
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

// look says whether a connection can be made, and what tables the kernel's packet filter has.
func (s *space) look(t testing.TB) string {
	if s == nil {
		return ""
	}
	works := s.in(func() error {
		conn, err := (&net.Dialer{Timeout: 300 * time.Millisecond, FallbackDelay: -1}).Dial("tcp", "127.0.0.1:7")
		if err == nil {
			err = conn.Close()
		}
		return err
	}) == nil
	filter, err := nftables.New(nftables.WithNetNSFd(s.fd))
	require.NoError(t, err)
	found, err := filter.ListTables()
	require.NoError(t, err)
	var names []string
	for _, table := range found {
		names = append(names, table.Name)
	}
	return fmt.Sprintf("the network works %t\ntables %v\n", works, names)
}
