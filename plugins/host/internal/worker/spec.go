package worker

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"golang.org/x/sys/unix"

	"github.com/gameday-toolkit/gameday/plugins/host/internal/proc"
)

// A worker is this program again, with a command line that says what it is:
//
//	gameday-plugin-host pressure-worker MARK SPEC
//
// The kernel kills it when the plugin dies (PR_SET_PDEATHSIG), and it ends by itself when its standard input does. What it
// holds (processor time, memory, an unlinked file) goes with it. So nothing is left when every process of ours dies at once.

// Command is the first argument of a worker.
const Command = "pressure-worker"

// The kinds of pressure.
const (
	CPU    = "cpu"
	Memory = "memory"
	Disk   = "disk"
	IO     = "io"
	// Connections is pressure on whoever takes them.
	Connections = "connections"
)

// Spec is what a worker has to do, and for whom: enough to make a handle of a worker whose journal is lost.
type Spec struct {
	Mark   string `json:"mark"`
	Handle string `json:"handle"`
	Run    string `json:"run,omitempty"`
	Fault  string `json:"fault"`
	Boot   string `json:"boot"`
	Kind   string `json:"kind"`

	// Cores are kept busy for Percent of their time each.
	Cores   int     `json:"cores,omitempty"`
	Percent float64 `json:"percent,omitempty"`
	// Bytes is how much memory or space to take, or the size of the file to write to. Floor is what has to stay free.
	Bytes int64 `json:"bytes,omitempty"`
	Floor int64 `json:"floor,omitempty"`
	// Dir is where the file is.
	Dir string `json:"dir,omitempty"`
	// Rate bounds the writing, in bytes per second; zero is as fast as it goes.
	Rate int64 `json:"rate,omitempty"`
	// Address is where Count connections are taken, on each of which Opening is sent.
	Address string `json:"address,omitempty"`
	Count   int    `json:"count,omitempty"`
	Opening []byte `json:"opening,omitempty"`
}

// Args is the command line.
func (s Spec) Args() ([]string, error) {
	b, err := json.Marshal(s)
	if err != nil {
		return nil, fmt.Errorf("writing the order of a worker: %w", err)
	}
	return []string{"gameday-plugin-host", Command, s.Mark, string(b)}, nil
}

// Found is a worker that runs.
type Found struct {
	Info proc.Info
	Spec Spec
}

// Find lists the workers of a mark, or all if it is empty.
func Find(mark string) ([]Found, error) {
	all, err := proc.List()
	if err != nil {
		return nil, err
	}
	var out []Found
	for _, info := range all {
		args := proc.Args(info.PID)
		if len(args) != 4 || args[1] != Command || mark != "" && args[2] != mark {
			continue
		}
		var s Spec
		if json.Unmarshal([]byte(args[3]), &s) == nil && s.Mark == args[2] {
			out = append(out, Found{info, s})
		}
	}
	return out, nil
}

// Kill ends this worker. One that has ended is no error.
func (f Found) Kill() error {
	err := f.Info.ID().Signal(unix.SIGKILL)
	if errors.Is(err, proc.ErrGone) {
		return nil
	}
	return err
}

// Used says how much processor time the worker used per second of time. The kernel counts in ticks of 10 ms, so it looks
// for at least a moment, and for at most five of them until it has seen a tick.
func (f Found) Used(moment time.Duration) (cores float64, err error) {
	began := time.Now()
	before, err := f.Info.ID().Look()
	if err != nil {
		return 0, err
	}
	for range 5 {
		time.Sleep(moment)
		after, err := f.Info.ID().Look()
		if err != nil {
			return 0, err
		}
		if used := after.CPU - before.CPU; used > 0 {
			return float64(used) / float64(time.Since(began)), nil
		}
	}
	return 0, nil
}

// Connected is how many TCP connections the worker has.
func (f Found) Connected() (int, error) { return proc.Established(f.Info.PID) }

// Held is the space on disk of the files of the worker that are in its folder.
func (f Found) Held() (int64, error) {
	fds, err := proc.FDs(f.Info.PID)
	if err != nil {
		return 0, err
	}
	var sum int64
	for _, fd := range fds {
		var st unix.Stat_t
		if !slices.Contains([]int{0, 1, 2}, fd) && unix.Stat(fmt.Sprintf("/proc/%d/fd/%d", f.Info.PID, fd), &st) == nil && st.Mode&unix.S_IFMT == unix.S_IFREG {
			sum += st.Blocks * 512
		}
	}
	return sum, nil
}
