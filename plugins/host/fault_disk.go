package host

import (
	"context"
	"fmt"
	"time"

	"golang.org/x/sys/unix"

	"github.com/gameday-toolkit/gameday/plugins/host/internal/worker"
	"github.com/gameday-toolkit/gameday/plugins/sdk"
)

const (
	defaultDiskFloor = 64 * mib
	watchWrites      = 500 * time.Millisecond
)

type diskConfig struct {
	Bytes   int64   `json:"bytes"`
	Percent float64 `json:"percent"`
	Floor   int64   `json:"floor_bytes"`
}

func diskFill() kind[load] {
	return pressure("host_disk_fill", "host_filesystem", sdk.Schema{
		Doc: "A file takes the space of a file system, and gives it back as soon as less than the floor stays free. A worker holds the file, which " +
			"has no name any more, so if every process of gameday dies at once, the kernel frees the space.",
		Attributes: []sdk.Attribute{
			{Name: "bytes", Type: sdk.Number, Doc: "How much space to take. Give this or percent."},
			{Name: "percent", Type: sdk.Number, Doc: "How full the file system is to be, in percent of its size."},
			{Name: "floor_bytes", Type: sdk.Number, Default: defaultDiskFloor, Doc: "What stays free in any case."},
		},
	}, orderFill, inspectFill)
}

func orderFill(_ context.Context, req sdk.Request, t sdk.Target, s *worker.Spec) (string, []sdk.Problem, error) {
	c := diskConfig{Floor: defaultDiskFloor}
	if err := req.Decode(&c); err != nil {
		return "", nil, err
	}
	return orderSpace(t, s, c, worker.Disk)
}

// orderSpace checks that the file fits and leaves the floor.
func orderSpace(t sdk.Target, s *worker.Spec, c diskConfig, kind string) (string, []sdk.Problem, error) {
	dir, problems := takeFilesystem(t)
	if len(problems) > 0 {
		return "", problems, nil
	}
	free, whole, err := worker.Space(dir)
	if err != nil {
		return "", nil, err
	}
	bytes, problems := amount(c.Bytes, c.Percent, free, whole)
	if c.Floor < 0 {
		problems = append(problems, problem("floor_bytes", "A negative floor", "Use a number of bytes."))
	}
	if len(problems) == 0 && free-bytes < c.Floor {
		problems = append(problems, problem("", fmt.Sprintf("%s cannot be taken from the %s that are free on %s", size(bytes), size(free), t.Name),
			fmt.Sprintf("%s have to stay free.", size(c.Floor))))
	}
	if unix.Access(dir, unix.W_OK|unix.X_OK) != nil {
		problems = append(problems, lacking(s.Fault, "write "+dir, "A file has to be made there. Run gameday as a user who may, or name another folder of the same file system."))
	}
	s.Kind, s.Bytes, s.Floor, s.Dir = kind, bytes, c.Floor, dir
	return fmt.Sprintf("takes %s of the %s that are free on %s, and leaves at least %s", size(bytes), size(free), t.Name, size(c.Floor)), problems, nil
}

func inspectFill(_ context.Context, l load, f worker.Found) (sdk.State, error) {
	held, err := f.Held()
	if err != nil {
		return unknown("worker %d: %v", f.Info.PID, err), nil
	}
	free, whole, err := worker.Space(l.Dir)
	if err != nil {
		return sdk.State{}, err
	}
	state := active("worker %d holds %s in %s; %s of %s are free", f.Info.PID, size(held), l.Dir, size(free), size(whole))
	if held < l.Bytes/10*9 {
		state.Status = sdk.Unknown
	}
	return state, nil
}

type ioConfig struct {
	Bytes int64 `json:"file_bytes"`
	Rate  int64 `json:"bytes_per_second"`
	Floor int64 `json:"floor_bytes"`
}

const defaultIOFile = 64 * mib

func diskIO() kind[load] {
	return pressure("host_disk_io", "host_filesystem", sdk.Schema{
		Doc: "A worker writes to a file and waits each time until the disk has it, so that everybody else's writes queue behind. If every " +
			"process of gameday dies at once, the kernel ends the worker and frees the file.",
		Attributes: []sdk.Attribute{
			{Name: "file_bytes", Type: sdk.Number, Default: defaultIOFile, Doc: "The size of the file that is written over and over."},
			{Name: "bytes_per_second", Type: sdk.Number, Default: 0, Doc: "How much to write. 0 is as fast as the disk takes it."},
			{Name: "floor_bytes", Type: sdk.Number, Default: defaultDiskFloor, Doc: "What stays free in any case."},
		},
	}, orderIO, inspectIO)
}

func orderIO(_ context.Context, req sdk.Request, t sdk.Target, s *worker.Spec) (string, []sdk.Problem, error) {
	c := ioConfig{Bytes: defaultIOFile, Floor: defaultDiskFloor}
	if err := req.Decode(&c); err != nil {
		return "", nil, err
	}
	if c.Bytes < mib || c.Rate < 0 {
		return "", []sdk.Problem{problem("file_bytes", "The file is too small, or the rate negative", "Use at least 1048576 bytes, and a rate of 0 or more.")}, nil
	}
	_, problems, err := orderSpace(t, s, diskConfig{Bytes: c.Bytes, Floor: c.Floor}, worker.IO)
	s.Rate = c.Rate
	rate := "as fast as it goes"
	if c.Rate > 0 {
		rate = size(c.Rate) + " a second"
	}
	return fmt.Sprintf("writes to a file of %s on %s, %s", size(c.Bytes), t.Name, rate), problems, err
}

func inspectIO(_ context.Context, _ load, f worker.Found) (sdk.State, error) {
	rate, err := f.Writes(watchWrites)
	switch {
	case err != nil:
		return unknown("worker %d: %v", f.Info.PID, err), nil
	case rate == 0:
		return unknown("worker %d runs and has written nothing for %v", f.Info.PID, watchWrites), nil
	}
	return active("worker %d writes %s a second", f.Info.PID, size(int64(rate))), nil
}
