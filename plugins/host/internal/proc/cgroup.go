package proc

import (
	"bufio"
	"fmt"
	"os"
	"slices"
	"strings"
)

// CgroupMounts says where the cgroups are: version 2 under the empty name, and the controllers of version 1 under theirs.
func CgroupMounts() (map[string]string, error) {
	f, err := os.Open("/proc/self/mountinfo")
	if err != nil {
		return nil, fmt.Errorf("reading the mounts: %w", err)
	}
	defer func() { _ = f.Close() }()
	out := map[string]string{}
	lines := bufio.NewScanner(f)
	for lines.Scan() {
		before, after, ok := strings.Cut(lines.Text(), " - ")
		own, of := strings.Fields(before), strings.Fields(after)
		if !ok || len(own) < 5 || len(of) < 3 {
			continue
		}
		switch of[0] {
		case "cgroup2":
			out[""] = own[4]
		case "cgroup":
			for name := range strings.SplitSeq(of[2], ",") {
				if slices.Contains([]string{"pids", "memory", "cpu"}, name) {
					out[name] = own[4]
				}
			}
		}
	}
	return out, lines.Err()
}
