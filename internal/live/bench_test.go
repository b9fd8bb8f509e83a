package live

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"text/tabwriter"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"
	"github.com/stretchr/testify/require"

	"github.com/gameday-toolkit/gameday/internal/engine"
	"github.com/gameday-toolkit/gameday/internal/journal"
	"github.com/gameday-toolkit/gameday/internal/plan"
	"github.com/gameday-toolkit/gameday/internal/probe"
	"github.com/gameday-toolkit/gameday/internal/sample"
)

const (
	benchRate    = 2000
	benchViewers = 200
	benchRounds  = 3
	benchWindow  = 6 * time.Second
)

// part is what the probe did in the windows with or without viewers, and what the run's process spent.
type part struct {
	samples, unsent, bad uint64
	late, latency        *hdrhistogram.Histogram
	cpu                  time.Duration
	time                 time.Duration
	messages             int64
}

func newPart() *part {
	return &part{late: hdrhistogram.New(1, 1e10, 3), latency: hdrhistogram.New(1, 1e10, 3)}
}

func (p *part) take(ss []sample.Sample) {
	for _, s := range ss {
		p.samples++
		switch s.Outcome {
		case sample.Unsent:
			p.unsent++
			continue
		case sample.Bad:
			p.bad++
		}
		_ = p.late.RecordValue(int64(s.Started - s.Intended))
		_ = p.latency.RecordValue(int64(s.Latency()))
	}
}

// BenchmarkViewers runs one game day with a probe at 2,000 requests a second, whose live page is watched by nobody and by 200
// by turns, and prints what that costs the probe and the processor. Nobody watches twice: what differs between the two is what
// this machine cannot measure.
func BenchmarkViewers(b *testing.B) {
	service, crowd := child(b, "service"), child(b, "crowd")
	address := service.line(b)
	alone, watched, again := newPart(), newPart(), newPart()
	var now atomic.Pointer[part] // nil between two windows
	run := startRun(b, "http://"+address+"/", &now)
	for range benchRounds {
		run.window(b, crowd, alone, 0, &now)
		run.window(b, crowd, watched, benchViewers, &now)
		run.window(b, crowd, again, 0, &now)
	}
	crowd.say("0")
	crowd.line(b)
	run.stop(b)
	printParts(alone, watched, again)
	b.ReportMetric(0, "ns/op")
	b.ReportMetric(float64(alone.unsent), "unsent-alone")
	b.ReportMetric(float64(watched.unsent), "unsent-watched")
	b.ReportMetric(float64(watched.latency.ValueAtQuantile(99))/1e3, "p99-watched-µs")
	b.ReportMetric(float64(alone.latency.ValueAtQuantile(99))/1e3, "p99-alone-µs")
	b.ReportMetric(100*(watched.share()-alone.share()), "cpu-%")
}

func (p *part) share() float64 { return p.cpu.Seconds() / p.time.Seconds() }

type process struct {
	in  io.WriteCloser
	out *bufio.Reader
}

func child(b *testing.B, role string) *process {
	c := exec.Command(os.Args[0])
	c.Env = append(os.Environ(), roleVar+"="+role)
	c.Stderr = os.Stderr
	in, err := c.StdinPipe()
	require.NoError(b, err)
	out, err := c.StdoutPipe()
	require.NoError(b, err)
	require.NoError(b, c.Start())
	b.Cleanup(func() { _ = in.Close(); _ = c.Wait() })
	return &process{in, bufio.NewReader(out)}
}

func (p *process) say(line string) { fmt.Fprintln(p.in, line) }

func (p *process) line(b *testing.B) string {
	line, err := p.out.ReadString('\n')
	require.NoError(b, err)
	return strings.TrimSpace(line)
}

// gameDay is a run with its page.
type gameDay struct {
	url, token string
	stop       func(*testing.B)
}

type benchSilent struct{}

func (benchSilent) Entry(time.Duration, journal.Kind, any) {}
func (benchSilent) Live(engine.Snapshot)                   {}

func startRun(b *testing.B, service string, now *atomic.Pointer[part]) *gameDay {
	path := filepath.Join(b.TempDir(), "journal")
	w, err := journal.Create(path)
	require.NoError(b, err)
	config, err := json.Marshal(map[string]any{"url": service, "keepalive": true, "expect": map[string]any{"status": []int{200}}})
	require.NoError(b, err)
	prober, err := probe.Kinds()["http"].New(config, probe.Env{})
	require.NoError(b, err)
	stop := make(chan engine.Stop, 2)
	c := engine.Config{
		Plan: &plan.Plan{Draft: plan.Draft{
			Scenario: plan.Scenario{Name: "bench", Baseline: plan.Duration(time.Hour), Recovery: plan.Duration(time.Second)},
			Probes:   []plan.Probe{{Addr: "probe.http.p", Rate: benchRate}},
			SLOs:     []plan.SLO{{Addr: "slo.s", Probe: "probe.http.p", Target: 99, Window: plan.Duration(time.Second)}},
		}},
		Started: journal.Started{Run: "bench"}, Journal: w, Stop: stop, Observer: benchSilent{},
		Probes: []engine.Probe{{Addr: "probe.http.p", Rate: benchRate, Timeout: time.Second,
			Run: func(ctx context.Context, base time.Time, s sample.Schedule, emit func([]sample.Sample, []probe.Detail)) error {
				return probe.Run(ctx, base, probe.Options{Schedule: s, Timeout: time.Second}, prober, func(ss []sample.Sample, ds []probe.Detail) {
					if p := now.Load(); p != nil {
						p.take(ss)
					}
					emit(ss, ds)
				})
			}}},
	}
	ctx, cancel := context.WithCancel(context.Background())
	ran, served := make(chan error, 1), make(chan error, 1)
	go func() { ran <- engine.Run(ctx, c) }()
	s := &Server{Address: Address{Port: "0"}, Access: NewAccess(true), Room: NewRoom(path, func() []Guard { return []Guard{{Addr: "guard.g", Known: true, Near: .5}} }, nil)}
	l, err := s.Address.Listen()
	require.NoError(b, err)
	url := s.Address.URL(l)
	go func() { served <- s.Serve(ctx, l) }()
	return &gameDay{url: url, token: s.Access.Guest, stop: func(b *testing.B) {
		stop <- engine.Stop{By: "person"}
		stop <- engine.Stop{By: "person"}
		require.NoError(b, <-ran)
		cancel()
		require.NoError(b, <-served)
		require.NoError(b, w.Close())
		require.NoError(b, prober.Close())
	}}
}

// window measures while so many watch. They come, and the machine calms down, before it begins.
func (g *gameDay) window(b *testing.B, crowd *process, p *part, viewers int, now *atomic.Pointer[part]) {
	crowd.say(fmt.Sprintf("%d %s %s", viewers, g.url, g.token))
	crowd.line(b)
	<-time.After(2 * time.Second)
	cpu, began := spent(b), time.Now()
	now.Store(p)
	<-time.After(benchWindow)
	now.Store(nil)
	p.cpu += spent(b) - cpu
	p.time += time.Since(began)
	crowd.say(fmt.Sprintf("%d %s %s", 0, g.url, g.token))
	var n int64
	_, err := fmt.Sscan(crowd.line(b), &n)
	require.NoError(b, err)
	p.messages += n
	if viewers > 0 {
		require.Greater(b, n, int64(viewers)*int64(benchWindow/time.Second), "they watched")
	}
	<-time.After(100 * time.Millisecond) // what the probe still hands over belongs to no window
}

func spent(b *testing.B) time.Duration {
	var u syscall.Rusage
	require.NoError(b, syscall.Getrusage(syscall.RUSAGE_SELF, &u))
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

func printParts(parts ...*part) {
	w := tabwriter.NewWriter(os.Stdout, 0, 0, 2, ' ', 0)
	fmt.Fprintf(w, "\n%d requests/s, %d windows of %v by turns in one run\n", benchRate, benchRounds, benchWindow)
	fmt.Fprintf(w, "\tnobody watches\t%d watch\tnobody, again\n", benchViewers)
	row := func(name, format string, f func(*part) any) {
		fmt.Fprint(w, name)
		for _, p := range parts {
			fmt.Fprintf(w, "\t"+format, f(p))
		}
		fmt.Fprintln(w)
	}
	us := func(h func(*part) *hdrhistogram.Histogram, q float64) func(*part) any {
		return func(p *part) any { return float64(h(p).ValueAtQuantile(q)) / 1e3 }
	}
	latency, late := func(p *part) *hdrhistogram.Histogram { return p.latency }, func(p *part) *hdrhistogram.Histogram { return p.late }
	row("requests", "%d", func(p *part) any { return p.samples })
	row("unsent", "%d", func(p *part) any { return p.unsent })
	row("bad", "%d", func(p *part) any { return p.bad })
	row("late p50, µs", "%.0f", us(late, 50))
	row("late p99, µs", "%.0f", us(late, 99))
	row("late max, µs", "%.0f", us(late, 100))
	row("latency p50, µs", "%.0f", us(latency, 50))
	row("latency p99, µs", "%.0f", us(latency, 99))
	row("processor, % of one core", "%.1f", func(p *part) any { return 100 * p.share() })
	row("reads by the viewers", "%d", func(p *part) any { return p.messages })
	_ = w.Flush()
}
