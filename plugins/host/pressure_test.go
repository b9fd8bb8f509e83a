package host_test

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

	"github.com/gameday-toolkit/gameday/plugins/host"
	"github.com/gameday-toolkit/gameday/plugins/host/internal/proc"
	"github.com/gameday-toolkit/gameday/plugins/host/internal/worker"
	"github.com/gameday-toolkit/gameday/plugins/sdk"
	"github.com/gameday-toolkit/gameday/plugins/sdk/conformance"
)

// The pressure of these tests is small, because the machine is shared: a quarter of a core, 24 MiB, a few files of 4 MiB.

func machine(t *testing.T) sdk.Target {
	t.Helper()
	l := local(t, t.TempDir())
	sel, problems, err := l.Resolve(t.Context(), "host_machine", sdk.Request{ID: "target.host_machine.here"})
	require.NoError(t, err)
	require.Empty(t, problems)
	require.Len(t, sel.Targets, 1)
	return sel.Targets[0]
}

func folder(t *testing.T, dir string) sdk.Target {
	t.Helper()
	l := local(t, t.TempDir())
	cfg, err := json.Marshal(map[string][]string{"paths": {dir}})
	require.NoError(t, err)
	sel, problems, err := l.Resolve(t.Context(), "host_filesystem", sdk.Request{ID: "target.host_filesystem.here", Config: cfg})
	require.NoError(t, err)
	require.Empty(t, problems)
	return sel.Targets[0]
}

// workersOf finds the processes that have the fault's mark among their arguments, with nobody's help but the kernel's.
func workersOf(t *testing.T, h sdk.Handle) []int {
	t.Helper()
	var u struct {
		Items []struct {
			Mark string `json:"mark"`
		} `json:"items"`
	}
	require.NoError(t, json.Unmarshal(h.Undo, &u))
	require.NotEmpty(t, u.Items[0].Mark)
	files, err := filepath.Glob("/proc/[0-9]*/cmdline")
	require.NoError(t, err)
	var out []int
	for _, file := range files {
		raw, err := os.ReadFile(file)
		var pid int
		if err == nil && strings.Contains(string(raw), "\x00"+u.Items[0].Mark+"\x00") {
			_, err = fmt.Sscanf(file, "/proc/%d/cmdline", &pid)
			require.NoError(t, err)
			out = append(out, pid)
		}
	}
	return out
}

func pressureCase(t *testing.T, fault, config string, target func() sdk.Target) conformance.Case {
	return conformance.Case{
		Fault: fault, EndsWithPlugin: true,
		Setup: func(context.Context) (sdk.Request, error) {
			return sdk.Request{Config: json.RawMessage(config), Targets: []sdk.Target{target()}}, nil
		},
		Look: func(_ context.Context, h sdk.Handle) (bool, error) { return len(workersOf(t, h)) > 0, nil },
	}
}

func TestCPUPressureConforms(t *testing.T) {
	here := machine(t)
	conform(t, pressureCase(t, "host_cpu_pressure", `{"cores":1,"percent":10}`, func() sdk.Target { return here }), t.TempDir())
}

func TestMemoryPressureConforms(t *testing.T) {
	here := machine(t)
	c := pressureCase(t, "host_memory_pressure", `{"bytes":25165824}`, func() sdk.Target { return here })
	c.Look = func(_ context.Context, h sdk.Handle) (bool, error) {
		var kib int
		for _, pid := range workersOf(t, h) {
			raw, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
			if err != nil {
				return false, err
			}
			_, rest, _ := strings.Cut(string(raw), "VmRSS:")
			if _, err := fmt.Sscan(rest, &kib); err != nil {
				return false, err
			}
		}
		return kib >= 24<<10, nil
	}
	conform(t, c, t.TempDir())
}

// smallDisk is a file system of 24 MiB, or a folder for those who may not mount one.
func smallDisk(t *testing.T) string {
	dir := t.TempDir()
	if os.Geteuid() == 0 && unix.Mount("gameday-test", dir, "tmpfs", 0, "size=24m") == nil {
		t.Cleanup(func() { require.NoError(t, unix.Unmount(dir, 0)) })
	}
	return dir
}

// contents is what is on a small disk, as its users see it: names and used space.
func contents(dir string) (string, error) {
	var st unix.Statfs_t
	if err := unix.Statfs(dir, &st); err != nil {
		return "", err
	}
	entries, err := os.ReadDir(dir)
	return fmt.Sprint(entries, " ", int64(st.Blocks-st.Bfree)*st.Bsize>>20, " MiB used"), err
}

func needSmallDisk(t *testing.T) string {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("needs root, to mount a small file system")
	}
	return smallDisk(t)
}

func TestDiskFillConforms(t *testing.T) {
	dir := needSmallDisk(t)
	c := pressureCase(t, "host_disk_fill", `{"bytes":6291456,"floor_bytes":1048576}`, func() sdk.Target { return folder(t, dir) })
	c.Look = func(_ context.Context, h sdk.Handle) (bool, error) {
		n := 0
		for range workersOf(t, h) {
			n++
		}
		now, err := contents(dir)
		return n > 0 && !strings.Contains(now, " 0 MiB used"), err
	}
	c.Snapshot = func(context.Context, sdk.Request) (string, error) { return contents(dir) }
	c.Exclusive = true // the snapshot is of the whole disk
	conform(t, c, t.TempDir())
}

func TestDiskIOConforms(t *testing.T) {
	dir := t.TempDir()
	c := pressureCase(t, "host_disk_io", `{"file_bytes":2097152,"bytes_per_second":4194304}`, func() sdk.Target { return folder(t, dir) })
	c.Snapshot = func(context.Context, sdk.Request) (string, error) {
		entries, err := os.ReadDir(dir)
		return fmt.Sprint(entries), err
	}
	conform(t, c, t.TempDir())
}

func TestADiskIsFilledToAPercentage(t *testing.T) {
	dir := needSmallDisk(t)
	l := local(t, t.TempDir())
	h := inject(t, l, "host_disk_fill", map[string]any{"percent": 75, "floor_bytes": 1 << 20}, folder(t, dir))
	require.Contains(t, h.Effects[0], "takes 18.0 MiB of the 24.0 MiB")
	now, err := contents(dir)
	require.NoError(t, err)
	require.Equal(t, "[] 18 MiB used", now, "and no name is left in the folder")
	require.NoError(t, os.WriteFile(filepath.Join(dir, "theirs"), make([]byte, 4<<20), 0o600))
	require.Error(t, os.WriteFile(filepath.Join(dir, "more"), make([]byte, 4<<20), 0o600), "the disk is full")
	require.NoError(t, l.Revert(t.Context(), h))
	now, err = contents(dir)
	require.NoError(t, err)
	require.Contains(t, now, "theirs")
}

// What others need is given back: the disk does not stay fuller than its floor allows.
func TestADiskThatOthersFillGetsItsFloorBack(t *testing.T) {
	dir := needSmallDisk(t)
	l := local(t, t.TempDir())
	h := inject(t, l, "host_disk_fill", map[string]any{"bytes": 16 << 20, "floor_bytes": 6 << 20}, folder(t, dir))
	require.NoError(t, os.WriteFile(filepath.Join(dir, "theirs"), make([]byte, 5<<20), 0o600))
	require.Eventually(t, func() bool {
		free, _, err := worker.Space(dir)
		return err == nil && free >= 6<<20
	}, patience, 10*time.Millisecond)
	require.NoError(t, l.Revert(t.Context(), h))
}

func TestAFloorIsNotCrossed(t *testing.T) {
	l := local(t, t.TempDir())
	for fault, target := range map[string]sdk.Target{"host_memory_pressure": machine(t), "host_disk_fill": folder(t, t.TempDir())} {
		_, problems := prepare(t, l, fault, map[string]any{"percent": 100}, target)
		require.Len(t, problems, 1)
		require.Contains(t, problems[0].Summary, "cannot be taken")
		for config, summary := range map[string]string{
			`{}`: "not clear", `{"bytes":1,"percent":1}`: "not clear", `{"bytes":-1}`: "negative", `{"percent":101}`: "full", `{"percent":0.0001}`: "full already",
		} {
			var cfg map[string]any
			require.NoError(t, json.Unmarshal([]byte(config), &cfg))
			_, problems := prepare(t, l, fault, cfg, target)
			require.NotEmpty(t, problems, config)
			require.Contains(t, problems[0].Summary, summary)
		}
	}
}

// The floor can be crossed by others between the plan and the injection: then nothing is taken at all.
func TestAWorkerThatCannotReachItsAmountLeavesNothing(t *testing.T) {
	dir := needSmallDisk(t)
	l := local(t, t.TempDir())
	h, problems := prepare(t, l, "host_disk_fill", map[string]any{"bytes": 16 << 20, "floor_bytes": 4 << 20}, folder(t, dir))
	require.Empty(t, problems)
	require.NoError(t, os.WriteFile(filepath.Join(dir, "theirs"), make([]byte, 10<<20), 0o600))
	require.ErrorContains(t, l.Inject(t.Context(), h), "have to stay free")
	requireState(t, l, h, sdk.Inactive)
	now, err := contents(dir)
	require.NoError(t, err)
	require.Contains(t, now, "10 MiB used")
}

// A worker dies with the plugin however the plugin dies, and one whose plugin lives dies with its leash.
func TestAWorkerNeverOutlivesItsPlugin(t *testing.T) {
	l, err := sdk.ServeLocal(host.New(), t.Output())
	require.NoError(t, err)
	_, _, err = l.Configure(t.Context(), sdk.Settings{Config: []byte(fmt.Sprintf(`{"marks_dir":%q}`, t.TempDir())), Lease: time.Hour})
	require.NoError(t, err)
	h := inject(t, l, "host_cpu_pressure", map[string]any{"cores": 1, "percent": 5}, machine(t))
	pids := workersOf(t, h)
	require.Len(t, pids, 1)
	info, err := proc.Read(pids[0])
	require.NoError(t, err)
	require.Equal(t, os.Getpid(), info.PPID)

	require.NoError(t, l.Close(), "a session that ends in order reverts what it holds")
	require.Empty(t, workersOf(t, h))
	require.ErrorIs(t, syscall.Kill(pids[0], 0), syscall.ESRCH, "and reaps its workers")
}

// A worker whose mark is lost names itself on its command line.
func TestSweepFindsAWorkerWithoutAMark(t *testing.T) {
	dir := t.TempDir()
	l := local(t, dir)
	h := inject(t, l, "host_cpu_pressure", map[string]any{"cores": 1, "percent": 5}, machine(t))
	require.NoError(t, os.RemoveAll(dir))
	left, err := l.Sweep(t.Context())
	require.NoError(t, err)
	var found []sdk.Handle
	for _, one := range left { // another test of this machine may have a worker as well
		if one.ID == h.ID {
			found = append(found, one)
		}
	}
	require.Len(t, found, 1)
	require.NoError(t, l.Revert(t.Context(), found[0]))
	require.Empty(t, workersOf(t, h))
}
