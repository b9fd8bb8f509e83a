package engine

import (
	"time"

	"github.com/gameday-toolkit/gameday/internal/journal"
	"github.com/gameday-toolkit/gameday/internal/probe"
	"github.com/gameday-toolkit/gameday/internal/sample"
	"github.com/gameday-toolkit/gameday/plugins/sdk"
)

// startSources starts everything that watches.
func (l *loop) startSources() {
	for i, p := range l.Probes {
		l.startProbe(p, time.Duration(i)*time.Second/time.Duration(max(1, len(l.Probes)))/100)
	}
	for _, r := range l.Ratios {
		l.source(r.Addr, nil, func() error {
			return r.Run(l.sources, l.base, func(b journal.PointBody) { l.post(func() { l.point(r.Addr, b) }) })
		})
	}
	for _, g := range l.Ledgers {
		l.source(g.Addr, &l.ledgerWorkers, func() error {
			return g.Run(l.ledgers, l.base, func(b []byte) { l.post(func() { l.block(journal.RecordBlock, g.Addr, b) }) })
		})
	}
	for _, a := range l.Alerts {
		l.source(a.Addr, nil, func() error {
			return a.Run(l.sources, l.base, func(at time.Duration, b journal.AlertBody) {
				b.Addr = a.Addr
				l.post(func() { l.recordAt(at, journal.AlertState, b) })
			})
		})
	}
	for _, e := range l.Events {
		l.source("the events of plugin "+e.Plugin, nil, func() error {
			return e.Run(l.sources, func(ev sdk.Event) {
				at := ev.At.Round(0).Sub(l.Started.Wall)
				l.post(func() { l.record(journal.EventSeen, journal.EventBody{Plugin: e.Plugin, At: int64(at), Event: ev}) })
			})
		})
	}
}

// source runs something that watches. What it could not do spoils what depends on it, and nothing else; only a panic,
// which is our bug, ends the run.
func (l *loop) source(addr string, count *int, run func() error) {
	l.work(addr, count, func() func() {
		err := run()
		return func() {
			if err != nil && l.sources.Err() == nil {
				l.trouble(addr, err.Error())
			}
		}
	})
}

// settleIn is what a prober has to set itself up in before its first sample is due.
const settleIn = 100 * time.Millisecond

// startProbe starts each probe a little after the one before, so that they do not fire together.
func (l *loop) startProbe(p Probe, shift time.Duration) {
	sched := sample.Schedule{Phase: l.now() + settleIn + shift, Rate: p.Rate}
	l.record(journal.ProbeStarted, journal.ProbeBody{Addr: p.Addr, Schedule: sched, Timeout: p.Timeout, Latency: p.Latency})
	l.work(p.Addr, nil, func() func() {
		err := p.Run(l.sources, l.base, sched, func(ss []sample.Sample, ds []probe.Detail) { l.samples(p.Addr, ss, ds) })
		return func() {
			if err != nil { // a panic of the prober
				l.trouble(p.Addr, err.Error())
				l.end("engine", p.Addr+": "+err.Error())
			}
		}
	})
}

// samples is called by the probe, which keeps both slices: what the loop needs is copied.
func (l *loop) samples(addr string, ss []sample.Sample, ds []probe.Detail) {
	block, own := sample.AppendBlock(nil, ss), append([]sample.Sample(nil), ss...)
	details := append([]probe.Detail(nil), ds...)
	l.post(func() {
		for _, d := range details {
			l.record(journal.ProbeDetail, journal.DetailBody{Addr: addr, Class: d.Class.String(), Detail: d.Text})
		}
		l.block(journal.SampleBlock, addr, block)
		l.watch.add(addr, own)
	})
}

func (l *loop) point(addr string, b journal.PointBody) {
	b.Addr = addr
	l.record(journal.RatioPoint, b)
	if s := l.watch.slo(addr); s != nil && b.Err == "" {
		s.ratio = &b
		s.sums.good += b.Good
		s.sums.total += b.Total
	}
}
