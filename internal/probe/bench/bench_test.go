package bench

import (
	"bufio"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"text/tabwriter"
	"time"

	"github.com/stretchr/testify/require"
)

var (
	vegeta  = flag.String("vegeta", "vegeta", "the vegeta binary (v12.13.0) to measure against")
	rate    = flag.Float64("rate", 10000, "requests a second")
	seconds = flag.Int("seconds", 10, "length of each repeat")
	repeats = flag.Int("repeats", 5, "interleaved repeats of each client")
)

// BenchmarkAgainstVegeta sends -rate requests a second to a server on loopback, by turns from a probe and from vegeta, and
// prints what each spent: processor time of the whole client process per request, by getrusage.
func BenchmarkAgainstVegeta(b *testing.B) {
	url := startServer(b)
	var ours, theirs []usage
	for i := range *repeats {
		if i%2 == 0 { // whoever comes first must not matter
			ours, theirs = append(ours, runProbe(b, url)), append(theirs, runVegeta(b, url))
		} else {
			theirs, ours = append(theirs, runVegeta(b, url)), append(ours, runProbe(b, url))
		}
	}
	report(ours, theirs)
	b.ReportMetric(0, "ns/op")
	b.ReportMetric(medianOf(ours, func(u usage) float64 { return us(u.cpu()) }), "cpu-µs/request")
	b.ReportMetric(medianOf(theirs, func(u usage) float64 { return us(u.cpu()) }), "vegeta-cpu-µs/request")
	b.ReportMetric(medianOf(ours, func(u usage) float64 { return float64(u.result.Unsent) }), "unsent")
}

// usage is what one client process spent on its requests.
type usage struct {
	result       result
	user, system time.Duration
	maxrss       int64 // KiB
}

// cpu is processor time per request.
func (u usage) cpu() time.Duration {
	return (u.user + u.system) / time.Duration(max(1, u.result.Samples))
}

func startServer(b *testing.B) string {
	server := exec.Command(os.Args[0])
	server.Env = append(os.Environ(), roleVar+"=server")
	server.Stderr = os.Stderr
	in, err := server.StdinPipe()
	require.NoError(b, err)
	out, err := server.StdoutPipe()
	require.NoError(b, err)
	require.NoError(b, server.Start())
	b.Cleanup(func() {
		in.Close()
		_ = server.Wait()
	})
	address, err := bufio.NewReader(out).ReadString('\n')
	require.NoError(b, err)
	return "http://" + strings.TrimSpace(address) + "/"
}

func runProbe(b *testing.B, url string) usage {
	j, err := json.Marshal(job{URL: url, Rate: *rate, Seconds: *seconds, KeepAlive: true})
	require.NoError(b, err)
	client := exec.Command(os.Args[0])
	client.Env = append(os.Environ(), roleVar+"=probe", "GAMEDAY_BENCH_JOB="+string(j))
	client.Stderr = os.Stderr
	out, err := client.Output()
	require.NoError(b, err)
	u := spent(client)
	require.NoError(b, json.Unmarshal(out, &u.result))
	return u
}

// runVegeta measures an attack; what it found is read from its output afterwards, by another process.
func runVegeta(b *testing.B, url string) usage {
	file := filepath.Join(b.TempDir(), "results.bin")
	client := exec.Command(*vegeta, "attack", fmt.Sprintf("-rate=%v/1s", *rate), fmt.Sprintf("-duration=%ds", *seconds), "-max-workers=64", "-timeout=1s", "-output="+file)
	client.Stdin, client.Stderr = strings.NewReader("GET "+url+"\n"), os.Stderr
	require.NoError(b, client.Run(), "vegeta v12.13.0 is needed: -vegeta=PATH")
	u := spent(client)
	out, err := exec.Command(*vegeta, "report", "-type=json", file).Output()
	require.NoError(b, err)
	var r struct {
		Requests  uint64
		Success   float64
		Latencies struct {
			P50 time.Duration `json:"50th"`
			P99 time.Duration `json:"99th"`
			Max time.Duration `json:"max"`
		}
	}
	require.NoError(b, json.Unmarshal(out, &r))
	u.result = result{Samples: r.Requests, Good: uint64(r.Success*float64(r.Requests) + 0.5), LatencyP50: r.Latencies.P50, LatencyP99: r.Latencies.P99, LatencyMax: r.Latencies.Max}
	u.result.Bad = r.Requests - u.result.Good
	return u
}

func spent(c *exec.Cmd) usage {
	u := usage{user: c.ProcessState.UserTime(), system: c.ProcessState.SystemTime()}
	if r, ok := c.ProcessState.SysUsage().(*syscall.Rusage); ok {
		u.maxrss = r.Maxrss
	}
	return u
}

func report(ours, theirs []usage) {
	w := tabwriter.NewWriter(os.Stdout, 0, 0, 2, ' ', 0)
	fmt.Fprintf(w, "\n%v requests/s, %d s, medians of %d interleaved repeats\n", *rate, *seconds, *repeats)
	fmt.Fprintln(w, "\tgameday probe\tvegeta")
	row := func(name string, f func(usage) float64, format string) {
		fmt.Fprintf(w, "%s\t"+format+"\t"+format+"\n", name, medianOf(ours, f), medianOf(theirs, f))
	}
	row("cpu per request, µs", func(u usage) float64 { return us(u.cpu()) }, "%.1f")
	row("  user, µs", func(u usage) float64 { return us(u.user) / float64(u.result.Samples) }, "%.1f")
	row("  system, µs", func(u usage) float64 { return us(u.system) / float64(u.result.Samples) }, "%.1f")
	row("requests", func(u usage) float64 { return float64(u.result.Samples) }, "%.0f")
	row("bad", func(u usage) float64 { return float64(u.result.Bad) }, "%.0f")
	row("unsent", func(u usage) float64 { return float64(u.result.Unsent) }, "%.0f")
	row("latency p50, µs", func(u usage) float64 { return us(u.result.LatencyP50) }, "%.0f")
	row("latency p99, µs", func(u usage) float64 { return us(u.result.LatencyP99) }, "%.0f")
	row("late p50, µs", func(u usage) float64 { return us(u.result.LateP50) }, "%.0f")
	row("late p99, µs", func(u usage) float64 { return us(u.result.LateP99) }, "%.0f")
	row("late max, µs", func(u usage) float64 { return us(u.result.LateMax) }, "%.0f")
	row("peak resident, MiB", func(u usage) float64 { return float64(u.maxrss) / 1024 }, "%.1f")
	fmt.Fprintf(w, "each repeat, µs\t%s\t%s\n", list(ours), list(theirs))
	fmt.Fprintf(w, "allocations per request\t%.1f\t\n", medianOf(ours, func(u usage) float64 { return u.result.Mallocs }))
	fmt.Fprintf(w, "resident each second, KiB\t%v\t\n", ours[len(ours)-1].result.ResidentKiB)
	fmt.Fprintln(w, "Latency is from the intended start for the probe, and from the actual start for vegeta.")
	_ = w.Flush()
}

func list(us_ []usage) string {
	var parts []string
	for _, u := range us_ {
		parts = append(parts, fmt.Sprintf("%.1f", us(u.cpu())))
	}
	return strings.Join(parts, " ")
}

func us(d time.Duration) float64 { return float64(d) / 1e3 }

func medianOf(all []usage, f func(usage) float64) float64 {
	var v []float64
	for _, u := range all {
		v = append(v, f(u))
	}
	slices.Sort(v)
	if len(v) == 0 {
		return 0
	}
	return v[len(v)/2]
}
