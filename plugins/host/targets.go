package host

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/gameday-toolkit/gameday/plugins/host/internal/proc"
	"github.com/gameday-toolkit/gameday/plugins/host/internal/worker"
	"github.com/gameday-toolkit/gameday/plugins/sdk"
)

// machines finds the machine that gameday runs on: there is one.
type machines struct{}

func (machines) Schema() sdk.Schema {
	return sdk.Schema{Doc: "The host itself, for pressure on its processors and its memory. There is one; after a reboot it is another."}
}

func (machines) Resolve(_ context.Context, req sdk.Request) (sdk.Selection, []sdk.Problem, error) {
	if err := req.Decode(&struct{}{}); err != nil {
		return sdk.Selection{}, nil, err
	}
	boot, err := proc.BootID()
	if err != nil {
		return sdk.Selection{}, nil, err
	}
	name, err := os.Hostname()
	if err != nil {
		return sdk.Selection{}, nil, fmt.Errorf("reading the name of the machine: %w", err)
	}
	total, err := worker.Total()
	if err != nil {
		return sdk.Selection{}, nil, err
	}
	return sdk.Selection{Population: 1, Targets: []sdk.Target{{
		Type: "host_machine", ID: boot, Name: name, Attrs: map[string]string{"cores": fmt.Sprint(runtime.NumCPU()), "memory": size(total)},
	}}}, nil, nil
}

// filesystems finds file systems by a folder on them.
type filesystems struct{}

func (filesystems) Schema() sdk.Schema {
	return sdk.Schema{
		Doc: "File systems, each named by a folder on it, where the file that takes the space is made.",
		Attributes: []sdk.Attribute{
			{Name: "paths", Type: sdk.StringList, Required: true, Doc: "Absolute paths of folders."},
		},
	}
}

func (filesystems) Resolve(_ context.Context, req sdk.Request) (sdk.Selection, []sdk.Problem, error) {
	var c struct {
		Paths []string `json:"paths"`
	}
	if err := req.Decode(&c); err != nil {
		return sdk.Selection{}, nil, err
	}
	out := sdk.Selection{Population: len(c.Paths)}
	var problems []sdk.Problem
	for i, path := range c.Paths {
		id, err := filesystemID(path)
		if err != nil || !filepath.IsAbs(path) {
			problems = append(problems, problem(fmt.Sprintf("paths.%d", i), fmt.Sprintf("There is no folder %s", path), "Give the absolute path of a folder."))
			continue
		}
		// What is free changes all the time, and a target's facts should not.
		_, whole, err := worker.Space(path)
		if err != nil {
			return sdk.Selection{}, nil, err
		}
		out.Targets = append(out.Targets, sdk.Target{
			Type: "host_filesystem", ID: id, Name: path, Attrs: map[string]string{"size": size(whole)},
		})
	}
	return out, problems, nil
}

// filesystemID tells the file system under a folder from another that is mounted there later.
func filesystemID(path string) (string, error) {
	var st unix.Stat_t
	if err := unix.Stat(path, &st); err != nil {
		return "", fmt.Errorf("reading %s: %w", path, err)
	}
	if st.Mode&unix.S_IFMT != unix.S_IFDIR {
		return "", fmt.Errorf("%s is not a folder", path)
	}
	return fmt.Sprintf("%d:%d %s", unix.Major(st.Dev), unix.Minor(st.Dev), path), nil
}

// takeFilesystem returns the folder of a target, if it is still on the file system that was planned for.
func takeFilesystem(t sdk.Target) (string, []sdk.Problem) {
	_, dir, _ := strings.Cut(t.ID, " ")
	now, err := filesystemID(dir)
	if err != nil || now != t.ID {
		return "", []sdk.Problem{problem("targets", t.Name+" is on another file system than when the plan was made, or gone", "Plan again.")}
	}
	return dir, nil
}
