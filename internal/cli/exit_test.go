package cli

import (
	"errors"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/gameday-toolkit/gameday/internal/cli/wiring"
	"github.com/gameday-toolkit/gameday/internal/measure"
)

func TestRunAndCheckAgreeOnTheExitCode(t *testing.T) {
	full := errors.New("the disk under the journal is full")
	for _, exit := range []int{ExitFailed, ExitUntouched, ExitInconclusive, ExitAborted, ExitBroken} {
		j := &wiring.Judged{Result: &measure.Result{Exit: exit}}
		require.Equal(t, codeOfRun(j, nil), codeOfRun(j, full))
	}
	passed := &wiring.Judged{Result: &measure.Result{Exit: ExitOK}}
	require.Equal(t, ExitOK, codeOfRun(passed, nil))
	require.Equal(t, ExitInconclusive, codeOfRun(passed, full), "a journal that could not be written proves no pass")
}
