package cli

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/gameday-toolkit/gameday/internal/archive"
	"github.com/gameday-toolkit/gameday/internal/cli/wiring"
)

// gate is one run of the gate.
type gate struct {
	*app
	flags *gateFlags
	start time.Time
	root  string // of the runs
	items []*gateItem
}

// gateItem is one scenario in the gate.
type gateItem struct {
	Path, Name  string
	Environment string
	targets     map[string]bool
	longest     time.Duration // as it was planned
	expected    time.Duration // as far as earlier runs and the plan can tell
	broken      string        // why it cannot be run
	unstarted   string        // why it was not

	baseline *archive.Run
	nothing  string // why there is no baseline although one was asked for

	attempts []*attempt
	// What came of it, once all attempts are over.
	Code        int
	Flaky       bool
	Why         string
	changes     []archive.Change
	regressions []archive.Change
}

// attempt is one run of a scenario.
type attempt struct {
	code   int
	took   time.Duration
	said   string // the last error that it printed
	judged *wiring.Judged
	rec    archive.Run
	output string // path
}

// overlaps says whether two scenarios may not run at the same time: one game day at a time in an environment, and no target
// in two of them, whatever their environments are called.
func (it *gateItem) overlaps(other *gateItem) bool {
	if it.Environment == other.Environment {
		return true
	}
	for t := range it.targets {
		if other.targets[t] {
			return true
		}
	}
	return false
}

// regressed compares an attempt with the baseline.
func (it *gateItem) regressed(at *attempt, tolerance float64) (all, worse []archive.Change) {
	if it.baseline == nil || at.judged == nil {
		return nil, nil
	}
	all = archive.Compare(it.baseline, &at.rec, tolerance)
	return all, archive.Regressions(all)
}

// result is the code of one attempt: what became worse counts as a failure.
func (it *gateItem) result(at *attempt, tolerance float64) int {
	if _, worse := it.regressed(at, tolerance); len(worse) > 0 && (at.code == ExitOK || at.code == ExitInconclusive) {
		return ExitFailed
	}
	return at.code
}

// again says whether another attempt could tell more. What may be broken or was aborted is not tried again.
func (it *gateItem) again(o *gateFlags) bool {
	if len(it.attempts) == 0 || len(it.attempts) > o.retries {
		return false
	}
	code := it.result(it.last(), o.tolerance)
	return code == ExitFailed || code == ExitInconclusive
}

func (it *gateItem) last() *attempt { return it.attempts[len(it.attempts)-1] }

// conclude merges the attempts. A failure is never forgotten: what passed after it is flaky.
func (it *gateItem) conclude(o *gateFlags) {
	switch {
	case it.broken != "":
		it.Code, it.Why = ExitUntouched, it.broken
		return
	case len(it.attempts) == 0:
		it.Code, it.Why = ExitInconclusive, it.unstarted
		return
	}
	last := it.last()
	it.Code = it.result(last, o.tolerance)
	it.changes, it.regressions = it.regressed(last, o.tolerance)
	it.Why = last.why()
	if len(it.regressions) > 0 {
		it.Why = "worse than in the run " + it.baseline.ID + ": " + sentences(it.regressions)
	}
	failed := slices.ContainsFunc(it.attempts, func(at *attempt) bool { return it.result(at, o.tolerance) == ExitFailed })
	switch {
	case it.Code == ExitOK && failed:
		it.Flaky = true
		it.Why = fmt.Sprintf("flaky: it failed, and passed on attempt %d of %d", len(it.attempts), o.retries+1)
		if !o.allowFlaky {
			it.Code = ExitInconclusive
		}
	case it.Code == ExitInconclusive && failed:
		it.Code, it.Why = ExitFailed, "it failed, and was inconclusive on the last attempt: "+it.Why
	case it.Code == ExitOK && len(it.attempts) > 1:
		it.Why = fmt.Sprintf("passed on attempt %d; inconclusive before", len(it.attempts))
	}
	if it.Code == ExitOK && it.nothing != "" && o.against != lastGood {
		it.Code, it.Why = ExitInconclusive, it.nothing
	}
}

func sentences(changes []archive.Change) string {
	var parts []string
	for _, c := range changes {
		parts = append(parts, c.String())
	}
	return strings.Join(parts, "; ")
}

func (at *attempt) why() string {
	if at.judged != nil {
		return at.judged.Result.Why
	}
	return at.said
}

// code is the worst of all. A scenario that could not be run leaves the whole inconclusive, unless nothing ran at all.
func (g *gate) code() int {
	ran := slices.ContainsFunc(g.items, func(it *gateItem) bool { return it.Code != ExitUntouched })
	if !ran {
		return ExitUntouched
	}
	worst := ExitOK
	order := []int{ExitOK, ExitInconclusive, ExitFailed, ExitAborted, ExitBroken}
	for _, it := range g.items {
		code := it.Code
		if code == ExitUntouched {
			code = ExitInconclusive
		}
		if slices.Index(order, code) > slices.Index(order, worst) {
			worst = code
		}
	}
	return worst
}
