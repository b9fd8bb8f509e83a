package live

import (
	"context"
	"encoding/json"
	"fmt"
	"sync"
	"time"

	"github.com/gameday-toolkit/gameday/internal/history"
	"github.com/gameday-toolkit/gameday/internal/journal"
	"github.com/gameday-toolkit/gameday/reports"
)

// Room follows the journal of one run and tells everybody in it what it says. Nothing here is called by the engine, and the
// engine waits for nothing here: the page reads what is on the disk, as the report will.
type Room struct {
	journal string
	guards  func() []Guard          // nil where only the journal is known
	judge   func() (Verdict, error) // nil where somebody else concludes
	hub     *hub

	// All below belongs to Run's goroutine, and to who holds the hub.
	fold    *history.Fold
	charts  *charts
	how     string
	drawn   time.Duration // how far the charts are
	wider   bool          // their buckets have become wider since the last pulse
	lastSeq uint64        // of the chronology
	lines   []line
	verdict *Verdict
	asked   time.Time // when it was last asked whether the run is still there

	// What a newcomer gets, encoded; nil where it has to be made again.
	stateJSON, linesJSON, tickJSON []byte
}

// Verdict is what came of a run.
type Verdict struct {
	Word string `json:"word"`
	Why  string `json:"why"`
	Exit int    `json:"exit"`
}

// line is one entry of the chronology, in the words of the report.
type line struct {
	Seq  uint64 `json:"seq"`
	At   int64  `json:"at"`
	Kind string `json:"kind"`
	Addr string `json:"addr,omitempty"`
	Who  string `json:"who"`
	Text string `json:"text"`
	Bad  bool   `json:"bad,omitempty"`
}

const (
	look     = 100 * time.Millisecond // at the journal
	pulse    = time.Second            // of what changes all the time
	maxLines = 500
	// stride is how much of a run is drawn at once when a page is opened late.
	stride = 20 * time.Second
	// stillness is how long nothing may come until it is asked whether the run is still there.
	stillness = 3 * time.Second
)

// NewRoom makes the room of the run with a journal. guards gives what only the running engine knows, and judge what came of a
// run that is over; either may be nil.
func NewRoom(journalPath string, guards func() []Guard, judge func() (Verdict, error)) *Room {
	return &Room{journal: journalPath, guards: guards, judge: judge, hub: newHub(maxViewers), fold: history.NewFold(), charts: newCharts(), how: awaiting}
}

// Run follows the journal until the context ends. A journal that cannot be read ends it too.
func (r *Room) Run(ctx context.Context) (err error) {
	defer r.hub.close()
	f, err := journal.Follow(r.journal)
	if err != nil {
		return err
	}
	defer func() { _ = f.Close() }() // it was only read
	ticker := time.NewTicker(look)
	defer ticker.Stop()
	var last time.Time
	var judging sync.WaitGroup
	defer judging.Wait()
	for {
		if err := r.read(f); err != nil {
			return fmt.Errorf("following the run: %w", err)
		}
		if time.Since(last) >= pulse {
			last = time.Now()
			r.pulse()
			r.conclude(&judging)
		}
		select {
		case <-ctx.Done():
			_ = r.read(f) // the last words; what cannot be read now is in the report
			r.pulse()
			return nil
		case <-ticker.C:
		}
	}
}

// read takes what is new in the journal.
func (r *Room) read(f *journal.Follower) error {
	news, how := false, r.how
	var end journal.End
	var err error
	r.hub.send(func() []byte {
		end, err = f.Next(func(e journal.Entry) {
			r.fold.Apply(e)
			news = news || telling(e.Kind)
			if r.fold.Run().LastAt-r.drawn > stride {
				r.draw()
			}
		})
		r.fold.Finish(end)
		if how = r.condition(); err != nil || !news && how == r.how {
			return nil
		}
		r.how = how
		return r.tell()
	})
	return err
}

// telling says whether an entry changes more than the charts.
func telling(k journal.Kind) bool {
	return k != journal.SampleBlock && k != journal.RecordBlock && k != journal.RatioPoint && k != journal.ProbeDetail
}

// condition is how the run is now.
func (r *Room) condition() string {
	run := r.fold.Run()
	switch {
	case run.Ending() == history.Tampered:
		return damaged
	case run.Ended != nil:
		return over
	case run.Plan == nil:
		return awaiting
	case time.Since(run.Started.Wall.Add(run.LastAt)) < stillness:
		return running
	case time.Since(r.asked) < stillness:
		return r.how
	}
	r.asked = time.Now()
	if writing, err := journal.Writing(r.journal); err == nil && !writing {
		return stopped
	}
	return running // it is only quiet
}

// tell says what is new besides the charts.
func (r *Room) tell() []byte {
	run := r.fold.Run()
	r.stateJSON, r.linesJSON = encode("state", newState(run, r.how)), nil
	var fresh []line
	for _, e := range reports.Build(run, nil, nil).Entries {
		if e.Seq > r.lastSeq {
			fresh = append(fresh, line{e.Seq, ms(e.At), string(e.Kind), e.Addr, e.Who, e.Text, e.Bad})
		}
	}
	for _, l := range fresh {
		r.lastSeq = max(r.lastSeq, l.Seq)
	}
	r.lines = append(r.lines, fresh...)
	r.lines = r.lines[max(0, len(r.lines)-maxLines):]
	out := append([]byte(nil), r.stateJSON...)
	if len(fresh) > 0 {
		out = append(out, encode("lines", fresh[max(0, len(fresh)-maxLines):])...)
	}
	return out
}

// draw brings the charts up to the present, and lets go of what is long past.
func (r *Room) draw() {
	run := r.fold.Run()
	r.wider = r.charts.update(run, r.drawn) || r.wider
	r.drawn = run.LastAt
	keep := settled + 2*r.charts.width + 2*time.Minute
	for _, p := range run.Probes {
		keep = max(keep, p.Timeout+settled+2*r.charts.width+stride)
	}
	r.fold.Forget(run.LastAt - keep)
}

// pulse says what changes all the time.
func (r *Room) pulse() {
	r.hub.send(func() []byte {
		r.draw()
		whole := r.wider
		r.tickJSON, r.wider = nil, false
		if len(r.hub.viewers) == 0 {
			return nil
		}
		return encode("tick", r.tick(whole))
	})
}

func (r *Room) tick(whole bool) tick {
	run := r.fold.Run()
	t := tick{Elapsed: ms(run.LastAt), SLOs: indicators(run), Width: ms(r.charts.width), Charts: r.charts.delta(whole), Viewers: len(r.hub.viewers)}
	if r.how == running {
		t.Elapsed = ms(max(run.LastAt, time.Since(run.Started.Wall)))
		if r.guards != nil {
			t.Guards = nearOf(r.guards())
		}
	}
	return t
}

// first is what a newcomer gets. The hub is held.
func (r *Room) first() []byte {
	if r.stateJSON == nil {
		r.stateJSON = encode("state", newState(r.fold.Run(), r.how))
	}
	if r.linesJSON == nil {
		r.linesJSON = encode("lines", append([]line{}, r.lines...))
	}
	if r.tickJSON == nil {
		r.tickJSON = encode("tick", r.tick(true))
	}
	out := append([]byte("event: begin\ndata: {}\n\n"), r.stateJSON...)
	out = append(append(out, r.linesJSON...), r.tickJSON...)
	if r.verdict != nil {
		out = append(out, encode("verdict", r.verdict)...)
	}
	return out
}

// conclude has a run judged once that nobody else judges.
func (r *Room) conclude(jobs *sync.WaitGroup) {
	if judge := r.judge; judge != nil && (r.how == over || r.how == stopped) {
		r.judge = nil
		jobs.Go(func() {
			if v, err := judge(); err == nil { // what cannot be judged has no verdict to show
				r.Conclude(v)
			}
		})
	}
}

// Conclude tells everybody what came of the run.
func (r *Room) Conclude(v Verdict) {
	r.hub.send(func() []byte {
		r.verdict = &v
		return encode("verdict", v)
	})
}

// encode makes one server-sent event.
func encode(event string, data any) []byte {
	b, err := json.Marshal(data)
	if err != nil {
		panic("live: plain data always encodes: " + err.Error())
	}
	return fmt.Appendf(nil, "event: %s\ndata: %s\n\n", event, b)
}
