package cli

import (
	"errors"

	"github.com/gameday-toolkit/gameday/internal/cli/wiring"
)

// The exit codes. Where several apply, the order is 5, 4, 1, 3: what may be broken in the world comes before what was
// learned about the service.
const (
	// ExitOK: every objective passed, and everything is back as it was. Also of every command that did what it was told.
	ExitOK = 0
	// ExitFailed: at least one objective failed. For `fmt -check`: a file is not formatted.
	ExitFailed = 1
	// ExitUntouched: nothing was touched: usage, a mistake in the files, or a failed preflight.
	ExitUntouched = 2
	// ExitInconclusive: nothing can be said with certainty, and why is said instead.
	ExitInconclusive = 3
	// ExitAborted: a guard or a person stopped the run; everything is back as it was.
	ExitAborted = 4
	// ExitBroken: something may still be broken: a revert is unproven. Overrides every other code.
	ExitBroken = 5
)

// exitError is the outcome of a command that has said all there is to say and only has a code to return.
type exitError struct{ code int }

func (e exitError) Error() string { return "" }

// hinted is an error with a word about what to do next.
type hinted struct {
	error
	hint string
}

func (h hinted) Unwrap() error { return h.error }

// hint adds a hint to an error.
func hint(err error, hint string) error {
	if err == nil {
		return nil
	}
	return hinted{err, hint}
}

// codeOf maps every error to its exit code. It is the only place that does.
func codeOf(err error) int {
	var code exitError
	switch {
	case err == nil:
		return ExitOK
	case errors.As(err, &code):
		return code.code
	}
	return ExitUntouched // an error before or after a run; what came of a run itself is an exitError
}

// codeOfRun is the exit code of a judged run: MEASURES defines it, and measure computes it from the journal, so that `run`
// and `check` say the same. Only a pass needs more than the journal: that nothing failed around it either.
func codeOfRun(j *wiring.Judged, engineErr error) int {
	if engineErr != nil && j.Result.Exit == ExitOK {
		return ExitInconclusive
	}
	return j.Result.Exit
}
