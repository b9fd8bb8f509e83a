package watchdog

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	coordination "k8s.io/api/coordination/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// renewedAt is a Lease of ten seconds.
func renewedAt(at time.Time) *coordination.Lease {
	length := int32(10)
	return &coordination.Lease{Spec: coordination.LeaseSpec{LeaseDurationSeconds: &length, RenewTime: &metav1.MicroTime{Time: at}}}
}

// look looks at a Lease once a second, and says after how long it is over.
func look(w *waiting, from time.Time, lease func(time.Duration) *coordination.Lease, seen func(time.Duration) bool) time.Duration {
	for d := time.Second; d < 5*time.Minute; d += time.Second {
		if seen(d) && w.over(lease(d), from.Add(d)) {
			return d
		}
	}
	return 0
}

func always(time.Duration) bool { return true }

func TestALeaseIsOverWhenItWasNotRenewedForItsLength(t *testing.T) {
	now := time.Now()
	stands := func(time.Duration) *coordination.Lease { return renewedAt(now) }
	require.Equal(t, 10*time.Second, look(newWaiting(stands(0), now), now, stands, always))
}

func TestALeaseThatIsRenewedIsNeverOver(t *testing.T) {
	now := time.Now()
	// Whose clock is an hour off.
	renewed := func(d time.Duration) *coordination.Lease {
		return renewedAt(now.Add(-time.Hour + d.Truncate(9*time.Second)))
	}
	require.Zero(t, look(newWaiting(renewed(0), now), now, renewed, always))
}

func TestAGapInLookingBeginsTheWaitAgain(t *testing.T) {
	now := time.Now()
	stands := func(time.Duration) *coordination.Lease { return renewedAt(now) }
	away := func(d time.Duration) bool { return d < 8*time.Second || d >= 60*time.Second }
	require.Equal(t, 70*time.Second, look(newWaiting(stands(0), now), now, stands, away))
}

func TestALeaseWithoutALengthHasOne(t *testing.T) {
	w := newWaiting(&coordination.Lease{}, time.Now())
	require.Equal(t, 15*time.Second, w.length)
	require.Equal(t, time.Second, w.interval)
}
