package servertest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// deadline is how long anything may take.
const deadline = 30 * time.Second

// program finds a program, or skips the test, or fails it where everything has to be there.
func program(t testing.TB, name, where string) string {
	t.Helper()
	if path, err := exec.LookPath(name); err == nil {
		return path
	}
	if found, _ := filepath.Glob(where); len(found) > 0 {
		return found[len(found)-1]
	}
	why := "there is no " + name + ": make integration-deps"
	if os.Getenv("GAMEDAY_REQUIRE") == "1" {
		t.Fatal(why)
	}
	t.Skip(why)
	return ""
}

// folder makes a folder with a short path (a Unix socket's may have 107 bytes) that belongs to whom the server runs as.
func folder(t testing.TB, as *syscall.Credential) string {
	t.Helper()
	dir, err := os.MkdirTemp("/tmp", "gdt")
	if err == nil && as != nil {
		err = os.Chown(dir, int(as.Uid), int(as.Gid))
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	return dir
}

// unprivileged is whom a server runs as that refuses to be root: nobody, or, where we are not root, ourselves.
func unprivileged(t testing.TB) *syscall.Credential {
	t.Helper()
	if os.Getuid() != 0 {
		return nil
	}
	u, err := user.Lookup("nobody")
	if err != nil {
		t.Fatal(err)
	}
	uid, err1 := strconv.ParseUint(u.Uid, 10, 32)
	gid, err2 := strconv.ParseUint(u.Gid, 10, 32)
	if err := errors.Join(err1, err2); err != nil {
		t.Fatal(err)
	}
	return &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}
}

func command(as *syscall.Credential, dir, name string, args ...string) *exec.Cmd {
	cmd := exec.Command(name, args...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "LC_ALL=C", "HOME="+dir)
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: as, Setpgid: true}
	return cmd
}

// process is a server that ends with the test at the latest.
type process struct {
	cmd   *exec.Cmd
	ended chan struct{}
	said  bytes.Buffer
}

// start starts a server, which the test ends with the signal quit.
func start(t testing.TB, cmd *exec.Cmd, quit syscall.Signal) *process {
	t.Helper()
	p := &process{cmd: cmd, ended: make(chan struct{})}
	cmd.Stdout, cmd.Stderr = &p.said, &p.said
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() { _ = cmd.Wait(); close(p.ended) }()
	t.Cleanup(func() {
		p.each(t, syscall.SIGCONT)
		p.end(t, quit)
	})
	return p
}

// end signals the server and waits for its end.
func (p *process) end(t testing.TB, sig syscall.Signal) {
	t.Helper()
	if p.over() {
		return
	}
	_ = p.cmd.Process.Signal(sig)
	select {
	case <-p.ended:
	case <-time.After(deadline):
		t.Errorf("%s does not end", p.cmd.Path)
		_ = p.cmd.Process.Kill()
	}
}

func (p *process) over() bool {
	select {
	case <-p.ended:
		return true
	default:
		return false
	}
}

// each signals the server and its children, which may be in groups of their own.
func (p *process) each(t testing.TB, sig syscall.Signal) {
	t.Helper()
	if p.over() {
		return
	}
	pid := p.cmd.Process.Pid
	_ = syscall.Kill(pid, sig)
	children, err := os.ReadFile(fmt.Sprintf("/proc/%d/task/%d/children", pid, pid))
	if err != nil {
		t.Errorf("looking for the children of %s: %v", p.cmd.Path, err)
	}
	for _, field := range strings.Fields(string(children)) {
		if child, err := strconv.Atoi(field); err == nil {
			_ = syscall.Kill(child, sig)
		}
	}
}

// until waits for a server to be ready.
func (p *process) until(t testing.TB, ready func(context.Context) error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), deadline)
	defer cancel()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		err := ready(ctx)
		if err == nil {
			return
		}
		select {
		case <-tick.C:
		case <-p.ended:
			t.Fatalf("%s has ended: %s", p.cmd.Path, p.said.String())
		case <-ctx.Done():
			t.Fatalf("%s is not ready: %v", p.cmd.Path, err)
		}
	}
}

// Port gives a port that was free a moment ago.
func Port(t testing.TB) int {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	address, ok := l.Addr().(*net.TCPAddr)
	if !ok {
		t.Fatal("no TCP address")
	}
	return address.Port
}
