package measure

import (
	"fmt"
	"time"

	"github.com/gameday-toolkit/gameday/internal/history"
)

// What became of an SLO between the moment when a fault took effect and its revert.
type recovery struct {
	none  bool // nothing was violated while the fault was there
	first outage
	// time is the measured recovery time. Where it is censored, cut says why the end is not known.
	time Interval
	cut  string
	// unhelped: it is censored because the SLO was still violated when the revert began.
	unhelped bool
	relapse  time.Duration // the next violation under the same fault; never where there was none
}

// measureRecovery measures the recovery time of MEASURES: t0 is when the fault took effect, revert when it began to be taken away.
//
// The outage is the first one that the fault brought; stretches of violation that are less than stable apart are one
// outage. It ends between the last bad sample and the next good one, provided that nothing is violated for stable after
// its last violated window.
func measureRecovery(s source, t0 Interval, revert, stable time.Duration) recovery {
	all := s.outages(t0.Lo, never)
	r := recovery{relapse: never}
	var rest []outage
	r.first, rest, r.none = firstOutage(s, all, revert, stable)
	if r.none {
		return r
	}
	for _, o := range rest {
		if o.From < revert {
			r.relapse = o.From
			break
		}
	}
	o := r.first
	lower := Interval{Lo: min(o.Last, revert) - t0.Hi, Censored: true}.clip()
	switch {
	case o.To > revert:
		r.time, r.unhelped = lower, o.Next > revert
		r.cut = "the SLO was still violated when the fault was taken away"
		if !r.unhelped {
			r.cut = "it recovered so shortly before the fault was taken away that it cannot be told whether it would have lasted"
		}
	case o.Open || o.Next == never:
		r.time, r.cut = lower, "the SLO was still violated when the record ended"
	case s.end() < o.To+stable:
		r.time, r.cut = lower, fmt.Sprintf("the record ends %s after the last violation, before %s of stability were seen", Seconds(s.end()-o.To), Seconds(stable))
	case len(rest) > 0 && rest[0].From < o.To+stable:
		r.time, r.cut = lower, fmt.Sprintf("the fault was taken away before %s of stability were seen, and that disturbed the service again", Seconds(stable))
	default:
		r.time = Interval{Lo: o.Last - t0.Hi, Hi: o.Next - t0.Lo}.clip()
	}
	return r
}

// firstOutage merges what belongs to the first outage that began under the fault, and gives what came after it.
func firstOutage(s source, all []outage, revert, stable time.Duration) (first outage, rest []outage, none bool) {
	if len(all) == 0 || all[0].From >= revert || !s.badBefore(all[0].Onset, revert) {
		return outage{}, nil, true
	}
	first, rest = all[0], all[1:]
	for len(rest) > 0 && rest[0].From < min(revert, first.To+stable) {
		first.To, first.Last, first.Next, first.Open = rest[0].To, rest[0].Last, rest[0].Next, rest[0].Open
		rest = rest[1:]
	}
	return first, rest, false
}

// failback measures the recovery after the revert in the same way, from the start of the revert. Nil where nothing was
// violated. The record usually ends when the service has been stable, so that a shorter look at it is enough here.
func failback(s source, revert, stable time.Duration) *Interval {
	if revert == never {
		return nil
	}
	all := s.outages(revert, never)
	if len(all) == 0 {
		return nil
	}
	o, _, _ := firstOutage(always{s}, all, never, stable)
	if o.Open || o.Next == never {
		return &Interval{Lo: max(0, o.Last-revert), Censored: true}
	}
	i := Interval{Lo: o.Last - revert, Hi: o.Next - revert}.clip()
	return &i
}

// always is a source all of whose bad answers count.
type always struct{ source }

func (always) badBefore(time.Duration, time.Duration) bool { return true }

// rto judges a recovery objective.
func (m *meter) rto(res *ObjectiveResult, f *history.Fault, src source) {
	limit, stable := time.Duration(*m.objective.RTO), m.stableFor()
	t0, _ := tookEffect(f)
	revert := m.timeline.revertOf(f)
	r := measureRecovery(src, t0, revert, stable)
	res.Entries = append(res.Entries, stepSeqs(f.Injecting, f.Active, f.Reverting)...)
	seen := min(revert, src.end())
	if r.none {
		zero := Interval{}
		res.Time, res.Value = &zero, "0 s, no user-visible outage"
		res.Verdict, res.Why = Pass, "nothing was violated while the fault was active"
		m.cutShort(res, f, src)
	} else {
		res.Time, res.Value = &r.time, r.time.String()
		res.Entries = append(res.Entries, src.entries(r.first.Onset, r.first.Last, min(r.first.Next, src.end()))...)
		m.judgeRecovery(res, r, limit, revert-t0.Lo)
		res.Split = m.split(t0, r)
		seen = min(r.first.To+stable, src.end())
	}
	if g := src.gaps(t0.Lo, seen); len(g) > 0 && res.Verdict != Fail {
		res.Verdict = Inconclusive
		res.Why = fmt.Sprintf("there are no samples from %s to %s, in the middle of what was to be measured", Seconds(g[0].From), Seconds(g[0].To))
	}
}

func (m *meter) judgeRecovery(res *ObjectiveResult, r recovery, limit, held time.Duration) {
	res.Verdict = r.time.against(limit)
	if r.unhelped && held >= limit {
		res.Verdict = Fail
	}
	switch {
	case res.Verdict == Fail && r.cut != "":
		res.Why = fmt.Sprintf("not recovered within %s: %s", Seconds(limit), r.cut)
	case res.Verdict == Fail:
		res.Why = fmt.Sprintf("recovery took %s, and %s were allowed", r.time, Seconds(limit))
	case res.Verdict == Pass:
		res.Why = fmt.Sprintf("recovered in %s, within %s", r.time, Seconds(limit))
	case r.cut != "":
		res.Why = r.cut
		if m.aborted != "" {
			res.Why += "; " + m.aborted
		}
	default:
		res.Why = fmt.Sprintf("the limit of %s lies within the error of the measurement, %s", Seconds(limit), r.time)
	}
	if r.relapse != never && r.cut == "" {
		res.Why += fmt.Sprintf("; violated again at %s, under the same fault", Seconds(r.relapse))
	}
}

// cutShort takes back a verdict for which the fault was not there, or not watched, for as long as was planned.
func (m *meter) cutShort(res *ObjectiveResult, f *history.Fault, src source) {
	revert := m.timeline.revertOf(f)
	switch {
	case m.aborted != "" && !m.heldAsPlanned(f):
		res.Verdict, res.Why = Inconclusive, m.whatWasCut(f)
	case revert == never:
		res.Verdict, res.Why = Inconclusive, "the record ends while the fault was still active"
	case src.end()+2*src.resolution() < revert:
		res.Verdict, res.Why = Inconclusive, fmt.Sprintf("the last sample is of %s, before the fault was taken away at %s", Seconds(src.end()), Seconds(revert))
	}
}

// heldAsPlanned says whether the fault had begun to be taken away, as it was to be, before the run was cut short.
func (e *evaluation) heldAsPlanned(f *history.Fault) bool {
	if f.Reverting == nil {
		return false
	}
	return len(e.run.Aborts) == 0 || f.Reverting.Seq < e.run.Aborts[0].Seq
}

// whatWasCut says what an aborted run did not come to.
func (e *evaluation) whatWasCut(f *history.Fault) string {
	if e.heldAsPlanned(f) {
		return e.aborted + ": the fault was held as planned, and the time after it was cut short"
	}
	return e.aborted + ": the fault was not held as long as planned"
}

// stableFor is the objective's, or 10 s.
func (m *meter) stableFor() time.Duration {
	if m.objective.StableFor > 0 {
		return time.Duration(m.objective.StableFor)
	}
	return defaultStable
}

const defaultStable = 10 * time.Second

// stepSeqs gives the entries of the steps that were taken.
func stepSeqs(steps ...*history.Step) []uint64 {
	var found []uint64
	for _, s := range steps {
		if s != nil {
			found = append(found, s.Seq)
		}
	}
	return found
}

// abortedWhy says in a few words why the run was cut short; empty where it was not.
func abortedWhy(r *history.Run) string {
	if len(r.Aborts) == 0 {
		if r.Ended == nil {
			return "the record stops before the run ended"
		}
		return ""
	}
	a := r.Aborts[0]
	if a.By == byGuard && len(r.Guards) > 0 {
		return fmt.Sprintf("the run was aborted by %s (entry %d)", r.Guards[0].Addr, a.Seq)
	}
	return fmt.Sprintf("the run was aborted (%s, entry %d)", a.Reason, a.Seq)
}

// Who can abort a run, in journal.AbortBody.By.
const (
	byGuard  = "guard"
	byPerson = "person"
)
