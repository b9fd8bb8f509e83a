package host

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"regexp"
	"runtime"
	"strings"
	"time"

	"github.com/gameday-toolkit/gameday/plugins/host/internal/worker"
	"github.com/gameday-toolkit/gameday/plugins/sdk"
)

// load is one worker that presses. The kernel kills it with the plugin, and what it holds goes with it.
type load struct {
	worker.Spec
}

const (
	mib = 1 << 20
	// leastMemory is what always stays available, whatever a block says: below it a host cannot even undo.
	leastMemory = 64 * mib
	percentAll  = 100
)

// mark is the name that whatever a fault makes carries: the run for people, a digest to tell faults apart.
func mark(req sdk.Request, target string) string {
	sum := sha256.Sum256([]byte(req.Run + "\x00" + req.ID + "\x00" + target))
	run := regexp.MustCompile(`[^A-Za-z0-9_-]+`).ReplaceAllString(req.Run, "_")
	return "gameday-" + run[:min(len(run), 40)] + "-" + hex.EncodeToString(sum[:5])
}

// pressure is a fault that a worker makes.
func pressure(name, target string, schema sdk.Schema, order func(context.Context, sdk.Request, sdk.Target, *worker.Spec) (string, []sdk.Problem, error),
	inspect func(context.Context, load, worker.Found) (sdk.State, error),
) kind[load] {
	return kind[load]{
		name: name, targets: []string{target}, schema: schema,
		plan: func(ctx context.Context, p *provider, req sdk.Request, t sdk.Target) (plan[load], []sdk.Problem, error) {
			s := worker.Spec{
				Mark: mark(req, t.ID), Handle: strings.TrimPrefix(req.Run+"/"+req.ID, "/"), Run: req.Run, Fault: name, Boot: p.boot,
			}
			effect, problems, err := order(ctx, req, t, &s)
			return plan[load]{
				undo: load{s}, effects: []string{"start a worker that " + effect},
				steps: []string{load{s}.byHand()},
			}, problems, err
		},
		inject: func(ctx context.Context, p *provider, _ sdk.Handle, l load) error { return p.start(ctx, l.Spec) },
		inspect: func(ctx context.Context, _ *provider, _ sdk.Handle, l load) (sdk.State, error) {
			found, err := worker.Find(l.Mark)
			if err != nil {
				return sdk.State{}, err
			}
			if len(found) == 0 {
				return inactive("no worker %s runs", l.Mark), nil
			}
			return inspect(ctx, l, found[0])
		},
		revert: func(ctx context.Context, p *provider, _ sdk.Handle, l load) error {
			return errors.Join(p.stop(ctx, l.Mark), l.tidy())
		},
	}
}

func (l load) byHand() string { return fmt.Sprintf("pkill -KILL -f '%s %s'", worker.Command, l.Mark) }

// tidy removes the file of a worker that was killed between making and unlinking it.
func (l load) tidy() error {
	if l.Dir == "" {
		return nil
	}
	if err := os.Remove(worker.Name(l.Dir, l.Mark)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("removing the worker's file: %w", err)
	}
	return nil
}

type cpuConfig struct {
	Cores   int     `json:"cores"`
	Percent float64 `json:"percent"`
}

func cpuPressure() kind[load] {
	return pressure("host_cpu_pressure", "host_machine", sdk.Schema{
		Doc: "A worker keeps processor cores busy. If every process of gameday dies at once, the kernel ends the worker.",
		Attributes: []sdk.Attribute{
			{Name: "cores", Type: sdk.Number, Default: 0, Doc: "How many cores. 0 means all."},
			{Name: "percent", Type: sdk.Number, Default: percentAll, Doc: "How much of each core, in percent."},
		},
	}, orderCPU, inspectCPU)
}

func orderCPU(_ context.Context, req sdk.Request, _ sdk.Target, s *worker.Spec) (string, []sdk.Problem, error) {
	c := cpuConfig{Percent: percentAll}
	if err := req.Decode(&c); err != nil {
		return "", nil, err
	}
	all := runtime.NumCPU()
	if c.Cores == 0 {
		c.Cores = all
	}
	var problems []sdk.Problem
	if c.Cores < 0 || c.Cores > all {
		problems = append(problems, problem("cores", fmt.Sprintf("There are %d cores, and not %d", all, c.Cores), "Use 0 for all."))
	}
	if c.Percent <= 0 || c.Percent > percentAll {
		problems = append(problems, problem("percent", fmt.Sprintf("%v %% of a core", c.Percent), "Use more than 0 and at most 100."))
	}
	s.Kind, s.Cores, s.Percent = worker.CPU, c.Cores, c.Percent
	return fmt.Sprintf("keeps %d of %d cores busy for %v %% of the time", c.Cores, all, c.Percent), problems, nil
}

func inspectCPU(_ context.Context, l load, f worker.Found) (sdk.State, error) {
	used, err := f.Used(200 * time.Millisecond)
	if err != nil {
		return unknown("worker %d ended while it was looked at", f.Info.PID), nil
	}
	if used == 0 {
		return unknown("worker %d runs and gets no processor time", f.Info.PID), nil
	}
	return active("worker %d uses %.2f cores, and is to use %.2f", f.Info.PID, used, float64(l.Cores)*l.Percent/percentAll), nil
}

type memoryConfig struct {
	Bytes   int64   `json:"bytes"`
	Percent float64 `json:"percent"`
	Floor   int64   `json:"floor_bytes"`
}

func memoryPressure() kind[load] {
	return pressure("host_memory_pressure", "host_machine", sdk.Schema{
		Doc: "A worker takes memory, and gives it back as soon as less than the floor stays available. When the kernel runs out of memory it " +
			"kills the worker first. If every process of gameday dies at once, the kernel ends the worker.",
		Attributes: []sdk.Attribute{
			{Name: "bytes", Type: sdk.Number, Doc: "How much memory to take. Give this or percent."},
			{Name: "percent", Type: sdk.Number, Doc: "How full the memory is to be, in percent of all that the machine has."},
			{Name: "floor_bytes", Type: sdk.Number, Default: 256 * mib, Doc: "What stays available in any case; at least 64 MiB."},
		},
	}, orderMemory, inspectMemory)
}

func orderMemory(_ context.Context, req sdk.Request, _ sdk.Target, s *worker.Spec) (string, []sdk.Problem, error) {
	c := memoryConfig{Floor: 256 * mib}
	if err := req.Decode(&c); err != nil {
		return "", nil, err
	}
	available, errNow := worker.Available()
	total, errAll := worker.Total()
	if err := errors.Join(errNow, errAll); err != nil {
		return "", nil, err
	}
	c.Floor = max(c.Floor, leastMemory)
	bytes, problems := amount(c.Bytes, c.Percent, available, total)
	if len(problems) == 0 && available-bytes < c.Floor {
		problems = append(problems, problem("", fmt.Sprintf("%s cannot be taken from %s", size(bytes), size(available)),
			fmt.Sprintf("%s have to stay available.", size(c.Floor))))
	}
	s.Kind, s.Bytes, s.Floor = worker.Memory, bytes, c.Floor
	return fmt.Sprintf("takes %s of the %s that are available, and leaves at least %s", size(bytes), size(available), size(c.Floor)), problems, nil
}

// amount is what to take: so many bytes, or so many that the whole is full to a percentage.
func amount(bytes int64, percent float64, free, whole int64) (int64, []sdk.Problem) {
	switch {
	case (bytes != 0) == (percent != 0):
		return 0, []sdk.Problem{problem("bytes", "How much to take is not clear", "Give either bytes or percent.")}
	case bytes < 0:
		return 0, []sdk.Problem{problem("bytes", "A negative amount", "Use a number of bytes.")}
	case percent < 0 || percent > percentAll:
		return 0, []sdk.Problem{problem("percent", fmt.Sprintf("%v %% full", percent), "Use more than 0 and at most 100.")}
	case bytes > 0:
		return bytes, nil
	}
	full := float64(whole-free) / float64(whole) * percentAll
	take := int64(percent/percentAll*float64(whole)) - (whole - free)
	if take <= 0 {
		return 0, []sdk.Problem{problem("percent", fmt.Sprintf("It is %.1f %% full already", full), "Use more than that.")}
	}
	return take, nil
}

func inspectMemory(_ context.Context, l load, f worker.Found) (sdk.State, error) {
	if f.Info.RSS < l.Bytes/10*9 {
		return unknown("worker %d holds %s of %s", f.Info.PID, size(f.Info.RSS), size(l.Bytes)), nil
	}
	available, err := worker.Available()
	return active("worker %d holds %s; %s stay available", f.Info.PID, size(f.Info.RSS), size(available)), err
}

func size(bytes int64) string { return fmt.Sprintf("%.1f MiB", float64(bytes)/mib) }
