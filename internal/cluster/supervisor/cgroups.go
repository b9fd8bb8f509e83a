package supervisor

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
)

const cgroups = "/sys/fs/cgroup"

// cgroup is the node's own one, of the same name in every hierarchy. The kubelet makes those of the pods below it.
func (n node) cgroup() string { return "/gameday-" + n.name }

// members is the file that a process of the node writes its pid to. Whatever it forks stays in there: that is how
// everything of a node is found at its end, shims and containers included, and nothing else.
func (n node) members() string {
	return filepath.Join(cgroups, "pids", n.cgroup(), "system", "cgroup.procs")
}

// hierarchies are the mounted version 1 hierarchies, and the version 2 one that may be mounted beside them.
func hierarchies() ([]string, error) {
	if _, err := os.Stat(filepath.Join(cgroups, "pids", "cgroup.procs")); err != nil {
		return nil, errors.New("-nodes kubelet needs version 1 cgroups, each controller mounted below " + cgroups +
			"; use -nodes kwok here")
	}
	entries, err := os.ReadDir(cgroups)
	if err != nil {
		return nil, fmt.Errorf("listing the cgroup hierarchies: %w", err)
	}
	var found []string
	for _, entry := range entries {
		directory := filepath.Join(cgroups, entry.Name())
		if _, err := os.Stat(filepath.Join(directory, "cgroup.procs")); err == nil && entry.IsDir() {
			found = append(found, directory)
		}
	}
	return found, nil
}

func (n node) makeCgroups() error {
	hierarchies, err := hierarchies()
	if err != nil {
		return err
	}
	for _, hierarchy := range hierarchies {
		directory := filepath.Join(hierarchy, n.cgroup())
		if err := os.MkdirAll(directory, 0o755); err != nil {
			return fmt.Errorf("making the cgroup of %s: %w", n.name, err)
		}
		if err := inheritCPUs(hierarchy, directory); err != nil {
			return fmt.Errorf("giving processors to the cgroup of %s: %w", n.name, err)
		}
	}
	return os.MkdirAll(filepath.Dir(n.members()), 0o755)
}

// inheritCPUs copies what a new cpuset begins without; no process can enter it before.
func inheritCPUs(parent, directory string) error {
	for _, name := range []string{"cpuset.cpus", "cpuset.mems"} {
		content, err := os.ReadFile(filepath.Join(parent, name))
		if errors.Is(err, fs.ErrNotExist) {
			return nil // another controller
		}
		if err == nil {
			err = os.WriteFile(filepath.Join(directory, name), content, 0o644)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// kill kills every process of the node and waits until none is left.
func (n node) kill(ctx context.Context) error {
	err := poll(ctx, func(context.Context) error {
		pids := n.pids()
		for _, pid := range pids {
			_ = syscall.Kill(pid, syscall.SIGKILL) // an error says that it has gone
		}
		if len(pids) > 0 {
			return fmt.Errorf("processes %v are left", pids)
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("killing the processes of %s: %w", n.name, err)
	}
	return nil
}

func (n node) pids() []int {
	var pids []int
	for _, directory := range subtree(filepath.Join(cgroups, "pids", n.cgroup())) {
		content, _ := os.ReadFile(filepath.Join(directory, "cgroup.procs")) // gone: no processes
		for _, line := range strings.Fields(string(content)) {
			if pid, err := strconv.Atoi(line); err == nil && pid > 0 {
				pids = append(pids, pid)
			}
		}
	}
	return pids
}

// removeCgroups removes the node's cgroups from every hierarchy. The kernel takes a moment to let go of the dead.
func (n node) removeCgroups(ctx context.Context) error {
	hierarchies, err := hierarchies()
	if err != nil {
		return err
	}
	return poll(ctx, func(context.Context) error {
		var failures []error
		for _, hierarchy := range hierarchies {
			for _, directory := range slices.Backward(subtree(filepath.Join(hierarchy, n.cgroup()))) {
				if err := syscall.Rmdir(directory); err != nil && !errors.Is(err, fs.ErrNotExist) {
					failures = append(failures, fmt.Errorf("removing the cgroup %s: %w", directory, err))
				}
			}
		}
		return errors.Join(failures...)
	})
}

// subtree lists a directory and all below it, parents first; nothing if it is not there.
func subtree(root string) []string {
	var directories []string
	_ = filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
		if err == nil && entry.IsDir() {
			directories = append(directories, path)
		}
		return nil
	})
	return directories
}
