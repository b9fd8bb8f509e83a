package measure

import (
	"fmt"
	"strings"

	"github.com/gameday-toolkit/gameday/internal/journal"
)

// The exit codes. Where several apply: 5, then 4, then 1, then 3.
const (
	ExitPass         = 0 // every objective passed, and everything is back as it was
	ExitFail         = 1 // at least one objective failed
	ExitUntouched    = 2 // nothing was touched: usage, a mistake in the files, or a failed preflight
	ExitInconclusive = 3
	ExitAborted      = 4 // aborted by a guard or a person; everything is back as it was
	ExitLeaked       = 5 // something may still be broken
)

// conclude merges all into one verdict, one exit code and one sentence.
//
// A baseline that does not hold its steady state is inconclusive (3) and not a failed preflight (2): the environment
// could be reached and was watched, and what was seen says nothing about the hypothesis. An abort by the engine itself is
// inconclusive too; 4 is for a guard or a person.
func (e *evaluation) conclude() {
	r := e.result
	for _, o := range r.Objectives {
		r.Verdict = Worst(r.Verdict, o.Verdict)
	}
	if len(e.doubts) > 0 || e.aborted != "" || r.Verdict == Skip {
		r.Verdict = Worst(r.Verdict, Inconclusive)
	}
	leaked := e.leaked()
	if leaked != "" {
		r.Verdict = Leaked
	}
	switch {
	case leaked != "":
		r.Exit, r.Why = ExitLeaked, leaked
	case e.preflightFailed() != "":
		r.Exit, r.Why = ExitUntouched, "nothing was touched: "+e.preflightFailed()
	case e.stoppedBy(byGuard, byPerson):
		r.Exit, r.Why = ExitAborted, e.aborted+"; everything is back as it was"
	case r.Verdict == Fail:
		r.Exit, r.Why = ExitFail, e.worst(Fail)
	case r.Verdict == Inconclusive:
		r.Exit, r.Why = ExitInconclusive, e.inconclusive()
	default:
		r.Exit, r.Why = ExitPass, e.passed()
	}
}

// leaked says what may still be broken; empty where everything is proven to be back. Behind damage there may have been any
// injection, so that only a run that had ended before it is proven to be over. The end of a write that was cut off is no
// such damage: a handle is on disk before anything is changed.
func (e *evaluation) leaked() string {
	var why []string
	if open := e.result.Outstanding; len(open) > 0 {
		why = append(why, fmt.Sprintf("something may still be broken: %s; run `gameday recover`", strings.Join(open, ", ")))
	}
	if e.run.Ended == nil && e.run.Damaged() {
		why = append(why, fmt.Sprintf("the journal is damaged at entry %d: what was injected after that is not known; run `gameday sweep`", e.damagedAt()))
	}
	return strings.Join(why, "; ")
}

// damagedAt is the first entry that could not be read. A recovery that cut it off has said so in its place.
func (e *evaluation) damagedAt() uint64 {
	for _, t := range e.run.Troubles {
		if t.Lost {
			return t.Seq
		}
	}
	return e.run.LastSeq + 1
}

// preflightFailed says why the run ended before its baseline; empty where it did not.
func (e *evaluation) preflightFailed() string {
	if _, began := e.run.Phase(journal.Baseline); began || e.run.Touched() || e.run.Ended == nil || e.stoppedBy(byGuard, byPerson) {
		return ""
	}
	for _, c := range e.run.Checks {
		if !c.OK {
			return fmt.Sprintf("the preflight check %q failed: %s (entry %d)", c.Name, c.Detail, c.Seq)
		}
	}
	if e.aborted != "" {
		return e.aborted
	}
	return "the run ended before its baseline"
}

func (e *evaluation) stoppedBy(who ...string) bool {
	for _, a := range e.run.Aborts {
		for _, w := range who {
			if a.By == w {
				return true
			}
		}
	}
	return false
}

// worst is one sentence about the first objective with a verdict, and how many more have it.
func (e *evaluation) worst(v Verdict) string {
	text, more := "", 0
	for _, o := range e.result.Objectives {
		if o.Verdict != v {
			continue
		}
		if text != "" {
			more++
			continue
		}
		text = fmt.Sprintf("%s: %s%s", o.Addr, o.Why, named(o.Entries))
	}
	if more > 0 {
		text += fmt.Sprintf("; and %d more", more)
	}
	return text
}

// inconclusive gives the reason that lies deepest: an assumption before an objective.
func (e *evaluation) inconclusive() string {
	if e.aborted != "" && len(e.run.Aborts) > 0 {
		return e.aborted
	}
	for _, a := range e.result.Assumption {
		if !a.OK {
			return a.Detail + named(a.Entries)
		}
	}
	if why := e.worst(Inconclusive); why != "" {
		return why
	}
	return "every objective was skipped"
}

func (e *evaluation) passed() string {
	n := 0
	for _, o := range e.result.Objectives {
		if o.Verdict == Pass {
			n++
		}
	}
	if n == 1 {
		return "the objective passed, and everything is back as it was"
	}
	return fmt.Sprintf("all %d objectives passed, and everything is back as it was", n)
}

// named lists entries for people: at most the first six.
func named(entries []uint64) string {
	if len(entries) == 0 {
		return ""
	}
	const most = 6
	var text []string
	for _, n := range entries[:min(most, len(entries))] {
		text = append(text, fmt.Sprint(n))
	}
	if len(entries) > most {
		text = append(text, "...")
	}
	if len(text) == 1 {
		return " (entry " + text[0] + ")"
	}
	return " (entries " + strings.Join(text, ", ") + ")"
}
