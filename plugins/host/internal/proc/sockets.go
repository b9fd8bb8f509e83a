package proc

import (
	"bufio"
	"bytes"
	"fmt"
	"os"
	"strconv"
	"strings"
)

// The states of /proc/net/tcp: LISTEN, ESTABLISHED. A UDP socket that waits for anybody is in state 7.
const (
	listening   = "0A"
	established = "01"
	unbound     = "07"
)

// Listeners are the sockets (by inode) that wait on a port in the network namespace of the pid.
func Listeners(pid int, port int) (map[string]bool, error) {
	out := map[string]bool{}
	for file, state := range map[string]string{"tcp": listening, "tcp6": listening, "udp": unbound, "udp6": unbound} {
		raw, err := os.ReadFile(path(pid, "net", file))
		if gone(err) {
			continue // no IPv6, or no such process any more
		}
		if err != nil {
			return nil, fmt.Errorf("reading the sockets of %s: %w", file, err)
		}
		for _, s := range sockets(raw) {
			if s.state == state && (port == 0 || s.port == port) {
				out[s.inode] = true
			}
		}
	}
	return out, nil
}

type socket struct {
	port         int
	state, inode string
}

// sockets reads a table such as /proc/net/tcp: sl, local address, remote address, state, and the inode in column ten.
func sockets(raw []byte) []socket {
	var out []socket
	for lines := bufio.NewScanner(bytes.NewReader(raw)); lines.Scan(); {
		f := strings.Fields(lines.Text())
		if len(f) < 10 {
			continue
		}
		_, hex, ok := strings.Cut(f[1], ":")
		port, err := strconv.ParseUint(hex, 16, 16)
		if ok && err == nil {
			out = append(out, socket{int(port), f[3], f[9]})
		}
	}
	return out
}

// Ports are the TCP ports on which the process itself listens.
func Ports(pid int) []int {
	var out []int
	own, err := ownSockets(pid, listening)
	if err != nil {
		return nil
	}
	for _, s := range own {
		out = append(out, s.port)
	}
	return out
}

// Established is how many TCP connections the process itself has.
func Established(pid int) (int, error) {
	own, err := ownSockets(pid, established)
	return len(own), err
}

// ownSockets are the TCP sockets of a process that are in a state.
func ownSockets(pid int, state string) ([]socket, error) {
	held := map[string]bool{}
	fds, err := FDs(pid)
	if err != nil {
		return nil, err
	}
	for _, fd := range fds {
		held[socketInode(pid, fd)] = true
	}
	var out []socket
	for _, file := range []string{"tcp", "tcp6"} {
		raw, err := os.ReadFile(path(pid, "net", file))
		if err != nil {
			continue
		}
		for _, s := range sockets(raw) {
			if s.state == state && held[s.inode] {
				out = append(out, s)
			}
		}
	}
	return out, nil
}

// Holds says whether the process has one of the sockets open.
func Holds(pid int, inodes map[string]bool) bool {
	fds, err := FDs(pid)
	if err != nil {
		return false
	}
	for _, fd := range fds {
		if inodes[socketInode(pid, fd)] {
			return true
		}
	}
	return false
}

func socketInode(pid, fd int) string {
	link, err := os.Readlink(path(pid, "fd", strconv.Itoa(fd)))
	inode, ok := strings.CutPrefix(link, "socket:[")
	if err != nil || !ok {
		return ""
	}
	return strings.TrimSuffix(inode, "]")
}
