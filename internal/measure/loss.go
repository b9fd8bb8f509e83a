package measure

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"github.com/gameday-toolkit/gameday/internal/history"
	"github.com/gameday-toolkit/gameday/internal/record"
)

// A record is lost when it was acknowledged before a read-back began and that read-back did not find it. Lost includes
// resurfaced: a record that was missing after the recovery and came back only when the fault was taken away was lost to
// its users for all that time, and would have stayed lost with the fault.

const (
	maxExamples = 10
	maxRecords  = 1 << 27 // the highest sequence number that is believed: one bit each
)

// seqSet is a set of sequence numbers.
type seqSet []uint64

func (s seqSet) has(k uint64) bool { return k/64 < uint64(len(s)) && s[k/64]>>(k%64)&1 == 1 }

func (s *seqSet) add(k uint64) {
	for k/64 >= uint64(len(*s)) {
		*s = append(*s, 0)
	}
	(*s)[k/64] |= 1 << (k % 64)
}

func decodeSeqs(b []byte) (seqSet, error) {
	var s seqSet
	err := record.DecodeSeqs(b, maxRecords, func(k uint64) bool { s.add(k); return true })
	return s, err
}

// look is one read-back that succeeded.
type look struct {
	history.ReadBack
	present seqSet
}

// ledgerResult says what became of the records of one ledger. t0 is when the fault took effect, revert when it began to be
// taken away.
func ledgerResult(l *history.Ledger, t0 Interval, revert time.Duration) LedgerResult {
	res := LedgerResult{Addr: l.Addr}
	looks, err := res.readBacks(l, revert)
	before := res.tally(l, looks, t0)
	switch {
	case err != "":
		res.Err = err
	case res.Acknowledged == 0:
		res.Err = "no record was acknowledged in the whole run"
	case before == 0:
		res.Err = "no record was acknowledged before the fault"
	}
	return res
}

// ledger gives the figures of one ledger: always those of an objective on it where there is one, so that the report says
// the same thing twice. Of several objectives it is the one that was missed, and of those the one whose fault came first:
// the later the fault, the fewer records count as lost after it, and those must not be hidden. Without an objective, the
// first fault of the run is what the losses are counted from.
func (e *evaluation) ledger(l *history.Ledger, first Interval) LedgerResult {
	var chosen LedgerResult
	worst, from := Skip, never
	for _, o := range e.run.Plan.Objectives {
		f := e.clockOf(o)
		t0, known := tookEffect(f)
		if o.Ledger != l.Addr || o.RPO == nil || !known {
			continue
		}
		figures := ledgerResult(l, t0, e.timeline.revertOf(f))
		figures.Fault = f.Addr
		if v, _ := figures.judge(time.Duration(*o.RPO)); v > worst || v == worst && t0.Lo < from {
			chosen, worst, from = figures, v, t0.Lo
		}
	}
	if worst != Skip {
		return chosen
	}
	revert := e.timeline.revert
	f := e.run.FirstFault()
	if f != nil {
		revert = e.timeline.revertOf(f)
	}
	chosen = ledgerResult(l, first, revert)
	if f != nil {
		chosen.Fault = f.Addr
	}
	return chosen
}

// readBacks decodes what was read back, and says what is missing to judge it.
func (res *LedgerResult) readBacks(l *history.Ledger, revert time.Duration) (looks []look, why string) {
	stages := map[string]string{} // how the last read-back of each stage failed
	var duplicated seqSet
	for _, b := range l.ReadBacks {
		stages[b.Stage] = b.Err
		res.Promise = cmp.Or(res.Promise, b.Promise)
		if b.Err != "" {
			continue
		}
		present, err := decodeSeqs(b.Present)
		twice, err2 := decodeSeqs(b.Duplicated)
		if err != nil || err2 != nil {
			stages[b.Stage] = fmt.Sprintf("entry %d is not well-formed", b.Seq)
			continue
		}
		looks = append(looks, look{b, present})
		res.Unexpected = max(res.Unexpected, uint64(max(0, b.UnexpectedCount)))
		for k := range twice {
			for len(duplicated) <= k {
				duplicated = append(duplicated, 0)
			}
			duplicated[k] |= twice[k]
		}
	}
	res.Duplicated = duplicated.count()
	for stage, err := range stages {
		if err != "" {
			why = fmt.Sprintf("the ledger could not be read back (%s): %s", stage, err)
		}
	}
	switch {
	case why != "":
	case len(looks) == 0:
		why = "the ledger was never read back"
	case revert != never && looks[len(looks)-1].From < revert:
		why = "the ledger was not read back after the fault was taken away"
	}
	return looks, why
}

func (s seqSet) count() (n uint64) {
	for k := range uint64(len(s)) * 64 {
		if s.has(k) {
			n++
		}
	}
	return n
}

// tally counts the records and finds the lost ones. It returns how many were acknowledged before the fault.
func (res *LedgerResult) tally(l *history.Ledger, looks []look, t0 Interval) (before uint64) {
	first := never // the acknowledgement of the first record that was lost before the failure
	for _, r := range l.Records {
		res.Attempted++
		switch r.Outcome {
		case record.Fail:
			res.Failed++
			if slices.ContainsFunc(looks, func(k look) bool { return k.present.has(r.Seq) }) {
				res.Unexpected++
			}
			continue
		case record.OK:
			res.Acknowledged++
		default:
			res.Unknown++
			continue
		}
		if r.Acked <= t0.Lo {
			before++
		}
		lost, back := missing(r, looks)
		if !lost {
			continue
		}
		if back {
			res.Resurfaced++
		}
		if len(res.Examples) < maxExamples {
			res.Examples = append(res.Examples, r.Seq)
		}
		if r.Acked > t0.Hi {
			res.LostAfter++
			res.AfterSpan = widen(res.AfterSpan, r)
			continue
		}
		res.Lost++
		res.LostSpan = widen(res.LostSpan, r)
		if r.Acked < first {
			first = r.Acked
			res.RPO = Interval{Lo: t0.Lo - r.Acked, Hi: t0.Hi - r.Attempt}.clip()
		}
	}
	return before
}

// missing says whether a read-back that began after the acknowledgement did not find the record, and whether a later one
// did.
func missing(r record.Record, looks []look) (lost, back bool) {
	for _, k := range looks {
		switch {
		case k.From < r.Acked:
		case !k.present.has(r.Seq):
			lost, back = true, false
		case lost:
			back = true
		}
	}
	return lost, back
}

func widen(s *Span, r record.Record) *Span {
	if s == nil {
		return &Span{From: r.Attempt, To: r.Acked}
	}
	s.From, s.To = min(s.From, r.Attempt), max(s.To, r.Acked)
	return s
}

// value prints the measured recovery point.
func (res *LedgerResult) value() string {
	of := fmt.Sprintf("(%s of %s acknowledged records)", Count(res.Lost), Count(res.Acknowledged))
	if res.Lost == 0 {
		return "0 s " + of
	}
	return res.RPO.String() + " " + of
}

// rpo judges a data-loss objective.
func (m *meter) rpo(res *ObjectiveResult, f *history.Fault) {
	limit := time.Duration(*m.objective.RPO)
	l := m.run.Ledger(m.objective.Ledger)
	if l == nil || len(l.Records) == 0 {
		res.Verdict, res.Why = Inconclusive, "the ledger wrote nothing"
		return
	}
	t0, _ := tookEffect(f)
	figures := ledgerResult(l, t0, m.timeline.revertOf(f))
	if figures.Err == "" || figures.Lost > 0 { // what could not be read back has no figure, least of all a zero
		res.Time, res.Value = &figures.RPO, figures.value()
	}
	res.Entries = append(res.Entries, stepSeqs(f.Injecting, f.Active)...)
	res.Entries = append(res.Entries, l.First, l.Last)
	for _, b := range l.ReadBacks {
		res.Entries = append(res.Entries, b.Seq)
	}
	res.Verdict, res.Why = figures.judge(limit)
	if res.Verdict != Fail && figures.Err == "" && m.aborted != "" {
		res.Verdict, res.Why = Inconclusive, m.whatWasCut(f)
	}
}

// judge compares with the limit. A loss that was seen is a failure even where the rest could not be read.
func (res *LedgerResult) judge(limit time.Duration) (Verdict, string) {
	v := res.RPO.against(limit)
	if res.Lost > 0 && limit == 0 {
		v = Fail // however little it was
	}
	switch {
	case res.LostAfter > 0:
		return Fail, fmt.Sprintf("%s records acknowledged after the failure are lost, from %s to %s: no recovery point explains them",
			Count(res.LostAfter), Seconds(res.AfterSpan.From), Seconds(res.AfterSpan.To))
	case v == Fail:
		return Fail, fmt.Sprintf("%s of %s acknowledged records are lost, reaching back %s; %s are allowed",
			Count(res.Lost), Count(res.Acknowledged), res.RPO, Seconds(limit))
	case res.Err != "":
		return Inconclusive, res.Err
	case v == Inconclusive:
		return v, fmt.Sprintf("the limit of %s lies within the error of the measurement, %s", Seconds(limit), res.RPO)
	case res.Lost == 0:
		return Pass, fmt.Sprintf("all of %s acknowledged records were read back", Count(res.Acknowledged))
	default:
		return Pass, fmt.Sprintf("the loss reaches back %s, within %s", res.RPO, Seconds(limit))
	}
}
