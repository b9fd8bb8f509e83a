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

	"golang.org/x/sys/unix"
)

// hostFaults are the faults of this machine that can be tested beside everything else that it does. Where the kernel ends
// a fault with the plugin, nobody has to heal it.
var hostFaults = []struct {
	name, target, fault, attributes string
	kernel                          bool
}{
	{"process kill", "process", "host_process_kill", "", false},
	{"process pause", "process", "host_process_pause", "", false},
	{"file descriptors", "process", "host_fd_exhaustion", "headroom = 0", false},
	{"processor", "machine", "host_cpu_pressure", "cores = 1\npercent = 10", true},
	{"memory", "machine", "host_memory_pressure", "bytes = 25165824\nfloor_bytes = 67108864", true},
	{"disk space", "filesystem", "host_disk_fill", "bytes = 6291456\nfloor_bytes = 1048576", true},
	{"disk writes", "filesystem", "host_disk_io", "file_bytes = 2097152\nbytes_per_second = 4194304\nfloor_bytes = 1048576", true},
	{"network partition, drop", "namespace", "host_partition", "include_loopback = true", true},
	{"network partition, reject", "namespace", "host_partition", "include_loopback = true\nmode = \"reject\"", true},
	{"network loss", "namespace", "host_loss", "include_loopback = true\npercent = 100", true},
}

func TestHost(t *testing.T) {
	if !*full {
		t.Skip("the host's part of the matrix takes minutes: make crash-test")
	}
	binary := build(t, "host")
	table := results.table("host", names(moments)...)
	for _, f := range hostFaults {
		for _, m := range moments {
			table.expect(f.name, m.name)
			t.Run(f.name+"/"+m.name, func(t *testing.T) {
				table.set(f.name, m.name, failed)
				c := newCell(t)
				h := &host{cell: c}
				h.own(binary, f.target, f.fault, f.attributes, f.kernel)
				table.set(f.name, m.name, h.killedAt(m.crash, f.kernel))
			})
		}
	}
}

// host is a cell whose target is a process with a supervisor, a folder, and what workers the plugin has.
type host struct {
	*cell
	mu      sync.Mutex
	sleeper process
	space   *space // a network of the cell's own; nil for most
}

func (h *host) own(binary, target, fault, attributes string, kernel bool) {
	c := h.cell
	h.supervise()
	c.plugins = filepath.Dir(binary)
	c.program = binary
	c.faults = func(looked string) string { return looked }
	if kernel {
		c.faults = func(looked string) string { return hostMarks.ReplaceAllString(looked, "") }
	}
	c.look = h.look
	selectors := map[string]string{
		"process": `pid_file = "` + filepath.Join(c.dir, "pid") + `"`, "machine": "", "filesystem": `paths = ["` + filepath.Join(c.dir, "svc") + `"]`,
	}
	selector := selectors[target]
	if target == "namespace" {
		h.settle = 10 * time.Second // the kernel's own clock has five
		h.space = newSpace(c)
		selector = fmt.Sprintf("names = [%q]", h.space.name)
	}
	c.replaceScenario(fmt.Sprintf("scenario \"host\" {\nservice = \"host\"\nbaseline = \"50ms\"\nrecovery = \"5s\"\n}\nplugin \"host\" {\nmarks_dir = %q\n}\n"+
		"target \"host_%s\" \"t\" {\n%s\n}\nfault %q \"f\" {\ntargets = target.host_%s.t\nhold = \"300ms\"\n%s\n}\n",
		filepath.Join(c.dir, "marks"), target, selector, fault, target, attributes))
	c.before = c.look()
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
	return fmt.Sprintf("the process runs %t, may open %v (%v); %d workers; marks %v\n%s%s",
		alive && p.state != "T", limit, err, h.workers(), marks, h.space.look(h), listing(h, filepath.Join(h.dir, "svc")))
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

// killedAt tells what the kernel ends, the effect, from what recover tidies up: the plugin's mark.
func (h *host) killedAt(how crash, kernel bool) string {
	if !kernel || !how.Plugin || !how.Engine {
		return h.cell.killedAt(how, byRecover)
	}
	h.kernel = true
	return "kernel, " + h.cell.killedAt(how, byRecover)
}
