package capacity_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/gameday-toolkit/gameday/plugins/lab/internal/capacity"
)

func TestAClampLowersTheQuotaUntilItIsTakenAway(t *testing.T) {
	q := capacity.New(4)
	require.NoError(t, q.Ask(3, true))
	q.Clamp("a", 3)
	q.Clamp("b", 2)
	require.Equal(t, 2, q.Limit(), "the lowest clamp holds")
	q.Unclamp("b")
	err := q.Ask(3, false)
	var denied *capacity.Denied
	require.ErrorAs(t, err, &denied)
	require.Equal(t, capacity.QuotaExceeded, denied.Reason)
	require.EqualError(t, err, "QuotaExceeded: 3 of 3 instances are in use")
	q.Unclamp("a")
	q.Unclamp("a")
	require.NoError(t, q.Ask(3, false))
	require.Equal(t, 4, q.Limit())
}

func TestLaunchesAreThrottled(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := capacity.New(100)
		for range capacity.Burst {
			require.NoError(t, q.Ask(0, false))
		}
		var denied *capacity.Denied
		require.ErrorAs(t, q.Ask(0, false), &denied)
		require.Equal(t, capacity.Throttled, denied.Reason)
		require.NoError(t, q.Ask(0, true), "a dry run spends nothing")
		time.Sleep(capacity.Interval)
		require.NoError(t, q.Ask(0, false))
	})
}
