package netns

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"

	"golang.org/x/sys/unix"
)

// Own is the namespace of this process. It is asked of the thread: the first thread of a process cannot be thrown away, so
// it may be the one that Do has left in another namespace, and /proc/self is about that one.
const Own = "/proc/thread-self/ns/net"

// named is where `ip netns` keeps the namespaces that have names.
const named = "/run/netns"

// ErrGone means that this very namespace does not exist any more, or that nothing refers to it that could be opened.
var ErrGone = errors.New("no such network namespace")

// ErrNone means that a file is no namespace: ip netns makes the file before the namespace, and removes it after.
var ErrNone = errors.New("no namespace")

// Ref is one namespace for as long as it exists.
type Ref struct {
	Path string `json:"path"`
	// ID is the inode, which is used again after a namespace is gone, and the cookie, which is not.
	ID string `json:"id"`
}

// Path is where the namespace of a name is: a path stays what it is.
func Path(name string) string {
	if filepath.IsAbs(name) {
		return name
	}
	return filepath.Join(named, name)
}

// Of identifies the namespace under a path.
func Of(path string) (Ref, error) {
	f, err := os.Open(path)
	if err != nil {
		return Ref{}, err
	}
	defer func() { _ = f.Close() }()
	id, err := identify(f)
	return Ref{path, id}, err
}

func identify(f *os.File) (string, error) {
	st, err := inode(f)
	if err != nil {
		return "", err
	}
	var fs unix.Statfs_t
	if err := unix.Fstatfs(int(f.Fd()), &fs); err != nil || fs.Type != unix.NSFS_MAGIC {
		return "", fmt.Errorf("%s is %w", f.Name(), ErrNone)
	}
	cookie, err := cookieOf(f)
	if err != nil { // an older kernel, or no permission to enter it
		return fmt.Sprint(st), nil // the inode alone still tells namespaces apart that exist together
	}
	return fmt.Sprintf("%d.%d", st, cookie), nil
}

func inode(f *os.File) (uint64, error) {
	var st unix.Stat_t
	if err := unix.Fstat(int(f.Fd()), &st); err != nil {
		return 0, fmt.Errorf("reading %s: %w", f.Name(), err)
	}
	return st.Ino, nil
}

// cookieOf asks a socket inside.
func cookieOf(f *os.File) (cookie uint64, err error) {
	err = Do(f, func() error {
		fd, err := unix.Socket(unix.AF_UNIX, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
		if err != nil {
			return err
		}
		defer func() { _ = unix.Close(fd) }()
		cookie, err = unix.GetsockoptUint64(fd, unix.SOL_SOCKET, unix.SO_NETNS_COOKIE)
		return err
	})
	return cookie, err
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
	done := make(chan error)
	go func() {
		runtime.LockOSThread()
		if err := unix.Setns(int(f.Fd()), unix.CLONE_NEWNET); err != nil {
			done <- fmt.Errorf("entering %s: %w", f.Name(), err)
			return
		}
		done <- fn()
	}()
	return <-done
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

// Aside runs fn with a new, empty namespace, which is gone afterwards. What fn tries there changes nothing on this host.
func Aside(fn func(*os.File) error) error {
	done := make(chan error)
	go func() {
		runtime.LockOSThread()
		if err := unix.Unshare(unix.CLONE_NEWNET); err != nil {
			done <- fmt.Errorf("making a namespace to try things in: %w", err)
			return
		}
		f, err := os.Open("/proc/thread-self/ns/net")
		if err != nil {
			done <- fmt.Errorf("opening the namespace to try things in: %w", err)
			return
		}
		err = fn(f)
		done <- errors.Join(err, f.Close())
	}()
	return <-done
}

// Open opens this very namespace, wherever it can be found, or returns ErrGone. Its name may belong to another by now, and
// it may live on without its name, through a process in it.
func (r Ref) Open() (*os.File, error) {
	if f, err := r.at(r.Path); err == nil {
		return f, nil
	}
	for _, path := range Everywhere() {
		if f, err := r.at(path); err == nil {
			return f, nil
		}
	}
	return nil, ErrGone
}

// at opens a path if it is this namespace.
func (r Ref) at(path string) (*os.File, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	if id, err := identify(f); err != nil || id != r.ID {
		return nil, errors.Join(ErrGone, err, f.Close())
	}
	return f, nil
}

// Everywhere lists a path for each namespace that has a name or a process in it, the own one first.
func Everywhere() []string {
	paths := []string{Own}
	for _, pattern := range []string{named + "/*", "/proc/[0-9]*/ns/net"} {
		more, err := filepath.Glob(pattern)
		if err == nil {
			paths = append(paths, more...)
		}
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
func Names() ([]string, error) {
	entries, err := os.ReadDir(named)
	if errors.Is(err, os.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("listing the network namespaces: %w", err)
	}
	var out []string
	for _, e := range entries {
		out = append(out, e.Name())
	}
	return out, nil
}
