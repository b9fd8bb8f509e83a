package proc

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// ID is one process for as long as it lives. A pid alone is given to another process one day.
type ID struct {
	PID int `json:"pid"`
	// Start is the start time in clock ticks since boot, field 22 of /proc/PID/stat.
	Start uint64 `json:"start"`
}

// ErrGone means that this very process has ended, whoever has its pid now.
var ErrGone = errors.New("no such process")

// ParseID reads what String wrote.
func ParseID(s string) (ID, error) {
	pid, start, ok := strings.Cut(s, ":")
	p, errPID := strconv.Atoi(pid)
	st, errStart := strconv.ParseUint(start, 10, 64)
	if !ok || errPID != nil || errStart != nil || p <= 0 {
		return ID{}, fmt.Errorf("%q does not identify a process", s)
	}
	return ID{p, st}, nil
}

func (id ID) String() string { return fmt.Sprintf("%d:%d", id.PID, id.Start) }

// Look returns what the kernel says of this very process, or ErrGone. A dead process that nobody has reaped is gone.
func (id ID) Look() (Info, error) {
	info, err := Read(id.PID)
	if err == nil && (info.Start != id.Start || info.Dead()) {
		err = ErrGone
	}
	return info, err
}

// Alive says whether this very process runs or is stopped.
func (id ID) Alive() bool {
	_, err := id.Look()
	return err == nil
}

// Signal sends a signal to this very process, or returns ErrGone. The pidfd is opened before the identity is checked, so
// that the signal cannot reach a process that was given the pid in between.
func (id ID) Signal(sig unix.Signal) error {
	fd, err := unix.PidfdOpen(id.PID, 0)
	if errors.Is(err, unix.ESRCH) {
		return ErrGone
	}
	if err != nil {
		return fmt.Errorf("opening process %d: %w", id.PID, err)
	}
	defer func() { _ = unix.Close(fd) }()
	if _, err := id.Look(); err != nil {
		return err
	}
	err = unix.PidfdSendSignal(fd, sig, nil, 0)
	if errors.Is(err, unix.ESRCH) {
		return ErrGone
	}
	if err != nil {
		return fmt.Errorf("sending %s to process %d: %w", unix.SignalName(sig), id.PID, err)
	}
	return nil
}

// Await polls until done says so. An error of done ends it too.
func Await(ctx context.Context, done func() (bool, error)) error {
	for pause := time.Millisecond; ; pause = min(2*pause, 50*time.Millisecond) {
		ok, err := done()
		if err != nil || ok {
			return err
		}
		t := time.NewTimer(pause)
		select {
		case <-t.C:
		case <-ctx.Done():
			t.Stop()
			return context.Cause(ctx)
		}
	}
}

// BootID tells one boot of the machine from the next: after a reboot, no process is what its pid and start time say.
func BootID() (string, error) {
	b, err := os.ReadFile("/proc/sys/kernel/random/boot_id")
	if err != nil {
		return "", fmt.Errorf("reading the boot ID: %w", err)
	}
	return strings.TrimSpace(string(b)), nil
}
