package pluginhost

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"

	"golang.org/x/sys/unix"

	"github.com/gameday-toolkit/gameday/plugins/sdk"
)

// sockets is the directory in which a host's plugins have their sockets. When host and plugin are killed at once nobody is
// left to remove it, so the host holds a lock on it, which the kernel takes away at its death: what nobody holds, the next
// gameday removes.
type sockets struct {
	mu    sync.Mutex
	users int
	dir   *os.File
}

// take gives the directory; each take needs a give.
func (s *sockets) take() (string, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.dir == nil {
		dir, err := makeSockets(socketDir())
		if err != nil {
			return "", fmt.Errorf("making a directory for sockets: %w", err)
		}
		s.dir = dir
	}
	s.users++
	return s.dir.Name(), nil
}

// give removes the directory once nobody uses it.
func (s *sockets) give() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.users--; s.users > 0 {
		return
	}
	// What cannot be removed now is what the next gameday finds.
	_, _ = os.Remove(s.dir.Name()), s.dir.Close()
	s.dir = nil
}

// makeSockets may meet another gameday that takes the new directory, not locked yet, for an old one.
func makeSockets(root string) (*os.File, error) {
	for range 100 {
		name, err := os.MkdirTemp(root, sdk.SocketsPrefix)
		if err != nil {
			return nil, err
		}
		if f, ok := lockSockets(name); ok {
			return f, nil
		}
	}
	return nil, errors.New("others take it away all the time")
}

// lockSockets locks a directory, if it is there and nobody else has locked it.
func lockSockets(name string) (*os.File, bool) {
	f, err := os.Open(name)
	if err != nil {
		return nil, false
	}
	if unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB) == nil {
		if _, err := os.Stat(name); err == nil {
			return f, true
		}
	}
	_ = f.Close() // only read
	return nil, false
}

// Tidy removes the sockets of those whose host was killed with them. What belongs to other users stays.
func Tidy() {
	found, _ := filepath.Glob(filepath.Join(socketDir(), sdk.SocketsPrefix+"*")) // the pattern is sound
	for _, name := range found {
		if f, ok := lockSockets(name); ok {
			_, _ = os.RemoveAll(name), f.Close()
		}
	}
}

// socketDir is where the plugins' sockets go. The path of a socket is limited to 107 bytes, of which the names below this
// directory (ours, go-plugin's own and the socket's) take 65, and some machines have temporary directories with long names.
func socketDir() string {
	if dir := os.TempDir(); len(dir) <= 40 {
		return dir
	}
	return "/tmp"
}
