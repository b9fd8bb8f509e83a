package crash

import (
	"bytes"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// process is one process, as the kernel knows it.
type process struct {
	pid, parent int
	exe         string // by which it was started
	started     string
	state       string
}

func processes() (out []process) {
	found, err := filepath.Glob("/proc/[0-9]*")
	must(err)
	for _, dir := range found {
		pid, _ := strconv.Atoi(filepath.Base(dir))
		if p, ok := processOf(pid); ok {
			out = append(out, p)
		}
	}
	return out
}

// processOf reads one process; false for one that is gone, or is only waiting to be buried.
func processOf(pid int) (process, bool) {
	dir := filepath.Join("/proc", strconv.Itoa(pid))
	stat, err := os.ReadFile(filepath.Join(dir, "stat"))
	if err != nil {
		return process{}, false
	}
	_, rest, _ := strings.Cut(string(stat), ") ")
	f := strings.Fields(rest)
	if len(f) < 20 || f[0] == "Z" || f[0] == "X" {
		return process{}, false
	}
	args, _ := os.ReadFile(filepath.Join(dir, "cmdline"))
	exe, _, _ := bytes.Cut(args, []byte{0})
	parent, _ := strconv.Atoi(f[1])
	return process{pid: pid, parent: parent, exe: string(exe), started: f[19], state: f[0]}, true
}

func (p process) alive() bool {
	now, ok := processOf(p.pid)
	return ok && now.started == p.started
}

// marked lists the processes that have this in their environment, which a child inherits unless somebody clears it, and
// those that run a program.
func marked(mark, program string) (out []process) {
	for _, p := range processes() {
		if p.exe == "" {
			continue // of the kernel's own
		}
		dir := filepath.Join("/proc", strconv.Itoa(p.pid))
		env, _ := os.ReadFile(filepath.Join(dir, "environ"))
		runs, _ := os.Readlink(filepath.Join(dir, "exe"))
		if bytes.Contains(env, []byte(mark)) || program != "" && runs == program {
			out = append(out, p)
		}
	}
	return out
}

// patience is how long anything may take on a machine that has much else to do.
const patience = 60 * time.Second

// eventually waits for a condition.
func eventually(t testing.TB, limit time.Duration, what string, met func() bool) {
	t.Helper()
	for deadline := time.Now().Add(limit); !met(); time.Sleep(5 * time.Millisecond) {
		require.True(t, time.Now().Before(deadline), "waited in vain for: %s", what)
	}
}
