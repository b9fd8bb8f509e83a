package measure

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/gameday-toolkit/gameday/internal/sample"
)

// A window's latency is that of the samples that were due in it, and one without a sample says nothing.
func TestLatencyByWindow(t *testing.T) {
	const ms = time.Millisecond
	var x sample.Series
	x.Schedule = sample.Schedule{Rate: 10}
	for k := range uint64(40) {
		if k >= 10 && k < 20 {
			continue // a hole of a whole second
		}
		s := sample.Sample{Seq: k, Intended: x.Schedule.Intended(k), Outcome: sample.Good}
		s.Started, s.Ended = s.Intended, s.Intended+time.Duration(k%10+1)*ms
		if k == 25 {
			s.Outcome = sample.Unsent // it has no latency
		}
		require.True(t, x.Add(s))
	}
	got := (&probed{series: &x}).latency(0, 4*time.Second, time.Second)
	require.Equal(t, []LatencyPoint{
		{At: 500 * ms, Width: time.Second, P50: 5 * ms, P99: 10 * ms, Max: 10 * ms},
		{At: 2500 * ms, Width: time.Second, P50: 5 * ms, P99: 10 * ms, Max: 10 * ms},
		{At: 3500 * ms, Width: time.Second, P50: 5 * ms, P99: 10 * ms, Max: 10 * ms},
	}, got)
}
