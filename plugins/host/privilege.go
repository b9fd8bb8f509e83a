package host

import (
	"bufio"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/gameday-toolkit/gameday/plugins/host/internal/proc"
	"github.com/gameday-toolkit/gameday/plugins/sdk"
)

// capability is one that a fault of ours may need, as the kernel numbers and names it.
type capability struct {
	bit  int
	name string
}

var (
	capKill     = capability{unix.CAP_KILL, "CAP_KILL"}
	capResource = capability{unix.CAP_SYS_RESOURCE, "CAP_SYS_RESOURCE"}
	capPtrace   = capability{unix.CAP_SYS_PTRACE, "CAP_SYS_PTRACE"}
	capNet      = capability{unix.CAP_NET_ADMIN, "CAP_NET_ADMIN"}
	capAdmin    = capability{unix.CAP_SYS_ADMIN, "CAP_SYS_ADMIN"}
)

// has says whether this process has the capability. What cannot be read is not had.
func (c capability) has() bool {
	f, err := os.Open("/proc/thread-self/status")
	if err != nil {
		return false
	}
	defer func() { _ = f.Close() }()
	for lines := bufio.NewScanner(f); lines.Scan(); {
		if hex, ok := strings.CutPrefix(lines.Text(), "CapEff:"); ok {
			mask, err := strconv.ParseUint(strings.TrimSpace(hex), 16, 64)
			return err == nil && mask&(1<<c.bit) != 0
		}
	}
	return false
}

// lacking is the problem that a missing permission rules a fault out.
func lacking(fault, permission, why string) sdk.Problem {
	return sdk.Problem{
		Severity: sdk.Error, Permission: permission, Path: []string{"targets"},
		Summary: fmt.Sprintf("%s needs %s here", fault, permission), Detail: why,
	}
}

// takeProcess reads the target of a fault on a process and refuses the ones that carry the tool itself.
func takeProcess(t sdk.Target) (proc.Info, []sdk.Problem) {
	id, err := proc.ParseID(t.ID)
	if err != nil {
		return proc.Info{}, []sdk.Problem{problem("targets", err.Error(), "This is not a target of type host_process.")}
	}
	info, err := id.Look()
	if err != nil {
		return info, []sdk.Problem{problem("targets", fmt.Sprintf("%s has ended: %v", t.Name, err), "Plan again.")}
	}
	if id.PID == 1 || id.PID == os.Getpid() || slices.Contains(proc.Ancestors(os.Getpid()), id.PID) {
		return info, []sdk.Problem{problem("targets", fmt.Sprintf("%s is init, gameday itself or what gameday was started from", t.Name),
			"Without it nobody could undo the fault. Choose another process.")}
	}
	return info, nil
}

// maySignal says what keeps this process from sending signals to another.
func maySignal(fault string, pid int) []sdk.Problem {
	uid, err := proc.UID(pid)
	if err != nil || uid == os.Geteuid() || capKill.has() {
		return nil
	}
	return []sdk.Problem{lacking(fault, capKill.name, fmt.Sprintf("Process %d belongs to user %d, and this is user %d. Run gameday as that user or as root.", pid, uid, os.Geteuid()))}
}
