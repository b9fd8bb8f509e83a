package crash

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"
)

// hostFaults are the faults of this machine that can be tested beside everything else that it does. Those of netem are missing
// where the kernel has none.
var hostFaults = []struct {
	name, target, fault, attributes string
	clock
}{
	{"process kill", "process", "host_process_kill", "", noClock},
	{"process pause", "process", "host_process_pause", "", noClock},
	{"file descriptors", "process", "host_fd_exhaustion", "headroom = 0", noClock},
	{"process IDs", "cgroup", "host_pid_exhaustion", "headroom = 0", noClock},
	{"processor", "machine", "host_cpu_pressure", "cores = 1\npercent = 10", kernelClock},
	{"memory", "machine", "host_memory_pressure", "bytes = 25165824\nfloor_bytes = 67108864", kernelClock},
	{"disk space", "filesystem", "host_disk_fill", "bytes = 6291456\nfloor_bytes = 1048576", kernelClock},
	{"disk writes", "filesystem", "host_disk_io", "file_bytes = 2097152\nbytes_per_second = 4194304\nfloor_bytes = 1048576", kernelClock},
	{"connections", "endpoint", "host_connection_exhaustion", "", kernelClock},
	{"network partition, drop", "namespace", "host_partition", "include_loopback = true", kernelClock},
	{"network partition, reject", "namespace", "host_partition", "include_loopback = true\nmode = \"reject\"", kernelClock},
	{"network loss", "namespace", "host_loss", "include_loopback = true\npercent = 100", kernelClock},
	{"policing", "namespace", "host_policing", "include_loopback = true\nbytes_per_second = 1000", kernelClock},
	{"bandwidth (tbf)", "interface", "host_bandwidth", "include_loopback = true\nbytes_per_second = 1000", kernelClock},
	{"tracked connections", "namespace", "host_conntrack_exhaustion", "percent = 1", kernelClock},
}

func TestHost(t *testing.T) {
	if !*full {
		t.Skip("the host's part of the matrix takes minutes: make crash-test")
	}
	t.Parallel()
	binary := build(t, "host")
	table := results.table("host", names(moments)...)
	for _, f := range hostFaults {
		eachMoment(t, table, f.name, func(c *cell, how crash) string {
			h := &host{cell: c}
			h.own(binary, f.target, f.fault, f.attributes, f.clock)
			return c.killedAt(how, f.clock)
		})
	}
}

// host is a cell whose target is a process with a supervisor, a folder, and what workers the plugin has.
type host struct {
	*cell
	mu      sync.Mutex
	sleeper process
	cgroup  string   // of the process; empty for that of the test
	space   *space   // a network of the cell's own; nil for most
	server  *limited // that takes so many connections and no more; nil for most
}

func (h *host) own(binary, target, fault, attributes string, who clock) {
	c := h.cell
	kind, selector := h.target(target)
	h.supervise()
	c.useBinary(binary)
	c.faults = func(looked string) string { return looked }
	if who == kernelClock {
		h.settle = 20 * time.Second // the kernel's clock has five, and fifteen for tracked connections
		c.faults = func(looked string) string { return hostMarks.ReplaceAllString(looked, "") }
	}
	c.look = h.look
	c.replaceScenario(fmt.Sprintf("scenario \"host\" {\nservice = \"host\"\nbaseline = \"50ms\"\nrecovery = \"5s\"\n}\nplugin \"host\" {\nmarks_dir = %q\n}\n"+
		"target \"host_%s\" \"t\" {\n%s\n}\nfault %q \"f\" {\ntargets = target.host_%s.t\nhold = \"300ms\"\n%s\n}\n",
		filepath.Join(c.dir, "marks"), kind, selector, fault, kind, attributes))
	c.before = c.look()
	require.NotContains(c, c.before, "works false")
}

// target makes the world that a kind of target needs.
func (h *host) target(name string) (kind, selector string) {
	process := `pid_file = "` + filepath.Join(h.dir, "pid") + `"`
	switch name {
	case "process":
		return name, process
	case "cgroup":
		h.cgroup = newCgroup(h.cell)
		return "process", process
	case "filesystem":
		return name, `paths = ["` + filepath.Join(h.dir, "svc") + `"]`
	case "namespace", "interface":
		h.space = newSpace(h.cell)
		if name == "interface" {
			return name, fmt.Sprintf("names = [\"lo\"]\nnamespace = %q", h.space.name)
		}
		return name, fmt.Sprintf("names = [%q]", h.space.name)
	case "endpoint":
		h.server = newLimited(h.cell, 10)
		return name, fmt.Sprintf("addresses = [%q]", h.server.Addr())
	}
	return name, ""
}

// newCgroup makes a cgroup with a limit of processes.
func newCgroup(c *cell) string {
	for _, root := range []string{"/sys/fs/cgroup/pids", "/sys/fs/cgroup"} {
		dir := filepath.Join(root, filepath.Base(c.dir))
		if _, err := os.Stat(filepath.Join(root, "cgroup.procs")); err != nil || os.Mkdir(dir, 0o755) != nil {
			continue
		}
		c.Cleanup(func() { require.NoError(c, os.Remove(dir)) })
		if _, err := os.Stat(filepath.Join(dir, "pids.max")); err == nil {
			return dir
		}
	}
	c.Skip("making a cgroup with a limit of processes needs root, and the pids controller")
	return ""
}

// hostMarks is what look says of the plugin's own books, and of what has no effect any more.
var hostMarks = regexp.MustCompile(`(marks|tables) .*\n`)

// supervise starts a process, and starts it again whenever it has died, as an init system would.
func (h *host) supervise() {
	first, end := make(chan struct{}), make(chan struct{})
	var over sync.WaitGroup
	over.Go(func() {
		for n := 0; ; n++ {
			cmd := exec.Command("sleep", "86399")
			must(cmd.Start())
			if h.cgroup != "" {
				must(os.WriteFile(filepath.Join(h.cgroup, "cgroup.procs"), []byte(strconv.Itoa(cmd.Process.Pid)), 0))
			}
			h.mu.Lock()
			h.sleeper, _ = processOf(cmd.Process.Pid)
			h.mu.Unlock()
			must(os.WriteFile(filepath.Join(h.dir, "pid"), []byte(strconv.Itoa(cmd.Process.Pid)), 0o644))
			if n == 0 {
				close(first)
			}
			dead := make(chan error, 1)
			go func() { dead <- cmd.Wait() }()
			select {
			case <-dead:
			case <-end:
				must(cmd.Process.Kill())
				<-dead
				return
			}
		}
	})
	<-first
	h.Cleanup(func() { close(end); over.Wait() })
}

// look asks the kernel.
func (h *host) look() string {
	h.mu.Lock()
	pid := h.sleeper.pid
	h.mu.Unlock()
	p, alive := processOf(pid)
	var limit unix.Rlimit
	err := unix.Prlimit(pid, unix.RLIMIT_NOFILE, nil, &limit)
	marks, _ := filepath.Glob(filepath.Join(h.dir, "marks", "*"))
	var pids []byte
	if h.cgroup != "" {
		pids, _ = os.ReadFile(filepath.Join(h.cgroup, "pids.max"))
	}
	return fmt.Sprintf("the process runs %t, may open %v (%v), may have processes %q; %d workers; marks %v\n%s%s%s",
		alive && p.state != "T", limit, err, pids, h.workers(), marks, h.space.look(h), h.server.look(), listing(h, filepath.Join(h.dir, "svc")))
}

// workers counts the processes of the plugin's program that are not the plugin.
func (h *host) workers() (n int) {
	for _, p := range h.processes() {
		args, err := os.ReadFile(filepath.Join("/proc", strconv.Itoa(p.pid), "cmdline"))
		if parts := strings.Split(string(args), "\x00"); err == nil && len(parts) > 1 && parts[1] == "pressure-worker" {
			n++
		}
	}
	return n
}
