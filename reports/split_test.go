package reports

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/gameday-toolkit/gameday/internal/measure"
)

func recoveredIn(onset, all time.Duration, censored bool) *measure.ObjectiveResult {
	i := measure.Interval{Lo: all - 100*ms, Hi: all}
	if censored {
		i = measure.Interval{Lo: all, Censored: true}
	}
	s := &measure.Split{Longest: "onset", Parts: []measure.Part{{Name: "onset", From: 10 * s, To: 10*s + onset}, {Name: "convergence", From: 10 * s, To: 10*s + all}}}
	return &measure.ObjectiveResult{Addr: "objective.a", Kind: "rto", Verdict: measure.Fail, Value: i.String(), Time: &i, Split: s}
}

func TestTheSplitAgreesWithTheHeadline(t *testing.T) {
	got := newSplit(recoveredIn(3491*ms, 4911*ms, false))
	require.Equal(t, "4.92 s (4.81 to 4.92)", got.Value)
	require.Equal(t, "3.49 s of 4.92 s went into onset. Users noticed after 3.49 s, and were without service for the 1.43 s that followed.", got.Advice)
}

func TestTheSplitOfALowerBoundSaysSo(t *testing.T) {
	got := newSplit(recoveredIn(40*s, 60*s, true))
	require.Equal(t, "40 s of the first 60 s went into onset. Users noticed after 40 s, and were still without service 20 s later.", got.Advice)
}
