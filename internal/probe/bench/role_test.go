package bench

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"

	"github.com/gameday-toolkit/gameday/internal/probe"
	"github.com/gameday-toolkit/gameday/internal/sample"
)

// The test binary starts itself again as the server and as the client, so that the processor time of a client is that of a
// process that does nothing else.
const roleVar = "GAMEDAY_BENCH_ROLE"

func TestMain(m *testing.M) {
	var err error
	switch os.Getenv(roleVar) {
	case "server":
		err = serve()
	case "probe":
		err = ask()
	default:
		os.Exit(m.Run())
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// serve answers until its standard input ends.
func serve() error {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	fmt.Println(l.Addr())
	go func() {
		_, _ = io.Copy(io.Discard, os.Stdin)
		os.Exit(0)
	}()
	return http.Serve(l, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("ok\n")) }))
}

// job is what a probe process is told to do, and result is what it prints.
type job struct {
	URL       string
	Rate      float64
	Seconds   int
	KeepAlive bool
}

type result struct {
	Samples, Good, Bad, Unsent         uint64
	LateP50, LateP99, LateMax          time.Duration
	LatencyP50, LatencyP99, LatencyMax time.Duration
	ResidentKiB                        []int // once a second
	Mallocs                            float64
}

func ask() error {
	var j job
	if err := json.Unmarshal([]byte(os.Getenv("GAMEDAY_BENCH_JOB")), &j); err != nil {
		return err
	}
	cfg, err := json.Marshal(map[string]any{"url": j.URL, "keepalive": j.KeepAlive, "expect": map[string]any{"status": []int{200}}})
	if err != nil {
		return err
	}
	p, err := probe.Kinds()["http"].New(cfg, probe.Env{})
	if err != nil {
		return err
	}
	defer p.Close()
	return json.NewEncoder(os.Stdout).Encode(measure(j, p))
}

func measure(j job, p probe.Prober) result {
	ctx, cancel := context.WithTimeout(context.Background(), time.Duration(j.Seconds)*time.Second)
	defer cancel()
	var r result
	late, latency := hdrhistogram.New(1, 1e10, 3), hdrhistogram.New(1, 1e10, 3)
	next := time.Now()
	var block []byte
	o := probe.Options{Schedule: sample.Schedule{Rate: j.Rate}, Timeout: time.Second}
	err := probe.Run(ctx, time.Now(), o, p, func(samples []sample.Sample, details []probe.Detail) {
		block = sample.AppendBlock(block[:0], samples) // what the journal would be given
		for _, s := range samples {
			r.count(s)
			_ = late.RecordValue(int64(s.Started - s.Intended))
			_ = latency.RecordValue(int64(s.Latency()))
		}
		for _, d := range details {
			fmt.Fprintln(os.Stderr, d.Class, d.Text)
		}
		if time.Now().After(next) {
			next = next.Add(time.Second)
			r.ResidentKiB = append(r.ResidentKiB, resident())
		}
	})
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
	}
	quantile := func(h *hdrhistogram.Histogram, q float64) time.Duration { return time.Duration(h.ValueAtQuantile(q)) }
	r.LateP50, r.LateP99, r.LateMax = quantile(late, 50), quantile(late, 99), quantile(late, 100)
	r.LatencyP50, r.LatencyP99, r.LatencyMax = quantile(latency, 50), quantile(latency, 99), quantile(latency, 100)
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	r.Mallocs = float64(m.Mallocs) / float64(max(1, r.Samples))
	return r
}

func (r *result) count(s sample.Sample) {
	r.Samples++
	switch s.Outcome {
	case sample.Good:
		r.Good++
	case sample.Bad:
		r.Bad++
	default:
		r.Unsent++
	}
}

// resident is the resident memory of this process, in KiB.
func resident() int {
	f, err := os.Open("/proc/self/status")
	if err != nil {
		var u syscall.Rusage
		_ = syscall.Getrusage(syscall.RUSAGE_SELF, &u)
		return int(u.Maxrss)
	}
	defer f.Close()
	for s := bufio.NewScanner(f); s.Scan(); {
		if rest, ok := strings.CutPrefix(s.Text(), "VmRSS:"); ok {
			n, _ := strconv.Atoi(strings.Fields(rest)[0])
			return n
		}
	}
	return 0
}
