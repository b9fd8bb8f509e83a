package crash

import (
	"bytes"
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/gameday-toolkit/gameday/internal/engine"
	"github.com/gameday-toolkit/gameday/internal/journal"
	"github.com/gameday-toolkit/gameday/internal/probe"
	"github.com/gameday-toolkit/gameday/internal/sample"
)

// when is the moment of a crash: before an entry is written, in the middle of its write, when it is on disk, or at a power
// failure, which takes everything that was not synced.
type when string

const (
	before when = "before"
	torn   when = "torn"
	after  when = "after"
	power  when = "power"
)

// crash says at which entry whom to kill.
type crash struct {
	At     string `json:"at,omitempty"` // a label; empty for never
	When   when   `json:"when,omitempty"`
	Engine bool   `json:"engine,omitempty"`
	Plugin bool   `json:"plugin,omitempty"`
	// Recover is the label of the entry of a recovery at which to kill it.
	Recover string `json:"recover,omitempty"`
	// Probe is a prober that panics when this file goes missing; Engine is a goroutine of ours that does, and that nobody
	// guards.
	Panic struct{ Probe, Engine string } `json:"panic"`
	// Runs is where runs are made.
	Runs string `json:"runs,omitempty"`
}

// arrange puts the crash into the engine's way.
func (c crash) arrange(conf *engine.Config) {
	c.sabotage(conf)
	if c.At != "" {
		d := &deadly{Journal: conf.Journal, crash: c, path: filepath.Join(c.Runs, conf.Started.Run, "journal")}
		d.noteSynced() // the header is
		conf.Journal = d
	}
}

func (c crash) sabotage(conf *engine.Config) {
	if len(conf.Probes) == 0 {
		return
	}
	p := &conf.Probes[0]
	run := p.Run
	switch {
	case c.Panic.Probe != "":
		p.Run = func(ctx context.Context, base time.Time, s sample.Schedule, emit func([]sample.Sample, []probe.Detail)) error {
			return probe.Run(ctx, base, probe.Options{Schedule: s, Timeout: p.Timeout}, panicker(c.Panic.Probe), emit)
		}
	case c.Panic.Engine != "":
		p.Run = func(ctx context.Context, base time.Time, s sample.Schedule, emit func([]sample.Sample, []probe.Detail)) error {
			return run(ctx, base, s, func(samples []sample.Sample, details []probe.Detail) {
				panicker(c.Panic.Engine).Probe(ctx)
				emit(samples, details)
			})
		}
	}
}

// panicker is a good prober for as long as its file is there.
type panicker string

func (p panicker) Probe(context.Context) probe.Answer {
	if _, err := os.Stat(string(p)); err != nil {
		panic("the author did not think of this")
	}
	return probe.Answer{Good: true}
}

func (panicker) Close() error { return nil }

// deadly is a journal at one of whose entries somebody dies.
type deadly struct {
	engine.Journal
	crash
	path string

	mu     sync.Mutex // Sync is called beside the loop
	labels labels
	synced int64
	done   bool
}

func (d *deadly) Append(at time.Duration, kind journal.Kind, body []byte) (uint64, error) {
	return d.write(at, kind, body, d.Journal.Append)
}

func (d *deadly) AppendSync(at time.Duration, kind journal.Kind, body []byte) (uint64, error) {
	return d.write(at, kind, body, func(at time.Duration, kind journal.Kind, body []byte) (uint64, error) {
		defer d.noteSynced()
		return d.Journal.AppendSync(at, kind, body)
	})
}

func (d *deadly) Sync() error {
	err := d.Journal.Sync()
	d.noteSynced()
	return err
}

func (d *deadly) noteSynced() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.synced = d.size()
}

func (d *deadly) size() int64 {
	info, err := os.Stat(d.path)
	must(err)
	return info.Size()
}

// hitFile says that a run came to the entry at which somebody was to die: otherwise nothing was tested.
const hitFile = "hit"

type appendFunc func(time.Duration, journal.Kind, []byte) (uint64, error)

func (d *deadly) write(at time.Duration, kind journal.Kind, body []byte, write appendFunc) (uint64, error) {
	d.mu.Lock()
	hit := !d.done && d.labels.of(kind, body) == d.At
	d.done = d.done || hit
	d.mu.Unlock()
	if !hit {
		return write(at, kind, body)
	}
	must(os.WriteFile(filepath.Join(filepath.Dir(d.Runs), hitFile), nil, 0o600))
	if d.When == before {
		d.kill()
		return write(at, kind, body) // only the plugin was to die
	}
	if d.When == torn { // what came before is on disk: only this entry is cut off
		must(d.Journal.Sync())
	}
	start := d.size()
	seq, err := write(at, kind, body)
	switch d.When {
	case torn:
		must(d.Journal.Sync())
		must(os.Truncate(d.path, (start+d.size())/2))
	case after:
		must(d.Journal.Sync())
	case power:
		d.killPlugins() // first, so that they cannot heal while this process still lives
		must(os.Truncate(d.path, d.synced))
	}
	d.kill()
	return seq, err
}

func (d *deadly) kill() {
	if d.Plugin {
		d.killPlugins()
	}
	if d.Engine {
		must(syscall.Kill(os.Getpid(), syscall.SIGKILL))
		select {} // for the signal
	}
}

// killPlugins ends the plugins of this process and returns when they are dead.
func (d *deadly) killPlugins() {
	for _, p := range processes() {
		if p.parent == os.Getpid() && strings.HasPrefix(filepath.Base(p.exe), "gameday-plugin-") {
			must(syscall.Kill(p.pid, syscall.SIGKILL))
			for p.alive() {
				time.Sleep(time.Millisecond)
			}
		}
	}
}

func must(err error) {
	if err != nil {
		panic(err)
	}
}

// labels names the entries of a run, as far as they follow from the plan: what a run writes many times, and no two runs
// equally often, has one name for each phase.
type labels struct{ phase string }

func (l *labels) of(kind journal.Kind, body []byte) string {
	var b struct {
		Name string `json:"name"`
		Addr string `json:"addr"`
	}
	switch kind {
	case journal.SampleBlock, journal.RecordBlock, journal.ProbeDetail, journal.RatioPoint:
		return string(kind) + ", " + l.phase
	case journal.PlanKind, journal.RunStarted, journal.RunEnded:
		return string(kind)
	}
	if err := json.Unmarshal(bytes.TrimSpace(body), &b); err != nil {
		return string(kind)
	}
	switch {
	case kind == journal.Phase:
		l.phase = b.Name
		return "phase " + b.Name
	case kind == journal.Check:
		return "check " + b.Name
	case b.Addr != "":
		return string(kind) + " " + b.Addr[strings.LastIndexByte(b.Addr, '.')+1:]
	}
	return string(kind)
}
