package netns

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"

	"golang.org/x/sys/unix"
)

const (
	// Own is the namespace of this process, asked of the thread: the first thread of a process cannot be thrown away, so it
	// may be one that Do has left in another namespace.
	Own = "/proc/thread-self/ns/net"
	// Host is what people call it.
	Host = "host"

	named = "/run/netns" // where ip netns keeps those that have names
)

// ErrGone means that this very namespace does not exist any more, or that nothing refers to it.
var ErrGone = errors.New("no such network namespace")

// ErrNone means that a file is no namespace: ip netns makes the file before the namespace, and removes it after.
var ErrNone = errors.New("no namespace")

// Ref is one namespace for as long as it exists. Its ID is the inode, which is used again, and the cookie, which is not.
type Ref struct {
	Path string `json:"path"`
	ID   string `json:"id"`
}

// Find identifies the namespace of a name of ip netns, of a path, or of Host.
func Find(name string) (Ref, error) {
	path := name
	if name == Host {
		path = Own
	} else if !filepath.IsAbs(name) {
		path = filepath.Join(named, name)
	}
	f, err := os.Open(path)
	if err != nil {
		return Ref{}, err
	}
	defer func() { _ = f.Close() }()
	id, err := identify(f)
	return Ref{path, id}, err
}

func identify(f *os.File) (string, error) {
	var fs unix.Statfs_t
	if err := unix.Fstatfs(int(f.Fd()), &fs); err != nil || fs.Type != unix.NSFS_MAGIC {
		return "", fmt.Errorf("%s is %w", f.Name(), ErrNone)
	}
	ino, err := inode(f)
	if err != nil {
		return "", err
	}
	var cookie uint64
	err = Do(f, func() error {
		fd, err := unix.Socket(unix.AF_UNIX, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
		if err != nil {
			return err
		}
		defer func() { _ = unix.Close(fd) }()
		cookie, err = unix.GetsockoptUint64(fd, unix.SOL_SOCKET, unix.SO_NETNS_COOKIE)
		return err
	})
	if err != nil { // an older kernel, or no permission to enter: inodes still tell apart what exists together
		return fmt.Sprint(ino), nil
	}
	return fmt.Sprintf("%d.%d", ino, cookie), nil
}

func inode(f *os.File) (uint64, error) {
	var st unix.Stat_t
	if err := unix.Fstat(int(f.Fd()), &st); err != nil {
		return 0, fmt.Errorf("reading %s: %w", f.Name(), err)
	}
	return st.Ino, nil
}

// Do runs fn inside of a namespace. The thread is thrown away afterwards rather than trusted to have come back.
func Do(f *os.File, fn func() error) error {
	own, err := IsOwn(f)
	if err != nil {
		return err
	}
	if own {
		return fn()
	}
	return aside(func() error {
		if err := unix.Setns(int(f.Fd()), unix.CLONE_NEWNET); err != nil {
			return fmt.Errorf("entering %s: %w", f.Name(), err)
		}
		return fn()
	})
}

// IsOwn says whether the namespace is that of this process.
func IsOwn(f *os.File) (bool, error) {
	own, err := os.Open(Own)
	if err != nil {
		return false, fmt.Errorf("reading the own namespace: %w", err)
	}
	defer func() { _ = own.Close() }()
	a, errA := inode(f)
	b, errB := inode(own)
	return a == b, errors.Join(errA, errB)
}

// Empty runs fn with a new namespace that is gone afterwards. What fn tries there changes nothing on this host.
func Empty(fn func(*os.File) error) error {
	return aside(func() error {
		if err := unix.Unshare(unix.CLONE_NEWNET); err != nil {
			return fmt.Errorf("making a namespace to try things in: %w", err)
		}
		f, err := os.Open(Own)
		if err != nil {
			return fmt.Errorf("opening the namespace to try things in: %w", err)
		}
		return errors.Join(fn(f), f.Close())
	})
}

// aside runs fn on a thread that ends with it.
func aside(fn func() error) error {
	done := make(chan error)
	go func() {
		runtime.LockOSThread()
		done <- fn()
	}()
	return <-done
}

// Open opens this very namespace, wherever it can be found, or returns ErrGone.
func (r Ref) Open() (*os.File, error) {
	for _, path := range append([]string{r.Path}, Everywhere()...) {
		f, err := os.Open(path)
		if err != nil {
			continue
		}
		if id, err := identify(f); err == nil && id == r.ID {
			return f, nil
		}
		_ = f.Close()
	}
	return nil, ErrGone
}

// Everywhere lists a path for each namespace that has a name or a process in it, the own one first.
func Everywhere() []string {
	paths := []string{Own}
	for _, pattern := range []string{named + "/*", "/proc/[0-9]*/ns/net"} {
		more, _ := filepath.Glob(pattern) // the pattern is not malformed
		paths = append(paths, more...)
	}
	seen := map[uint64]bool{}
	var out []string
	for _, path := range paths {
		var st unix.Stat_t
		if unix.Stat(path, &st) == nil && !seen[st.Ino] {
			seen[st.Ino] = true
			out = append(out, path)
		}
	}
	return out
}

// Names lists the namespaces that have names.
func Names() []string {
	entries, _ := os.ReadDir(named) // without the folder there are none
	out := []string{Host}
	for _, e := range entries {
		out = append(out, e.Name())
	}
	return out
}
