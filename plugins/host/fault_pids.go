package host

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/gameday-toolkit/gameday/plugins/host/internal/proc"
	"github.com/gameday-toolkit/gameday/plugins/sdk"
)

// capped is the limit of processes of one cgroup. The kernel keeps no clock for it: when every process of ours dies at once
// it stays until gameday recover, gameday sweep, a write to pids.max, or the end of the cgroup.
type capped struct {
	Dir string `json:"dir"`
	// Inode tells this cgroup from a later one of the same name.
	Inode uint64 `json:"inode"`
	// Limit is what the fault writes; Was is what was there, a number or max.
	Limit string `json:"limit"`
	Was   string `json:"was"`
}

type pidConfig struct {
	Headroom int `json:"headroom"`
}

func pidExhaustion() kind[capped] {
	return kind[capped]{
		name: "host_pid_exhaustion", targets: []string{"host_process"}, exclusive: true,
		schema: sdk.Schema{
			Doc: "The cgroup of the processes runs out of process IDs (pids.max): no process or thread can be started in it. Everything in " +
				"the cgroup is hit, and the plan says how much that is. If every process of gameday dies at once the limit stays, until gameday recover.",
			Attributes: []sdk.Attribute{{Name: "headroom", Type: sdk.Number, Default: 0, Doc: "How many more processes and threads may be started."}},
		},
		plan: planPIDs, inject: injectPIDs, inspect: inspectPIDs, revert: revertPIDs,
	}
}

func planPIDs(_ context.Context, _ *provider, req sdk.Request, t sdk.Target) (plan[capped], []sdk.Problem, error) {
	var c pidConfig
	if err := req.Decode(&c); err != nil {
		return plan[capped]{}, nil, err
	}
	info, problems := takeProcess(t)
	if len(problems) > 0 {
		return plan[capped]{}, problems, nil
	}
	if c.Headroom < 0 {
		return plan[capped]{}, []sdk.Problem{problem("headroom", "The headroom is negative", "Use 0 for none.")}, nil
	}
	dir, problems, err := pidsCgroup(info.PID, t.Name)
	if err != nil || len(problems) > 0 {
		return plan[capped]{}, problems, err
	}
	was, errMax := word(filepath.Join(dir, "pids.max"))
	current, errNow := word(filepath.Join(dir, "pids.current"))
	running, errCount := strconv.Atoi(current)
	inode, errDir := inodeOf(dir)
	if err := errors.Join(errMax, errNow, errCount, errDir); err != nil {
		return plan[capped]{}, nil, fmt.Errorf("reading the cgroup %s: %w", dir, err)
	}
	limit := strconv.Itoa(running + c.Headroom)
	if had, err := strconv.Atoi(was); err == nil && had <= running+c.Headroom {
		problems = append(problems, problem("headroom", fmt.Sprintf("The cgroup of %s may have no more processes than that already", t.Name), "Its limit is "+was+"."))
	}
	return plan[capped]{
		undo:    capped{Dir: dir, Inode: inode, Limit: limit, Was: was},
		effects: []string{fmt.Sprintf("lower pids.max of the cgroup %s (of %s and %d processes and threads in all) from %s to %s", dir, t.Name, running, was, limit)},
		steps:   []string{fmt.Sprintf("echo %s > %s", was, filepath.Join(dir, "pids.max"))},
	}, problems, nil
}

// pidsCgroup finds the cgroup whose pids.max holds for a process, in version 2 or 1, and that this process may write to.
func pidsCgroup(pid int, name string) (string, []sdk.Problem, error) {
	raw, err := os.ReadFile(fmt.Sprintf("/proc/%d/cgroup", pid))
	if err != nil {
		return "", nil, fmt.Errorf("reading the cgroup of process %d: %w", pid, err)
	}
	mounts, err := proc.CgroupMounts()
	if err != nil {
		return "", nil, err
	}
	for line := range strings.Lines(string(raw)) {
		f := strings.SplitN(strings.TrimSpace(line), ":", 3)
		if len(f) != 3 || f[1] != "" && f[1] != "pids" {
			continue
		}
		dir := filepath.Join(mounts[f[1]], f[2])
		limit := filepath.Join(dir, "pids.max")
		switch err := unix.Access(limit, unix.W_OK); {
		case mounts[f[1]] == "" || errors.Is(err, unix.ENOENT):
			continue
		case err != nil:
			return "", []sdk.Problem{lacking("host_pid_exhaustion", "write "+limit, "The cgroup's limit cannot be written: "+err.Error())}, nil
		}
		return dir, nil, nil
	}
	return "", []sdk.Problem{lacking("host_pid_exhaustion", "a cgroup with pids.max",
		fmt.Sprintf("%s is in the root cgroup, or its cgroup has no pids controller. Start it in a cgroup of its own, such as a systemd unit or a container.", name))}, nil
}

func word(path string) (string, error) {
	b, err := os.ReadFile(path)
	return strings.TrimSpace(string(b)), err
}

func inodeOf(path string) (uint64, error) {
	var st unix.Stat_t
	err := unix.Stat(path, &st)
	return st.Ino, err
}

// look reads the limit of this very cgroup. It is empty if the cgroup is gone.
func (c capped) look() (string, error) {
	inode, err := inodeOf(c.Dir)
	if errors.Is(err, unix.ENOENT) || err == nil && inode != c.Inode {
		return "", nil
	}
	if err != nil {
		return "", fmt.Errorf("reading the cgroup %s: %w", c.Dir, err)
	}
	limit, err := word(filepath.Join(c.Dir, "pids.max"))
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, unix.ENODEV) {
		return "", nil
	}
	return limit, err
}

func (c capped) write(limit string) error {
	if err := os.WriteFile(filepath.Join(c.Dir, "pids.max"), []byte(limit), 0o600); err != nil {
		return fmt.Errorf("writing the limit %s: %w", limit, err)
	}
	return nil
}

func injectPIDs(_ context.Context, _ *provider, _ sdk.Handle, c capped) error {
	now, err := c.look()
	switch {
	case err != nil:
		return err
	case now == "":
		return fmt.Errorf("the cgroup %s is gone", c.Dir)
	case now != c.Was && now != c.Limit:
		return fmt.Errorf("the limit of %s was %s when the plan was made, and is %s: somebody else changed it", c.Dir, c.Was, now)
	}
	return c.write(c.Limit)
}

func inspectPIDs(_ context.Context, _ *provider, _ sdk.Handle, c capped) (sdk.State, error) {
	now, err := c.look()
	switch {
	case err != nil:
		return sdk.State{}, err
	case now == "":
		return inactive("the cgroup %s is gone, and its limit with it", c.Dir), nil
	case now != c.Limit:
		return inactive("pids.max of %s is %s", c.Dir, now), nil
	}
	running, err := word(filepath.Join(c.Dir, "pids.current"))
	if err != nil {
		return sdk.State{}, fmt.Errorf("reading the cgroup %s: %w", c.Dir, err)
	}
	return active("pids.max of %s is %s, and it has %s", c.Dir, now, running), nil
}

// revertPIDs puts the limit back if it is the one that this fault has set. Any other is somebody else's.
func revertPIDs(_ context.Context, _ *provider, _ sdk.Handle, c capped) error {
	now, err := c.look()
	if err != nil || now != c.Limit {
		return err
	}
	return c.write(c.Was)
}
