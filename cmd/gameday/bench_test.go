package main

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// bench runs gameday in a directory and home of its own.
func bench(b *testing.B, dir string, args ...string) time.Duration {
	cmd := exec.Command(filepath.Join(binaries, "gameday"), args...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "HOME="+dir, "XDG_STATE_HOME="+dir, "GAMEDAY_PLUGIN_DIR="+filepath.Join(binaries, "plugins"))
	began := time.Now()
	out, err := cmd.CombinedOutput()
	if err != nil && cmd.ProcessState.ExitCode() != 3 { // a prober that was starved is no matter here
		b.Fatalf("%v: %v\n%s", args, err, out)
	}
	return time.Since(began)
}

// BenchmarkOverhead measures what `gameday run` takes beyond the scenario's own durations: the start of the process and
// the plugins, load, plan, preflight, judgement and reports. The bar is 1 s.
func BenchmarkOverhead(b *testing.B) {
	dir := b.TempDir()
	svc := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	defer svc.Close()
	src, err := os.ReadFile("testdata/scenario/files.gameday.hcl")
	require.NoError(b, err)
	require.NoError(b, os.MkdirAll(filepath.Join(dir, "s"), 0o755))
	require.NoError(b, os.MkdirAll(filepath.Join(dir, "svc"), 0o755))
	require.NoError(b, os.WriteFile(filepath.Join(dir, "s", "files.gameday.hcl"), src, 0o644))
	require.NoError(b, os.WriteFile(filepath.Join(dir, "svc", "up"), nil, 0o644))
	const baseline, hold, stable = 400 * time.Millisecond, 500 * time.Millisecond, 400 * time.Millisecond
	var total time.Duration
	for b.Loop() {
		total += bench(b, dir, "run", "-var", "url="+svc.URL, "-var", "dir="+filepath.Join(dir, "svc"), "-var", "hold=500ms", "s") - baseline - hold - stable
	}
	b.ReportMetric(float64(total.Milliseconds())/float64(b.N), "overhead-ms/run")
}

// BenchmarkValidate1000 validates a thousand scenarios in one process. The bar is 2 s.
func BenchmarkValidate1000(b *testing.B) {
	dir := b.TempDir()
	src, err := os.ReadFile("testdata/scenario/files.gameday.hcl")
	require.NoError(b, err)
	args := []string{"validate", "-var", "url=http://127.0.0.1:1", "-var", "dir=" + dir}
	for i := range 1000 {
		name := fmt.Sprintf("s%04d", i)
		require.NoError(b, os.MkdirAll(filepath.Join(dir, name), 0o755))
		require.NoError(b, os.WriteFile(filepath.Join(dir, name, "files.gameday.hcl"), src, 0o644))
		args = append(args, name)
	}
	for b.Loop() {
		bench(b, dir, args...)
	}
}
