package host

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/gameday-toolkit/gameday/plugins/host/internal/proc"
	"github.com/gameday-toolkit/gameday/plugins/host/internal/worker"
	"github.com/gameday-toolkit/gameday/plugins/sdk"
)

// processes finds processes. One is identified by its pid and its start time, so that its successor is another target.
type processes struct{}

type processSelectors struct {
	Names   []string `json:"names"`
	PIDFile string   `json:"pid_file"`
	Cgroup  string   `json:"cgroup"`
	Port    int      `json:"port"`
	Oldest  int      `json:"oldest"`
}

func (processes) Schema() sdk.Schema {
	return sdk.Schema{
		Doc: "Processes. Each selector that is given narrows the choice; at least one has to be.",
		Attributes: []sdk.Attribute{
			{Name: "names", Type: sdk.StringList, Doc: "Names of the command or of the program's file, such as nginx."},
			{Name: "pid_file", Type: sdk.String, Doc: "A file with the process ID."},
			{Name: "cgroup", Type: sdk.String, Doc: "A cgroup and those below it, as in /proc/PID/cgroup: /system.slice/nginx.service."},
			{Name: "port", Type: sdk.Number, Doc: "A TCP or UDP port that the process waits on, in whatever network namespace it is. Seeing it needs the same user, or root."},
			{Name: "oldest", Type: sdk.Number, Default: 0, Doc: "At most so many, the oldest first. 0 means all that match."},
		},
	}
}

func (processes) Resolve(_ context.Context, req sdk.Request) (sdk.Selection, []sdk.Problem, error) {
	var s processSelectors
	if err := req.Decode(&s); err != nil {
		return sdk.Selection{}, nil, err
	}
	if problems := s.check(); len(problems) > 0 {
		return sdk.Selection{}, problems, nil
	}
	all, err := proc.List()
	if err != nil {
		return sdk.Selection{}, nil, err
	}
	matches, problems := s.matchers(all)
	if len(problems) > 0 {
		return sdk.Selection{}, problems, nil
	}
	var out sdk.Selection
	for _, info := range all {
		if ours(info) || slices.ContainsFunc(matches, func(m func(proc.Info) bool) bool { return !m(info) }) {
			continue
		}
		out.Population++
		if s.Oldest == 0 || len(out.Targets) < s.Oldest {
			out.Targets = append(out.Targets, processTarget(info))
		}
	}
	return out, nil, nil
}

// ours are the plugin and its workers.
func ours(info proc.Info) bool {
	args := proc.Args(info.PID)
	return info.PID == os.Getpid() || len(args) > 1 && args[1] == worker.Command
}

func processTarget(info proc.Info) sdk.Target {
	attrs := map[string]string{"pid": strconv.Itoa(info.PID)}
	if exe := proc.Exe(info.PID); exe != "" {
		attrs["program"] = exe
	}
	if uid, err := proc.UID(info.PID); err == nil {
		attrs["user"] = strconv.Itoa(uid)
	}
	return sdk.Target{Type: "host_process", ID: info.ID().String(), Name: fmt.Sprintf("%s[%d]", info.Comm, info.PID), Attrs: attrs}
}

func (s processSelectors) check() []sdk.Problem {
	var out []sdk.Problem
	if len(s.Names) == 0 && s.PIDFile == "" && s.Cgroup == "" && s.Port == 0 {
		out = append(out, problem("", "Every process of the host would match", "Give names, pid_file, cgroup or port."))
	}
	if s.Port < 0 || s.Port > 65535 {
		out = append(out, problem("port", fmt.Sprintf("%d is no port", s.Port), "Use 1 to 65535."))
	}
	if s.Oldest < 0 {
		out = append(out, problem("oldest", "A negative number of processes", "Use 0 for all."))
	}
	return out
}

// matchers makes a test of each selector.
func (s processSelectors) matchers(all []proc.Info) ([]func(proc.Info) bool, []sdk.Problem) {
	var out []func(proc.Info) bool
	if len(s.Names) > 0 {
		out = append(out, func(i proc.Info) bool {
			return slices.Contains(s.Names, i.Comm) || slices.Contains(s.Names, filepath.Base(proc.Exe(i.PID)))
		})
	}
	if s.PIDFile != "" {
		raw, err := os.ReadFile(s.PIDFile)
		pid, bad := strconv.Atoi(strings.TrimSpace(string(raw)))
		if err != nil || bad != nil {
			return nil, []sdk.Problem{problem("pid_file", "The file has no process ID in it: "+s.PIDFile, "Is the service running?")}
		}
		out = append(out, func(i proc.Info) bool { return i.PID == pid })
	}
	if s.Cgroup != "" {
		out = append(out, func(i proc.Info) bool { return inCgroup(i.PID, s.Cgroup) })
	}
	if s.Port != 0 {
		waiting := listenersOn(all, s.Port)
		out = append(out, func(i proc.Info) bool { return proc.Holds(i.PID, waiting) })
	}
	return out, nil
}

func inCgroup(pid int, want string) bool {
	raw, err := os.ReadFile(fmt.Sprintf("/proc/%d/cgroup", pid))
	if err != nil {
		return false
	}
	want = "/" + strings.Trim(want, "/")
	for line := range strings.Lines(string(raw)) {
		f := strings.SplitN(strings.TrimSpace(line), ":", 3)
		if len(f) == 3 && (f[2] == want || strings.HasPrefix(f[2], want+"/")) {
			return true
		}
	}
	return false
}

// listenersOn looks into every network namespace that a process is in, once.
func listenersOn(all []proc.Info, port int) map[string]bool {
	out := map[string]bool{}
	seen := map[string]bool{}
	for _, info := range all {
		ns, err := os.Readlink(fmt.Sprintf("/proc/%d/ns/net", info.PID))
		if err != nil || seen[ns] {
			continue
		}
		seen[ns] = true
		found, err := proc.Listeners(info.PID, port)
		if err != nil {
			continue
		}
		for inode := range found {
			out[inode] = true
		}
	}
	return out
}
