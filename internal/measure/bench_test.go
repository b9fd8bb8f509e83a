package measure

import (
	"runtime"
	"testing"
	"time"

	"github.com/gameday-toolkit/gameday/internal/history"
	"github.com/gameday-toolkit/gameday/internal/sample"
)

// BenchmarkTenMillionSamples judges a run of a thousand seconds at ten thousand requests a second.
func BenchmarkTenMillionSamples(b *testing.B) {
	s := newStory().down(Span{100 * time.Second, 112 * time.Second})
	s.inject, s.active, s.revert, s.gone, s.end = 99*sec, 99*sec+50*ms, 800*sec, 800*sec+1, 1001*sec
	run := s.run()
	p := run.Probe(theProbe)
	p.Series = sample.Series{Schedule: sample.Schedule{Phase: 3 * ms, Rate: 10000}}
	for k := range uint64(10_000_000) {
		at := p.Series.Schedule.Intended(k)
		x := s.serve(at)
		x.Seq, x.Intended, x.Started, x.Ended = k, at, at, at+x.Ended+time.Duration(k%1000)*time.Microsecond
		p.Series.Add(x)
	}
	b.ReportAllocs()
	for b.Loop() {
		if r := Evaluate(run); r.Objectives[0].Value == "" {
			b.Fatal(r.Why)
		}
	}
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	b.ReportMetric(float64(m.HeapSys)/1e6, "MB-heap")
	runtime.KeepAlive(history.NewFold())
}
