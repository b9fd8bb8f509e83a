package proc

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// Info is what the kernel says about a process.
type Info struct {
	PID   int
	Comm  string
	State byte // R, S, D, T (stopped), Z (dead and not reaped)
	PPID  int
	Start uint64
	// CPU is the time on a processor so far.
	CPU time.Duration
	// Threads and RSS (bytes) are of the moment.
	Threads int
	RSS     int64
	// Kernel is true for a kernel thread.
	Kernel bool
}

// Dead says whether nothing of the process runs any more, although nobody may have reaped it. Its first thread may be dead
// before the others are, and until they are, the files that it had open are open.
func (i Info) Dead() bool { return i.State == 'X' || i.State == 'Z' && i.Threads <= 1 }

// ID is the identity of the process.
func (i Info) ID() ID { return ID{i.PID, i.Start} }

// kernelThread is PF_KTHREAD in the flags of /proc/PID/stat.
const kernelThread = 0x00200000

// tick is the length of a clock tick in /proc: USER_HZ is 100 on every architecture that Go has.
const tick = 10 * time.Millisecond

// Read asks the kernel about a pid.
func Read(pid int) (Info, error) {
	raw, err := os.ReadFile(path(pid, "stat"))
	if gone(err) {
		return Info{}, ErrGone
	}
	if err != nil {
		return Info{}, fmt.Errorf("reading the state of process %d: %w", pid, err)
	}
	info, err := parse(raw)
	info.PID = pid
	return info, err
}

// parse reads a line of stat. The name stands in parentheses and may have some of its own, so the fields are counted from
// the last one: the state is the first after it, and proc(5) calls it field 3.
func parse(raw []byte) (Info, error) {
	open, end := bytes.IndexByte(raw, '('), bytes.LastIndexByte(raw, ')')
	if open < 0 || end < open {
		return Info{}, fmt.Errorf("a process without a name: %q", raw)
	}
	f := bytes.Fields(raw[end+1:])
	if len(f) < 22 {
		return Info{}, fmt.Errorf("a process with %d fields: %q", len(f), raw)
	}
	var err error
	number := func(field int) uint64 {
		v, bad := strconv.ParseUint(string(f[field-3]), 10, 64)
		err = errors.Join(err, bad)
		return v
	}
	info := Info{
		Comm: string(raw[open+1 : end]), State: f[0][0], PPID: int(number(4)), Kernel: number(9)&kernelThread != 0,
		CPU: time.Duration(number(14)+number(15)) * tick, Threads: int(number(20)), Start: number(22),
		RSS: int64(number(24)) * int64(os.Getpagesize()),
	}
	if err != nil {
		return Info{}, fmt.Errorf("reading %q: %w", raw, err)
	}
	return info, nil
}

// List returns every process but kernel threads and the dead, oldest first.
func List() ([]Info, error) {
	entries, err := os.ReadDir("/proc")
	if err != nil {
		return nil, fmt.Errorf("listing processes: %w", err)
	}
	var out []Info
	for _, e := range entries {
		pid, err := strconv.Atoi(e.Name())
		if err != nil {
			continue
		}
		// What cannot be read has ended meanwhile.
		if info, err := Read(pid); err == nil && !info.Kernel && !info.Dead() {
			out = append(out, info)
		}
	}
	slices.SortFunc(out, func(a, b Info) int {
		if a.Start != b.Start {
			return int(int64(a.Start) - int64(b.Start))
		}
		return a.PID - b.PID
	})
	return out, nil
}

// Identity is what a process has in common with its successor. Its arguments may hold a password, so they are kept as a
// digest only.
type Identity struct {
	Comm string `json:"comm"`
	Exe  string `json:"exe,omitempty"`
	UID  int    `json:"uid"`
	Args string `json:"args_sha256"`
}

// IdentityOf reads it.
func IdentityOf(pid int) (Identity, error) {
	info, err := Read(pid)
	if err != nil {
		return Identity{}, err
	}
	args, err := os.ReadFile(path(pid, "cmdline"))
	if err != nil {
		return Identity{}, fmt.Errorf("reading the arguments of process %d: %w", pid, err)
	}
	sum := sha256.Sum256(args)
	uid, err := UID(pid)
	return Identity{Comm: info.Comm, Exe: Exe(pid), UID: uid, Args: hex.EncodeToString(sum[:8])}, err
}

// Exe is the path of the program, or empty where it may not be read.
func Exe(pid int) string {
	exe, err := os.Readlink(path(pid, "exe"))
	if err != nil {
		return ""
	}
	return strings.TrimSuffix(exe, " (deleted)")
}

// Args are the arguments of a process, or nil.
func Args(pid int) []string {
	raw, err := os.ReadFile(path(pid, "cmdline"))
	if err != nil || len(raw) == 0 {
		return nil
	}
	return strings.Split(strings.TrimSuffix(string(raw), "\x00"), "\x00")
}

// UID is the user that a process runs as.
func UID(pid int) (int, error) {
	info, err := os.Stat(path(pid))
	if gone(err) {
		return 0, ErrGone
	}
	if err != nil {
		return 0, fmt.Errorf("reading the user of process %d: %w", pid, err)
	}
	stat, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return 0, fmt.Errorf("reading the user of process %d: no answer of the kernel's", pid)
	}
	return int(stat.Uid), nil
}

// Ancestors are the pid's parents up to init.
func Ancestors(pid int) []int {
	var out []int
	for len(out) < 1000 {
		info, err := Read(pid)
		if err != nil || info.PPID == 0 {
			break
		}
		pid = info.PPID
		out = append(out, pid)
	}
	return out
}

// FDs are the numbers of the open files of a process.
func FDs(pid int) ([]int, error) {
	entries, err := os.ReadDir(path(pid, "fd"))
	if gone(err) {
		return nil, ErrGone
	}
	if err != nil {
		return nil, fmt.Errorf("listing the open files of process %d: %w", pid, err)
	}
	var out []int
	for _, e := range entries {
		if n, err := strconv.Atoi(e.Name()); err == nil {
			out = append(out, n)
		}
	}
	slices.Sort(out)
	return out, nil
}

func path(pid int, more ...string) string {
	return filepath.Join(append([]string{"/proc", strconv.Itoa(pid)}, more...)...)
}

func gone(err error) bool { return errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ESRCH) }
