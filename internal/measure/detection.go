package measure

import (
	"fmt"
	"time"

	"github.com/gameday-toolkit/gameday/internal/history"
)

// alertResult says when an alert fired and resolved. t0 is when the fault took effect.
func alertResult(a *history.Alert, t0 Interval) AlertResult {
	res := AlertResult{Addr: a.Addr}
	for _, s := range a.States {
		res.Poll = max(res.Poll, s.Poll)
		switch {
		case s.Err != "":
			res.Err = s.Err
		case s.Firing && s.At < t0.Lo:
			res.Before = true
		case s.Firing && res.Fired == nil:
			res.Fired = &s.At
		case !s.Firing && res.Fired != nil && res.Resolved == nil:
			res.Resolved = &s.At
		}
	}
	if len(a.States) == 0 {
		res.Err = "it was never looked at"
	}
	return res
}

// within judges a detection objective: an alert must fire within so long of the fault.
func (m *meter) within(res *ObjectiveResult, f *history.Fault) {
	limit := time.Duration(*m.objective.Within)
	t0, _ := tookEffect(f)
	res.Entries = append(res.Entries, stepSeqs(f.Injecting, f.Active)...)
	a := m.run.Alert(m.objective.Alert)
	if a == nil || len(a.States) == 0 {
		res.Verdict, res.Why = Inconclusive, "the alert was never looked at"
		return
	}
	for _, s := range a.States {
		res.Entries = append(res.Entries, s.Seq)
	}
	if alertResult(a, t0).Before {
		res.Verdict, res.Why = Inconclusive, "the alert was already firing before the fault"
		return
	}
	t, why := timeToDetect(a, t0, m.timeline.end)
	res.Time, res.Value = &t, t.String()
	res.Verdict = t.against(limit)
	switch {
	case t.Censored && m.cutBefore(f, t0.Lo+limit):
		res.Verdict, res.Value, res.Why = Inconclusive, "never fired", m.whatWasCut(f)
	case t.Censored && res.Verdict == Fail:
		res.Value, res.Why = "never fired", fmt.Sprintf("the alert did not fire, and was to within %s", Seconds(limit))
	case t.Censored:
		res.Value, res.Why = "never fired", why
		if m.aborted != "" {
			res.Why += "; " + m.aborted
		}
	case res.Verdict == Pass:
		res.Why = fmt.Sprintf("the alert fired after %s, within %s", t, Seconds(limit))
	case res.Verdict == Fail:
		res.Why = fmt.Sprintf("the alert fired after %s, and was to within %s", t, Seconds(limit))
	default:
		res.Why = fmt.Sprintf("the limit of %s lies within the error of the measurement, %s", Seconds(limit), t)
	}
}

// cutBefore says whether an abort took a fault away before the time by which its alert was to fire: nobody knows whether it
// would have.
func (e *evaluation) cutBefore(f *history.Fault, limit time.Duration) bool {
	return e.aborted != "" && !e.heldAsPlanned(f) && e.timeline.revertOf(f) < limit
}

// timeToDetect is the first firing less t0, with the poll interval as its error. While the alert could not be read it may
// have fired unseen, so that the lower end goes back to the last look that worked.
func timeToDetect(a *history.Alert, t0 Interval, end time.Duration) (Interval, string) {
	blind := never // since when the alert could not be read
	for _, s := range a.States {
		switch {
		case s.Err != "":
			blind = min(blind, s.At-s.Poll)
			continue
		case s.Firing && s.At >= t0.Lo:
			return Interval{Lo: min(s.At-s.Poll, blind) - t0.Hi, Hi: s.At - t0.Lo}.clip(), ""
		case s.At <= t0.Hi:
			blind = never
		}
	}
	if blind != never {
		return Interval{Lo: max(0, blind-t0.Hi), Censored: true}, "the alert could not be read: " + lastErr(a)
	}
	return Interval{Lo: max(0, end-t0.Hi), Censored: true}, "the alert did not fire while it was watched"
}

func lastErr(a *history.Alert) (err string) {
	for _, s := range a.States {
		if s.Err != "" {
			err = s.Err
		}
	}
	return err
}
