package history

import (
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"time"

	"github.com/gameday-toolkit/gameday/internal/journal"
	"github.com/gameday-toolkit/gameday/internal/plan"
	"github.com/gameday-toolkit/gameday/internal/record"
	"github.com/gameday-toolkit/gameday/internal/sample"
)

// Fold takes entries one by one and keeps the run up to date. The live page and the report both read what it makes. It
// is not safe for use by several goroutines at once.
//
// An entry that cannot be read is a failure of ours and not a reason to stop: the fold goes on, because the handles in
// the entries after it are needed for the recovery, and the run gets a Trouble that spoils its verdict. Kinds that are not
// known are passed over.
type Fold struct {
	run     *Run
	probes  map[string]*Probe
	ratios  map[string]*Ratio
	faults  map[string]*Fault
	actions map[string]*Action
	ledgers map[string]*Ledger
	alerts  map[string]*Alert
}

// NewFold begins with an empty run.
func NewFold() *Fold {
	return &Fold{
		run: &Run{}, probes: map[string]*Probe{}, ratios: map[string]*Ratio{}, faults: map[string]*Fault{},
		actions: map[string]*Action{}, ledgers: map[string]*Ledger{}, alerts: map[string]*Alert{},
	}
}

// Load reads a whole journal. A torn or tampered journal gives the run as far as it is sound: see Run.File.
func Load(path string) (*Run, error) {
	f := NewFold()
	end, err := journal.Read(path, func(e journal.Entry) error {
		f.Apply(e)
		return nil
	})
	if err != nil {
		return nil, err
	}
	return f.Finish(end), nil
}

// Run is the run so far. It changes with every Apply.
func (f *Fold) Run() *Run { return f.run }

// Forget lets go of samples intended before a time, of records and of polls older than it, for who only watches the present. A
// judgement needs a whole run.
func (f *Fold) Forget(before time.Duration) {
	for _, p := range f.run.Probes {
		p.Series.Forget(p.Series.Schedule.Seq(before))
		p.held = slices.DeleteFunc(p.held, func(h held) bool { return h.last < p.Series.Schedule.Seq(before) })
	}
	for _, l := range f.run.Ledgers {
		l.Records = nil
	}
	for _, r := range f.run.Ratios {
		r.Polls = slices.DeleteFunc(r.Polls, func(p Poll) bool { return p.At < before })
	}
}

// Finish records how the file ended.
func (f *Fold) Finish(end journal.End) *Run {
	f.run.File = end
	return f.run
}

// Apply takes the next entry. Nothing of e.Body is kept.
func (f *Fold) Apply(e journal.Entry) {
	m := Mark{Seq: e.Seq, At: e.At}
	f.run.LastSeq, f.run.LastAt = e.Seq, max(f.run.LastAt, e.At)
	if n := len(f.run.Phases); n > 0 && f.run.Ended == nil {
		f.run.Phases[n-1].To = f.run.LastAt
	}
	if err := f.apply(m, e); err != nil {
		what := fmt.Sprintf("entry %d (%s) cannot be read: %v", e.Seq, e.Kind, err)
		f.run.Troubles = append(f.run.Troubles, Trouble{m, journal.TroubleBody{What: what, Lost: true}})
	}
}

func (f *Fold) apply(m Mark, e journal.Entry) error {
	r := f.run
	switch e.Kind {
	case journal.RunStarted:
		r.Started.Mark = m
		return json.Unmarshal(e.Body, &r.Started.Started)
	case journal.PlanKind:
		return f.plan(m, e.Body)
	case journal.Phase:
		return f.phase(m, e.Body)
	case journal.Check:
		return collect(e, &r.Checks, func(b journal.CheckBody) Check { return Check{m, b} })
	case journal.EventSeen:
		return collect(e, &r.Events, func(b journal.EventBody) Event { return Event{m, b} })
	case journal.Note:
		return collect(e, &r.Notes, func(b journal.NoteBody) Note { return Note{m, b} })
	case journal.GuardTripped:
		return collect(e, &r.Guards, func(b journal.GuardBody) Guard { return Guard{m, b} })
	case journal.Abort:
		return collect(e, &r.Aborts, func(b journal.AbortBody) Abort { return Abort{m, b} })
	case journal.ClockStep:
		return collect(e, &r.Clock, func(b journal.ClockBody) ClockStep { return ClockStep{m, b} })
	case journal.Trouble:
		return collect(e, &r.Troubles, func(b journal.TroubleBody) Trouble { return Trouble{m, b} })
	case journal.RunEnded:
		return set(e, &r.Ended, func(b journal.EndedBody) Ended { return Ended{m, b} })
	case journal.Recovered:
		return set(e, &r.Recovered, func(b journal.EndedBody) Ended { return Ended{m, b} })
	case journal.ProbeStarted, journal.ProbeDetail, journal.SampleBlock:
		return f.probe(m, e)
	case journal.RecordBlock, journal.LedgerReadBack:
		return f.ledger(m, e)
	case journal.RatioPoint:
		return f.ratio(m, e.Body)
	case journal.AlertState:
		return f.alert(m, e.Body)
	default:
		return f.life(m, e)
	}
}

// collect decodes a body and adds what is made of it to a list.
func collect[B, T any](e journal.Entry, list *[]T, with func(B) T) error {
	var b B
	if err := json.Unmarshal(e.Body, &b); err != nil {
		return err
	}
	*list = append(*list, with(b))
	return nil
}

// set decodes a body and keeps the last of its kind.
func set[B, T any](e journal.Entry, at **T, with func(B) T) error {
	var b B
	if err := json.Unmarshal(e.Body, &b); err != nil {
		return err
	}
	v := with(b)
	*at = &v
	return nil
}

// get finds or makes the item of an address.
func get[T any](items map[string]*T, list *[]*T, addr string, make func() *T) *T {
	if v := items[addr]; v != nil {
		return v
	}
	v := make()
	items[addr] = v
	*list = append(*list, v)
	return v
}

// plan makes an item for everything that is planned, so that what never happened is missing visibly.
func (f *Fold) plan(m Mark, body []byte) error {
	p := new(plan.Plan)
	if err := json.Unmarshal(body, p); err != nil {
		return err
	}
	f.run.Plan, f.run.PlanSeq = p, m.Seq
	for i := range p.SLOs {
		if p.SLOs[i].Ratio != nil {
			f.ratioAt(p.SLOs[i].Addr)
		}
	}
	for i := range p.Faults {
		f.faultAt(p.Faults[i].Addr).Plan = &p.Faults[i]
	}
	for i := range p.Actions {
		f.actionAt(p.Actions[i].Addr).Plan = &p.Actions[i]
	}
	for i := range p.Ledgers {
		f.ledgerAt(p.Ledgers[i].Addr)
	}
	for i := range p.Alerts {
		f.alertAt(p.Alerts[i].Addr)
	}
	return nil
}

func (f *Fold) phase(m Mark, body []byte) error {
	var b journal.PhaseBody
	if err := json.Unmarshal(body, &b); err != nil {
		return err
	}
	f.run.Phases = append(f.run.Phases, Phase{Name: b.Name, Seq: m.Seq, From: m.At, To: m.At})
	return nil
}

func (f *Fold) ratioAt(addr string) *Ratio {
	return get(f.ratios, &f.run.Ratios, addr, func() *Ratio { return &Ratio{Addr: addr} })
}

func (f *Fold) ledgerAt(addr string) *Ledger {
	return get(f.ledgers, &f.run.Ledgers, addr, func() *Ledger { return &Ledger{Addr: addr} })
}

func (f *Fold) alertAt(addr string) *Alert {
	return get(f.alerts, &f.run.Alerts, addr, func() *Alert { return &Alert{Addr: addr} })
}

func (f *Fold) ratio(m Mark, body []byte) error {
	var b journal.PointBody
	if err := json.Unmarshal(body, &b); err != nil {
		return err
	}
	r := f.ratioAt(b.Addr)
	r.Polls = append(r.Polls, Poll{m, b})
	return nil
}

func (f *Fold) alert(m Mark, body []byte) error {
	var b journal.AlertBody
	if err := json.Unmarshal(body, &b); err != nil {
		return err
	}
	a := f.alertAt(b.Addr)
	a.States = append(a.States, State{m, b})
	return nil
}

func (f *Fold) probe(m Mark, e journal.Entry) error {
	if e.Kind == journal.SampleBlock {
		return f.samples(m, e.Body)
	}
	if e.Kind == journal.ProbeDetail {
		var b journal.DetailBody
		err := json.Unmarshal(e.Body, &b)
		if p := f.probes[b.Addr]; p != nil && p.Details[b.Class] == "" {
			p.Details[b.Class] = b.Detail
		}
		return err
	}
	var b journal.ProbeBody
	if err := json.Unmarshal(e.Body, &b); err != nil {
		return err
	}
	if r := b.Schedule.Rate; r < 1e-6 || r > 1e9 || b.Schedule.Phase < 0 { // beyond this, times overflow
		return fmt.Errorf("the schedule of %s makes no sense: %v a second from %s", b.Addr, r, b.Schedule.Phase)
	}
	get(f.probes, &f.run.Probes, b.Addr, func() *Probe {
		return &Probe{Mark: m, ProbeBody: b, Series: sample.Series{Schedule: b.Schedule}, Details: map[string]string{}}
	})
	return nil
}

func (f *Fold) samples(m Mark, body []byte) error {
	addr, block, ok := journal.DecodeBlock(body)
	p := f.probes[addr]
	if !ok || p == nil {
		return fmt.Errorf("samples of %q, which has not started", addr)
	}
	if p.First == 0 {
		p.First = m.Seq
	}
	p.Last = m.Seq
	ok = true
	held := held{entry: m.Seq, first: math.MaxUint64}
	err := sample.DecodeBlock(block, p.Series.Schedule, func(s sample.Sample) bool {
		ok = p.Series.Add(s)
		held.first, held.last = min(held.first, s.Seq), max(held.last, s.Seq)
		return ok
	})
	p.held = append(p.held, held)
	if err == nil && !ok {
		err = fmt.Errorf("a sample of %s is implausibly far from the others", addr)
	}
	return err
}

func (f *Fold) ledger(m Mark, e journal.Entry) error {
	if e.Kind == journal.LedgerReadBack {
		var b journal.ReadBackBody
		if err := json.Unmarshal(e.Body, &b); err != nil {
			return err
		}
		l := f.ledgerAt(b.Addr)
		l.ReadBacks = append(l.ReadBacks, ReadBack{m, b})
		return nil
	}
	addr, block, ok := journal.DecodeBlock(e.Body)
	if !ok {
		return fmt.Errorf("a block of records without an address")
	}
	l := f.ledgerAt(addr)
	if l.First == 0 {
		l.First = m.Seq
	}
	l.Last = m.Seq
	return record.DecodeBlock(block, func(r record.Record) bool {
		if len(l.Records) == cap(l.Records) {
			l.Records = slices.Grow(l.Records, 1+len(l.Records)/4) // doubling would waste half the memory of a long run
		}
		l.Records = append(l.Records, r)
		return true
	})
}
