package proc

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"strconv"
	"syscall"
)

// ID is one process for as long as it lives.
type ID struct {
	PID int `json:"pid"`
	// Start is the start time in clock ticks since boot, field 22 of /proc/PID/stat.
	Start uint64 `json:"start"`
}

// Info is what the kernel says about a process.
type Info struct {
	// State is the letter of /proc/PID/stat: R, S, D, T (stopped), Z (dead, not yet reaped).
	State byte
	Start uint64
	// RSS is the resident memory in bytes.
	RSS int64
}

// ErrGone means that there is no such process.
var ErrGone = errors.New("no such process")

// Read asks the kernel about a pid.
func Read(pid int) (Info, error) {
	raw, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if errors.Is(err, os.ErrNotExist) || errors.Is(err, syscall.ESRCH) {
		return Info{}, ErrGone
	}
	if err != nil {
		return Info{}, fmt.Errorf("reading the state of process %d: %w", pid, err)
	}
	return parse(raw)
}

// parse reads a stat line. The command's name stands in parentheses and may itself hold spaces and parentheses, so the
// fields are counted from the last one.
func parse(raw []byte) (Info, error) {
	end := bytes.LastIndexByte(raw, ')')
	if end < 0 {
		return Info{}, fmt.Errorf("a stat line without a name: %q", raw)
	}
	f := bytes.Fields(raw[end+1:])
	if len(f) < 22 {
		return Info{}, fmt.Errorf("a stat line of %d fields", len(f))
	}
	start, err := strconv.ParseUint(string(f[19]), 10, 64)
	if err != nil {
		return Info{}, fmt.Errorf("the start time in a stat line: %w", err)
	}
	pages, err := strconv.ParseInt(string(f[21]), 10, 64)
	if err != nil {
		return Info{}, fmt.Errorf("the memory in a stat line: %w", err)
	}
	return Info{State: f[0][0], Start: start, RSS: pages * int64(os.Getpagesize())}, nil
}

// Of returns the identity of a running pid.
func Of(pid int) (ID, error) {
	info, err := Read(pid)
	return ID{PID: pid, Start: info.Start}, err
}

// Look returns what the kernel says about this very process, or ErrGone.
func (id ID) Look() (Info, error) {
	if id.PID <= 0 {
		return Info{}, ErrGone
	}
	info, err := Read(id.PID)
	if err == nil && info.Start != id.Start {
		return Info{}, ErrGone
	}
	return info, err
}

// Alive says whether this very process still runs (a zombie does not).
func (id ID) Alive() bool {
	info, err := id.Look()
	return err == nil && info.State != 'Z' && info.State != 'X'
}

// Stopped says whether this very process is stopped by a signal.
func (id ID) Stopped() bool {
	info, err := id.Look()
	return err == nil && (info.State == 'T' || info.State == 't')
}

// Signal sends a signal to this very process; a process that is gone already is no error.
func (id ID) Signal(sig syscall.Signal) error {
	if !id.Alive() {
		return nil
	}
	if err := syscall.Kill(id.PID, sig); err != nil && !errors.Is(err, syscall.ESRCH) {
		return fmt.Errorf("sending %v to process %d: %w", sig, id.PID, err)
	}
	return nil
}
